"""The words of one session's turns."""

from __future__ import annotations

import pytest

from support.realtime_client import MULAW
from support.scripted_parts import ScriptedRecogniser
from voxgate.errors import ProviderError
from voxgate.realtime_server.listener import Listener

FRAME = b"\x20" * 160


async def test_a_turn_is_heard_piece_by_piece_in_the_format_of_recognisers() -> None:
    """16 kHz and 16 bits, whatever the session speaks; two turns do not mix."""
    recogniser = ScriptedRecogniser("hello", "world")
    listener = Listener(recogniser)
    for item_id in ("a", "b", "a"):
        listener.hear(item_id, FRAME, MULAW)
    assert [len(turn.audio) for turn in recogniser.turns] == [2 * 640, 640]
    assert [await listener.finish("b"), await listener.finish("a")] == ["world", "hello"]


async def test_a_turn_that_was_never_heard_has_no_words() -> None:
    """Nothing is asked of the recogniser."""
    recogniser = ScriptedRecogniser()
    listener = Listener(recogniser)
    assert await listener.finish("a") == ""
    await listener.drop("a")
    assert recogniser.turns == []


async def test_turns_that_nobody_wants_are_forgotten() -> None:
    """One by one, and all of them at the end of the session."""
    recogniser = ScriptedRecogniser("x", "y", "z")
    listener = Listener(recogniser)
    for item_id in "abc":
        listener.hear(item_id, FRAME, MULAW)
    await listener.drop("a")
    assert [turn.is_cancelled for turn in recogniser.turns] == [True, False, False]
    await listener.stop()
    assert [turn.is_cancelled for turn in recogniser.turns] == [True, True, True]


async def test_a_recogniser_that_fails_says_so() -> None:
    """For this turn; the next one may work."""
    listener = Listener(ScriptedRecogniser(None, "fine"))
    listener.hear("a", FRAME, MULAW)
    listener.hear("b", FRAME, MULAW)
    with pytest.raises(ProviderError):
        await listener.finish("a")
    assert await listener.finish("b") == "fine"
