"""A call through the plug-in's parts by themselves, on a clock of the test's own."""

from __future__ import annotations

__all__ = ["PluginCall", "input_frame", "output_frame"]

from collections.abc import Callable
from dataclasses import dataclass, field

from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
)

from voxgate import AudioGatingManager, FailureMode, GateEvent
from voxgate.integrations.pipecat import TurnFinder, VoxgateGate


def input_frame(audio: bytes, rate_hz: int = 8000) -> InputAudioRawFrame:
    """Return captured audio as Pipecat has it."""
    return InputAudioRawFrame(audio=audio, sample_rate=rate_hz, num_channels=1)


def output_frame(audio: bytes, rate_hz: int = 8000) -> OutputAudioRawFrame:
    """Return agent audio as Pipecat has it."""
    return OutputAudioRawFrame(audio=audio, sample_rate=rate_hz, num_channels=1)


@dataclass
class PluginCall:
    """The parts of one call; what a transport would do is done by the test."""

    manager: AudioGatingManager = field(default_factory=AudioGatingManager)
    finder: TurnFinder = TurnFinder.SERVER
    on_failure: FailureMode = FailureMode.OPEN
    now_ms: float = 0.0
    events: list[GateEvent] = field(default_factory=list)
    on_event: Callable[[GateEvent], None] | None = None

    def __post_init__(self) -> None:
        self.gate = VoxgateGate(
            self.manager,
            "golden",
            turn_finder=self.finder,
            on_failure=self.on_failure,
            on_event=self.on_event or self.events.append,
            clock=lambda: self.now_ms,
        )
        self.filter = self.gate.audio_filter

    async def start(self, rate_hz: int = 8000) -> None:
        """As the transport does."""
        await self.filter.start(rate_hz)

    async def capture(self, audio: bytes, now_ms: float) -> bytes:
        """Give the filter what the line delivered."""
        self.now_ms = now_ms
        return bytes(await self.filter.filter(audio))

    async def written(self, audio: bytes, now_ms: float, rate_hz: int = 8000) -> None:
        """Give the tap what the transport has written."""
        await self.show(output_frame(audio, rate_hz), now_ms)

    async def interrupted(self, now_ms: float) -> None:
        """Give the tap an interruption."""
        await self.show(InterruptionFrame(), now_ms)

    async def show(self, frame: Frame, now_ms: float) -> None:
        """Give the tap any frame."""
        self.now_ms = now_ms
        self.gate.far_end_tap.look_at(frame)
