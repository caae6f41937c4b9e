"""The splitter speaks early, never in the middle of a number, and loses nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.local_agent.sentences import SentenceSplitter, spoken_form

TEXT = st.text(
    st.one_of(
        st.sampled_from(" .,!?;:\n*_`#-0123456789abcDrNo\u2026\u3002\"')("),
        st.characters(codec="utf-8"),
    ),
    max_size=700,
)


def split(text: str, *, step: int | None = None) -> list[str]:
    splitter = SentenceSplitter()
    step = step or max(1, len(text))
    pieces = [
        piece for at in range(0, len(text), step) for piece in splitter.push(text[at : at + step])
    ]
    return pieces + splitter.finish()


@given(TEXT)
def test_the_pieces_joined_are_the_text(text: str) -> None:
    """Nothing is lost, doubled or changed, and no piece is empty."""
    pieces = split(text)
    assert "".join(pieces) == text
    assert all(pieces)


@given(TEXT, st.integers(1, 40))
def test_how_the_text_arrives_does_not_show(text: str, step: int) -> None:
    """Tokens, letters or the whole: the same pieces."""
    assert split(text, step=step) == split(text)


@given(TEXT)
def test_no_piece_is_long(text: str) -> None:
    """A voice that needs all of its text does not wait for a page of it; the last one has its
    white space with it."""
    assert all(len(piece) <= 301 for piece in split(text))


@pytest.mark.parametrize(
    "marked",
    [
        "Hello. |How can I help you today?",
        "We close at 5.30 p.m. on weekdays. |Come by!",
        "Dr. Smith is in. |Ask J. Doe for details.",
        "It is 3.5 km away. |Take bus No. 5 from there.",
        "No. |That is not what I said.",
        "Open till 6 p.m. |After that, call us.",
        "Two ways:\n|1. By bus from here.\n|2. On foot.",
        "Wait... |what on earth was that? |I see.",
        "See example.org/a.html for all.",
        'He said "yes." |Then he left.',
        "\u4f60\u597d\u3002|\u6211\u662f\u52a9\u7406\u3002",
        "Apples, pears etc. are in. |More later.",
    ],
)
def test_pieces_end_where_sentences_do(marked: str) -> None:
    """Abbreviations, numbers, initials and lists end none."""
    assert split(marked.replace("|", "")) == marked.split("|")


def test_the_first_piece_may_be_a_clause() -> None:
    """The caller waits for it; later pieces are whole sentences."""
    text = (
        "Our shop in the old town is open, as far as I know, until nine. And so on, and on, and on."
    )
    first, second, third = split(text)
    assert first == "Our shop in the old town is open, "
    assert second == "as far as I know, until nine. "
    assert third == "And so on, and on, and on."


def test_a_short_sentence_goes_with_the_next() -> None:
    """But for the first one, which is spoken at once."""
    text = "Yes. Sure. We are open on Sunday."
    assert split(text) == ["Yes. ", "Sure. We are open on Sunday."]


def test_a_piece_comes_out_as_soon_as_the_next_word_begins() -> None:
    """Before that, "5." might be the beginning of "5.30"."""
    splitter = SentenceSplitter()
    assert splitter.push("It is five.") == []
    assert splitter.push(" ") == []
    assert splitter.push("Y") == ["It is five. "]
    assert splitter.finish() == ["Y"]


def test_a_splitter_serves_one_answer_after_another() -> None:
    """After the end of an answer the next one's first piece may be short again."""
    splitter = SentenceSplitter()
    for _ in range(2):
        assert splitter.push("Yes. We do") == ["Yes. "]
        assert splitter.finish() == ["We do"]
    assert splitter.finish() == []


@pytest.mark.parametrize(
    ("piece", "spoken"),
    [
        ("**Monday** to *Friday*, ", "Monday to Friday,"),
        ("## Opening hours\n", "Opening hours"),
        ("- one\n- two", "one two"),
        ("> quoted", "quoted"),
        ("Use `make test`.", "Use make test ."),
        ("See [our page](https://example.org/x).", "See our page."),
        ("```python\nprint(1)\n``` Done.", "Done."),
        ("Good! \U0001f600 ", "Good!"),
        ("snake_case stays", "snake_case stays"),
        ("2 * 3 is 6", "2 3 is 6"),
        ("| a | b |", "a b"),
        ("---\n", ""),
        (" ... ", ""),
        ("1. By bus.", "1. By bus."),
    ],
)
def test_markup_is_not_read_aloud(piece: str, spoken: str) -> None:
    """What a model writes for a screen is said as a person would."""
    assert spoken_form(piece).replace(" .", ".") == spoken.replace(" .", ".")


def test_code_is_left_out_and_what_follows_it_is_said() -> None:
    """However many lines it has; half of a block is not told from the words behind it."""
    text = (
        "This is how it is done:\n```python\nfor each in everything: print(each)\nprint('done, at "
        "last. Yes.')\n```\nThat is all you need to know. Goodbye, caller."
    )
    for step in (1, 7, len(text)):
        spoken = [spoken_form(piece) for piece in split(text, step=step)]
        assert " ".join(filter(None, spoken)) == (
            "This is how it is done: That is all you need to know. Goodbye, caller."
        )


@given(TEXT)
def test_what_is_spoken_is_one_line_with_a_word_in_it_or_nothing(text: str) -> None:
    """A voice is never asked to say a mark alone."""
    spoken = spoken_form(text)
    assert spoken == "" or any(character.isalnum() for character in spoken)
    assert "\n" not in spoken
    assert "*" not in spoken
    assert spoken == spoken.strip()


@pytest.mark.parametrize("text", ["word " * 200, "x" * 900, "a sentence, " * 60])
def test_a_text_without_an_end_is_cut_at_a_space(text: str) -> None:
    """Where there is one; a voice would else wait for all of it."""
    pieces = split(text)
    assert len(pieces) >= 3
    assert all(len(piece) <= 300 for piece in pieces)
    assert "".join(pieces) == text
    if " " in text:
        assert all(piece.endswith(" ") for piece in pieces[:-1])


def looked_at(monkeypatch: pytest.MonkeyPatch, text: str) -> int:
    """Return the letters that are searched for the ends of pieces while a text is cut at one go."""
    searched = 0
    end_of = SentenceSplitter._piece_end

    def piece_end(self: SentenceSplitter, waiting: str) -> int | None:
        nonlocal searched
        searched += len(waiting)
        return end_of(self, waiting)

    monkeypatch.setattr(SentenceSplitter, "_piece_end", piece_end)
    assert "".join(split(text)) == text
    return searched


@pytest.mark.parametrize("text", ["word ", ". ", "a. ", "x", "\n x", "This is a sentence. "])
def test_a_long_text_is_searched_once(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """All calls wait for it: no more than a piece is looked at for each piece."""
    text *= 100_000 // len(text)
    n_pieces = len(split(text))
    assert looked_at(monkeypatch, text) <= 302 * n_pieces
