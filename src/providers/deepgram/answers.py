"""Which answer of the agent is under way, what of it was cut off: names for what has none.

The protocol numbers nothing: the agent's voice is a stream of binary frames, between messages that
announce an answer and one that ends it. Answers are numbered here, one item each, over all sessions
of the call.

Invariant: a piece of an answer that was cut off is never given a place in another one.
"""

from __future__ import annotations

__all__ = ["Answers", "AudioPlace"]

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPlace:
    """Where a piece of the agent's voice belongs."""

    item_id: str
    is_first: bool
    """The answer begins with it."""


class Answers:
    """The agent's answers, in the order in which they come."""

    __slots__ = ("_cut_number", "_is_open", "_is_residue", "_number")

    def __init__(self) -> None:
        self._number = 0
        self._cut_number = 0
        self._is_open = False
        self._is_residue = False

    @property
    def number(self) -> int:
        """How many answers have begun."""
        return self._number

    @property
    def is_open(self) -> bool:
        """Whether an answer is under way."""
        return self._is_open

    @property
    def item_id(self) -> str:
        """Name of the item of the newest answer."""
        return f"item-{self._number}"

    @property
    def response_id(self) -> str:
        """Name of the newest answer."""
        return f"response-{self._number}"

    @property
    def is_newest_cut(self) -> bool:
        """Whether the newest answer was cut off."""
        return self._number <= self._cut_number

    def is_cut(self, item_id: str) -> bool:
        """Return whether an item was cut off."""
        return int(item_id.removeprefix("item-")) <= self._cut_number

    def announce(self) -> None:
        """Note that the server speaks of the next answer: what comes now belongs to that."""
        self._is_residue = False

    def begin(self) -> bool:
        """Note that an answer begins; False if one is under way."""
        if self._is_open:
            return False
        self._is_open = True
        self._is_residue = False
        self._number += 1
        return True

    def place_audio(self) -> AudioPlace | None:
        """Say where a piece of the voice belongs; None if nobody is to hear it."""
        if self._is_residue:
            return None
        is_first = self.begin()
        return None if self.is_newest_cut else AudioPlace(item_id=self.item_id, is_first=is_first)

    def end(self) -> bool:
        """Note that all of the answer has come; False if none was under way."""
        was_open, self._is_open = self._is_open, False
        self._is_residue = False
        return was_open

    def break_off(self) -> bool:
        """Note that the server broke the answer off, for the caller spoke; False if none was open.

        What still comes, up to the next announcement or the end of the answer, was on its way.
        """
        was_open, self._is_open = self._is_open, False
        self._is_residue = was_open
        return was_open

    def cut(self, number: int) -> None:
        """Cut off the answers up to and with one, whatever of them was not heard."""
        self._cut_number = max(self._cut_number, min(number, self._number))
