"""What is known of a running call between two events."""

from __future__ import annotations

from voxgate.core.call_stats import CallStats
from voxgate.core.gate_decision import GateState
from voxgate.observe.metrics_tally import CallTally, GateTotals


def tally() -> CallTally:
    return CallTally("audiosocket", "agent", 0.0, {})


class TestGateTotals:
    """Counters of gates, looked at now and then."""

    def test_only_what_is_new_is_told(self) -> None:
        """What did not change is not among it."""
        totals = GateTotals()
        assert totals.see(CallStats(captured_frames=9, forwarded_frames=5)) == {"forwarded": 5}
        later = CallStats(captured_frames=12, forwarded_frames=5, withheld_frames=3)
        assert totals.see(later) == {"withheld": 3}
        assert totals.see(later) == {}

    def test_the_end_tells_what_was_not_seen(self) -> None:
        """Of all gates that the call had."""
        totals = GateTotals()
        totals.see(CallStats(forwarded_frames=5, silence_frames=2))
        end = CallStats(forwarded_frames=8, silence_frames=2, released_frames=1)
        assert totals.end(end) == {"forwarded": 3, "released": 1}

    def test_a_gate_that_begins_anew_counts_from_nothing(self) -> None:
        """Whether it has less than the one before, or more."""
        totals = GateTotals()
        totals.see(CallStats(forwarded_frames=5, withheld_frames=4))
        first = CallStats(forwarded_frames=6, withheld_frames=4)
        assert totals.end(first) == {"forwarded": 1}
        assert totals.see(CallStats(forwarded_frames=9, withheld_frames=1)) == {
            "forwarded": 9,
            "withheld": 1,
        }
        assert totals.end(CallStats(forwarded_frames=15, withheld_frames=7)) == {"withheld": 2}

    def test_a_gate_that_is_seen_too_early_counts_once(self) -> None:
        """A scrape may come before the word that another provider has taken over."""
        totals = GateTotals()
        totals.see(CallStats(forwarded_frames=5))
        assert totals.see(CallStats(forwarded_frames=7)) == {"forwarded": 2}
        assert totals.end(CallStats(forwarded_frames=6)) == {}
        assert totals.see(CallStats(forwarded_frames=8)) == {"forwarded": 7}
        assert totals.end(CallStats(forwarded_frames=14)) == {}

    def test_nothing_is_ever_taken_back(self) -> None:
        """Counters of Prometheus only grow."""
        totals = GateTotals()
        totals.see(CallStats(forwarded_frames=5))
        assert totals.end(CallStats(forwarded_frames=3)) == {}


class TestStates:
    """How long the gate stands where it does."""

    def test_a_visit_ends_with_the_next_or_with_the_call(self) -> None:
        """The first has nothing before it."""
        call = tally()
        assert call.enter(GateState.OPEN, 100.0, is_gated=True) is None
        assert call.enter(GateState.CLOSED, 350.0, is_gated=True) == 250.0
        assert call.state is GateState.CLOSED
        assert call.leave(1350.0) == 1000.0

    def test_a_call_without_a_gate_visits_nothing(self) -> None:
        """Passing through is no state of a gate."""
        call = tally()
        call.enter(GateState.OPEN, 100.0, is_gated=False)
        assert call.leave(1350.0) is None

    def test_a_gate_that_is_shown_the_past_takes_no_negative_time(self) -> None:
        """Of a provider that takes over."""
        call = tally()
        call.enter(GateState.CLOSED, 1000.0, is_gated=True)
        assert call.enter(GateState.OPEN, 400.0, is_gated=True) == 0.0


class TestVoices:
    """Who is heard when."""

    def test_a_caller_waits_from_the_last_speech_to_the_first_answer(self) -> None:
        """Once; an agent that speaks on keeps nobody waiting."""
        call = tally()
        assert call.play_agent(0.0) is None
        call.hear_caller(1000.0)
        call.hear_caller(1200.0)
        assert call.play_agent(2000.0) == 800.0
        assert call.play_agent(2020.0) is None

    def test_silence_is_reached_when_the_last_slot_of_the_agent_is_over(self) -> None:
        """20 ms after it began."""
        call = tally()
        call.play_agent(500.0)
        call.play_agent(520.0)
        call.onset_ms = 450.0
        assert call.play_silence() == 90.0
        assert call.onset_ms is None

    def test_an_agent_that_was_silent_before_took_no_time(self) -> None:
        """Or was never heard."""
        call = tally()
        call.onset_ms = 450.0
        assert call.play_silence() == 0.0
        call.play_agent(100.0)
        call.onset_ms = 450.0
        assert call.play_silence() == 0.0

    def test_only_over_the_agent_is_a_providers_word_an_onset(self) -> None:
        """A caller who begins in silence interrupts nobody."""
        call = tally()
        call.interrupt(100.0)
        assert call.onset_ms is None
        call.play_agent(300.0)
        call.interrupt(400.0)
        assert call.onset_ms is None
        call.interrupt(250.0)
        assert call.onset_ms == 250.0
