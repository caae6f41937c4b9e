"""Parts of a LiveKit session that a test holds in its hands."""

from __future__ import annotations

__all__ = ["ListInput", "ListOutput", "ManualClock", "audio_frame", "run_golden_call"]

from collections.abc import Iterable
from dataclasses import dataclass, field

from livekit import rtc
from livekit.agents.voice import io

from support.golden_call import AgentFlush, AgentWrite, GoldenCall
from voxgate.core.gate_decision import GateEvent
from voxgate.integrations.livekit import SessionGate


@dataclass
class ManualClock:
    """Shows what it is set to."""

    now_ms: float = 0.0

    def __call__(self) -> float:
        return self.now_ms


def audio_frame(audio: bytes, rate_hz: int = 24_000, num_channels: int = 1) -> rtc.AudioFrame:
    return rtc.AudioFrame(audio, rate_hz, num_channels, len(audio) // 2 // num_channels)


class ListOutput(io.AudioOutput):
    """Takes everything, plays nothing, and keeps a list of what it was told."""

    def __init__(self, label: str = "list") -> None:
        super().__init__(
            label=label,
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=24_000,
        )
        self.told: list[str] = []
        self.audio = b""

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self.audio += frame.data.tobytes()
        self.told.append("frame")

    def flush(self) -> None:
        super().flush()
        self.told.append("flush")

    def clear_buffer(self) -> None:
        self.told.append("clear")

    def pause(self) -> None:
        super().pause()
        self.told.append("pause")

    def resume(self) -> None:
        super().resume()
        self.told.append("resume")


class ListInput(io.AudioInput):
    """Gives the frames of a list."""

    def __init__(self, frames: Iterable[rtc.AudioFrame]) -> None:
        super().__init__(label="list")
        self._frames = iter(frames)

    async def __anext__(self) -> rtc.AudioFrame:
        for frame in self._frames:
            return frame
        raise StopAsyncIteration


@dataclass
class GoldenRun:
    """What the plug-in made of a call."""

    events: list[GateEvent] = field(default_factory=list)
    sent: bytes = b""
    """All audio that the session got."""


async def run_golden_call(call: GoldenCall, writes: Iterable[AgentWrite | AgentFlush]) -> GoldenRun:
    """Run a recorded call through a session's gate, frame by frame, as the session would.

    Args:
        call: What was captured, and when.
        writes: What the session gives its audio output, and when it clears it.
    """
    run, clock = GoldenRun(), ManualClock()
    gate = SessionGate(
        sample_rate_hz=call.audio_format.rate_hz, clock=clock, on_event=run.events.append
    )
    output = gate.far_end_output(ListOutput())
    waiting = sorted(writes, key=lambda write: write.now_ms, reverse=True)
    for now_ms, captured in call.arrivals():
        while waiting and waiting[-1].now_ms <= now_ms:
            write = waiting.pop()
            clock.now_ms = write.now_ms
            if isinstance(write, AgentWrite):
                await output.capture_frame(audio_frame(write.audio, call.audio_format.rate_hz))
            else:
                output.clear_buffer()
        clock.now_ms = now_ms
        frame = gate.frame_processor.process(audio_frame(captured, call.audio_format.rate_hz))
        run.sent += frame.data.tobytes()
    gate.close()
    return run
