"""One call's gate as a framework's plug-in holds it: begun late, fed in any format, never raising.

A framework tells the rate of the captured audio when the call starts, hands out agent audio in the
rate of its output, and asks for a turn's start at its own time. This is what lies between that and
:class:`~voxgate.core.gated_call.GatedCall`.

Invariant: nothing raised in here, by the gate, by a manager that takes no call, or by who listens
to events reaches the framework; it is counted, and the audio goes on as chosen.
"""

from __future__ import annotations

__all__ = ["PluggedCall", "PluggedCallCounters"]

import weakref
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.audio import AudioFormat
from ..core.audio_gating_manager import AudioGatingManager
from ..core.call_options import required_member, required_provider
from ..core.gate_decision import GateEvent, GateEventType, GateState
from ..core.gated_call import FailureMode, GatedCall
from ..core.stream_converter import StreamConverter
from .captured_stream import CapturedStream

_FAR_END = AudioFormat()
"""What the reference is kept in, PCM16 at 8 kHz: what a telephone plays and the detectors use."""

_MAX_VERDICT_AGE_MS = 1000.0
"""A verdict that nobody asked for in this time, as of a muted caller, starts no turn any more."""


@dataclass(slots=True)
class PluggedCallCounters:
    """What went wrong, and what was done about it."""

    failures: int = 0
    """Inputs that our code failed on, and calls that the manager did not take."""
    last_failure: str = ""
    """Type of the error that was raised last; empty without one."""
    captured_ms: float = 0.0
    """Captured audio that was judged, in ms."""
    ungated_ms: float = 0.0
    """Captured audio that went on, or was silenced, without a gate, in ms."""
    idle_fill_ms: float = 0.0
    """Silence made up while the line delivered nothing, in ms."""
    flushes: int = 0
    """Times that the telephone was told to forget what it had not played."""
    verdicts: int = 0
    """Turns of the caller that the gate's verdict started."""


class PluggedCall:
    """The gate of one call of a framework.

    Args:
        manager: Decides; may be shared by all calls of the process.
        call_id: Unique among the manager's calls.
        provider: Instance name, kind or alias of who hears the caller: chooses the policy.
        turn_event: The event at which the caller's turn starts, and the agent is to be interrupted.
        on_failure: What goes on where the gate fails.
        on_event: Told of every event of the gate, in order.
        fills_idle: :meth:`advance` gives silence for the provider while the line delivers nothing.

    The events that start a turn are ``BARGE_IN_COMMITTED``, where nobody but the gate finds the
    caller's turns, and ``INTERRUPTED``, where the provider does. At a commitment, what the gate
    released goes out with the next chunk: the framework clears the provider's audio buffer when the
    turn starts, and the caller's first words must come after that.

    Raises:
        ValueError: at construction, for a provider that no policy knows, or an ``on_failure`` that
            is none of the modes.
    """

    def __init__(
        self,
        manager: AudioGatingManager,
        call_id: str,
        *,
        provider: str = "openai_realtime",
        turn_event: GateEventType = GateEventType.INTERRUPTED,
        on_failure: FailureMode = FailureMode.OPEN,
        on_event: Callable[[GateEvent], None] | None = None,
        fills_idle: bool = True,
    ) -> None:
        self.call_id = call_id
        """Its name at the manager."""
        self.counters = PluggedCallCounters()
        """What went wrong, and what was done about it."""
        self.is_bypassed = False
        """Captured audio goes on as it came, while the gate goes on listening."""
        self._manager = manager
        self._provider = required_provider(manager.config, provider)
        self._turn_event = turn_event
        self._on_failure = required_member(FailureMode, on_failure, "on_failure")
        self._on_event = on_event
        self._fills_idle = fills_idle
        self._format = _FAR_END
        self._gated: GatedCall | None = None
        self._converter: StreamConverter | None = None
        self._pending: GateEvent | None = None
        self._held = b""
        self._last_capture_ms: float | None = None
        self._stream = CapturedStream()
        self._forget: Callable[[], object] | None = None

    @property
    def state(self) -> GateState | None:
        """Where the gate stands; None before the start, where nothing is gated, or at the end."""
        return None if self._gated is None else self._gated.state

    @property
    def gated(self) -> GatedCall | None:
        """The gate itself; None before the start, after the end, or where it could not start."""
        return self._gated

    @property
    def capture_format(self) -> AudioFormat:
        """Format of what is captured and of what goes on."""
        return self._format

    @property
    def idle_since_ms(self) -> float | None:
        """When audio was captured last; None before the first."""
        return self._last_capture_ms

    # -- inputs ------------------------------------------------------------------------------------

    def start(self, rate_hz: int, now_ms: float) -> None:
        """Begin the call, or begin it anew; audio is mono PCM16 at ``rate_hz``."""
        self.close()
        try:
            self._format = AudioFormat(rate_hz=rate_hz)
            self._gated = GatedCall(
                self._manager,
                self.call_id,
                provider=self._provider,
                capture_format=self._format,
                far_end_format=_FAR_END,
                on_failure=self._on_failure,
                fills_idle=self._fills_idle,
                now_ms=now_ms,
                allows_unknown_provider=True,  # it was known; the manager may have another config
            )
            # Who never ends a call, as its session failed to start, leaves none in the manager.
            forget = weakref.finalize(self, self._gated.close)
            forget.atexit = False
            self._forget = forget
        except Exception as error:  # noqa: BLE001 - a framework's call is not ours to refuse
            self._count(error)

    def announce_capture(self, audio: bytes, begin_ms: float, wire_ms: float) -> None:
        """Take that ``audio`` is on its way to :meth:`receive_capture`, and where it was captured.

        Without this, audio is taken to have been captured when it comes.

        Args:
            audio: The very object that is on its way; may be empty.
            begin_ms: Where the message that it was made of begins in the line's stream.
            wire_ms: Length of that message's audio.
        """
        self._stream.announce(audio, self._format.duration_ms(len(audio)), begin_ms, wire_ms)

    def receive_capture(self, audio: bytes, now_ms: float) -> bytes:
        """Judge captured audio; return what goes on in its place."""
        try:
            return self._judged(audio, now_ms)
        except Exception as error:  # noqa: BLE001 - see the invariant
            self._count(error)
            return self._ungated(audio)

    def receive_far_end(
        self, audio: bytes, audio_format: AudioFormat, now_ms: float, *, n_channels: int = 1
    ) -> None:
        """Take agent audio as it is written to the telephone, in whatever format it is."""
        if self._gated is None:
            return
        try:
            if n_channels > 1:
                audio = _mono(audio, n_channels)
            self._gated.receive_agent_audio(self._converted(audio, audio_format), now_ms)
        except Exception as error:  # noqa: BLE001 - see the invariant
            self._count(error)

    def flush(self) -> None:
        """Take that the telephone was told to forget what it has not played."""
        self.counters.flushes += 1
        if self._converter is not None:
            self._converter.reset()
        if self._gated is not None:
            self._gated.flush_agent_audio()

    def receive_speech_started(self, now_ms: float) -> None:
        """Take that the framework, or its provider, has started a turn of the caller's."""
        if self._gated is not None:
            self._gated.receive_speech_started(now_ms)
            self._take_events()

    def receive_speech_stopped(self, now_ms: float) -> None:
        """Take that the caller's turn has ended."""
        if self._gated is not None:
            self._gated.receive_speech_stopped(now_ms)

    def advance(self, now_ms: float) -> bytes:
        """Let time pass while nothing is captured; return silence for the provider, mostly none."""
        if self._gated is None:
            return b""
        try:
            return self._passed_time(self._gated, now_ms)
        except Exception as error:  # noqa: BLE001 - see the invariant
            self._count(error)
            return b""

    def pass_time(self, now_ms: float) -> None:
        """Let time pass where nothing can be sent; what is released goes out with what comes."""
        self._held = self.advance(now_ms)

    def count_failure(self, error: Exception) -> None:
        """Count an error of the plug-in around this call."""
        self._count(error)

    def close(self) -> None:
        """End the call; idempotent."""
        gated, self._gated = self._gated, None
        forget, self._forget = self._forget, None
        self._pending, self._held, self._last_capture_ms = None, b"", None
        self._converter, self._stream = None, CapturedStream()
        if gated is not None:
            self._count_of(gated)
        if forget is not None:
            forget()

    # -- outputs -----------------------------------------------------------------------------------

    def take_turn_start(self, now_ms: float) -> bool:
        """Tell, once, that the caller's turn starts by the gate's verdict."""
        pending, self._pending = self._pending, None
        if pending is None or now_ms - pending.t_ms > _MAX_VERDICT_AGE_MS:
            return False
        self.counters.verdicts += 1
        return True

    # -- private steps -----------------------------------------------------------------------------

    def _judged(self, audio: bytes, now_ms: float) -> bytes:
        self._last_capture_ms = now_ms
        now_ms = self._stream.place(audio, now_ms)
        if self._gated is None:
            return self._ungated(audio)
        judged = self._gated.receive_capture(audio, now_ms)
        self.counters.captured_ms += self._format.duration_ms(len(audio))
        has_committed = self._take_events()
        if self.is_bypassed:
            self._held = b""
            return audio
        if has_committed:
            self._held += judged
            return bytes(len(audio))
        judged, self._held = self._held + judged, b""
        return judged

    def _ungated(self, audio: bytes) -> bytes:
        self.counters.ungated_ms += self._format.duration_ms(len(audio))
        passes = self._on_failure is FailureMode.OPEN or self.is_bypassed
        return audio if passes else bytes(len(audio))

    def _passed_time(self, gated: GatedCall, now_ms: float) -> bytes:
        self._stream.pass_time(now_ms)
        audio = gated.advance(now_ms)
        self._take_events()
        if self._fills_idle:
            self.counters.idle_fill_ms += self._format.duration_ms(len(audio))
        audio, self._held = self._held + audio, b""
        return audio

    def _take_events(self) -> bool:
        """Hand events on; return whether the gate opened just now and the turn starts at that."""
        has_committed = False
        gated = self._gated
        for event in gated.take_events() if gated is not None else ():
            if event.type is self._turn_event:
                self._pending = event
                has_committed |= event.type is GateEventType.BARGE_IN_COMMITTED
            if self._on_event is not None:
                try:
                    self._on_event(event)
                except Exception as error:  # noqa: BLE001 - see the invariant
                    self._count(error)
        if gated is not None:
            self._count_of(gated)
        return has_committed

    def _count_of(self, gated: GatedCall) -> None:
        """Count here what failed inside the gate since it was last looked at."""
        if gated.counters.failures:
            self.counters.failures += gated.counters.failures
            self.counters.last_failure = gated.counters.last_failure
            gated.counters.failures = 0

    def _count(self, error: Exception) -> None:
        self.counters.failures += 1
        self.counters.last_failure = type(error).__name__

    def _converted(self, audio: bytes, audio_format: AudioFormat) -> bytes:
        if self._converter is None or self._converter.source != audio_format:
            self._converter = StreamConverter(audio_format, _FAR_END)
        return self._converter.process(audio)


def _mono(audio: bytes, n_channels: int) -> bytes:
    """Return the mean of interleaved int16 channels."""
    whole = audio[: len(audio) // (2 * n_channels) * 2 * n_channels]
    samples = np.frombuffer(whole, dtype="<i2").reshape(-1, n_channels)
    return bytes(samples.mean(axis=1).astype("<i2").tobytes())
