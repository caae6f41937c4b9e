"""Which answers and items of a session are under way, received, cut off: the provider's memory.

Invariant: once an item was cut off, none of its audio gets through again; the number of answers and
items remembered is bounded.
"""

from __future__ import annotations

__all__ = ["Cut", "LostSession", "Reception", "ResponseLedger", "Truncation"]

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, TypeVar

_MAX_REMEMBERED = 256
"""Answers and items remembered, each. Playout never lags so many answers behind."""

_Entry = TypeVar("_Entry")


class Truncation(NamedTuple):
    """One item that the caller has not heard to its end."""

    item_id: str
    audio_end_ms: int
    """What of it was heard, in whole ms, never more than was received."""


class Cut(NamedTuple):
    """What an interruption cuts off."""

    responses: tuple[str, ...]
    """Answers still under way, to be cancelled."""
    truncations: tuple[Truncation, ...]


class LostSession(NamedTuple):
    """What a lost session leaves unfinished."""

    items: tuple[str, ...]
    """Items of which no more audio will come."""
    responses: tuple[str, ...]
    """Answers that were under way."""


class Reception(Enum):
    """What becomes of a piece of the agent's voice."""

    ACCEPTED = auto()
    STRAGGLED = auto()
    """The item was said to be complete, and is once more after this."""
    CUT = auto()
    """The item was cut off: nobody is to hear this."""
    CUT_UNHEARD = auto()
    """The same, for the first piece of an item that the server began before it knew of the cut."""


@dataclass(slots=True)
class _Item:
    response_id: str
    received_ms: float = 0.0
    is_done: bool = False
    is_delivered: bool = False
    is_cut: bool = False
    is_gone: bool = False
    """Its session is over: what was received may still be played, the server knows it no more."""


@dataclass(slots=True)
class _Response:
    is_active: bool = True
    is_cut: bool = False


class ResponseLedger:
    """Answers and their items, in whatever order a server reports them."""

    __slots__ = ("_active", "_items", "_responses")

    def __init__(self) -> None:
        self._active: tuple[str, ...] = ()
        self._responses: OrderedDict[str, _Response] = OrderedDict()
        self._items: OrderedDict[str, _Item] = OrderedDict()

    @property
    def active(self) -> tuple[str, ...]:
        """Answers that have begun and not ended, oldest first."""
        return self._active

    @property
    def has_uncut_answer(self) -> bool:
        """Whether an answer is under way that nobody has interrupted."""
        return any(entry.is_active and not entry.is_cut for entry in self._responses.values())

    def start(self, response_id: str) -> bool:
        """Note that an answer begins; False if that is nothing new."""
        if response_id in self._responses:
            return False
        self._note(response_id, _Response())
        return True

    def end(self, response_id: str) -> bool:
        """Note that an answer has ended; False if that is nothing new."""
        response = self._responses.get(response_id)
        if response is None:
            response = self._note(response_id, _Response())
        was_active, response.is_active = response.is_active, False
        self._follow()
        return was_active

    def receive_audio(self, response_id: str, item_id: str, audio_ms: float) -> Reception:
        """Note so many ms of an item, and say whether anybody is to hear them."""
        item = self._items.get(item_id)
        is_first = item is None or item.is_gone
        if item is None or item.is_gone:
            response = self._responses.get(response_id)
            is_cut = response is not None and response.is_cut
            item = _remember(self._items, item_id, _Item(response_id, is_cut=is_cut))
        item.received_ms += audio_ms
        if not item.is_cut:
            return Reception.STRAGGLED if item.is_done else Reception.ACCEPTED
        return Reception.CUT_UNHEARD if is_first else Reception.CUT

    def finish_item(self, item_id: str) -> bool:
        """Note that an item is complete; False if nobody waits to know that."""
        item = self._items.get(item_id)
        if item is None or item.is_done or item.is_gone:
            return False
        item.is_done = True
        return not item.is_cut

    def finish_items(self, response_id: str) -> tuple[str, ...]:
        """Note that all items of an answer are complete, and return those that were not."""
        return tuple(
            item_id
            for item_id, item in self._items.items()
            if item.response_id == response_id and self.finish_item(item_id)
        )

    def has_items(self, response_id: str) -> bool:
        """Return whether anything of an answer was heard of: the agent speaks in it."""
        return any(item.response_id == response_id for item in self._items.values())

    def is_cut(self, item_id: str) -> bool:
        """Return whether an item was cut off."""
        item = self._items.get(item_id)
        return item is not None and item.is_cut

    def deliver(self, item_id: str) -> None:
        """Note that the engine got audio of an item, and will say how much of it was heard."""
        if item_id in self._items:
            self._items[item_id].is_delivered = True

    def cut(self, heard_ms: Mapping[str, float]) -> Cut:
        """Cut off what is under way, and return what the server is to be told.

        Args:
            heard_ms: What the caller has heard of each unfinished item that was delivered. Items
                that were received and not yet delivered are cut at 0; unknown ones are left out.
        """
        responses = tuple(name for name in self.active if not self._responses[name].is_cut)
        for name in responses:
            self._responses[name].is_cut = True
        truncations = []
        for item_id, item in self._items.items():
            if item.is_cut or (item.is_delivered and item_id not in heard_ms):
                continue
            item.is_cut = True
            if not item.is_gone:
                audio_end_ms = _whole_ms(heard_ms.get(item_id, 0.0), item.received_ms)
                truncations.append(Truncation(item_id, audio_end_ms))
        return Cut(responses, tuple(truncations))

    def end_session(self) -> LostSession:
        """Note that the session is over: what it had begun will not go on."""
        items = tuple(item_id for item_id in self._items if self.finish_item(item_id))
        lost = LostSession(items, self.active)
        self._responses.clear()
        self._follow()
        for item in self._items.values():
            item.is_gone = True
        return lost

    def _note(self, response_id: str, response: _Response) -> _Response:
        _remember(self._responses, response_id, response)
        self._follow()
        return response

    def _follow(self) -> None:
        """Look who is active: it is asked for with every frame of the call."""
        self._active = tuple(
            name for name, response in self._responses.items() if response.is_active
        )


def _whole_ms(heard_ms: float, received_ms: float) -> int:
    # In this order NaN loses against both bounds; int() rounds down, as a bound must be.
    return int(max(0.0, min(received_ms, heard_ms)))


def _remember(entries: OrderedDict[str, _Entry], name: str, entry: _Entry) -> _Entry:
    entries[name] = entry
    if len(entries) > _MAX_REMEMBERED:
        entries.popitem(last=False)
    return entry
