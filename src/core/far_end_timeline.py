"""What a telephone plays of audio that somebody else's engine wrote to it, 20 ms slot by slot.

Engines write the agent's audio as fast as it is generated, or paced in chunks of their own; the
telephone plays it one piece after the other, at 1x. So the first audio after silence begins a lead
after it was written, what follows is played behind it without a break, and a flush forgets what was
not played. The lead lets chunks be late by as much without a hole in the reference; echo of a
telephone line takes longer than that to come back, so it can't come before its reference.

Invariant: each sample written is played once, in order, or flushed or dropped and counted.
"""

from __future__ import annotations

__all__ = ["FarEndSlot", "FarEndTimeline"]

import math
from typing import NamedTuple

from .audio import FRAME_MS, AudioFormat, Encoding
from .byte_queue import ByteQueue
from .units import bytes_to_ms, ms_to_bytes

_LEAD_MS = 20.0
"""By how much a chunk may be late; less than any echo path over a telephone network takes."""

_PAUSE_SLOTS = 15
"""Silent slots in a row, 300 ms, that are a pause of the agent's; more are its end. Engines that
keep a line alive write digital silence without end."""

_MAX_WAITING_MS = 600_000.0
"""Audio that may wait to be played: ten minutes, more than the longest answer."""

_SILENT_BYTES = {Encoding.PCM16: b"\x00", Encoding.MULAW: b"\xff\x7f", Encoding.ALAW: b"\xd5\x55"}


class FarEndSlot(NamedTuple):
    """One slot of 20 ms."""

    audio: bytes
    """20 ms in the timeline's format."""
    is_agent_audio: bool
    """False for silence between the agent's words, and for silence that keeps a line alive."""


class FarEndTimeline:
    """Tells what a telephone plays in each slot.

    Args:
        audio_format: Format of what is written, and of the slots.
        lead_ms: Time between writing the first audio after silence and its being played, in ms.

    Raises:
        ValueError: ``lead_ms`` is negative.
    """

    __slots__ = (
        "_begin_ms",
        "_format",
        "_lead_ms",
        "_n_silent_slots",
        "_paused_ms",
        "_queue",
        "_silence",
        "dropped_ms",
        "played_ms",
    )

    def __init__(self, audio_format: AudioFormat, *, lead_ms: float = _LEAD_MS) -> None:
        if not lead_ms >= 0:
            raise ValueError(f"lead_ms: {lead_ms} is not 0 or more")
        self.played_ms = 0.0
        """Audio that was written and played so far, in ms."""
        self.dropped_ms = 0.0
        """Audio that was not taken, in ms, as ten minutes waited already."""
        self._format = audio_format
        self._lead_ms = lead_ms
        self._queue = ByteQueue()
        self._begin_ms = -math.inf
        """When the next sample is played; past, where nothing has been written since."""
        self._paused_ms = math.inf
        """From when nothing is played, though something waits."""
        self._n_silent_slots = _PAUSE_SLOTS
        self._silence = audio_format.silence(audio_format.frame_bytes)

    @property
    def waiting_ms(self) -> float:
        """Audio that was written and not yet played, in ms."""
        return bytes_to_ms(len(self._queue), self._format)

    def write(self, audio: bytes, now_ms: float) -> None:
        """Take audio of the agent, of any whole number of samples.

        Args:
            audio: In the timeline's format; an incomplete last sample is left out.
            now_ms: When it was written to the telephone's line.
        """
        audio = audio[: len(audio) - len(audio) % self._format.sample_bytes]
        if not audio:
            return
        if self.waiting_ms >= _MAX_WAITING_MS:
            self.dropped_ms += bytes_to_ms(len(audio), self._format)
            return
        if not self._queue and now_ms > self._begin_ms:
            self._begin_ms = now_ms + self._lead_ms
        self._queue.push(audio)

    def flush(self) -> float:
        """Forget what the telephone has not played; return how much that was, in ms."""
        flushed_ms = self.waiting_ms
        self._queue.clear()
        self._begin_ms = -math.inf
        return flushed_ms

    def pause(self, now_ms: float) -> None:
        """Take that the telephone stops where it is and keeps what it has not played."""
        self._paused_ms = min(self._paused_ms, now_ms)

    def resume(self, now_ms: float, *, lost_ms: float = 0.0) -> None:
        """Take that it plays on.

        Args:
            now_ms: When it does.
            lost_ms: How much of what waited was lost over the pause, in ms.
        """
        if self._paused_ms == math.inf:
            return
        self._paused_ms = math.inf
        self._begin_ms = max(self._begin_ms, now_ms)
        self._queue.take(ms_to_bytes(lost_ms, self._format))

    def skip_to(self, now_ms: float) -> None:
        """Take that time has passed in which nobody asked for slots: what was played is gone.

        Args:
            now_ms: The next slot asked for does not begin before.
        """
        now_ms = min(now_ms, self._paused_ms)
        if not self._queue or now_ms <= self._begin_ms:
            return
        taken = self._queue.take(ms_to_bytes(now_ms - self._begin_ms, self._format))
        self.played_ms += bytes_to_ms(len(taken), self._format)
        self._begin_ms += bytes_to_ms(len(taken), self._format)
        sound = taken.rstrip(_SILENT_BYTES[self._format.encoding])
        silent_ms = bytes_to_ms(len(taken) - len(sound), self._format)
        if not self._queue:
            silent_ms += now_ms - self._begin_ms
        self._n_silent_slots = int(silent_ms // FRAME_MS) + (0 if sound else self._n_silent_slots)

    def play_slot(self, slot_ms: float) -> FarEndSlot:
        """Return what the slot that begins at ``slot_ms`` plays; call it once a slot, in order."""
        audio = self._take(slot_ms)
        if audio is None:
            self._n_silent_slots += 1
            return FarEndSlot(self._silence, is_agent_audio=False)
        is_silent = not audio.strip(_SILENT_BYTES[self._format.encoding])
        self._n_silent_slots = self._n_silent_slots + 1 if is_silent else 0
        return FarEndSlot(audio, is_agent_audio=self._n_silent_slots < _PAUSE_SLOTS)

    def _take(self, slot_ms: float) -> bytes | None:
        """Return 20 ms, filled up with silence; None where nothing is played."""
        wait_ms = self._begin_ms - slot_ms
        if not self._queue or wait_ms >= FRAME_MS or slot_ms >= self._paused_ms:
            return None
        n_before = ms_to_bytes(wait_ms, self._format) if wait_ms > 0 else 0
        taken = self._queue.take(self._format.frame_bytes - n_before)
        self.played_ms += bytes_to_ms(len(taken), self._format)
        # What is written before that goes on there: it is late by less than the lead.
        self._begin_ms = slot_ms + bytes_to_ms(n_before + len(taken), self._format)
        audio = self._format.silence(n_before) + taken
        return audio + self._format.silence(self._format.frame_bytes - len(audio))
