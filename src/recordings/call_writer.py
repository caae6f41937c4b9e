"""Writes one call: what happens in, bytes for the files of its folder out. Sans I/O.

Audio is recorded as the line has it (:meth:`CallWriter.receive_line_audio`); what the gate is told
of it then points there. Audio that nobody's line has told of is recorded as the gate is told of it.

Invariant: at any time the bytes handed out so far are a recording that can be read: the exact
beginning of what happened.
"""

from __future__ import annotations

__all__ = ["TOO_FAST", "TRACE_FILE", "CallWriter"]

from collections import deque

from ..core.audio import FRAME_MS, AudioFormat
from ..core.gate_decision import GateDecision
from ..core.gate_tape import FarEndPlayed, FrameCaptured, GateBegun, GateEnded, GateInput
from ..core.stream_clock import StreamClock
from .audio_tracks import AudioTracks, Side, Stretch
from .plain_values import to_plain
from .recent_audio import RecentAudio
from .trace_decisions import decision_tree
from .trace_lines import (
    CUT,
    ENDED,
    EVENT,
    HEADER,
    MAX_SILENT_BYTES,
    TRACKS,
    AudioPlace,
    TracksLine,
    Tree,
    input_tree,
    line_of,
)
from .trace_values import CallEvent, CallHeader, RecordedDecision, RecordedEnd

TRACE_FILE = "trace.jsonl"
"""Everything but the audio, and audio that has no place on the time axis."""

TOO_FAST = "line_too_fast"
"""Why a recording is cut whose line delivers far more than time passes: it would have to be held
in memory, and fill the disk."""

_MAX_AHEAD_MS = 30_000.0
"""Ten times what a gate works off after the longest stall that leaves a call standing."""

_Audible = FrameCaptured | FarEndPlayed


class CallWriter:
    """Turns one call into the bytes of its files.

    Args:
        header: What is known of the call; says whether audio is recorded.
    """

    def __init__(self, header: CallHeader) -> None:
        self._has_audio = header.has_audio
        self._lines: deque[tuple[Tree, Stretch | None]] = deque()
        self._tracks: AudioTracks | None = None
        self._formats: dict[Side, AudioFormat] = {}
        """Of what the gate is told now."""
        self._recent = {side: RecentAudio() for side in Side}
        self._told_by_line: set[Side] = set()
        self._stream_clock = StreamClock()
        """Hears what that of the call hears, and so says what the gate is told a moment later."""
        self._displaced_ms = float("-inf")
        """When captured audio came whose place was taken."""
        self._newest_ms = float("-inf")
        self._is_cut = False
        self._is_over = False
        self._add({"type": HEADER, **to_plain(header)})

    # -- inputs ------------------------------------------------------------------------------------

    def receive_line_audio(
        self, side: Side, audio: bytes, now_ms: float, timestamp_ms: float | None = None
    ) -> None:
        """Take what the line has delivered, or plays, before the gate is told of it.

        Args:
            side: CAPTURE for audio that ended now, FAR_END for audio that begins now.
            audio: In the side's format.
            now_ms: The clock of the gate's inputs.
            timestamp_ms: Where it begins on the line's own clock, if that has one.
        """
        if self._tracks is None or self._is_cut:
            return
        self._told_by_line.add(side)
        placed_ms = None
        if timestamp_ms is not None:
            duration_ms = self._tracks.formats[side].duration_ms(len(audio))
            placed_ms = self._stream_clock.place(timestamp_ms + duration_ms, now_ms)
        self._record(side, audio, now_ms, placed_ms)

    def receive_input(self, given: GateInput, decision: GateDecision | None) -> None:
        """Take what the gate was told, and what it made of it."""
        if self._is_cut:
            return
        place, stretch = None, None
        if isinstance(given, GateBegun):
            self._begin(given)
        elif isinstance(given, _Audible):
            place, stretch = self._place(given)
        tree = input_tree(given, place)
        if decision is not None:
            tree["decision"] = decision_tree(RecordedDecision.of(decision))
        self._add(tree, stretch)
        if not isinstance(given, GateEnded):
            self._newest_ms = max(self._newest_ms, given.now_ms)
            if self._tracks is not None:
                self._tracks.pass_time(given.now_ms)

    def receive_event(self, event: CallEvent) -> None:
        """Take what happened besides the gate."""
        if not self._is_cut:
            self._add({"type": EVENT, **to_plain(event)})

    @property
    def is_cut(self) -> bool:
        """Nothing but the end is taken any more."""
        return self._is_cut

    def cut(self, reason: str) -> None:
        """Stop recording, as something would be missing; only the end is still taken."""
        if not self._is_cut:
            self._is_cut = True
            self._add({"type": CUT, "reason": reason})

    def end(self, end: RecordedEnd) -> None:
        """Take the summary of the call, which is over."""
        self._is_over = True
        self._add({"type": ENDED, "is_cut": self._is_cut, **to_plain(end)})

    # -- outputs -----------------------------------------------------------------------------------

    def take(self) -> dict[str, bytes]:
        """Return what each file goes on with, by its name, in the order in which to write them."""
        taken: dict[str, bytes] = {}
        if self._tracks is not None:
            taken |= self._tracks.take(is_over=self._is_over)
        lines = self._settled_lines()
        if lines:
            taken[TRACE_FILE] = lines
        return taken

    def final_heads(self) -> dict[str, bytes]:
        """Return what files should begin with, now that they are whole, instead of what they do."""
        return {} if self._tracks is None else self._tracks.final_heads()

    # -- private steps -----------------------------------------------------------------------------

    def _add(self, tree: Tree, stretch: Stretch | None = None) -> None:
        self._lines.append((tree, stretch))

    def _settled_lines(self) -> bytes:
        """Return the lines up to the first whose audio has no place yet."""
        lines = []
        while self._lines:
            tree, stretch = self._lines[0]
            if stretch is not None:
                if stretch.at is None:
                    break
                tree["at"] = stretch.at
            lines.append(line_of(tree))
            self._lines.popleft()
        return b"".join(lines)

    def _begin(self, given: GateBegun) -> None:
        self._formats = {Side.FAR_END: given.far_end_format, Side.CAPTURE: given.capture_format}
        if self._tracks is not None or not self._has_audio:
            return
        plan = TracksLine(
            far_end=given.far_end_format,
            capture=given.capture_format,
            origin_ms=given.now_ms - FRAME_MS,  # a frame that comes at once began before
        )
        self._tracks = AudioTracks(
            far_end=plan.far_end, capture=plan.capture, origin_ms=plan.origin_ms
        )
        self._add({"type": TRACKS, **to_plain(plan)})

    def _record(
        self, side: Side, audio: bytes, now_ms: float, placed_ms: float | None
    ) -> Stretch | None:
        """Put audio on its track."""
        assert self._tracks is not None, "who records has asked"  # noqa: S101
        is_placed = placed_ms is not None
        ended_ms = now_ms if placed_ms is None else placed_ms
        if side is Side.FAR_END:
            ended_ms += self._tracks.formats[side].duration_ms(len(audio))
        stretch = self._tracks.receive(side, audio, now_ms, ended_ms, is_placed=is_placed)
        if stretch is None and is_placed:
            self._displaced_ms = now_ms
        if stretch is not None:
            self._recent[side].remember(audio, now_ms, stretch)
        if self._tracks.ahead_ms > _MAX_AHEAD_MS:
            self.cut(TOO_FAST)
        return stretch

    def _place(self, given: _Audible) -> tuple[AudioPlace, Stretch | None]:
        """Return where the audio of an input can be had from."""
        audio, n_bytes = given.audio, len(given.audio)
        if self._tracks is None or not audio:
            return AudioPlace(n_bytes=n_bytes), None
        side = Side.CAPTURE if isinstance(given, FrameCaptured) else Side.FAR_END
        found = self._on_track(side, given)
        if isinstance(found, Stretch) and found.at is None:
            return AudioPlace(n_bytes=n_bytes), found
        if found is not None:
            at = found if isinstance(found, int) else found.at
            return AudioPlace(n_bytes=n_bytes, at=at), None
        if n_bytes <= MAX_SILENT_BYTES and audio == self._formats[side].silence(n_bytes):
            return AudioPlace(n_bytes=n_bytes, is_silent=True), None
        return AudioPlace(n_bytes=n_bytes, unplaced=audio), None

    def _on_track(self, side: Side, given: _Audible) -> int | Stretch | None:
        """Return where the audio of an input lies on its track, recording it if nobody has."""
        assert self._tracks is not None, "who places has asked"  # noqa: S101
        if self._formats[side] != self._tracks.formats[side]:
            return None
        recent = self._recent[side]
        found = recent.find(given.audio, given.now_ms)
        if found is not None:
            return found
        if side is Side.CAPTURE and given.now_ms == self._displaced_ms:
            return None
        if side in self._told_by_line or given.now_ms < self._newest_ms:
            silence = self._formats[side].silence(len(given.audio))
            return None if given.audio == silence else recent.find_any(given.audio)
        placed_ms = given.placed_ms if isinstance(given, FrameCaptured) else None
        return self._record(side, given.audio, given.now_ms, placed_ms)
