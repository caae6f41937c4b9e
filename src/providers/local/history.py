"""What was said in a call: the agent's words only as far as the caller heard them.

Invariant: bounded; a function that was asked for is followed by its result.
"""

from __future__ import annotations

__all__ = ["History"]

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ...local_agent.reply import (
    FunctionAnswered,
    FunctionAsked,
    HistoryItem,
    Role,
    Said,
)
from .words import heard_prefix

_MAX_ENTRIES = 64
"""Entries remembered; a model reads all of them with every answer."""

_MS_PER_CHARACTER = 60.0
"""Of a sentence whose sound is not all there: people speak some 15 characters a second."""


@dataclass(slots=True)
class _Sentence:
    text: str
    audio_ms: float = 0.0
    is_whole: bool = False

    @property
    def duration_ms(self) -> float:
        if self.is_whole:
            return self.audio_ms
        return max(self.audio_ms, _MS_PER_CHARACTER * len(self.text))

    def heard_in(self, heard_ms: float) -> str:
        """Return the words that are heard in less time than the sentence has."""
        return heard_prefix(self.text, heard_ms / self.duration_ms) if self.audio_ms else ""


@dataclass(slots=True)
class _Spoken:
    """One item of the agent's."""

    item_id: str
    sentences: list[_Sentence] = field(default_factory=list)
    heard: str | None = None
    """None as long as nothing was cut off."""

    @property
    def text(self) -> str:
        return "".join(sentence.text for sentence in self.sentences)

    @property
    def known(self) -> str:
        """What the caller knows of it."""
        return (self.text if self.heard is None else self.heard).strip()


@dataclass(slots=True)
class _Functions:
    """Functions of one answer with their results: whole, or not there at all."""

    items: tuple[HistoryItem, ...]


class History:
    """The conversation of one call."""

    def __init__(self) -> None:
        self._entries: deque[Said | _Spoken | _Functions] = deque(maxlen=_MAX_ENTRIES)

    @property
    def items(self) -> tuple[HistoryItem, ...]:
        """The conversation, as a reply wants it."""
        items: list[HistoryItem] = []
        for entry in self._entries:
            if isinstance(entry, _Functions):
                items.extend(entry.items)
            elif isinstance(entry, Said):
                items.append(entry)
            elif entry.known:
                items.append(Said(Role.AGENT, entry.known))
        return tuple(items)

    @property
    def last_spoken(self) -> str:
        """What the agent says now or said last, heard or not."""
        spoken = self._newest()
        return "" if spoken is None else spoken.text

    def hear(self, text: str) -> None:
        """Take what the caller has said."""
        self._entries.append(Said(Role.CALLER, text))

    def begin_item(self, item_id: str) -> None:
        """Take that the agent begins to say something."""
        self._entries.append(_Spoken(item_id))

    def begin_sentence(self, item_id: str, text: str) -> None:
        """Take the next sentence of an item, with its white space."""
        if (spoken := self._find(item_id)) is not None:
            spoken.sentences.append(_Sentence(text))

    def add_audio(self, item_id: str, audio_ms: float) -> None:
        """Take the next sound of an item's last sentence."""
        if (spoken := self._find(item_id)) is not None and spoken.sentences:
            spoken.sentences[-1].audio_ms += audio_ms

    def end_sentence(self, item_id: str) -> None:
        """Take that all sound of an item's last sentence is there."""
        if (spoken := self._find(item_id)) is not None and spoken.sentences:
            spoken.sentences[-1].is_whole = True

    def text_of(self, item_id: str) -> str:
        """Return what the caller knows of an item."""
        spoken = self._find(item_id)
        return "" if spoken is None else spoken.known

    def truncate(self, item_id: str, heard_ms: float) -> str:
        """Keep of an item what was heard in so many ms, and return the rest.

        With an infinite time that is what has any sound: the voice has failed.

        The rest begins with the sentence that was cut, as half a sentence makes no sense alone.
        """
        spoken = self._find(item_id)
        if spoken is None or spoken.heard is not None:
            return ""
        heard, left_ms = "", heard_ms
        for index, sentence in enumerate(spoken.sentences):
            if left_ms < sentence.duration_ms or sentence.audio_ms == 0.0:
                rest = "".join(later.text for later in spoken.sentences[index:])
                spoken.heard = heard + sentence.heard_in(left_ms)
                return rest
            heard += sentence.text
            left_ms -= sentence.duration_ms
        spoken.heard = heard
        return ""

    def add_functions(
        self, asked: Iterable[FunctionAsked], answered: Iterable[FunctionAnswered]
    ) -> None:
        """Take the functions of one answer, with their results."""
        self._entries.append(_Functions((*asked, *answered)))

    def _newest(self) -> _Spoken | None:
        spoken = (entry for entry in reversed(self._entries) if isinstance(entry, _Spoken))
        return next((entry for entry in spoken if entry.sentences), None)

    def _find(self, item_id: str) -> _Spoken | None:
        for entry in reversed(self._entries):
            if isinstance(entry, _Spoken) and entry.item_id == item_id:
                return entry
        return None
