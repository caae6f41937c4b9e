"""The functions that a model calls: each once, and only whole ones."""

from __future__ import annotations

import pytest

from voxgate.providers.openai_realtime.function_calls import MAX_RUNNING, FunctionCalls
from voxgate.providers.openai_realtime.server_events import FunctionRequest


def request(
    number: int = 1, *, name: str = "look", response_id: str = "r", arguments: str = "{}"
) -> FunctionRequest:
    return FunctionRequest(
        response_id=response_id, function_call_id=f"f{number}", name=name, arguments=arguments
    )


def end(functions: FunctionCalls, *more: FunctionRequest, **changes: object) -> int:
    """Complete the response r, and return how many functions it called."""
    settings = {"response_id": "r", "status": "completed", "has_spoken": False, **changes}
    return len(functions.end_response(functions=more, **settings))  # type: ignore[arg-type]


def test_functions_run_when_their_response_is_complete() -> None:
    """In the order in which they were called."""
    functions = FunctionCalls()
    functions.gather(request(1))
    functions.gather(request(2))
    assert functions.next_waiting() is None
    assert not functions.is_pending

    assert end(functions) == 2
    assert functions.is_pending
    assert [functions.next_waiting(), functions.next_waiting()] == [request(1), request(2)]
    assert functions.next_waiting() is None


def test_a_function_is_told_of_in_three_places_and_run_once() -> None:
    """The last word on its arguments counts, also where only the end of the response has it."""
    functions = FunctionCalls()
    functions.gather(request(1, arguments='{"half'))
    functions.gather(request(1, arguments='{"half": 1}'))
    assert end(functions, request(1, arguments='{"half": 1}'), request(2)) == 2

    assert functions.next_waiting() == request(1, arguments='{"half": 1}')
    assert end(functions, request(1)) == 0, "a server that repeats itself"


@pytest.mark.parametrize("status", ["cancelled", "failed", "incomplete"])
def test_a_response_that_was_cut_off_calls_nothing(status: str) -> None:
    """Its arguments may be half of what the model meant to say."""
    functions = FunctionCalls()
    functions.gather(request(1))

    assert end(functions, status=status) == 0
    assert end(functions) == 0
    assert functions.next_waiting() is None


def test_another_response_does_not_run_it() -> None:
    """Nor does a session that is lost in between."""
    functions = FunctionCalls()
    functions.gather(request(1))
    assert end(functions, response_id="other") == 0
    functions.lose_session()

    assert end(functions) == 0


def test_the_model_answers_once_to_all_that_ran() -> None:
    """When the last one has returned."""
    functions = FunctionCalls()
    end(functions, request(1), request(2))

    assert not functions.finish("f2")
    assert functions.finish("f1")
    assert not functions.is_pending
    assert not functions.finish("f1")


@pytest.mark.parametrize(("has_spoken", "wants_answer"), [(True, False), (False, True)])
def test_a_last_word_that_was_said_is_not_asked_for(has_spoken: bool, wants_answer: bool) -> None:
    """An agent that said goodbye and hung up is not to say goodbye again."""
    functions = FunctionCalls(lambda name: name == "hangup")
    end(functions, request(1, name="hangup"), has_spoken=has_spoken)

    assert functions.finish("f1") is wants_answer


def test_other_functions_beside_a_last_word_want_their_answer() -> None:
    """Whichever returns last."""
    functions = FunctionCalls(lambda name: name == "hangup")
    end(functions, request(1), request(2, name="hangup"), has_spoken=True)

    assert not functions.finish("f1")
    assert functions.finish("f2")


def test_the_memory_is_bounded() -> None:
    """A server that begins functions without end is its own problem."""
    functions = FunctionCalls()
    for number in range(1000):
        functions.gather(request(number))

    assert end(functions) == 256


def test_functions_that_run_at_a_time_are_bounded() -> None:
    """Those beyond are not run, and counted; when some have returned there is room again."""
    functions = FunctionCalls()
    first = [request(number) for number in range(200)]
    more = [request(number, response_id="s") for number in range(200, 400)]
    assert end(functions, *first) == 200
    assert end(functions, *more, response_id="s") == MAX_RUNNING - 200
    assert functions.refused == 400 - MAX_RUNNING
    for number in range(3):
        functions.finish(f"f{number}")
    again = [request(number, response_id="t") for number in range(400, 410)]
    assert end(functions, *again, response_id="t") == 3
