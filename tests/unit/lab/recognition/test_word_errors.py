"""Word errors and how sure their differences are."""

from __future__ import annotations

import pytest

from voxgate.lab.recognition.word_errors import (
    WordErrors,
    count_word_errors,
    rate_difference,
    total_rate,
)


def errors(count: int, words: int = 5) -> WordErrors:
    return WordErrors(substitutions=count, deletions=0, insertions=0, words=words)


def test_nothing_said_is_an_error() -> None:
    """A rate would have nothing to be of."""
    with pytest.raises(ValueError, match="no words"):
        count_word_errors((), ("one",))


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("one two three", (0, 0, 0)),
        ("one ten three", (1, 0, 0)),
        ("one three", (0, 1, 0)),
        ("one two oh three", (0, 0, 1)),
        ("", (0, 3, 0)),
    ],
)
def test_the_fewest_errors_are_counted(heard: str, expected: tuple[int, int, int]) -> None:
    """Words taken for others, left out, and put in; hearing nothing leaves out all."""
    pytest.importorskip("jiwer")
    counted = count_word_errors(("one", "two", "three"), tuple(heard.split()))
    assert (counted.substitutions, counted.deletions, counted.insertions) == expected
    assert (counted.errors, counted.words) == (sum(expected), 3)


def test_the_rate_is_of_all_words_together() -> None:
    """Long utterances weigh more; the interval holds the rate, and is narrow for even errors."""
    rate = total_rate([errors(0, 2), errors(3, 10), errors(1, 4), errors(0, 4)])
    assert rate.percent == pytest.approx(20.0)
    assert rate.low_percent <= rate.percent <= rate.high_percent
    assert (rate.utterances, rate.words) == (4, 20)
    even = total_rate([errors(1)] * 50)
    assert even.low_percent == even.high_percent == pytest.approx(20.0)


def test_a_difference_is_taken_utterance_by_utterance() -> None:
    """What both get wrong in the same utterance does not widen the interval."""
    raw = [errors(n) for n in (5, 0, 4, 1, 5, 0, 3, 2)]
    better = [errors(one.errors - (one.errors > 0)) for one in raw]
    difference = rate_difference(better, raw)
    assert difference.percent == pytest.approx(100.0 * -6 / 40)
    assert -20.0 <= difference.low_percent < difference.high_percent < 0.0
    same = rate_difference(raw, raw)
    assert same.percent == same.low_percent == same.high_percent == 0.0


def test_differences_of_other_utterances_are_refused() -> None:
    """Paired or not at all."""
    with pytest.raises(ValueError, match="not of the same utterances"):
        rate_difference([errors(1, 5)], [errors(1, 4)])


def test_no_utterance_has_no_errors() -> None:
    """An empty report is shown as zero of zero words."""
    rate = total_rate([])
    assert (rate.percent, rate.utterances, rate.words) == (0.0, 0, 0)
