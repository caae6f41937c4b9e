"""Which functions the model waits for."""

from __future__ import annotations

from voxgate.providers.deepgram.function_calls import MAX_WANTED, FunctionCalls
from voxgate.providers.deepgram.server_messages import FunctionCall
from voxgate.providers.tools import ToolSpec

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = ToolSpec(name="weather", description="Tells the weather.", parameters=SCHEMA)
ONE = FunctionCall(id="c-1", name="weather", arguments="{}")
TWO = FunctionCall(id="c-2", name="weather", arguments="{}")


def test_functions_are_declared_in_the_vendor_s_shape() -> None:
    """Each is to wait until the caller's turn is certainly over."""
    (declared,) = FunctionCalls([WEATHER]).declared

    assert declared == {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": SCHEMA,
        "defer_until_eot": True,
    }


def test_a_call_is_made_once_and_its_result_is_wanted_once() -> None:
    """In the order of the requests."""
    calls = FunctionCalls([WEATHER])
    calls.request([ONE, TWO])
    calls.request([ONE])
    assert calls.is_any_running
    assert [calls.next_requested() for _ in range(3)] == [ONE, TWO, None]
    assert calls.finish(TWO)
    assert calls.finish(ONE)
    assert not calls.finish(ONE)

    assert not calls.is_any_running


def test_a_call_that_was_taken_back_is_given_up() -> None:
    """Also before it was begun, and only if it was asked for; a late result is not wanted."""
    calls = FunctionCalls([])
    calls.request([ONE, TWO])
    calls.cancel(["c-2", "never"])
    assert calls.next_requested() is ONE
    assert calls.next_requested() is None
    assert [calls.next_cancelled(), calls.next_cancelled()] == ["c-2", None]

    assert not calls.finish(TWO)


def test_the_next_session_wants_nothing_of_the_last() -> None:
    """Ids may come again there, for calls of its own."""
    calls = FunctionCalls([])
    calls.request([ONE])
    calls.next_requested()
    calls.forget()
    assert not calls.finish(ONE)
    again = FunctionCall(id="c-1", name="other", arguments="{}")
    calls.request([again])

    assert calls.next_requested() is again
    assert not calls.finish(ONE)
    assert calls.finish(again)


def test_a_server_gone_wild_is_not_followed_without_end() -> None:
    """Hundreds of calls at a time are nobody's wish; as many as are done with may follow."""
    functions = FunctionCalls([])
    calls = [FunctionCall(id=str(number), name="look", arguments="{}") for number in range(1000)]

    assert functions.request(calls) == 1000 - MAX_WANTED
    taken = []
    while (call := functions.next_requested()) is not None:
        taken.append(call)
    assert taken == calls[:MAX_WANTED]
    assert functions.finish(calls[0])
    assert functions.request(calls[-1:]) == 0
