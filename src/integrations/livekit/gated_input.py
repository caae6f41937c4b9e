"""The captured side without a room: an audio input that judges the frames of another one."""

from __future__ import annotations

__all__ = ["GatedAudioInput"]

from .required import LIVEKIT as _LIVEKIT  # noqa: F401 - before any other import of LiveKit

# isort: split
from livekit import rtc
from livekit.agents.voice import io

from .frame_processor import GateFrameProcessor


class GatedAudioInput(io.AudioInput):
    """Gives a session what the gate lets through.

    Args:
        source: Where frames come from.
        processor: Judges them.
    """

    def __init__(self, source: io.AudioInput, processor: GateFrameProcessor) -> None:
        super().__init__(label="voxgate", source=source)
        self._source = source
        self._processor = processor

    async def __anext__(self) -> rtc.AudioFrame:
        """Return the next frame, judged."""
        return self._processor.process(await self._source.__anext__())
