"""From state to state, and what each step does to playout, turn and held audio."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.agent_audibility import AgentAudibility
from voxgate.core.audio import AudioFormat
from voxgate.core.call_stats import CallStats
from voxgate.core.caller_turn import CallerTurn
from voxgate.core.config import BargeInConfig, WithheldAudio
from voxgate.core.echo.barge_in_decision import DecisionThresholds
from voxgate.core.evidence import Evidence
from voxgate.core.gate_course import GateCourse
from voxgate.core.gate_decision import GateEventType, GateReason, GateState
from voxgate.core.gate_output import GateOutput, Outlet
from voxgate.core.gate_transitions import TRANSITIONS, GateInput

E, S = GateEventType, GateState
CONFIG = BargeInConfig(
    candidate_ms=40,
    min_ms=80,
    evidence_release_ms=100,
    onset_preroll_ms=40,
    confirm_speech_ms=60,
    confirm_timeout_ms=400,
    cooldown_ms=200,
)


class Course:
    """A course with everything it moves, told of 20 ms at a time."""

    def __init__(self) -> None:
        self.stats = CallStats()
        self.agent = AgentAudibility(100)
        self.turn = CallerTurn(CONFIG.turn_end_ms)
        self.evidence = Evidence(CONFIG, DecisionThresholds())
        self.outlet = Outlet(WithheldAudio.SILENCE, AudioFormat(), 0.0, self.stats)
        self.course = GateCourse(
            CONFIG,
            agent=self.agent,
            turn=self.turn,
            evidence=self.evidence,
            outlet=self.outlet,
            guarded=None,
            stats=self.stats,
            start_ms=0.0,
        )
        self.now_ms = 0.0
        self.events: list[GateEventType] = []
        self.released = 0

    def close(self) -> None:
        """Let the agent speak."""
        output = self.output()
        self.agent.receive_far_end(self.now_ms, is_agent_audio=True)
        self.course.apply(GateInput.AGENT_STARTED, GateReason.AGENT_AUDIBLE, output)
        self.take(output)

    def slot(self, *, is_caller: bool = False, plays: bool = True) -> None:
        """Let 20 ms pass: a frame that speaks for the caller, or for nobody."""
        self.now_ms += 20
        self.course.captured_ms = self.now_ms
        output = self.output()
        if plays and not self.course.has_paused:
            self.agent.receive_far_end(self.now_ms, is_agent_audio=True)
        if self.course.state is S.OPEN:
            self.course.follow_turn(output, is_caller=is_caller)
        elif self.course.state is S.BARGE_IN:
            self.course.follow_barge_in(output, is_caller=is_caller)
        else:
            self.outlet.hold(bytes(320), GateReason.CANDIDATE, output, level=900.0, is_echo=False)
            lapsed = self.evidence.observe(is_caller=is_caller)
            self.course.follow_evidence(output, lapsed=lapsed)
            if self.course.state is S.BARGE_IN:
                n_sure = self.evidence.span_frames - 1
                self.course.release_onset(n_sure, GateReason.BARGE_IN, output)
        self.take(output)

    def hear_provider(self, capture_ms: float | None = None) -> None:
        output = self.output()
        self.course.follow_provider(output, capture_ms=capture_ms)
        self.take(output)

    def output(self) -> GateOutput:
        return GateOutput(self.now_ms, GateReason.AGENT_AUDIBLE)

    def take(self, output: GateOutput) -> None:
        self.events += [event.type for event in output.events]
        self.released += len(output.released)


def speak(course: Course, pattern: str) -> Course:
    """Let a caller speak (x) and be silent (-)."""
    for mark in pattern:
        course.slot(is_caller=mark == "x")
    return course


def closed() -> Course:
    course = Course()
    course.close()
    return course


def test_a_word_that_goes_on_pauses_opens_and_interrupts() -> None:
    """The onset goes out with what came before it; playout is flushed, not resumed."""
    course = speak(closed(), "--xx")
    assert (course.course.state, course.course.has_paused) == (S.CANDIDATE, True)
    speak(course, "xx")
    assert (course.course.state, course.released) == (S.BARGE_IN, 3 + 2)
    speak(course, "xxx")
    assert (course.course.state, course.course.has_paused) == (S.OPEN, False)
    assert course.turn.is_talking
    assert not course.agent.is_active(course.now_ms + 200.0)
    assert course.events == [
        E.GATE_CLOSED,
        E.CANDIDATE_STARTED,
        E.BARGE_IN_COMMITTED,
        E.ONSET_RELEASED,
        E.INTERRUPTED,
    ]
    assert (course.stats.candidates, course.stats.barge_ins, course.stats.interruptions) == (1,) * 3


def test_a_click_resumes_what_it_has_paused() -> None:
    """Nothing is released."""
    course = speak(closed(), "xx------")
    assert (course.course.state, course.course.has_paused) == (S.CLOSED, False)
    assert course.events == [E.GATE_CLOSED, E.CANDIDATE_STARTED, E.CANDIDATE_DROPPED]
    assert (course.stats.candidates_dropped, course.released) == (1, 0)


def test_a_barge_in_that_nobody_confirms_is_taken_back_and_not_repeated_at_once() -> None:
    """Until the cooldown is over, evidence moves nothing; then it does again."""
    course = speak(closed(), "xxxx" + "-" * 20)
    assert (course.course.state, course.events[-1]) == (S.CLOSED, E.RESUMED)
    assert course.course.closed_ms == course.now_ms
    speak(course, "xxxxxxxxx")
    assert course.course.state is S.CLOSED
    speak(course, "x")
    assert course.course.state is not S.CLOSED


def test_what_was_captured_before_the_false_one_ended_does_not_wait() -> None:
    """It comes late, and is no echo of the playout that goes on."""
    course = speak(closed(), "xxxx" + "-" * 20)
    course.course.captured_ms = course.course.closed_ms - 20.0
    for _ in range(4):
        course.evidence.observe(is_caller=True)
    course.course.follow_evidence(course.output(), lapsed=False)
    assert course.course.state is S.BARGE_IN


def test_a_short_word_in_the_echo_tail_is_the_callers_turn() -> None:
    """There is nothing left to resume: the gate opens and the word goes out."""
    course = closed()
    for mark in "---xxx------":
        course.slot(is_caller=mark == "x", plays=False)
    assert (course.course.state, course.events[-2:]) == (S.OPEN, [E.ONSET_RELEASED, E.GATE_OPENED])
    assert course.turn.is_talking


def test_the_providers_word_confirms_a_barge_in_but_not_of_before_it() -> None:
    """What it says of audio from before the gate closed is about another turn."""
    course = speak(closed(), "xxxx")
    course.hear_provider(capture_ms=course.course.closed_ms - 520.0)
    assert course.course.state is S.BARGE_IN
    course.hear_provider(capture_ms=course.now_ms - 40.0)
    assert (course.course.state, course.events[-1]) == (S.OPEN, E.INTERRUPTED)


def test_a_turn_over_the_agent_ends_with_the_callers_silence() -> None:
    """The gate closes, and what was held of before is forgotten."""
    course = speak(Course(), "x" + "-" * (CONFIG.turn_end_ms // 20))
    assert (course.course.state, course.events) == (S.CLOSED, [E.GATE_CLOSED])


def test_every_event_of_the_table_has_its_effect() -> None:
    """None is told without being carried out: any input in any state is taken."""
    for state, gate_input in TRANSITIONS:
        course = closed()
        course.course.state = state
        course.course.apply(gate_input, GateReason.AGENT_AUDIBLE, course.output())
        assert course.course.state is TRANSITIONS[state, gate_input].state


marks = st.sampled_from(["x", "-", "p", "q"])


@given(st.lists(marks, max_size=120))
def test_an_open_gate_has_nothing_paused(pattern: list[str]) -> None:
    """Else the agent would be mute for ever; a paused one is always behind some evidence."""
    course = closed()
    for mark in pattern:
        if mark == "p":
            course.hear_provider()
        else:
            course.slot(is_caller=mark == "x", plays=mark != "q")
        if course.course.state is S.OPEN or course.course.state is S.CLOSED:
            assert not course.course.has_paused


@pytest.mark.parametrize("timeout_ms", [100, 400, 1000])
def test_another_configuration_holds_from_the_next_frame_on(timeout_ms: int) -> None:
    """In the middle of a barge-in too."""
    course = speak(closed(), "xxxx")
    opened_ms = course.now_ms
    course.course.config = BargeInConfig(confirm_timeout_ms=timeout_ms)
    while course.course.state is S.BARGE_IN:
        course.slot()
    assert course.now_ms - opened_ms == max(timeout_ms, 140)
