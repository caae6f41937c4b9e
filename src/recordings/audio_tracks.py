"""Where the pieces of a call's audio lie on one time axis, and the file bytes that come of it.

Pieces come when they come: with jitter, in bursts after a stall, not at all while a line is silent.
One whose line says when it was captured lies there, or, where that is taken, nowhere. Of others the
first lies where it was in time; one after it goes behind the one before while both are about in
step with time. After a hole the next pieces wait until it shows what they are: as long as they come
faster than time passes, they are a burst that fills it, and what is left once they come in time
again was silence.

Invariant: every piece that has a place is in a track once, in order, as the very bytes that came;
where nothing came there is silence; what was handed out never changes.
"""

from __future__ import annotations

__all__ = ["STEREO_FILE", "AudioTracks", "Side", "Stretch"]

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ..core.audio import AudioFormat
from ..core.units import ms_to_samples, samples_to_ms
from .wav_head import wav_head

_JITTER_MS = 100.0
"""How late a piece may come that still goes right behind the one before it: as long as most
telephones' own buffers."""

_STEADY_MS = 1000.0
"""Pieces that come in time for so long are no burst any more: nothing more comes for a hole. A
telephone, or a machine, that has stalled may take a while to deliver what it held back."""

_BURST_MS = 10.0
"""By so much a hole has to shrink to say that it is still being filled: half a frame."""

_PATIENCE_MS = 5000.0
"""How long a track waits for what may still come for a hole before silence is written there."""

_PLACED_PATIENCE_MS = 15_000.0
"""The same where the line says when audio was captured: however late it comes, it has its place. A
machine without time for its calls delivered up to 7 s late."""

_LONGEST_MS = 1000.0
"""A longer piece is malformed to the gate, and has no place on the axis."""

STEREO_FILE = "audio.wav"
"""Both sides, where they have one format: left the far end, right the capture."""


class Side(StrEnum):
    """One side of a call."""

    FAR_END = "far_end"
    CAPTURE = "capture"


@dataclass(slots=True, eq=False)
class Stretch:
    """Where a piece of audio lies on its track."""

    n_samples: int
    at: int | None = None
    """Its first sample; None until that is settled."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A piece that has come and has no place yet."""

    stretch: Stretch
    audio: bytes
    start: int
    """Where it would begin, had it come in time."""
    now_ms: float
    """When it came."""
    hole: int = 0
    """Samples that are missing before it, counted from the first that waits; what comes later may
    show that they are fewer."""


class _Track:
    """One side: what is settled and not yet handed out, and what waits after a hole."""

    def __init__(self, audio_format: AudioFormat, origin_ms: float) -> None:
        self.format = audio_format
        self._origin_ms = origin_ms
        self._n_taken = 0
        self._settled = bytearray()
        self._waiting: list[_Waiting] = []
        self._n_waiting = 0
        """Samples of what waits."""
        self._shrunk_ms = 0.0
        """When the hole before it was last seen to shrink."""
        self.patience_ms = _PATIENCE_MS
        """How long it waits for what may come for a hole."""

    @property
    def tail(self) -> int:
        """Samples up to the end of the last settled piece."""
        return self._n_taken + len(self._settled) // self.format.sample_bytes

    @property
    def length_ms(self) -> float:
        """How long the track is, with what waits."""
        return samples_to_ms(self.tail + self._n_waiting, self.format.rate_hz)

    def sample_at(self, t_ms: float) -> int:
        """Return which sample lies at a time."""
        return ms_to_samples(t_ms - self._origin_ms, self.format.rate_hz)

    def receive(self, audio: bytes, now_ms: float, ended_ms: float) -> Stretch:
        """Take a piece of whole samples that ended at a time."""
        stretch = Stretch(len(audio) // self.format.sample_bytes)
        start = self.sample_at(ended_ms) - stretch.n_samples
        if self.tail == 0 and not self._leaves_hole(start):
            self._fill_to(start)
        self._receive(_Waiting(stretch, audio, start, now_ms))
        return stretch

    def place(self, audio: bytes, ended_ms: float) -> Stretch | None:
        """Take a piece whose line says when it ended; None where other audio lies there."""
        self.patience_ms = _PLACED_PATIENCE_MS
        self.settle(ended_ms, at_once=True)
        stretch = Stretch(len(audio) // self.format.sample_bytes)
        start = self.sample_at(ended_ms) - stretch.n_samples
        if self._leaves_hole(self.tail - max(0, start)):
            return None
        if self.tail == 0 or self._leaves_hole(start - self.tail):
            self._fill_to(start)
        self._append(stretch, audio)
        return stretch

    def settle(self, now_ms: float, *, at_once: bool = False) -> None:
        """Give what waits its place if nothing more belongs before it."""
        while self._waiting:
            first = self._waiting[0]
            is_hole = self._leaves_hole(first.hole)
            is_steady = (
                now_ms - self._shrunk_ms >= _STEADY_MS or now_ms - first.now_ms > _PATIENCE_MS
            )
            if is_hole and not is_steady and not at_once:
                return
            self._settle_first(self.tail + first.hole if is_hole else self.tail, first.hole)

    def take(self, end: int) -> bytes:
        """Return what lies before a sample and was not taken; silence where nothing came."""
        self._fill_to(end)
        n_bytes = max(0, end - self._n_taken) * self.format.sample_bytes
        taken = bytes(self._settled[:n_bytes])
        del self._settled[:n_bytes]
        self._n_taken = max(end, self._n_taken)
        return taken

    def _receive(self, piece: _Waiting) -> None:
        piece.hole = piece.start - self.tail - self._n_waiting
        if not self._waiting and not self._leaves_hole(piece.hole):
            self._append(piece.stretch, piece.audio)
            return
        if not self._waiting or piece.hole < self._waiting[0].hole - self._samples_of(_BURST_MS):
            self._shrunk_ms = piece.now_ms
        for earlier in reversed(self._waiting):
            if earlier.hole <= piece.hole:
                break
            earlier.hole = piece.hole  # what came in order has no larger hole before it
        self._waiting.append(piece)
        self._n_waiting += piece.stretch.n_samples

    def _settle_first(self, start: int, hole: int) -> None:
        """Lay what waits from a sample on, up to the next hole, which is a matter of its own."""
        self._fill_to(start)
        pieces, self._waiting, self._n_waiting = self._waiting, [], 0
        n_laid = 0
        while n_laid < len(pieces) and not self._leaves_hole(pieces[n_laid].hole - hole):
            self._append(pieces[n_laid].stretch, pieces[n_laid].audio)
            n_laid += 1
        for piece in pieces[n_laid:]:
            self._receive(piece)

    def _leaves_hole(self, n_missing: int) -> bool:
        """Say whether so many missing samples are more than jitter."""
        return n_missing > self._samples_of(_JITTER_MS)

    def _samples_of(self, duration_ms: float) -> int:
        return ms_to_samples(duration_ms, self.format.rate_hz)

    def _append(self, stretch: Stretch, audio: bytes) -> None:
        stretch.at = self.tail
        self._settled += audio

    def _fill_to(self, end: int) -> None:
        missing = end - self.tail
        if missing > 0:
            self._settled += self.format.silence(missing * self.format.sample_bytes)


class AudioTracks:
    """Both sides of a call, in one stereo file or in two.

    Args:
        far_end: Format of what the line plays.
        capture: Format of what it delivers.
        origin_ms: Time of the first sample, on the clock of all times given.
    """

    def __init__(self, *, far_end: AudioFormat, capture: AudioFormat, origin_ms: float) -> None:
        self.origin_ms = origin_ms
        self.formats: Mapping[Side, AudioFormat] = {Side.FAR_END: far_end, Side.CAPTURE: capture}
        self._tracks = {side: _Track(each, origin_ms) for side, each in self.formats.items()}
        self._files: dict[str, tuple[_Track, ...]] = (
            {STEREO_FILE: tuple(self._tracks.values())}
            if far_end == capture
            else {f"{side}.wav": (track,) for side, track in self._tracks.items()}
        )
        self._n_bytes = dict.fromkeys(self._files, 0)
        self._now_ms = origin_ms

    def receive(
        self, side: Side, audio: bytes, now_ms: float, ended_ms: float, *, is_placed: bool = False
    ) -> Stretch | None:
        """Take a piece of audio that came at a time.

        Args:
            side: Whose.
            audio: In the side's format.
            now_ms: When it came; not before what came before.
            ended_ms: When it ended on the line, as far as is known.
            is_placed: The line says so, however late it came.

        Returns:
            Where it lies; None for what can't lie on the axis: nothing, half a sample, more than a
            second at once, or what is placed where other audio lies.
        """
        self.pass_time(now_ms)
        track = self._tracks[side]
        is_whole = audio and len(audio) % track.format.sample_bytes == 0
        if not is_whole or track.format.duration_ms(len(audio)) > _LONGEST_MS:
            return None
        if is_placed:
            return track.place(audio, ended_ms)
        return track.receive(audio, now_ms, ended_ms)

    def pass_time(self, now_ms: float) -> None:
        """Let time pass: what waited after a hole may find its place."""
        self._now_ms = max(self._now_ms, now_ms)
        for track in self._tracks.values():
            track.settle(now_ms)

    @property
    def ahead_ms(self) -> float:
        """How much further the longer side reaches than time: a peer may send faster than that."""
        return max(track.length_ms for track in self._tracks.values()) - (
            self._now_ms - self.origin_ms
        )

    def take(self, *, is_over: bool = False) -> dict[str, bytes]:
        """Return what each file goes on with, by its name; all that there is once it is over."""
        taken = {}
        for name, tracks in self._files.items():
            for track in tracks:
                track.settle(self._now_ms, at_once=is_over)
            body = self._joined(tracks, is_over=is_over)
            head = b"" if self._n_bytes[name] else self._head(tracks)
            self._n_bytes[name] += len(head) + len(body)
            if head or body:
                taken[name] = head + body
        return taken

    def final_heads(self) -> dict[str, bytes]:
        """Return what each file should begin with, now that its length is known."""
        heads = {}
        for name, tracks in self._files.items():
            unknown = self._head(tracks)
            heads[name] = self._head(tracks, self._n_bytes[name] - len(unknown))
        return heads

    def _joined(self, tracks: tuple[_Track, ...], *, is_over: bool) -> bytes:
        """Return the new audio of a file, interleaved where it has two channels."""
        tails = [track.tail for track in tracks]
        patient = [track.sample_at(self._now_ms - track.patience_ms) for track in tracks]
        ends = [
            max(tail, min(until, max(tails))) for tail, until in zip(tails, patient, strict=True)
        ]
        end = max(tails) if is_over else min(ends)
        channels = [track.take(end) for track in tracks]
        if len(channels) == 1:
            return channels[0]
        width = f"V{tracks[0].format.sample_bytes}"
        return np.stack([np.frombuffer(channel, width) for channel in channels], axis=1).tobytes()

    def _head(self, tracks: tuple[_Track, ...], n_bytes: int | None = None) -> bytes:
        return wav_head(tracks[0].format, n_channels=len(tracks), n_bytes=n_bytes)
