"""The conversation: its items in order, with the audio of the newest of them.

Invariant: an id names one item; what is kept is bounded in items, text and audio, whatever the
length of the session.
"""

from __future__ import annotations

__all__ = ["MAX_ITEMS", "MAX_TEXT_CHARACTERS", "Conversation", "ConversationItem"]

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..core.audio import AudioFormat
from ..core.units import bytes_to_ms, ms_to_bytes
from .request_error import RequestError, invalid_value
from .wire_audio import encoded_audio

_MAX_AUDIO_BYTES = 16 * 2**20
"""Audio kept for ``conversation.item.retrieve``; the oldest items lose theirs first."""

MAX_ITEMS = 2000
"""Items kept, many times those of an hour's session; beyond it the oldest goes."""
MAX_TEXT_CHARACTERS = 16 * 2**20
"""Text of all items kept, as they were added; beyond it the oldest goes."""

_NOT_AUDIO = "Only model output audio messages can be truncated"


@dataclass(slots=True, kw_only=True)
class ConversationItem:
    """One item: the object that events carry, and its audio apart."""

    id: str
    body: dict[str, Any]
    """The item as the API writes it, without audio; replaced, never changed, for events hold it."""
    audio: bytearray = field(default_factory=bytearray)
    audio_format: AudioFormat = AudioFormat()
    duration_ms: float = 0.0
    """Of the audio generated or said, also after the bytes were let go."""
    is_truncated: bool = False
    """Cut by the client: what is generated after that is not heard and not kept."""
    n_characters: int = 0
    """Text that it was added with."""
    transcript: str | None = field(default=None, repr=False)
    """What a recogniser made of the caller's audio; None where it is not known."""
    _words: list[tuple[float, str]] = field(default_factory=list, repr=False)
    """What the agent said, each piece with the time at which its audio ends."""

    @property
    def is_model_audio(self) -> bool:
        """Whether it is speech of the assistant."""
        parts = self.body.get("content", [])
        is_assistant = self.body.get("role") == "assistant"
        return is_assistant and any(part["type"] == "output_audio" for part in parts)

    @property
    def agent_words(self) -> str:
        """What the agent said; of an item that was cut, the words whose audio was kept whole."""
        return " ".join(text for end_ms, text in self._words if end_ms <= self.duration_ms)

    def add_audio(self, audio: bytes, text: str = "") -> None:
        """Append what was generated or said, with the words in it."""
        if self.is_truncated:
            return
        self.audio += audio
        self.duration_ms += bytes_to_ms(len(audio), self.audio_format)
        if text:
            self._words.append((self.duration_ms, text))

    def set_transcript(self, text: str) -> None:
        """Take what a recogniser made of the caller's audio."""
        self.transcript = text
        content = [
            {**part, "transcript": text} if part["type"] == "input_audio" else part
            for part in self.body.get("content", [])
        ]
        self.body = {**self.body, "content": content}

    def truncate(self, content_index: int, audio_end_ms: int) -> None:
        """Cut the audio and forget the transcript.

        Raises:
            RequestError: if it is not model audio, or shorter already.
        """
        if not self.is_model_audio:
            raise RequestError(_NOT_AUDIO, code=None)
        if content_index >= len(self.body["content"]):
            raise invalid_value(
                "content_index", f"Content index {content_index} does not exist in item."
            )
        if audio_end_ms > self.duration_ms:
            raise invalid_value(
                None,
                f"Audio content of {self.duration_ms:.0f}ms is already shorter than "
                f"{audio_end_ms}ms",
            )
        self.is_truncated = True
        self.duration_ms = float(audio_end_ms)
        del self.audio[ms_to_bytes(audio_end_ms, self.audio_format) :]
        content = [{**part, "transcript": ""} for part in self.body["content"]]
        self.body = {**self.body, "content": content}

    def with_audio(self) -> dict[str, Any]:
        """Return the item as the API writes it, with its audio where that is still kept."""
        if not self.audio:
            return self.body
        content = [
            {**part, "audio": encoded_audio(bytes(self.audio))}
            if part["type"] in ("input_audio", "output_audio")
            else part
            for part in self.body["content"]
        ]
        return {**self.body, "content": content}


class Conversation:
    """Items in the order in which a model would read them."""

    def __init__(self, conversation_id: str) -> None:
        self.id = conversation_id
        self.dropped_items = 0
        """Items that went because there were too many, so far."""
        self._items: list[ConversationItem] = []
        self._n_characters = 0

    def __iter__(self) -> Iterator[ConversationItem]:
        """Iterate over the items, in order."""
        return iter(self._items)

    def find(self, item_id: str) -> ConversationItem | None:
        """Return an item, or None if there is none of that id."""
        return next((item for item in self._items if item.id == item_id), None)

    @property
    def last_id(self) -> str | None:
        """Id of the last item, or None."""
        return self._items[-1].id if self._items else None

    def add(self, item: ConversationItem, *, after: str | None = None) -> str | None:
        """Insert an item and return the id of the one before it.

        Args:
            item: The item; its id must be new.
            after: Id of the item before it, ``root`` for the beginning, None for the end.

        Raises:
            RequestError: if the id exists, or the item to follow does not.
        """
        if self._position(item.id) is not None:
            raise invalid_value("item.id", f"Item with id '{item.id}' already exists.")
        at = len(self._items) if after is None else self._place_after(after)
        previous_id = self._items[at - 1].id if at else None
        item.n_characters = _text_in(item.body)
        self._items.insert(at, item)
        self._n_characters += item.n_characters
        self._let_go_of_old_items(item)
        self._let_go_of_old_audio()
        return previous_id

    def get(self, item_id: str, *, verb: str) -> ConversationItem:
        """Return an item.

        Args:
            item_id: Its id.
            verb: What it is wanted for, such as ``retrieve``; part of the error.

        Raises:
            RequestError: if there is none.
        """
        at = self._position(item_id)
        if at is None:
            gerund = verb.removesuffix("e") + "ing"
            raise RequestError(
                f"Error {gerund} item: the item with id '{item_id}' does not exist.",
                code=f"item_{verb}_invalid_item_id",
                param="item_id",
            )
        return self._items[at]

    def delete(self, item_id: str) -> None:
        """Take an item out.

        Raises:
            RequestError: if there is none.
        """
        item = self.get(item_id, verb="delete")
        self._items.remove(item)
        self._n_characters -= item.n_characters

    def _place_after(self, item_id: str) -> int:
        if item_id == "root":
            return 0
        at = self._position(item_id)
        if at is None:
            raise RequestError(
                f"Error adding item: the previous item with id '{item_id}' does not exist.",
                code="item_create_invalid_previous_item_id",
                param="previous_item_id",
            )
        return at + 1

    def _position(self, item_id: str) -> int | None:
        return next((at for at, item in enumerate(self._items) if item.id == item_id), None)

    def _let_go_of_old_items(self, newest: ConversationItem) -> None:
        """Let the oldest go until what is left is not too much, but never the newest."""
        n_gone = 0
        while (
            len(self._items) - n_gone > MAX_ITEMS or self._n_characters > MAX_TEXT_CHARACTERS
        ) and self._items[n_gone] is not newest:
            self._n_characters -= self._items[n_gone].n_characters
            n_gone += 1
        del self._items[:n_gone]
        self.dropped_items += n_gone

    def _let_go_of_old_audio(self) -> None:
        kept_bytes = 0
        for item in reversed(self._items):
            kept_bytes += len(item.audio)
            if kept_bytes > _MAX_AUDIO_BYTES:
                item.audio.clear()


def _text_in(value: object) -> int:
    """Return how many characters all texts in an item have."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_text_in, value.values()))
    return sum(map(_text_in, value)) if isinstance(value, list) else 0
