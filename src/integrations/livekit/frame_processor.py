"""The captured side: what ``noise_cancellation=`` of a room's audio input takes.

``rtc.AudioStream`` asks for one frame in place of each that comes in and hands on whatever it gets,
of any length; where the processor raises, it hands on the frame as it came.

Invariant: nothing is raised; a frame that fails goes on as it came or as silence, as chosen, and is
counted.
"""

from __future__ import annotations

__all__ = ["GateFrameProcessor"]

from collections.abc import Callable

from .required import LIVEKIT as _LIVEKIT  # noqa: F401 - before any other import of LiveKit

# isort: split
from livekit import rtc

from ...clock import Clock
from ...core.gated_call import FailureMode
from ..frame_lengths import FrameLengths
from ..plugged_call import PluggedCall


class GateFrameProcessor(rtc.FrameProcessor[rtc.AudioFrame]):
    """Judges the frames of one call's caller.

    Args:
        call: The call's gate, started.
        clock: Monotonic clock in ms.
        on_failure: What goes on where our code fails.
        on_judged: Told after each frame: how long it was, in ms.

    Frames are mono, of 20 ms best (``frame_size_ms=20``); 8, 16, 24, 32 or 48 kHz, and a stream may
    change its rate.
    """

    def __init__(
        self,
        call: PluggedCall,
        *,
        clock: Clock,
        on_failure: FailureMode,
        on_judged: Callable[[float], None] | None = None,
    ) -> None:
        self._call = call
        self._clock = clock
        self._on_failure = on_failure
        self._on_judged = on_judged
        self._lengths = FrameLengths(call.capture_format)
        self._rate_hz: int | None = call.capture_format.rate_hz
        """Of the call's captured audio; None: the next frame begins it anew."""
        self._is_enabled = True
        self._is_over = False
        self.outlives_streams = False
        """Whether the call goes on where LiveKit ends a stream; then :meth:`end` it."""

    @property
    def enabled(self) -> bool:
        """Whether frames are judged; otherwise they go on as they came."""
        return self._is_enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._is_enabled = value

    def process(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        """Return what goes on in place of ``frame``."""
        if not self._is_enabled:
            return frame
        try:
            judged = self._judged(frame)
            if self._on_judged is not None:
                self._on_judged(frame.duration * 1000)
        except Exception as error:  # noqa: BLE001 - a framework's audio path is not ours to break
            self._call.count_failure(error)
            judged = frame if self._on_failure is FailureMode.OPEN else _silent(frame)
        return judged

    _process = process

    def end(self) -> None:
        """End the call for good; idempotent. Later frames go on as on a failure."""
        self._is_over = True
        self._call.close()

    def _close(self) -> None:
        """Take that a stream has ended; LiveKit 1.3 says so before each new one, too."""
        if not self.outlives_streams:
            self._call.close()
            self._rate_hz = None

    def _begin(self, rate_hz: int, now_ms: float) -> None:
        self._rate_hz = rate_hz
        self._call.start(rate_hz, now_ms)
        self._lengths = FrameLengths(self._call.capture_format)

    def _judged(self, frame: rtc.AudioFrame) -> rtc.AudioFrame:
        if frame.num_channels != 1:
            raise ValueError(f"num_channels: {frame.num_channels} is not 1")
        now_ms = self._clock()
        if frame.sample_rate != self._rate_hz and not self._is_over:
            self._begin(frame.sample_rate, now_ms)
        audio = frame.data.tobytes()
        judged = self._call.receive_capture(audio, now_ms)
        if self._call.gated is not None and audio:
            judged = self._lengths.exchange(judged, len(audio))
        return rtc.AudioFrame(judged, frame.sample_rate, 1, len(judged) // 2)


def _silent(frame: rtc.AudioFrame) -> rtc.AudioFrame:
    return rtc.AudioFrame.create(frame.sample_rate, frame.num_channels, frame.samples_per_channel)
