"""The gate of a session in one pair of formats, with what its client plays and what it was sent.

Invariant: time goes forward only, and a voice that the gate lets out while nothing is captured goes
on before what is captured next.
"""

from __future__ import annotations

__all__ = ["SessionGate"]

from collections.abc import Iterator

from ...core.audio import FRAME_MS, AudioFormat
from ...core.gated_call import GatedCall
from .client_playback import ClientPlayback

_SLICE_MS = 4.0 * FRAME_MS
"""Time that passes before other sessions get their turn: 20 ms take 0.03 ms or more (measured)."""


class SessionGate:
    """Gates what one client sends, as long as formats stay as they are.

    Args:
        call: The gate; one that is not filled in for, as a client's pause may be meant.
        capture_format: Of what the caller says.
        far_end_format: Of what the agent says.
        now_ms: Now, monotonic, as in all inputs.
    """

    __slots__ = (
        "_pending_bytes",
        "_released",
        "call",
        "capture_format",
        "far_end_format",
        "fed_ms",
        "playback",
    )

    def __init__(
        self,
        call: GatedCall,
        capture_format: AudioFormat,
        far_end_format: AudioFormat,
        now_ms: float,
    ) -> None:
        self.call = call
        """The gate itself."""
        self.capture_format = capture_format
        """Of what the caller says."""
        self.far_end_format = far_end_format
        """Of what the agent says."""
        self.playback = ClientPlayback(call.far_end)
        """What the client plays of it."""
        self.fed_ms = now_ms - FRAME_MS
        """Time up to which the gate was told what happened."""
        self._pending_bytes = 0
        """That wait for the rest of their 20 ms."""
        self._released = b""
        """The caller's onset, let out as time passed."""

    def pieces(self, audio: bytes, now_ms: float) -> Iterator[tuple[bytes, float]]:
        """Yield audio that came now in pieces of at most 20 ms, with the time at which each ended.

        The first one completes what waits, so that each further one is a frame.
        """
        frame_bytes = self.capture_format.frame_bytes
        start, end = 0, min(len(audio), frame_bytes - self._pending_bytes)
        while start < len(audio):
            later_ms = self.capture_format.duration_ms(len(audio) - end)
            yield audio[start:end], now_ms - later_ms
            start, end = end, min(len(audio), end + frame_bytes)

    def judge(self, piece: bytes, end_ms: float) -> bytes:
        """Return what the provider is to be sent for at most 20 ms that ended at a time."""
        self.fed_ms = max(self.fed_ms, end_ms)
        self._pending_bytes = (self._pending_bytes + len(piece)) % self.capture_format.frame_bytes
        return self._take_released() + self.call.receive_capture(piece, self.fed_ms)

    def take_rest(self, now_ms: float) -> bytes:
        """Return what waits for the rest of its 20 ms, filled up with silence."""
        if not self._pending_bytes:
            return self._take_released()
        n_missing = self.capture_format.frame_bytes - self._pending_bytes
        return self.judge(self.capture_format.silence(n_missing), now_ms)

    def pass_time(self, now_ms: float) -> None:
        """Let time pass without audio, all of it at once."""
        self.fed_ms = max(self.fed_ms, now_ms)
        self._released += self.call.advance(self.fed_ms)

    def catch_up(self, until_ms: float) -> Iterator[None]:
        """Let time pass up to less than 80 ms before a time; others may have their turn between."""
        while until_ms - self.fed_ms >= _SLICE_MS:
            self.pass_time(self.fed_ms + _SLICE_MS)
            yield

    def _take_released(self) -> bytes:
        released, self._released = self._released, b""
        return released
