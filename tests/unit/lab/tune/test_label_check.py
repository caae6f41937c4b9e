"""Found labels against known ones."""

from __future__ import annotations

from voxgate.lab.evaluate.intervals import Interval
from voxgate.lab.tune.call_labels import CallLabels
from voxgate.lab.tune.label_check import Agreement, TurnCounts, check_labels, main, summed

AGENT = ((0.0, 3000.0), (5000.0, 8000.0))


def check(
    found: tuple[Interval, ...], known: tuple[Interval, ...], unsure: tuple[Interval, ...] = ()
) -> Agreement:
    labels = CallLabels(speech=found, unsure=unsure, is_given=False)
    return check_labels(labels, known, agent_speaking=AGENT, duration_ms=10_000.0)


def test_turns_are_counted_by_what_was_found_and_what_is_true() -> None:
    """One interruption found 40 ms late, a turn that nobody interrupted."""
    agreement = check(((1040.0, 2000.0),), ((1000.0, 2000.0),))
    assert agreement.turns == TurnCounts(found=1, quiet=1)
    assert agreement.onset_errors_ms == (40.0,)
    assert (agreement.turns.precision, agreement.turns.recall) == (1.0, 1.0)


def test_what_was_missed_and_invented_is_told_apart() -> None:
    """Both are wrong; an utterance near a known one is not invented."""
    agreement = check(((2100.0, 2300.0), (6000.0, 6500.0)), ((1000.0, 2000.0),))
    assert agreement.turns == TurnCounts(found=1, invented=1)
    missed = check((), ((1000.0, 2000.0),))
    assert missed.turns == TurnCounts(missed=1, quiet=1)
    assert (missed.turns.precision, missed.turns.recall) == (None, 0.0)
    assert (agreement.utterances, agreement.utterances_found) == (1, 0)
    assert agreement.invented_utterances == 1


def test_turns_that_are_unsure_are_neither_right_nor_wrong() -> None:
    """Counted as left out."""
    agreement = check((), ((1000.0, 2000.0),), ((900.0, 2100.0),))
    assert agreement.turns == TurnCounts(quiet=1, left_out=1, left_out_interrupted=1)
    assert (agreement.utterances, agreement.unsure_ms) == (0, 1200.0)


def test_agreements_add_up() -> None:
    """Over calls."""
    one = check(((1040.0, 2000.0),), ((1000.0, 2000.0),))
    both = summed([one, one])
    assert both.turns == TurnCounts(found=2, quiet=2)
    assert both.onset_errors_ms == (40.0, 40.0)
    assert (both.utterances, both.duration_ms) == (2, 20_000.0)
    assert summed([]) == Agreement()


def test_it_asks_for_one_bank(capsys) -> None:
    """And says so."""
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
