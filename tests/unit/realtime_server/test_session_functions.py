"""Functions that an answer calls, and their results, judged by the types of the SDK."""

from __future__ import annotations

from typing import Any

from support.realtime_client import MULAW, SessionDriver, types
from voxgate.realtime_server.answerer import FunctionCall, Speech

TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
CALL = FunctionCall(name="weather", arguments='{"city":"Ulm"}')
SPEECH = Speech(text="One moment.", audio=b"\x20" * 800, audio_format=MULAW)


def asking() -> SessionDriver:
    """Return a session that offers a function and has asked for an answer."""
    driver = SessionDriver(None)
    driver.answerer = None
    driver.use_mulaw()
    driver.update(tools=[TOOL])
    driver.send("response.create")
    driver.events.clear()
    return driver


def answer(driver: SessionDriver, *speeches: Speech, calls: int = 1) -> list[dict[str, Any]]:
    """Answer with what is said and so many calls, and return all events to the end."""
    before = len(driver.events)
    (response_id,) = driver.asked[-1:]
    for _ in range(calls):
        driver.session.receive_function_call(response_id, CALL, driver.now_ms)
    driver.say(response_id, *speeches)
    if "response.done" not in types(driver.events[before:]):
        driver.finish_response()
    return driver.events[before:]


def test_the_answerer_is_told_of_the_functions() -> None:
    """Those of the session, or those of the one response."""
    driver = asking()
    assert driver.requests[-1].functions == ("weather",)
    answer(driver)
    driver.send("response.create", response={"tools": []})

    assert driver.requests[-1].functions == ()


def test_an_answer_may_be_a_function_call_alone() -> None:
    """Its events from the item's begin to its end, and the item in the response's output."""
    events = answer(asking())

    assert types(events) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
        "rate_limits.updated",
    ]
    done = events[3]
    (item,) = events[6]["response"]["output"]
    assert (done["name"], done["arguments"]) == ("weather", CALL.arguments)
    assert item["call_id"] == done["call_id"]
    assert (item["type"], item["status"]) == ("function_call", "completed")


def test_functions_follow_what_is_said() -> None:
    """Each at an index of its own, with ids of their own."""
    events = answer(asking(), SPEECH, calls=2)
    output = next(event for event in events if event["type"] == "response.done")["response"]
    done = [e for e in events if e["type"] == "response.function_call_arguments.done"]

    assert [item["type"] for item in output["output"]] == ["message", *["function_call"] * 2]
    assert [event["output_index"] for event in done] == [1, 2]
    assert len({event["call_id"] for event in done}) == 2


def test_an_answer_that_is_cancelled_calls_nothing() -> None:
    """Half of an answer has no functions."""
    driver = asking()
    driver.session.receive_function_call(driver.asked[-1], CALL, driver.now_ms)
    driver.send("response.cancel")

    assert driver.of_type("response.function_call_arguments.done") == []
    driver.session.receive_function_call(driver.asked[-1], CALL, driver.now_ms)
    assert driver.wait(1000.0) == []


def test_the_next_answer_is_given_the_result() -> None:
    """Once: the answer after that is to something else."""
    driver = asking()
    events = answer(driver)
    call_id = events[3]["call_id"]
    item = {"type": "function_call_output", "call_id": call_id, "output": '{"sun":true}'}
    driver.send("conversation.item.create", item=item)
    driver.send("response.create")
    assert driver.requests[-1].function_output == '{"sun":true}'
    answer(driver, SPEECH, calls=0)
    driver.send("response.create")

    assert driver.requests[-1].function_output is None
