"""One call's way through the gate's states: what moves it, and what each transition stands for.

The table of ``gate_transitions.py`` says where each input leads; this module derives the inputs
from evidence, turns and time, and carries out the transitions. Invariant: whatever the state, what
was paused is resumed or flushed before the gate is open for good.
"""

from __future__ import annotations

__all__ = ["GateCourse"]

from .agent_audibility import AgentAudibility
from .audio import FRAME_MS
from .call_stats import CallStats
from .caller_turn import CallerTurn
from .config import BargeInConfig
from .evidence import Evidence
from .gate_decision import GateReason
from .gate_output import GateOutput, Outlet
from .gate_transitions import TRANSITIONS, GateEventType, GateInput, GateState
from .guarded_line import GuardedLine
from .speech_report import is_from_before_agent, is_stale

_ONSET_EVIDENCE_MS = 40
"""Evidence from which a caller was already speaking when the agent fell silent."""
_CONFIRM_SILENCE_MS = 140
"""Without evidence for so long, the caller counts as silent when a barge-in times out."""


class GateCourse:
    """The state of one call's gate, and how it came there.

    Args:
        config: How much evidence makes a barge-in, and what confirms one.
        agent: When the agent is audible.
        turn: The caller's turn.
        evidence: Of the caller over the agent.
        outlet: Where the call's frames leave.
        guarded: The line behind its guard; None without one.
        stats: The call's counters.
        start_ms: When the call began.
    """

    __slots__ = (
        "_agent",
        "_confirmed_ms",
        "_cooldown_until_ms",
        "_evidence",
        "_guarded",
        "_opened_ms",
        "_outlet",
        "_stats",
        "_turn",
        "captured_ms",
        "closed_ms",
        "config",
        "has_paused",
        "state",
    )

    def __init__(
        self,
        config: BargeInConfig,
        *,
        agent: AgentAudibility,
        turn: CallerTurn,
        evidence: Evidence,
        outlet: Outlet,
        guarded: GuardedLine | None,
        stats: CallStats,
        start_ms: float,
    ) -> None:
        self.config = config
        """How much evidence makes a barge-in; another one holds from the next frame on."""
        self.state = GateState.OPEN
        """Where the gate stands."""
        self.has_paused = False
        """Playout stands still by our own doing, with something left to say."""
        self.captured_ms = start_ms
        """When the last 20 ms were captured; they may have come later."""
        self.closed_ms = start_ms
        """When the gate was closed last, or the call began."""
        self._agent = agent
        self._turn = turn
        self._evidence = evidence
        self._outlet = outlet
        self._guarded = guarded
        self._stats = stats
        self._opened_ms = start_ms
        self._confirmed_ms = 0
        self._cooldown_until_ms = start_ms

    # -- what moves it -----------------------------------------------------------------------------

    def apply(self, gate_input: GateInput, reason: GateReason, output: GateOutput) -> None:
        """Take one input of the table, and do what the transition stands for."""
        transition = TRANSITIONS[self.state, gate_input]
        self.state = transition.state
        if transition.event is None:
            return
        output.report(transition.event, reason)
        _EFFECTS[transition.event](self, output)

    def follow_turn(self, output: GateOutput, *, is_caller: bool) -> None:
        """Follow a caller's turn that goes on over the agent, by one slot."""
        self._turn.observe(is_caller=is_caller)
        if self._turn.has_ended:
            self.apply(GateInput.CALLER_TURN_ENDED, GateReason.AGENT_AUDIBLE, output)

    def follow_evidence(self, output: GateOutput, *, lapsed: bool) -> None:
        """Follow the evidence behind a closed gate.

        Args:
            output: Where events and audio go.
            lapsed: The last slot made it lapse.
        """
        if lapsed and self.state is GateState.CANDIDATE and not self.has_paused:
            # A short word in the echo tail, with nothing left to resume: it is the caller's turn.
            self.release_onset(self._evidence.lapsed_frames, GateReason.CALLER_SPEECH, output)
            self.hear_caller()
            self.apply(GateInput.AGENT_ENDED, GateReason.AGENT_SILENT, output)
        elif lapsed:
            self.apply(GateInput.EVIDENCE_LOST, GateReason.EVIDENCE_LOST, output)
        elif self._is_cooling_down(output.now_ms):
            return
        elif self._evidence.is_held:
            self.apply(GateInput.EVIDENCE_HELD, GateReason.BARGE_IN, output)
        elif self._evidence.is_candidate:
            self.apply(GateInput.EVIDENCE_SEEN, GateReason.CANDIDATE, output)

    def follow_barge_in(self, output: GateOutput, *, is_caller: bool) -> None:
        """Follow a barge-in by one slot, until it is confirmed or taken back."""
        self._evidence.observe(is_caller=is_caller)
        self._confirmed_ms += FRAME_MS * is_caller
        is_timed_out = output.now_ms - self._opened_ms >= self.config.confirm_timeout_ms
        if self._confirmed_ms >= self.config.confirm_speech_ms:
            self.apply(GateInput.CALLER_CONTINUED, GateReason.CALLER_TURN, output)
        elif is_timed_out and self._evidence.gap_ms >= _CONFIRM_SILENCE_MS:
            self.apply(GateInput.CONFIRM_TIMED_OUT, GateReason.CONFIRM_TIMEOUT, output)

    def follow_provider(self, output: GateOutput, *, capture_ms: float | None) -> None:
        """Take the provider's word that the caller speaks.

        Args:
            output: Where events and audio go.
            capture_ms: Since when; None where it does not say.
        """
        now_ms = output.now_ms
        if self.state is GateState.BARGE_IN and is_stale(capture_ms, self.closed_ms):
            return
        gate_input = GateInput.PROVIDER_SPEECH
        is_closed = self.state in {GateState.CLOSED, GateState.CANDIDATE}
        if is_closed and is_from_before_agent(capture_ms, self.closed_ms, now_ms):
            gate_input = GateInput.PROVIDER_SPEECH_BEFORE_AGENT
        elif self._agent.is_active(now_ms):
            gate_input = GateInput.PROVIDER_SPEECH_OVER_AGENT
        self.apply(gate_input, GateReason.PROVIDER_SPEECH, output)

    # -- what the caller is given ------------------------------------------------------------------

    def hear_caller(self) -> None:
        """The gate itself heard the caller: the guard's hangover begins there too."""
        self._turn.observe(is_caller=True)
        if self._guarded is not None:
            self._guarded.hear_speech()

    def release_onset(self, n_sure: int, reason: GateReason, output: GateOutput) -> None:
        """Let out the caller's onset: so many frames that are sure, and the pre-roll."""
        n_preroll = self.config.onset_preroll_ms // FRAME_MS
        self._outlet.release(n_sure + n_preroll, reason, output, sure_frames=n_sure)

    # -- what the transitions stand for ------------------------------------------------------------

    def _is_cooling_down(self, now_ms: float) -> bool:
        """Say whether a false barge-in is so recent; what came late was captured before its end."""
        return now_ms < self._cooldown_until_ms and self.captured_ms >= self.closed_ms

    def _on_gate_closed(self, output: GateOutput) -> None:
        self.closed_ms = output.now_ms
        self._turn.is_over_agent = False
        self._outlet.forget()
        self._evidence.reset()

    def _on_gate_opened(self, output: GateOutput) -> None:
        """The agent fell silent: what is held is echo, unless the caller has begun to speak."""
        if self._evidence.ms >= _ONSET_EVIDENCE_MS:
            self.hear_caller()
            self.release_onset(self._evidence.span_frames, GateReason.CALLER_SPEECH, output)
        else:
            self._outlet.discard(output)
        self._evidence.reset()

    def _on_candidate_started(self, output: GateOutput) -> None:
        self._stats.candidates += 1
        self.has_paused = self._agent.is_playing(output.now_ms)

    def _on_candidate_dropped(self, output: GateOutput) -> None:
        self._stats.candidates_dropped += 1
        self._resume(output)

    def _on_barge_in_committed(self, output: GateOutput) -> None:
        self._stats.barge_ins += 1
        self.has_paused = self.has_paused or self._agent.is_playing(output.now_ms)
        self._opened_ms = output.now_ms
        self._confirmed_ms = 0

    def _on_interrupted(self, output: GateOutput) -> None:
        self._stats.interruptions += 1
        self.has_paused = False
        self._agent.flush(output.now_ms)
        self._evidence.reset()
        self.hear_caller()

    def _on_resumed(self, output: GateOutput) -> None:
        self._stats.resumed += 1
        self.closed_ms = output.now_ms
        self._cooldown_until_ms = output.now_ms + self.config.cooldown_ms
        self._resume(output)
        self._outlet.forget()
        self._evidence.reset()

    def _resume(self, output: GateOutput) -> None:
        """Playout goes on, if there was anything to pause."""
        if self.has_paused:
            self._agent.resume(output.now_ms)
        self.has_paused = False


_EFFECTS = {
    GateEventType.GATE_CLOSED: GateCourse._on_gate_closed,  # noqa: SLF001 - this module's own
    GateEventType.GATE_OPENED: GateCourse._on_gate_opened,  # noqa: SLF001
    GateEventType.CANDIDATE_STARTED: GateCourse._on_candidate_started,  # noqa: SLF001
    GateEventType.CANDIDATE_DROPPED: GateCourse._on_candidate_dropped,  # noqa: SLF001
    GateEventType.BARGE_IN_COMMITTED: GateCourse._on_barge_in_committed,  # noqa: SLF001
    GateEventType.INTERRUPTED: GateCourse._on_interrupted,  # noqa: SLF001
    GateEventType.RESUMED: GateCourse._on_resumed,  # noqa: SLF001
}
