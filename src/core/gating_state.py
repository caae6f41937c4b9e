"""One call's gate: its state, the frames it holds, and what it makes of each 20 ms.

``gate_course.py`` leads from state to state; this module asks detectors and guard about each frame,
and has it let out or held. Invariant: everything in here belongs to one call, and the same inputs
give the same decisions.
"""

from __future__ import annotations

__all__ = ["GatingState"]

import math

from .agent_audibility import AgentAudibility
from .audio import FRAME_MS, AudioFormat
from .audio_guard import AudioGuard
from .call_stats import CallStats
from .caller_turn import CallerTurn
from .capture_analyzer import CaptureAnalysis, CaptureAnalyzer
from .config import GatingConfig, GatingMode, ProviderGatingPolicy
from .degradation_report import DegradationReport
from .evidence import Evidence
from .framer import Framer, is_malformed
from .gap_recovery import GapRecovery
from .gate_course import GateCourse
from .gate_decision import GateAction, GateDecision, GateReason
from .gate_output import GateOutput, Outlet
from .gate_transitions import GateInput, GateState
from .guarded_line import GuardedLine
from .late_slots import LateSlots
from .line_clock import LineClock

_LETS_OUT = (GateState.OPEN, GateState.BARGE_IN)


class GatingState:
    """The gate of one call of a gated provider.

    Args:
        analyzer: The call's detectors.
        policy: The policy of the call's provider kind.
        config: Everything else that the gate can be told.
        capture_format: Format of the captured chunks.
        start_ms: When the call began.
        guard: Decides while the agent is silent; without one everything passes then, and small
            gaps in the stream are concealed.
    """

    def __init__(
        self,
        *,
        analyzer: CaptureAnalyzer,
        policy: ProviderGatingPolicy,
        config: GatingConfig,
        capture_format: AudioFormat,
        start_ms: float,
        guard: AudioGuard | None,
    ) -> None:
        self.stats = CallStats()
        self.capture_format = capture_format
        self.is_forwarding = True
        """The last 20 ms were let out when they came; true of none yet."""
        self._analyzer = analyzer
        self._framer = Framer(capture_format.frame_bytes)
        self._line = LineClock(start_ms, config.idle_fill.after_ms)
        self._agent = AgentAudibility(policy.post_speech_grace_ms)
        self._was_audible = False
        self._followed_ms = -math.inf
        self._evidence = Evidence(config.barge_in, analyzer.thresholds)
        self._outlet = Outlet(policy.withheld_audio, capture_format, start_ms, self.stats)
        self._guarded: GuardedLine | None = None
        self._degradation = DegradationReport(self.stats)
        self._late_slots = LateSlots()
        self._gaps = (
            GapRecovery(self._outlet, self.stats, capture_format) if guard is None else None
        )
        if guard is not None:
            self._guarded = GuardedLine(
                guard, self._outlet, self.stats, config=config.audio_guard, start_ms=start_ms
            )
        self._turn = CallerTurn(config.barge_in.turn_end_ms)
        self._course = GateCourse(
            config.barge_in,
            agent=self._agent,
            turn=self._turn,
            evidence=self._evidence,
            outlet=self._outlet,
            guarded=self._guarded,
            stats=self.stats,
            start_ms=start_ms,
        )
        self.placed_ms: float | None = None
        """When the next chunk ended at the caller's line; None where the line does not say."""

    @property
    def state(self) -> GateState:
        """Where the gate stands."""
        return self._course.state

    @property
    def mode(self) -> GatingMode:
        """The mode in force; simpler than the policy's after a detector has raised."""
        return self._analyzer.mode

    @property
    def last_ms(self) -> float:
        """When the last chunk arrived, or the call began."""
        return self._line.last_ms

    @property
    def pending_bytes(self) -> int:
        """Bytes captured that wait for the rest of their 20 ms."""
        return self._framer.pending_bytes

    def reconfigure(self, policy: ProviderGatingPolicy, config: GatingConfig) -> None:
        """Judge by other thresholds from the next frame on; see the manager's method."""
        self._course.config = config.barge_in
        self._analyzer.reconfigure(policy)
        self._evidence.reconfigure(config.barge_in, self._analyzer.thresholds)
        self._turn.end_ms = config.barge_in.turn_end_ms
        self._agent.grace_ms = float(policy.post_speech_grace_ms)
        self._line.idle_after_ms = float(config.idle_fill.after_ms)
        self._outlet.feed.withheld_audio = policy.withheld_audio
        if self._guarded is not None:
            self._guarded.reconfigure(config.audio_guard)

    # -- public inputs -----------------------------------------------------------------------------

    def process(self, chunk: bytes, now_ms: float) -> GateDecision:
        """Judge one captured chunk; see :meth:`AudioGatingManager.process`."""
        output = GateOutput(now_ms, GateReason.INCOMPLETE_FRAME)
        if is_malformed(chunk, self.capture_format):
            self.stats.malformed_chunks += 1
            output.reason = GateReason.MALFORMED_AUDIO
            return output.decision(self.state)
        duration_ms = self.capture_format.duration_ms(len(chunk))
        if not self._line.has_audio:
            self._outlet.feed.begin(now_ms - duration_ms)
        units = self._framer.push(chunk)
        if self._gaps is not None:
            self._gaps.recover(self._line, units, output, is_open=self.state in _LETS_OUT)
        placed_ms, self.placed_ms = self.placed_ms, None
        self._line.receive(now_ms, duration_ms, placed_ms)
        self._late_slots.receive_chunk(is_stale=self._line.stale_ms > 0.0)
        pending_ms = self.capture_format.duration_ms(self._framer.pending_bytes)
        for n_later, unit in zip(range(len(units) - 1, -1, -1), units, strict=True):
            # Each unit is judged at its own time, so that the chunking does not show, but never
            # before what the gate has followed already.
            unit_ms = now_ms - pending_ms - n_later * FRAME_MS
            output.now_ms = max(unit_ms, self._followed_ms)
            captured_ms = unit_ms - self._line.stale_ms
            paired_ms = output.now_ms if placed_ms is None else captured_ms
            self._process_unit(unit, captured_ms, paired_ms, output)
            self.is_forwarding = output.action is GateAction.FORWARD
            if self._gaps is not None:
                self._gaps.follow(output)
        return output.decision(self.state)

    def advance(self, now_ms: float) -> GateDecision:
        """Let time pass without a frame; see :meth:`AudioGatingManager.advance`."""
        output = GateOutput(now_ms, GateReason.IDLE_FILL)
        self._follow_agent(output)
        for _ in range(self._line.slots_to_fill(now_ms, self._outlet.feed.deficit_ms(now_ms))):
            self._fill_slot(output)
        if not output.events and not output.audio:
            return _IDLE_DECISIONS[self.state]
        return output.decision(self.state)

    def receive_far_end(self, frame: bytes, now_ms: float, *, is_agent_audio: bool) -> None:
        """Take note of one 20 ms slot that the line plays to the caller."""
        self._agent.receive_far_end(
            now_ms, is_agent_audio=is_agent_audio, is_paused=self._course.has_paused
        )
        is_whole = self._analyzer.receive_far_end(frame, now_ms)
        self.stats.malformed_far_end_frames += not is_whole

    def set_agent_speaking(self, now_ms: float, *, is_speaking: bool, audio_ms: float) -> None:
        """Take note of the provider's word on generation."""
        self._agent.set_speaking(now_ms, is_speaking=is_speaking, audio_ms=audio_ms)

    def receive_provider_speech_started(
        self, now_ms: float, capture_ms: float | None = None
    ) -> GateDecision:
        """Take the provider's word that the caller speaks, and since when as far as it says."""
        output = GateOutput(now_ms, GateReason.PROVIDER_SPEECH)
        self._outlet.feed.in_turn = True
        self._course.follow_provider(output, capture_ms=capture_ms)
        return output.decision(self.state)

    def receive_provider_speech_stopped(self) -> None:
        """Take the provider's word that the caller's turn has ended."""
        self._outlet.feed.in_turn = False

    # -- one 20 ms unit, by state ------------------------------------------------------------------

    def _process_unit(
        self, unit: bytes, captured_ms: float, paired_ms: float, output: GateOutput
    ) -> None:
        self.stats.captured_frames += 1
        self._course.captured_ms = captured_ms
        analysis = self._analyzer.analyze(
            unit,
            paired_ms,
            agent_audible=self._asks_for_verdict(output) or self._is_agent_audible(captured_ms),
        )
        unit = analysis.audio
        self._follow_detectors(analysis, output)
        self._follow_agent(output)
        is_asked = self._asks_guard(captured_ms, output)
        if not is_asked:
            self._pass_unasked()
        if self.state is GateState.OPEN:
            self._process_open(unit, captured_ms, analysis, output)
        elif self.state is GateState.BARGE_IN:
            self._process_barge_in(unit, analysis, output)
        else:
            self._process_closed(unit, analysis, output)
        guarded = self._guarded
        if guarded is not None:
            self._degradation.follow_networks(
                guarded.degradations, output, agent_audible=self._was_audible
            )
        output.measurements = analysis.measurements(
            noise_floor=0.0 if guarded is None else guarded.noise_floor,
            evidence_ms=self._evidence.ms,
            evidence_span_ms=self._evidence.span_frames * FRAME_MS,
            agent_audible=self._was_audible,
            speech_logit=guarded.speech_logit if guarded is not None and is_asked else None,
        )

    def _process_open(
        self, unit: bytes, captured_ms: float, analysis: CaptureAnalysis, output: GateOutput
    ) -> None:
        if self.mode is GatingMode.OFF:
            self._outlet.forward(unit, GateReason.PASS_THROUGH, output)
        elif self._agent.is_audible(output.now_ms):
            is_caller = self._holds_turn(analysis)
            if is_caller and self._guarded is not None:
                self._guarded.hear_speech()
            self._course.follow_turn(output, is_caller=is_caller)
            if self.state is GateState.OPEN:
                self._outlet.forward(unit, GateReason.CALLER_TURN, output)
            else:
                self._hold(unit, GateReason.AGENT_AUDIBLE, analysis, output)
        elif self._is_late(captured_ms, output):
            self._process_late(unit, analysis, output)
        else:
            self._process_agent_silent(unit, analysis, output)

    def _process_late(self, unit: bytes, analysis: CaptureAnalysis, output: GateOutput) -> None:
        """Judge what comes late, captured while the agent was still audible."""
        self._observe_evidence(analysis)
        if self._evidence.is_held:
            self._course.release_onset(
                self._evidence.span_frames - 1, GateReason.CALLER_SPEECH, output
            )
            self._outlet.forward(unit, GateReason.CALLER_SPEECH, output)
            self._course.hear_caller()
        else:
            reason, level = GateReason.AGENT_AUDIBLE, analysis.level
            self._outlet.hold(unit, reason, output, level=level, is_echo=True)

    def _process_agent_silent(
        self, unit: bytes, analysis: CaptureAnalysis, output: GateOutput
    ) -> None:
        if self._guarded is None:
            is_speech = analysis.voice is not None and analysis.voice.is_speech
            self._outlet.forward(unit, GateReason.AGENT_SILENT, output)
        else:
            is_speech = self._guarded.process(unit, analysis, output)
        self._turn.observe(is_caller=is_speech)
        if is_speech:
            self._turn.hear_level(analysis.level)

    def _process_closed(self, unit: bytes, analysis: CaptureAnalysis, output: GateOutput) -> None:
        lapsed = self._observe_evidence(analysis)
        self._course.follow_evidence(output, lapsed=lapsed)
        if self.state is GateState.BARGE_IN:
            self._course.release_onset(self._evidence.span_frames - 1, GateReason.BARGE_IN, output)
            self._outlet.forward(unit, GateReason.BARGE_IN, output)
            return
        is_candidate = self.state is GateState.CANDIDATE
        reason = GateReason.CANDIDATE if is_candidate else GateReason.AGENT_AUDIBLE
        self._hold(unit, reason, analysis, output)

    def _process_barge_in(self, unit: bytes, analysis: CaptureAnalysis, output: GateOutput) -> None:
        self._course.follow_barge_in(output, is_caller=analysis.is_caller)
        if self.state is GateState.CLOSED:
            self._hold(unit, GateReason.CONFIRM_TIMEOUT, analysis, output)
        else:
            self._outlet.forward(unit, GateReason.BARGE_IN, output)

    def _hold(
        self, unit: bytes, reason: GateReason, analysis: CaptureAnalysis, output: GateOutput
    ) -> None:
        self._outlet.hold(unit, reason, output, level=analysis.level, is_echo=analysis.is_echo)

    def _fill_slot(self, output: GateOutput) -> None:
        """Let one slot pass in which the line delivered nothing: the caller is silent."""
        if self._gaps is not None:
            self._gaps.pass_slot()
        if self._guarded is not None:
            self._guarded.pass_slot()
            self._late_slots.pass_slot()
        self._analyzer.pass_slot(agent_audible=self._asks_for_verdict(output))
        if self.state is GateState.OPEN:
            self._outlet.forget()  # what is held is not what comes before the next frame
            if self._is_agent_audible(output.now_ms):
                self._course.follow_turn(output, is_caller=False)
            else:
                self._turn.observe(is_caller=False)
        elif self.state is GateState.BARGE_IN:
            self._course.follow_barge_in(output, is_caller=False)
        else:
            lapsed = self._evidence.observe_nothing()
            self._course.follow_evidence(output, lapsed=lapsed)
        self.stats.idle_fill_frames += self._outlet.send_silence(output)

    def _pass_unasked(self) -> None:
        """Let the guard's time pass by a frame that it is not asked about."""
        has_passed = self._late_slots.take(is_stale=self._line.stale_ms > 0.0)
        if self._guarded is not None and not has_passed:
            self._guarded.pass_slot()

    # -- what the state machine is told ------------------------------------------------------------

    def _asks_for_verdict(self, output: GateOutput) -> bool:
        """Say whether the reference is asked: the agent is audible, or paused by us."""
        return self.state is not GateState.OPEN or self._is_agent_audible(output.now_ms)

    def _asks_guard(self, captured_ms: float, output: GateOutput) -> bool:
        """Say whether the guard decides about a frame: nothing of the agent was audible in it."""
        return (
            self.state is GateState.OPEN
            and self.mode is not GatingMode.OFF
            and not self._agent.is_audible(output.now_ms)
            and not self._is_late(captured_ms, output)
        )

    def _is_late(self, captured_ms: float, output: GateOutput) -> bool:
        """Say whether a frame comes after the agent's end that was captured before it."""
        return captured_ms < output.now_ms and self._agent.is_audible(captured_ms)

    def _is_agent_audible(self, now_ms: float) -> bool:
        return self.mode is not GatingMode.OFF and self._agent.is_audible(now_ms)

    def _follow_agent(self, output: GateOutput) -> None:
        self._followed_ms = output.now_ms
        is_audible = self._is_agent_audible(output.now_ms)
        if is_audible and not self._was_audible:
            gate_input = GateInput.AGENT_STARTED
            if self._turn.is_talking and self.mode is not GatingMode.HALF_DUPLEX:
                gate_input = GateInput.AGENT_STARTED_OVER_CALLER
                if self.state is GateState.OPEN:
                    self._outlet.forget()  # the caller's frames go out from here on
            self._turn.is_over_agent = gate_input is GateInput.AGENT_STARTED_OVER_CALLER
            self._turn.has_reference = self.mode is GatingMode.ECHO_AWARE
            self._course.apply(gate_input, GateReason.AGENT_AUDIBLE, output)
        elif not is_audible and self.state is not GateState.OPEN and not self._course.has_paused:
            self._course.apply(GateInput.AGENT_ENDED, GateReason.AGENT_SILENT, output)
        self._was_audible = is_audible

    def _holds_turn(self, analysis: CaptureAnalysis) -> bool:
        """Say whether the caller, to whom the gate is open, still talks while the agent does."""
        return analysis.is_caller or self._turn.goes_on(
            analysis.level,
            logit=analysis.logit,
            is_voice=analysis.voice is not None and analysis.voice.is_speech,
        )

    def _observe_evidence(self, analysis: CaptureAnalysis) -> bool:
        """Take a frame's evidence, an unjudged one's none; return True if this made it lapse."""
        if analysis.is_unjudged:
            return self._evidence.observe_nothing()
        return self._evidence.observe(is_caller=analysis.is_caller, logit=analysis.logit)

    def _follow_detectors(self, analysis: CaptureAnalysis, output: GateOutput) -> None:
        if analysis.echo_delay_ms is not None:
            self._agent.echo_delay_ms = analysis.echo_delay_ms
        self._degradation.follow_detectors(
            self._analyzer.degradations, self.mode, output, agent_audible=self._was_audible
        )


_IDLE_DECISIONS = {
    state: GateOutput(0.0, GateReason.IDLE_FILL).decision(state) for state in GateState
}
"""What time passing comes to where nothing happens: made once, as it is asked for in every slot."""
