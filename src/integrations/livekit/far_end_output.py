"""The agent's side: a link in the chain of audio outputs that shows the gate what is played.

Frames pass faster than real time, as they are generated; the gate's far-end timeline plays them at
1x from when the next output took the first one, as a room's output does.

Invariant: every frame and every command passes, whatever becomes of our own part.
"""

from __future__ import annotations

__all__ = ["FarEndOutput"]

from collections.abc import Callable

from .required import LIVEKIT as _LIVEKIT  # noqa: F401 - before any other import of LiveKit

# isort: split
from livekit import rtc
from livekit.agents.voice import io

from ...clock import Clock
from ...core.audio import AudioFormat
from ..plugged_call import PluggedCall

_ROOM_LABEL = "RoomIO"
_ROOM_PAUSE_LOSES_MS = 230.0
"""Paused, a room's output plays on to the end of its frame of 50 ms and throws away the 200 ms that
WebRTC holds: it resumes 210 to 260 ms further on than where it was paused (measured)."""

_IDLE_MS = 300.0
"""Without a captured frame for so long, as of a caller who is muted or reconnects, time passes by
what the agent says."""


class FarEndOutput(io.AudioOutput):
    """Passes audio on to the next output, and shows it to the gate.

    Args:
        call: The call's gate.
        next_in_chain: What plays, or the next link.
        clock: Monotonic clock in ms.
    """

    def __init__(self, call: PluggedCall, next_in_chain: io.AudioOutput, *, clock: Clock) -> None:
        super().__init__(
            label="voxgate",
            capabilities=io.AudioOutputCapabilities(pause=True),
            next_in_chain=next_in_chain,
        )
        self._next = self.next_in_chain or next_in_chain
        self._call = call
        self._clock = clock

    @property
    def sample_rate(self) -> int | None:
        """The rate that the sink asks for, in Hz; None: any will do."""
        return self._next.sample_rate

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Pass a frame on; once the next output has taken it, the gate knows of it."""
        await self._next.capture_frame(frame)
        await super().capture_frame(frame)
        self._show(lambda: self._write(frame))

    def flush(self) -> None:
        """Mark the end of a segment; what was written is played on."""
        super().flush()
        self._next.flush()

    def clear_buffer(self) -> None:
        """Stop at once: what was not played is forgotten."""
        self._next.clear_buffer()
        self._show(self._call.flush)

    def pause(self) -> None:
        """Stop, and keep what was not played."""
        super().pause()
        self._show(self._pause)

    def resume(self) -> None:
        """Play on."""
        super().resume()
        self._show(self._resume)

    def _write(self, frame: rtc.AudioFrame) -> None:
        now_ms = self._clock()
        heard_ms = self._call.idle_since_ms
        if heard_ms is None or now_ms - heard_ms >= _IDLE_MS:
            self._call.pass_time(now_ms)  # nobody is heard; the agent's time passes all the same
        self._call.receive_far_end(
            frame.data.tobytes(),
            AudioFormat(rate_hz=frame.sample_rate),
            now_ms,
            n_channels=frame.num_channels,
        )

    def _pause(self) -> None:
        if self._call.gated is not None:
            self._call.gated.far_end.pause(self._clock())

    def _resume(self) -> None:
        lost_ms = _ROOM_PAUSE_LOSES_MS if _sink(self).label == _ROOM_LABEL else 0.0
        if self._call.gated is not None:
            self._call.gated.far_end.resume(self._clock(), lost_ms=lost_ms)

    def _show(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - see the invariant
            self._call.count_failure(error)


def _sink(output: io.AudioOutput) -> io.AudioOutput:
    """Return the last output of a chain."""
    while output.next_in_chain is not None:
        output = output.next_in_chain
    return output
