"""What a gate did on one call."""

from __future__ import annotations

from collections.abc import Iterable

from voxgate.core.gate_decision import GateEvent, GateEventType, GateReason
from voxgate.lab.evaluate.intervals import Interval
from voxgate.lab.evaluate.runner import GateRun
from voxgate.lab.tune.call_labels import CallLabels
from voxgate.lab.tune.measures import CallMeasures, counted_turns, measure_call, total

AGENT = ((1000.0, 4000.0), (6000.0, 9000.0))


def run(committed_ms: Iterable[float] = (), forwarded: tuple[Interval, ...] = ()) -> GateRun:
    events = tuple(
        GateEvent(type=GateEventType.BARGE_IN_COMMITTED, t_ms=t_ms, reason=GateReason.CALLER_SPEECH)
        for t_ms in committed_ms
    )
    return GateRun(events=events, forwarded=forwarded, us_per_frame_p50=0.0)


def measure(labels: CallLabels, gate: GateRun) -> CallMeasures:
    return measure_call(gate, labels, agent_speaking=AGENT, duration_ms=12_000.0)


def test_right_and_false_are_those_of_evaluate() -> None:
    """One interruption let in after 200 ms, one commitment without a caller."""
    labels = CallLabels(speech=((2000.0, 3000.0),))
    got = measure(labels, run([2200.0, 7000.0], ((1900.0, 3500.0), (7000.0, 7500.0))))
    assert (got.agent_turns, got.false_turns) == (2, 1)
    assert (got.interruptions, got.right, got.latencies_ms) == (1, 1, (200.0,))
    assert (got.speech_ms, got.lost_ms) == (1000.0, 0.0)
    assert (got.echo_of_ms, got.echo_ms) == (3700.0, 500.0)


def test_audio_is_counted_far_from_speech_only() -> None:
    """What may go out before and after speech, and the turns without caller, are left out."""
    labels = CallLabels(speech=((2000.0, 3000.0),))
    got = measure(labels, run(forwarded=((0.0, 1000.0), (10_000.0, 10_100.0))))
    assert got.idle_ms == 1500.0 + 2000.0 + 2300.0
    assert got.noise_ms == 1100.0
    assert got.lost_ms == 1000.0


def test_turns_that_are_unsure_before_the_first_onset_are_left_out() -> None:
    """After it nothing is decided any more; the tail belongs to a turn."""
    labels = CallLabels(
        speech=((2000.0, 3000.0),), unsure=((3500.0, 3600.0), (9500.0, 9600.0)), is_given=False
    )
    assert counted_turns(AGENT, labels) == (AGENT[0],)
    got = measure(labels, run([7000.0]))
    assert (got.agent_turns, got.false_turns, got.interruptions) == (1, 0, 1)


def test_a_commitment_in_a_turn_that_is_left_out_is_not_of_the_turn_before() -> None:
    """It is too late for that one, as where every turn is judged."""
    turns = ((1000.0, 4000.0), (4750.0, 8000.0))
    labels = CallLabels(speech=((3900.0, 4100.0),), unsure=((5000.0, 5100.0),), is_given=False)
    got = measure_call(run([4770.0]), labels, agent_speaking=turns, duration_ms=12_000.0)
    assert (got.agent_turns, got.interruptions, got.right) == (1, 1, 0)


def test_a_soft_word_end_is_no_echo() -> None:
    """Of a found caller who may have spoken on when the agent began."""
    labels = CallLabels(speech=((5000.0, 5990.0),), is_given=False)
    got = measure(labels, run(forwarded=((6000.0, 6290.0),)))
    assert got.echo_ms == 0.0


def test_a_gate_that_is_quicker_than_the_found_onset_is_right() -> None:
    """Its latency is counted from the onset that was found."""
    given = measure(CallLabels(speech=((2000.0, 3000.0),)), run([1920.0]))
    found = measure(CallLabels(speech=((2000.0, 3000.0),), is_given=False), run([1920.0]))
    assert (given.false_turns, given.right) == (1, 0)
    assert (found.false_turns, found.right, found.latencies_ms) == (0, 1, (-80.0,))


def test_edges_of_found_speech_are_not_counted_as_lost() -> None:
    """Nobody knows where a word ends to 100 ms."""
    got = measure(CallLabels(speech=((2000.0, 3000.0),), is_given=False), run())
    assert (got.speech_ms, got.lost_ms) == (800.0, 800.0)


def test_measures_add_up() -> None:
    """Latencies one after the other."""
    one = CallMeasures(agent_turns=1, lost_ms=2.5, latencies_ms=(1.0,))
    assert total([one, one]) == CallMeasures(agent_turns=2, lost_ms=5.0, latencies_ms=(1.0, 1.0))
    assert total([]) == CallMeasures()
