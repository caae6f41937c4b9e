"""Functions of the model: whatever one does, a JSON text comes back and nothing raises."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.virtual_time import in_virtual_time
from voxgate.providers.tools import (
    MAX_RUNNING,
    Tool,
    ToolCall,
    ToolRegistry,
    ToolSpec,
    error_result,
)

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


async def echo(call: ToolCall) -> object:
    return {"name": call.name, "arguments": dict(call.arguments), "call": call.call_id}


def registry_of(function: Any = echo, **settings: Any) -> ToolRegistry:
    registry = ToolRegistry()
    registry.register("tool", function, description="Does it.", **settings)
    return registry


def call(registry: ToolRegistry, name: str = "tool", arguments: str = "{}") -> Any:
    return json.loads(asyncio.run(registry.call(name, arguments, call_id="call-1")))


def code_of(result: Any) -> str:
    assert list(result) == ["error"]
    assert result["error"]["message"].endswith(".")
    code: str = result["error"]["code"]
    return code


def test_a_function_gets_its_arguments_and_the_call() -> None:
    """And what it returns is JSON text."""
    result = call(registry_of(parameters=CITY), arguments='{"city": "Ulm"}')

    assert result == {"name": "tool", "arguments": {"city": "Ulm"}, "call": "call-1"}


def test_the_specs_are_what_models_are_told() -> None:
    """In order; a function without a schema takes no arguments."""
    registry = registry_of()
    registry.register("weather", echo, description="Tells it.", parameters=CITY)

    assert registry.specs == (
        ToolSpec(
            name="tool",
            description="Does it.",
            parameters={"type": "object", "properties": {}},
        ),
        ToolSpec(name="weather", description="Tells it.", parameters=CITY),
    )


def test_no_arguments_at_all_are_no_arguments() -> None:
    """Models write an empty text for a function that takes none."""
    assert call(registry_of(), arguments="")["arguments"] == {}


@pytest.mark.parametrize(
    "arguments", ["{", "[]", "null", "3", '"x"', "{}", '{"town": "Ulm"}', "[" * 100_000]
)
def test_arguments_that_do_not_fit_are_an_error(arguments: str) -> None:
    """Not JSON, not an object, or without what the schema requires; the function is not called."""
    assert code_of(call(registry_of(parameters=CITY), arguments=arguments)) == "invalid_arguments"


def test_an_unknown_name_is_an_error_that_lists_what_exists() -> None:
    """So that the model can do better."""
    result = call(registry_of(), name="tol")

    assert code_of(result) == "unknown_function"
    assert "tool" in result["error"]["message"]
    assert "none" in call(ToolRegistry())["error"]["message"]


@pytest.mark.parametrize("error", [RuntimeError("4711 SECRET"), TimeoutError("SECRET"), KeyError()])
def test_a_function_that_raises_is_an_error_without_its_words(error: Exception) -> None:
    """Neither the model nor the log gets the exception's text; the log gets its type."""

    async def fail(_: ToolCall) -> object:
        raise error

    with capture_logs() as logs:
        result = call(registry_of(fail))

    assert code_of(result) == "failed"
    assert "SECRET" not in f"{result} {logs}"
    (entry,) = logs
    assert (entry["event"], entry["tool"], entry["error"]) == (
        "tool.failed",
        "tool",
        type(error).__name__,
    )


@pytest.mark.parametrize("result", [float("nan"), object(), {1, 2}, {"a": b"x"}])
def test_a_result_that_json_can_t_say_is_an_error(result: object) -> None:
    """It is the function's fault, like an exception."""

    async def give(_: ToolCall) -> object:
        return result

    assert code_of(call(registry_of(give))) == "failed"


@pytest.mark.parametrize("result", [None, "Grüße", 3, [1], {"a": True}])
def test_whatever_json_can_say_is_a_result(result: object) -> None:
    """Letters stay letters."""

    async def give(_: ToolCall) -> object:
        return result

    text = asyncio.run(registry_of(give).call("tool", "", call_id="c"))
    assert json.loads(text) == result
    assert "\\u" not in text


def test_a_result_is_bounded() -> None:
    """Cut JSON would be no JSON: the model is told to ask for less."""

    async def give(_: ToolCall) -> object:
        return "x" * 98

    exact = ToolRegistry(max_result_characters=100)
    exact.register("tool", give, description="")
    small = ToolRegistry(max_result_characters=99)
    small.register("tool", give, description="")

    assert call(exact) == "x" * 98
    assert code_of(call(small)) == "result_too_long"
    assert code_of(call(small.extended([]))) == "result_too_long"


@in_virtual_time
async def test_a_function_that_hangs_is_given_up() -> None:
    """After its own timeout, and it is cancelled."""
    ended = asyncio.Event()

    async def hang(_: ToolCall) -> object:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()
        return None

    with capture_logs() as logs:
        text = await registry_of(hang, timeout_s=2.0).call("tool", "", call_id="c")

    assert code_of(json.loads(text)) == "timeout"
    assert ended.is_set()
    assert asyncio.get_running_loop().time() == pytest.approx(2.0, abs=0.1)
    assert [entry["event"] for entry in logs] == ["tool.timed_out"]


@in_virtual_time
async def test_calls_run_at_the_same_time_up_to_a_bound() -> None:
    """Each telephone call has the bound for itself, and all of it again afterwards."""
    release = asyncio.Event()

    async def wait(call: ToolCall) -> object:
        await release.wait()
        return call.arguments["n"]

    registry = registry_of(wait)
    running = [
        asyncio.ensure_future(registry.call("tool", json.dumps({"n": n}), call_id="a"))
        for n in range(MAX_RUNNING)
    ]
    await asyncio.sleep(0)
    refused = await registry.call("tool", '{"n": 99}', call_id="a")
    other = asyncio.ensure_future(registry.call("tool", '{"n": 7}', call_id="b"))
    await asyncio.sleep(0)
    release.set()

    assert code_of(json.loads(refused)) == "too_many_calls"
    assert await asyncio.gather(*running) == [str(n) for n in range(MAX_RUNNING)]
    assert await other == "7"
    assert await registry.call("tool", '{"n": 1}', call_id="a") == "1"


@in_virtual_time
async def test_a_call_that_is_cancelled_is_cancelled() -> None:
    """The telephone call ended; that is no error of the function."""

    async def hang(_: ToolCall) -> object:
        await asyncio.sleep(3600)
        return None

    calling = asyncio.ensure_future(registry_of(hang).call("tool", "", call_id="c"))
    await asyncio.sleep(0)
    calling.cancel()
    await asyncio.wait({calling})

    assert calling.cancelled()


@pytest.mark.parametrize("name", ["", "a b", "a.b", "ä", "x" * 65])
def test_a_name_that_providers_refuse_is_refused_here(name: str) -> None:
    """At registration, not in the first call."""
    with pytest.raises(ValueError, match="name"):
        ToolRegistry().register(name, echo, description="")


def test_what_can_t_be_a_tool_is_refused() -> None:
    """A schema that is not an object's, a timeout that never lets it run, a name taken."""
    with pytest.raises(ValueError, match="parameters"):
        registry_of(parameters={"type": "string"})
    with pytest.raises(ValueError, match="timeout_s"):
        registry_of(timeout_s=0.0)
    with pytest.raises(ValueError, match="already"):
        registry_of().register("tool", echo, description="")


def test_an_extension_leaves_the_registry_as_it_was() -> None:
    """Each telephone call has functions of its own beside those of all."""
    registry = registry_of()
    spec = ToolSpec(name="own", description="", parameters={"type": "object"})
    extended = registry.extended([Tool(spec=spec, function=echo)])

    assert [spec.name for spec in extended.specs] == ["tool", "own"]
    assert [spec.name for spec in registry.specs] == ["tool"]
    assert call(extended, name="own")["name"] == "own"
    with pytest.raises(ValueError, match="already"):
        extended.extended([Tool(spec=spec, function=echo)])


def test_an_error_result_is_one_shape() -> None:
    """Functions may use it for their own refusals."""
    assert json.loads(error_result("full", "No table is free.")) == {
        "error": {"code": "full", "message": "No table is free."}
    }


def test_a_tool_may_be_the_agent_s_last_word() -> None:
    """Functions are not, unless they say so; nor is one that does not exist."""
    spec = ToolSpec(name="bye", description="", parameters={"type": "object"})
    registry = registry_of().extended([Tool(spec=spec, function=echo, ends_turn=True)])

    assert registry.ends_turn("bye")
    assert not registry.ends_turn("tool")
    assert not registry.ends_turn("nonsense")
