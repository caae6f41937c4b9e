"""Cuts an answer that is still being written into pieces to speak, as early as sounds natural.

A piece ends with a sentence, with a line, or - for the first one, which the caller waits for - with
a clause. A full stop after an abbreviation, in a number or a list's number ends nothing, nor does
anything in a block of code that is not longer than a piece may be. Invariant:
the pieces joined are the text, however it was cut on its way in; only :func:`spoken_form` changes
anything, for the voice.
"""

from __future__ import annotations

__all__ = ["SentenceSplitter", "spoken_form"]

import re
from itertools import islice

_WIDE_ENDS = "\u3002\uff01\uff1f"
"""Full stop, exclamation and question mark of scripts that write no space behind them."""
_ENDS = ".!?\u2026" + _WIDE_ENDS
_CLOSERS = "\"')]}*_\u201d\u2019\u00bb"

_MIN_CHARACTERS = 12
"""A shorter sentence is spoken with the next one ("Yes. We are open."), unless it is the first."""
_MIN_CLAUSE_CHARACTERS = 24
"""Of the first piece, from which a clause is enough to begin with: some 1.5 s of speech, in which
the next piece is there."""
_MAX_CHARACTERS = 300
"""Longest piece; a text without an end is cut at a space there, as voices wait for all of it."""
_SEARCHED = _MAX_CHARACTERS + 2
"""Characters that tell where a piece ends: it, the first of the next, and whether more follows."""

_ABBREVIATIONS = frozenset(
    {"mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "approx", "dept", "e.g", "i.e"}
    | {"z.b", "d.h", "bzw", "ca", "hr", "evtl", "ggf", "inkl"}
)
"""Words, before their full stop, that end no sentence."""
_BEFORE_NUMBERS = frozenset(
    {"no", "nr", "vol", "fig", "tel", "art"}
    | {"jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"}
)
"""Those that are abbreviations before a number, and words elsewhere."""
_OFTEN_LAST = frozenset(
    {"etc", "a.m", "p.m", "u.s", "u.k", "usw", "inc", "ltd", "co", "corp", "est"}
)
"""Those that end a sentence where a capital letter follows."""
_BOUNDARY = re.compile(rf"[{_ENDS}]+[{re.escape(_CLOSERS)}]*|\n+")
_CLAUSE = re.compile(r"[,;:](?=\s)|\s[\N{EN DASH}\N{EM DASH}](?=\s)")
_LAST_WORD = re.compile(r"[^\s(\[{\"']*$")
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*(?:\d{1,3}|[A-Za-z])$")

_FENCE = "```"
_CODE_BLOCK = re.compile(rf"{_FENCE}.*?(?:{_FENCE}|\Z)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
_LINE_MARK = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+\N{BULLET}][ \t]+|(?:-{3,}|\*{3,}|={3,})[ \t]*$)",
    re.MULTILINE,
)
_EMPHASIS = re.compile(r"(?<!\w)([*_]{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)", re.DOTALL)
_STRAY_MARK = re.compile(r"[*`~#|]+|(?<!\w)_+|_+(?!\w)")
_UNSPEAKABLE = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]+")
_SPACES = re.compile(r"\s+")


class SentenceSplitter:
    """Cuts one answer; text goes in as it comes, pieces come out once each."""

    __slots__ = ("_has_spoken", "_waiting")

    def __init__(self) -> None:
        self._waiting = ""
        self._has_spoken = False

    def push(self, text: str) -> list[str]:
        """Take the next text, cut anywhere, and return the pieces that are complete with it.

        Takes time in proportion to the text, however long it is and whatever marks it holds.
        """
        text = self._waiting + text
        pieces = []
        start = 0
        while (end := self._piece_end(text[start : start + _SEARCHED])) is not None:
            pieces.append(text[start : start + end])
            start += end
            self._has_spoken = True
        self._waiting = text[start:]
        return pieces

    def finish(self) -> list[str]:
        """Return what is left at the end of the answer; the splitter is ready for another."""
        rest, self._waiting, self._has_spoken = self._waiting, "", False
        return [rest] if rest else []

    def _piece_end(self, text: str) -> int | None:
        """Return where the next piece ends, the white space after it included."""
        ends = (self._sentence_end(text), self._clause_end(text))
        end = min((end for end in ends if end is not None), default=None)
        if end is None and len(text) > _MAX_CHARACTERS:
            return _forced_end(text)
        return end

    def _sentence_end(self, text: str) -> int | None:
        shortest = _end_of_letters(text, _MIN_CHARACTERS if self._has_spoken else 1)
        for match in _BOUNDARY.finditer(text, shortest):
            end = _with_space(text, match.end())
            if end is None:
                return None
            if not _is_in_code(text, end) and _is_end(text, match, end):
                return end
        return None

    def _clause_end(self, text: str) -> int | None:
        """Return the end of the first clause of an answer that can stand alone."""
        if self._has_spoken:
            return None
        match = _CLAUSE.search(text, _MIN_CLAUSE_CHARACTERS)
        if match is None or _is_in_code(text, match.end()):
            return None
        return _with_space(text, match.end())


def spoken_form(piece: str) -> str:
    """Return a piece as a voice is to read it: without a model's markup; ``""`` if nothing is left.

    Code is left out, links keep their text, and line breaks become pauses.
    """
    text = _CODE_BLOCK.sub(" ", piece)
    text = _LINK.sub(r"\1", text)
    text = _LINE_MARK.sub("", text)
    text = _EMPHASIS.sub(r"\2", text)
    text = _UNSPEAKABLE.sub(" ", _STRAY_MARK.sub(" ", text))
    text = _SPACES.sub(" ", text).strip()
    text = re.sub(r" (?=[.,!?;:])", "", text)
    return text if any(character.isalnum() for character in text) else ""


def _forced_end(text: str) -> int:
    space = text.rfind(" ", 1, _MAX_CHARACTERS)
    return _MAX_CHARACTERS if space < 0 else space + 1


def _end_of_letters(text: str, count: int) -> int:
    """Return where a text has so many letters and digits; its length if it has fewer."""
    found = (at for at, character in enumerate(text, 1) if character.isalnum())
    return next(islice(found, count - 1, None), len(text))


def _is_in_code(text: str, end: int) -> bool:
    """Return whether a block of code that begins before ``end`` goes on there."""
    return text.count(_FENCE, 0, end) % 2 == 1


def _with_space(text: str, end: int) -> int | None:
    """Return the end of the white space behind ``end``; None if it is not known, or too far."""
    while end < len(text) and text[end].isspace():
        end += 1
    return end if end < len(text) and end <= _MAX_CHARACTERS else None


def _is_end(text: str, match: re.Match[str], end: int) -> bool:
    """Return whether what looks like the end of a sentence is one."""
    mark = match[0]
    if mark[0] == "\n":
        return True
    if end == match.end():
        return mark[0] in _WIDE_ENDS  # else "3.5", "voxgate.org", "U.S"
    if mark[0] != "." or mark.startswith(".."):
        return True
    before = text[: match.start()]
    return not (_LIST_NUMBER.search(before) or _is_abbreviation(before, text[end]))


def _is_abbreviation(before: str, follower: str) -> bool:
    """Return whether a text ends, before its full stop, in an abbreviation.

    Args:
        before: The text.
        follower: The first character of the next word.
    """
    last = _LAST_WORD.search(before)
    word = "" if last is None else last[0].lower().lstrip("*_")
    is_initial = len(word) == 1 and word.isalpha() and word != "i"
    return (
        is_initial
        or word in _ABBREVIATIONS
        or (word in _BEFORE_NUMBERS and follower.isdigit())
        or (word in _OFTEN_LAST and not follower.isupper())
    )
