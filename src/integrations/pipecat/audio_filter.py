"""The captured side: an audio filter for ``TransportParams.audio_in_filter``.

Pipecat calls it before its VAD, its turn analyzers and its services, so that all of them hear what
the gate lets through. Invariant: what was captured comes out as audio or as silence of the same
length; nothing raised here reaches the transport.
"""

from __future__ import annotations

__all__ = ["GateAudioFilter"]

from .required import PIPECAT as _PIPECAT  # noqa: F401 - before any other import of Pipecat

# isort: split
from pipecat.audio.filters.base_audio_filter import BaseAudioFilter
from pipecat.frames.frames import FilterControlFrame, FilterEnableFrame

from ...clock import Clock, monotonic_ms
from ..plugged_call import PluggedCall


class GateAudioFilter(BaseAudioFilter):
    """Lets the caller through and keeps the agent's echo back.

    Args:
        call: The call that it captures for.
        clock: Monotonic clock in ms.
    """

    def __init__(self, call: PluggedCall, clock: Clock = monotonic_ms) -> None:
        self._call = call
        self._clock = clock

    async def start(self, sample_rate: int) -> None:
        """Begin the call; the transport tells the rate of what it captures, in Hz."""
        self._call.start(sample_rate, self._clock())

    async def stop(self) -> None:
        """End the call; the manager forgets it."""
        self._call.close()

    async def process_frame(self, frame: FilterControlFrame) -> None:
        """Take ``FilterEnableFrame``: without the filter audio goes on as it came."""
        if isinstance(frame, FilterEnableFrame):
            self._call.is_bypassed = not frame.enable

    async def filter(self, audio: bytes) -> bytes:
        """Return what goes on in place of ``audio``, PCM16 at the transport's rate."""
        return self._call.receive_capture(audio, self._clock())
