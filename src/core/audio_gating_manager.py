"""The public face of the gate: many calls, one policy for each kind of provider.

Invariant: a call that was not started, or was cleaned up, has no state; what is said about it is
counted and changes nothing.
"""

from __future__ import annotations

__all__ = ["AudioGatingManager", "ManagerCounters"]

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from .audio import AudioFormat, Encoding
from .audio_guard import AUDIO_GUARD_ENABLED, AudioGuard
from .call_stats import CallStats
from .capture_analyzer import CaptureAnalyzer
from .config import GatingConfig
from .echo.near_end import NearEndDetector, NullNearEndDetector
from .gate_decision import (
    PASS_THROUGH,
    GateAction,
    GateDecision,
    GateEvent,
    GateReason,
)
from .gate_transitions import GateEventType, GateState
from .gating_state import GatingState
from .vad_manager import EnhancedVADManager

_MAX_IMPLICIT_CALLS = 1024
"""Calls of the older face that are kept; the one unused for longest goes first."""

_MAX_ENDED_CALLS = 256
"""Ended calls remembered, so that late events of the older face bring nothing back."""

_PCM16_8K = AudioFormat()


@dataclass(slots=True)
class ManagerCounters:
    """What happened that belongs to no call."""

    unknown_call_inputs: int = 0
    """Inputs about calls that were not started, or were cleaned up."""
    unknown_provider_calls: int = 0
    """Calls of a provider kind without a policy; they pass through."""


class AudioGatingManager:
    """Decides for many calls which captured audio reaches the provider.

    Args:
        vad_manager: Voice activity; made from ``config.vad`` if left out.
        config: Policies and thresholds; the defaults if left out.
        clock: Returns a monotonic time in ms where ``now_ms`` is left out (the older face). Without
            one, each call's own audio is its clock.
        near_end_factory: Makes the echo-aware detector of one call.
        audio_guard_enabled: For comparing both settings of the switch in one process.
    """

    def __init__(
        self,
        vad_manager: EnhancedVADManager | None = None,
        config: GatingConfig | None = None,
        *,
        clock: Callable[[], float] | None = None,
        near_end_factory: Callable[[], NearEndDetector] = NullNearEndDetector,
        audio_guard_enabled: bool = AUDIO_GUARD_ENABLED,
    ) -> None:
        self.config = config or GatingConfig()
        self.counters = ManagerCounters()
        self._vad_manager = vad_manager or EnhancedVADManager(self.config.vad)
        self._clock = clock
        self._near_end_factory = near_end_factory
        self._audio_guard_enabled = audio_guard_enabled
        self._gates: dict[str, GatingState | None] = {}
        """None stands for a call that passes through."""
        self._implicit: OrderedDict[str, bool] = OrderedDict()
        """Calls of the older face, least recently used first, with what was last said of the agent
        while the provider was still unknown."""
        self._ended: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of calls that hold state."""
        return len(self._gates.keys() | self._implicit.keys())

    # -- a call's life -----------------------------------------------------------------------------

    def start_call(
        self,
        call_id: str,
        *,
        provider: str,
        now_ms: float,
        capture_format: AudioFormat = _PCM16_8K,
        far_end_format: AudioFormat | None = None,
    ) -> None:
        """Begin a call.

        Args:
            call_id: Unique while the call lives.
            provider: Instance name, kind or alias; an unknown one passes through and is counted.
            now_ms: Monotonic time in ms, as in all other inputs.
            capture_format: Format of the chunks given to :meth:`process`.
            far_end_format: Format of the frames given to :meth:`receive_far_end`; that of the
                capture if left out.

        Raises:
            ValueError: the call lives already.
        """
        if call_id in self._gates:
            raise ValueError(f"call_id: {call_id!r} is already started")
        self._ended.pop(call_id, None)
        policy = self.config.policy_for(provider)
        self.counters.unknown_provider_calls += policy is None
        if policy is None or not policy.gating_enabled:
            self._gates[call_id] = None
            return
        analyzer = CaptureAnalyzer(
            call_id,
            policy=policy,
            vad_manager=self._vad_manager,
            near_end=self._near_end_factory(),
            capture_format=capture_format,
            far_end_format=far_end_format or capture_format,
        )
        self._gates[call_id] = GatingState(
            analyzer=analyzer,
            policy=policy,
            config=self.config,
            capture_format=capture_format,
            start_ms=now_ms,
            guard=AudioGuard(self.config.audio_guard) if self._audio_guard_enabled else None,
        )

    def cleanup_call(self, call_id: str) -> None:
        """End a call and forget its state; unknown ids are no error."""
        self._gates.pop(call_id, None)
        self._implicit.pop(call_id, None)
        self._vad_manager.cleanup_call(call_id)
        self._ended[call_id] = None
        while len(self._ended) > _MAX_ENDED_CALLS:
            self._ended.popitem(last=False)

    def get_stats(self, call_id: str) -> CallStats | None:
        """Return a copy of a call's counters; None if it is unknown or passes through."""
        gate = self._gates.get(call_id)
        return None if gate is None else replace(gate.stats)

    def get_state(self, call_id: str) -> GateState | None:
        """Return where a call's gate stands; None if it is unknown or passes through."""
        gate = self._gates.get(call_id)
        return None if gate is None else gate.state

    # -- inputs ------------------------------------------------------------------------------------

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        """Judge one captured chunk of a call.

        Args:
            call_id: Whose audio it is.
            frame: Audio in the call's capture format, best 20 ms; any length up to 1 s is re-framed
                to 20 ms, and what is left over waits for the next chunk.
            now_ms: When it arrived.

        Returns:
            What becomes of it; ``PASS_THROUGH`` for a call that is not gated or not known.
        """
        gate = self._gates.get(call_id)
        if gate is None:
            if call_id not in self._gates:
                self.counters.unknown_call_inputs += 1
            return PASS_THROUGH
        return gate.process(frame, now_ms)

    def advance(self, call_id: str, now_ms: float) -> GateDecision:
        """Let time pass on a call without a frame; best once a 20 ms slot.

        Closes and opens the gate with playout, ends candidates and barge-ins that nothing follows,
        and fills with silence where the line delivers nothing.
        """
        gate = self._gates.get(call_id)
        if gate is None:
            if call_id not in self._gates:
                self.counters.unknown_call_inputs += 1
            return PASS_THROUGH_IDLE
        return gate.advance(now_ms)

    def receive_far_end(
        self, call_id: str, frame: bytes, now_ms: float, *, is_agent_audio: bool
    ) -> None:
        """Take one 20 ms slot of what the caller's line plays.

        Args:
            call_id: Whose line.
            frame: 20 ms in the call's far-end format.
            now_ms: When the slot was played.
            is_agent_audio: False for silence that only keeps the line alive.
        """
        gate = self._gates.get(call_id)
        if gate is not None:
            gate.receive_far_end(frame, now_ms, is_agent_audio=is_agent_audio)
        elif call_id not in self._gates:
            self.counters.unknown_call_inputs += 1

    def set_agent_speaking(
        self,
        call_id: str,
        is_speaking: bool,  # noqa: FBT001 - the face that providers know
        now_ms: float | None = None,
        *,
        audio_ms: float = 0.0,
    ) -> None:
        """Take a provider's word on whether it is generating agent audio.

        Args:
            call_id: Whose agent.
            is_speaking: False when generation has ended; playing goes on.
            now_ms: When; left out only in the older face.
            audio_ms: Duration of the agent audio generated since the last word. Where nobody
                reports playout, the end of speech is derived from it.
        """
        if now_ms is None:
            self._set_implicit_speaking(call_id, is_speaking=is_speaking, audio_ms=audio_ms)
            return
        gate = self._gates.get(call_id)
        if gate is not None:
            gate.set_agent_speaking(now_ms, is_speaking=is_speaking, audio_ms=audio_ms)
        elif call_id not in self._gates:
            self.counters.unknown_call_inputs += 1

    def receive_provider_speech_started(self, call_id: str, now_ms: float) -> GateDecision:
        """Take the provider's word that the caller speaks.

        Returns:
            A decision without audio; an ``INTERRUPTED`` among its events says that the caller has
            the turn. On a call that passes through, the provider's word is always followed.
        """
        gate = self._gates.get(call_id)
        if gate is not None:
            return gate.receive_provider_speech_started(now_ms)
        if call_id not in self._gates:
            self.counters.unknown_call_inputs += 1
            return PASS_THROUGH_IDLE
        return replace(
            PASS_THROUGH_IDLE,
            reason=GateReason.PROVIDER_SPEECH,
            events=(
                GateEvent(
                    type=GateEventType.INTERRUPTED,
                    t_ms=now_ms,
                    reason=GateReason.PROVIDER_SPEECH,
                ),
            ),
        )

    def receive_provider_speech_stopped(self, call_id: str, now_ms: float) -> None:
        """Take the provider's word that the caller's turn has ended."""
        del now_ms
        gate = self._gates.get(call_id)
        if gate is not None:
            gate.receive_provider_speech_stopped()
        elif call_id not in self._gates:
            self.counters.unknown_call_inputs += 1

    # -- the older face ----------------------------------------------------------------------------

    async def should_forward_audio(
        self,
        call_id: str,
        provider_name: str,
        chunk: bytes,
        audio_format: str = "pcm16",
        *,
        sample_rate_hz: int | None = None,
    ) -> tuple[bool, tuple[bytes, ...]]:
        """Judge one chunk without :meth:`start_call` and without a time.

        Args:
            call_id: Whose audio; an unknown call begins here.
            provider_name: Instance name, kind or alias.
            chunk: Audio, best 20 ms.
            audio_format: ``pcm16``, ``pcm16_16k``, ``pcm16_24k``, ``ulaw``, ``alaw``, or one of
                their usual other names.
            sample_rate_hz: Rate of the chunk, if the name of the format does not say it.

        Returns:
            Whether to send the chunk, and the held frames to send before it. If not, send silence
            of equal length.

        Raises:
            ValueError: the format is not known.
        """
        if call_id in self._ended:
            self.counters.unknown_call_inputs += 1
            return True, ()
        if call_id not in self._gates:
            self._start_implicit_call(
                call_id, provider_name, _parse_format(audio_format, sample_rate_hz)
            )
        if call_id in self._implicit:
            self._implicit.move_to_end(call_id)
        decision = self.process(call_id, chunk, self._now_ms(call_id))
        released = decision.released
        if any(len(frame) < len(chunk) for frame in released):
            # A chunk of several frames is sent whole: what is released of itself would go twice.
            released = tuple(frame for frame in released if frame not in chunk)
        return decision.action is GateAction.FORWARD, released

    def _start_implicit_call(
        self, call_id: str, provider: str, capture_format: AudioFormat
    ) -> None:
        is_speaking = self._implicit.get(call_id, False)
        now_ms = self._now_ms(call_id)
        self.start_call(call_id, provider=provider, now_ms=now_ms, capture_format=capture_format)
        self._remember_implicit(call_id, is_speaking=is_speaking)
        if is_speaking:
            self.set_agent_speaking(call_id, is_speaking, now_ms)

    def _set_implicit_speaking(self, call_id: str, *, is_speaking: bool, audio_ms: float) -> None:
        if call_id in self._ended:
            self.counters.unknown_call_inputs += 1
            return
        if call_id not in self._gates:
            self._remember_implicit(call_id, is_speaking=is_speaking)
            return
        self.set_agent_speaking(call_id, is_speaking, self._now_ms(call_id), audio_ms=audio_ms)

    def _remember_implicit(self, call_id: str, *, is_speaking: bool) -> None:
        self._implicit[call_id] = is_speaking
        self._implicit.move_to_end(call_id)
        while len(self._implicit) > _MAX_IMPLICIT_CALLS:
            self.cleanup_call(next(iter(self._implicit)))

    def _now_ms(self, call_id: str) -> float:
        if self._clock is not None:
            return self._clock()
        gate = self._gates.get(call_id)
        return 0.0 if gate is None else gate.stream_ms


PASS_THROUGH_IDLE = GateDecision(
    action=GateAction.WITHHOLD, state=GateState.OPEN, reason=GateReason.PASS_THROUGH
)
"""Nothing to send: time has passed on a call that the gate does not concern itself with."""

_FORMATS = {
    "pcm16": (Encoding.PCM16, 8000),
    "linear16": (Encoding.PCM16, 8000),
    "slin": (Encoding.PCM16, 8000),
    "pcm16_8k": (Encoding.PCM16, 8000),
    "slin16": (Encoding.PCM16, 16000),
    "pcm16_16k": (Encoding.PCM16, 16000),
    "pcm16_24k": (Encoding.PCM16, 24000),
    "ulaw": (Encoding.MULAW, 8000),
    "mulaw": (Encoding.MULAW, 8000),
    "pcmu": (Encoding.MULAW, 8000),
    "g711_ulaw": (Encoding.MULAW, 8000),
    "alaw": (Encoding.ALAW, 8000),
    "pcma": (Encoding.ALAW, 8000),
    "g711_alaw": (Encoding.ALAW, 8000),
}


def _parse_format(name: str, rate_hz: int | None) -> AudioFormat:
    if name not in _FORMATS:
        raise ValueError(f"audio_format: {name!r} is not one of {', '.join(sorted(_FORMATS))}")
    encoding, named_rate_hz = _FORMATS[name]
    return AudioFormat(encoding, rate_hz or named_rate_hz)
