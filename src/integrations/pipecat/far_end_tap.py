"""The far end of the pipeline: what the transport wrote, who started a turn, and the time.

Its place is right behind ``transport.output()``, which passes a chunk on once it is written.
Invariant: every frame goes on, as it came and in order, whatever becomes of the look at it.
"""

from __future__ import annotations

__all__ = ["FarEndTap"]

import asyncio

from .required import PIPECAT as _PIPECAT  # noqa: F401 - before any other import of Pipecat

# isort: split
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    StartFrame,
    StopFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_input import BaseInputTransport

from ...clock import Clock, monotonic_ms
from ...core.audio import FRAME_MS, AudioFormat
from ..failure_log import log_failures
from ..plugged_call import PluggedCall

_IDLE_MS = 15 * FRAME_MS
"""Without a captured frame for this long, time passes by the tap's own timer. Pipecat's resampler
gives out audio in pieces of up to 140 ms."""


class FarEndTap(FrameProcessor):
    """Shows the gate what happens behind the output of the transport.

    Args:
        call: The call that the pipeline is for.
        takes_audio: Whether agent audio is taken here; not where a :class:`TappedSerializer` does.
        clock: Monotonic clock in ms.
    """

    def __init__(
        self, call: PluggedCall, *, takes_audio: bool = True, clock: Clock = monotonic_ms
    ) -> None:
        super().__init__()
        self.takes_audio = takes_audio
        """Whether agent audio is taken here rather than from the wire."""
        self._gate_call = call
        self._gate_clock = clock
        self._gate_timer: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Look at a frame, and pass it on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._start_timer()
        elif isinstance(frame, (EndFrame, CancelFrame, StopFrame)):
            await self._stop_timer()
            log_failures(self._gate_call)
        if direction is FrameDirection.DOWNSTREAM:
            self.look_at(frame)
        await self.push_frame(frame, direction)

    def look_at(self, frame: Frame) -> None:
        """Show the gate a frame that goes downstream; whatever becomes of it, nothing raises."""
        try:
            self._look_at(frame, self._gate_clock())
        except Exception as error:  # noqa: BLE001 - the pipeline goes on
            self._gate_call.count_failure(error)

    async def cleanup(self) -> None:
        """Stop the timer and end the call, however the pipeline ended."""
        await super().cleanup()
        await self._stop_timer()
        self._gate_call.close()

    # -- private steps -----------------------------------------------------------------------------

    def _look_at(self, frame: Frame, now_ms: float) -> None:
        if isinstance(frame, OutputAudioRawFrame) and self.takes_audio:
            audio_format = AudioFormat(rate_hz=frame.sample_rate)
            self._gate_call.receive_far_end(
                frame.audio, audio_format, now_ms, n_channels=frame.num_channels
            )
        elif isinstance(frame, InterruptionFrame) and self.takes_audio:
            self._gate_call.flush()
        elif isinstance(frame, UserStartedSpeakingFrame):
            self._gate_call.receive_speech_started(now_ms)
        elif isinstance(frame, UserStoppedSpeakingFrame):
            self._gate_call.receive_speech_stopped(now_ms)

    def _start_timer(self) -> None:
        if self._gate_timer is None:
            self._gate_timer = self.create_task(self._pass_time(), "voxgate_time")

    async def _stop_timer(self) -> None:
        timer, self._gate_timer = self._gate_timer, None
        if timer is not None:
            await self.cancel_task(timer)

    async def _pass_time(self) -> None:
        while True:
            await asyncio.sleep(FRAME_MS / 1000)
            now_ms = self._gate_clock()
            since_ms = self._gate_call.idle_since_ms
            if since_ms is not None and now_ms - since_ms >= _IDLE_MS:
                try:
                    await self._send(self._gate_call.advance(now_ms))
                except Exception as error:  # noqa: BLE001 - the time goes on
                    self._gate_call.count_failure(error)

    async def _send(self, audio: bytes) -> None:
        """Send silence from where captured audio comes from, behind the filter."""
        transport = self._input_transport() if audio else None
        if transport is not None:
            rate_hz = self._gate_call.capture_format.rate_hz
            await transport.push_frame(
                InputAudioRawFrame(audio=audio, sample_rate=rate_hz, num_channels=1)
            )

    def _input_transport(self) -> BaseInputTransport | None:
        processor: FrameProcessor | None = self
        while processor is not None and not isinstance(processor, BaseInputTransport):
            processor = processor.previous
        return processor
