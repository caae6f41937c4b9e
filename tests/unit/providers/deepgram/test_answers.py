"""Names for answers that have none, and which of them are still to be heard."""

from __future__ import annotations

from voxgate.providers.deepgram.answers import Answers, AudioPlace


def test_each_answer_is_one_item_with_a_number() -> None:
    """Announced or not, an answer begins with its first sign and ends with its end."""
    answers = Answers()
    assert answers.begin()
    assert not answers.begin()
    assert answers.place_audio() == AudioPlace(item_id="item-1", is_first=False)
    assert answers.end()
    assert not answers.end()

    assert answers.place_audio() == AudioPlace(item_id="item-2", is_first=True)
    assert answers.place_audio() == AudioPlace(item_id="item-2", is_first=False)
    assert (answers.item_id, answers.response_id, answers.number) == ("item-2", "response-2", 2)


def test_what_was_on_its_way_when_the_caller_spoke_is_nobody_s() -> None:
    """Up to the next announcement; then a new answer begins."""
    answers = Answers()
    answers.begin()
    assert answers.break_off()
    assert not answers.is_open
    assert answers.place_audio() is None
    assert answers.place_audio() is None
    answers.announce()

    assert answers.place_audio() == AudioPlace(item_id="item-2", is_first=True)


def test_the_end_of_a_broken_answer_is_the_last_of_it() -> None:
    """A server that announces nothing is understood all the same."""
    answers = Answers()
    answers.begin()
    answers.break_off()
    assert not answers.end()

    assert answers.place_audio() == AudioPlace(item_id="item-2", is_first=True)


def test_a_caller_who_speaks_into_silence_breaks_nothing_off() -> None:
    """What comes next is the answer to that."""
    answers = Answers()
    assert not answers.break_off()

    assert answers.place_audio() == AudioPlace(item_id="item-1", is_first=True)


def test_an_answer_that_was_cut_off_stays_cut_off() -> None:
    """Its further audio has no place, the next answer's has."""
    answers = Answers()
    answers.begin()
    answers.cut(1)
    assert answers.is_newest_cut
    assert answers.is_cut("item-1")
    assert answers.place_audio() is None
    answers.end()

    assert answers.place_audio() == AudioPlace(item_id="item-2", is_first=True)
    assert not answers.is_cut("item-2")


def test_a_cut_reaches_no_further_than_what_has_begun() -> None:
    """And never takes one back."""
    answers = Answers()
    answers.begin()
    answers.cut(99)
    answers.cut(0)
    answers.end()
    answers.begin()

    assert answers.is_cut("item-1")
    assert not answers.is_newest_cut
