"""What synthetic voices say."""

from __future__ import annotations

from voxgate.lab.training_sentences import LONG_SENTENCES, SHORT_SENTENCES, sentences_of


def test_every_voice_says_long_and_short_sentences() -> None:
    """None twice, and all sentences are said by some voice."""
    for number in range(60):
        said = sentences_of(number)
        assert len(set(said)) == len(said) == 19
        assert set(said[:7]) <= set(LONG_SENTENCES)
        assert set(said[7:]) <= set(SHORT_SENTENCES)
    heard = {sentence for number in range(60) for sentence in sentences_of(number)}
    assert heard == {*LONG_SENTENCES, *SHORT_SENTENCES}


def test_neighbours_say_other_words_first() -> None:
    """A detector must not learn a sentence by its voice."""
    assert len({sentences_of(number)[0] for number in range(10)}) == 10
