"""The public face of the gate: many calls, one policy for each kind of provider.

Invariant: a call that was not started, or was cleaned up, has no state; what is said about it is
counted and changes nothing.
"""

from __future__ import annotations

__all__ = ["AudioGatingManager", "ManagerCounters"]

from collections.abc import Callable
from dataclasses import dataclass, replace

from .audio import AudioFormat
from .audio_guard import AUDIO_GUARD_ENABLED
from .call_stats import CallStats
from .config import GatingConfig, SpeechEvidenceKind
from .echo.near_end import NearEndDetector
from .gate_decision import PASS_THROUGH, GateAction, GateDecision, GateEvent, GateReason
from .gate_factory import GateFactory
from .gate_transitions import GateEventType, GateState
from .gating_state import GatingState
from .older_face import (
    ChunkAnswer,
    ImplicitCalls,
    answer_for_chunk,
    config_for_chunks,
    parse_audio_format,
)
from .vad_manager import EnhancedVADManager

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
        near_end_factory: Makes the echo-aware detector of one call; that of the package if left
            out.
        audio_guard_enabled: For comparing both settings of the switch in one process.

    One thread at a time may use a manager; managers share nothing that changes.
    """

    def __init__(
        self,
        vad_manager: EnhancedVADManager | None = None,
        config: GatingConfig | None = None,
        *,
        clock: Callable[[], float] | None = None,
        near_end_factory: Callable[[], NearEndDetector] | None = None,
        audio_guard_enabled: bool = AUDIO_GUARD_ENABLED,
    ) -> None:
        self.config = GatingConfig() if config is None else config
        """The policies and thresholds in force; :meth:`reconfigure` changes them."""
        self.counters = ManagerCounters()
        """What belongs to no call: inputs about unknown calls, and calls of unknown kinds."""
        if vad_manager is None:
            vad_manager = EnhancedVADManager(self.config.vad)
        self._vad_manager = vad_manager
        self._clock = clock
        self._factory = GateFactory(
            vad_manager,
            near_end_factory=near_end_factory,
            audio_guard_enabled=audio_guard_enabled,
        )
        self.speech_evidence: SpeechEvidenceKind | None = self._factory.prepare(self.config)
        """Which networks tell speech by its sound; None where no call is guarded."""
        self._gates: dict[str, GatingState | None] = {}
        """None stands for a call that passes through."""
        self._providers: dict[str, str] = {}
        """Whose policy a gated call has, by its id."""
        self._implicit = ImplicitCalls()

    def __len__(self) -> int:
        """Return the number of calls that hold state."""
        return len(self._gates.keys() | set(self._implicit))

    def __bool__(self) -> bool:
        """Return True: a manager without a call is a manager."""
        return True

    def reconfigure(self, config: GatingConfig, now_ms: float) -> None:
        """Take another configuration, for running calls at their next frame.

        They take its thresholds and times and keep what they have learned and hold. What they were
        built from stays with them, and holds for calls that start from now on: ``gating_enabled``,
        ``mode``, ``forwarded_audio``, the guard's ``speech_evidence`` and the floor it starts at.

        Args:
            config: What holds from now on. A running call whose provider it does not know goes on
                by what held before.
            now_ms: Now, as in all other inputs.
        """
        del now_ms  # nothing is measured from here
        before, self.config = self.config, config
        if config.vad != before.vad:
            self._vad_manager.reconfigure(config.vad)
        self.speech_evidence = self._factory.prepare(config)
        for call_id, gate in self._gates.items():
            policy = config.policy_for(self._providers.get(call_id, ""))
            if gate is not None and policy is not None:
                is_implicit = call_id in self._implicit
                gate.reconfigure(policy, config_for_chunks(config) if is_implicit else config)

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
        self._start_call(
            call_id,
            provider=provider,
            now_ms=now_ms,
            capture_format=capture_format,
            far_end_format=far_end_format,
            config=self.config,
        )

    def _start_call(
        self,
        call_id: str,
        *,
        provider: str,
        now_ms: float,
        capture_format: AudioFormat,
        far_end_format: AudioFormat | None,
        config: GatingConfig,
    ) -> None:
        if call_id in self._gates:
            raise ValueError(f"call_id: {call_id!r} is already started")
        agent = self._implicit.take(call_id)
        policy = self.config.policy_for(provider)
        self.counters.unknown_provider_calls += policy is None
        if policy is None or not policy.gating_enabled:
            self._gates[call_id] = None
            return
        gate = self._factory.make(
            call_id,
            policy=policy,
            config=config,
            now_ms=now_ms,
            capture_format=capture_format,
            far_end_format=far_end_format,
        )
        self._gates[call_id] = gate
        self._providers[call_id] = provider
        if agent is not None and agent.agent_since_ms is not None:
            gate.set_agent_speaking(
                agent.agent_since_ms, is_speaking=True, audio_ms=agent.agent_audio_ms
            )
            gate.set_agent_speaking(
                agent.agent_word_ms, is_speaking=agent.is_agent_speaking, audio_ms=0.0
            )

    def cleanup_call(self, call_id: str) -> None:
        """End a call and forget its state; unknown ids are no error."""
        self._forget(call_id)
        self._implicit.end(call_id)

    def _forget(self, call_id: str) -> None:
        self._gates.pop(call_id, None)
        self._providers.pop(call_id, None)
        self._vad_manager.cleanup_call(call_id)

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
                to 20 ms, and what is left over waits for the next chunk. All of it is judged in
                this call: 1 s takes as long as 50 frames, several ms in mode echo_aware.
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

    def place_capture(self, call_id: str, captured_ms: float) -> None:
        """Take when the next chunk given to :meth:`process` ended at the caller's line.

        For lines that say where their audio lies in time; without it that is found out from what
        comes when. On a call that is not gated or not known, nothing happens.
        """
        gate = self._gates.get(call_id)
        if gate is not None:
            gate.placed_ms = captured_ms

    def advance(self, call_id: str, now_ms: float) -> GateDecision:
        """Let time pass on a call without a frame; best once a 20 ms slot.

        Closes and opens the gate with playout, ends candidates and barge-ins that nothing follows,
        and fills with silence where the line delivers nothing.
        """
        gate = self._gates.get(call_id)
        if gate is None:
            if call_id not in self._gates:
                self.counters.unknown_call_inputs += 1
            return _PASS_THROUGH_IDLE
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

    def receive_provider_speech_started(
        self, call_id: str, now_ms: float, *, capture_ms: float | None = None
    ) -> GateDecision:
        """Take the provider's word that the caller speaks.

        Args:
            call_id: Whose caller.
            now_ms: When the word came.
            capture_ms: Start of the speech on the same clock, prefix padding included, if the
                provider says it. A barge-in is not confirmed by speech from well before the agent
                was audible.

        Returns:
            A decision without audio; an ``INTERRUPTED`` among its events says that the caller has
            the turn. On a call that passes through, the provider's word is always followed.
        """
        gate = self._gates.get(call_id)
        if gate is not None:
            return gate.receive_provider_speech_started(now_ms, capture_ms)
        if call_id not in self._gates:
            self.counters.unknown_call_inputs += 1
            return _PASS_THROUGH_IDLE
        reason = GateReason.PROVIDER_SPEECH
        event = GateEvent(type=GateEventType.INTERRUPTED, t_ms=now_ms, reason=reason)
        return replace(_PASS_THROUGH_IDLE, reason=reason, events=(event,))

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
    ) -> ChunkAnswer:
        """Judge one chunk without :meth:`start_call` and without a time.

        Its user sends the very chunk, so a call that begins here turns no voice down: ``pass``
        takes the place of ``quieter_voices: attenuate``.

        Args:
            call_id: Whose audio; an unknown call begins here.
            provider_name: Instance name, kind or alias.
            chunk: Audio, best 20 ms.
            audio_format: ``pcm16``, ``pcm16_16k``, ``pcm16_24k``, ``ulaw``, ``alaw``, or one of
                their usual other names. The first chunk's holds for the call.
            sample_rate_hz: Rate of the audio, if the name of the format does not say it.

        Returns:
            Whether to send the chunk, and the held frames to send before it. If not, send the
            frames given all the same, and silence of the chunk's length in its place. The answer is
            a pair, so test its first half: a pair is always true.

        Raises:
            ValueError: the format of a gated call is not known.
        """
        if call_id not in self._gates:
            if self._implicit.has_ended(call_id):
                self.counters.unknown_call_inputs += 1
                return True, ()
            self._start_implicit_call(call_id, provider_name, audio_format, sample_rate_hz)
        if call_id in self._implicit:
            self._implicit.use(call_id)
        gate = self._gates[call_id]
        if gate is None:
            return True, ()
        was_forwarding, pending_bytes = gate.is_forwarding, gate.pending_bytes
        now_ms = self._now_ms(call_id, gate.capture_format.duration_ms(len(chunk)))
        forwarded, withheld = gate.stats.forwarded_frames, gate.stats.withheld_frames
        decision = gate.process(chunk, now_ms)
        return answer_for_chunk(
            decision,
            chunk,
            was_forwarding=was_forwarding,
            pending_bytes=pending_bytes,
            left_bytes=gate.pending_bytes,
            frame_bytes=gate.capture_format.frame_bytes,
            is_torn=(
                gate.stats.forwarded_frames > forwarded and gate.stats.withheld_frames > withheld
            ),
        )

    def _start_implicit_call(
        self, call_id: str, provider: str, audio_format: str, rate_hz: int | None
    ) -> None:
        policy = self.config.policy_for(provider)
        is_gated = policy is not None and policy.gating_enabled
        self._start_call(
            call_id,
            provider=provider,
            now_ms=self._now_ms(call_id),
            capture_format=parse_audio_format(audio_format, rate_hz) if is_gated else _PCM16_8K,
            far_end_format=None,
            config=config_for_chunks(self.config),
        )
        self._implicit.use(call_id)
        self._drop_surplus_calls()

    def _set_implicit_speaking(self, call_id: str, *, is_speaking: bool, audio_ms: float) -> None:
        now_ms = self._now_ms(call_id)
        if call_id in self._gates:
            self.set_agent_speaking(call_id, is_speaking, now_ms, audio_ms=audio_ms)
        elif self._implicit.has_ended(call_id):
            self.counters.unknown_call_inputs += 1
        else:
            call = self._implicit.use(call_id)
            call.hear_agent(now_ms, is_speaking=is_speaking, audio_ms=audio_ms)
            self._drop_surplus_calls()

    def _drop_surplus_calls(self) -> None:
        call_id = self._implicit.surplus()
        if call_id is not None:
            self._implicit.take(call_id)
            self._forget(call_id)

    def _now_ms(self, call_id: str, duration_ms: float = 0.0) -> float:
        """Return the time at which a chunk of so many ms ends: now, or on the call's own clock."""
        if self._clock is not None:
            return self._clock()
        gate = self._gates.get(call_id)
        return 0.0 if gate is None else gate.last_ms + duration_ms


_PASS_THROUGH_IDLE = GateDecision(
    action=GateAction.WITHHOLD, state=GateState.OPEN, reason=GateReason.PASS_THROUGH
)
"""Nothing to send: time has passed on a call that the gate does not concern itself with."""
