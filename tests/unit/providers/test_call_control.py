"""What an agent may do to its own call: its functions, and when the call really ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from voxgate.config.tools_config import ToolsConfig
from voxgate.errors import TransportError
from voxgate.providers.call_control import CallControl
from voxgate.providers.tools import ToolRegistry

NUMBER = "+4930123456"
TARGETS = ToolsConfig(transfer_targets={"sales": NUMBER, "desk": "0"})


def run(control: CallControl, name: str, arguments: str = "{}") -> Any:
    return json.loads(asyncio.run(ToolRegistry(control.tools).call(name, arguments, call_id="c")))


def hung_up(config: ToolsConfig | None = None) -> CallControl:
    control = CallControl(config or ToolsConfig(hangup=True))
    assert run(control, "hangup")["ok"] is True
    return control


def due_at(control: CallControl, *active: bool, from_ms: float = 0.0) -> float | None:
    """Return when the call ends, asked every 20 ms, with the agent active slot by slot."""
    for slot, is_active in enumerate([*active, *[False] * 300]):
        if control.is_hangup_due(from_ms + 20.0 * slot, is_agent_active=is_active):
            return 20.0 * slot
    return None


def test_nothing_is_allowed_unless_the_operator_says_so() -> None:
    """The default agent can do nothing to its call."""
    assert CallControl(ToolsConfig()).tools == ()
    assert [tool.spec.name for tool in CallControl(ToolsConfig(hangup=True)).tools] == ["hangup"]


def test_a_call_goes_on_until_the_agent_wants_it_to_end() -> None:
    """However silent it is."""
    assert due_at(CallControl(ToolsConfig(hangup=True))) is None


def test_the_farewell_is_heard_before_the_call_ends() -> None:
    """400 ms after the last slot in which the agent was heard."""
    assert due_at(hung_up(), *[True] * 100) == 99 * 20 + 400


def test_a_farewell_may_follow_the_function() -> None:
    """It gets 3 s to begin; after that the call ends without one."""
    assert due_at(hung_up(), *[False] * 100, *[True] * 50) == 149 * 20 + 400
    assert due_at(hung_up()) == 3000


def test_an_agent_that_talks_on_does_not_hold_the_call_for_ever() -> None:
    """30 s is no farewell."""
    assert due_at(hung_up(), *[True] * 3000) == 30_000


def test_a_farewell_that_is_interrupted_ends_nothing() -> None:
    """The caller had one more question; the agent may end the call later."""
    control = hung_up()
    due_at(control, *[True] * 10, from_ms=0.0)
    control.withdraw_hangup()
    assert not control.is_hangup_wanted
    assert due_at(control, from_ms=50_000.0) is None

    run(control, "hangup")
    assert due_at(control, True, from_ms=90_000.0) == 400


def test_hangup_is_the_agent_s_last_word_and_transfer_is_not() -> None:
    """After a transfer that failed, the agent has to go on."""
    control = CallControl(ToolsConfig(hangup=True, transfer_targets={"sales": NUMBER}))

    assert {tool.spec.name: tool.ends_turn for tool in control.tools} == {
        "hangup": True,
        "transfer": False,
    }


def transferring(control_of: Callable[[str], Awaitable[None]] | None) -> tuple[Any, Any]:
    control = CallControl(TARGETS, transfer=control_of)
    with capture_logs() as logs:
        return run(control, "transfer", '{"target": "sales"}'), logs


def test_a_transfer_reaches_the_line_with_the_configured_number() -> None:
    """The model knows names only, and neither it nor the log sees the number."""
    numbers = []

    async def transfer(number: str) -> None:
        numbers.append(number)

    result, logs = transferring(transfer)
    assert result["ok"] is True
    assert numbers == [NUMBER]
    assert NUMBER not in f"{logs} {CallControl(TARGETS).tools[0].spec}"
    assert (logs[0]["event"], logs[0]["outcome"]) == ("call.transfer_requested", "done")


def test_a_line_that_can_t_transfer_says_so_to_the_model() -> None:
    """As a result, not as the end of the call."""
    result, logs = transferring(None)

    assert result["error"]["code"] == "not_supported"
    assert logs[0]["outcome"] == "not_supported"


def test_a_transfer_that_fails_is_the_model_s_to_tell() -> None:
    """The line's own words stay out of it."""

    async def transfer(_: str) -> None:
        raise TransportError("twilio", f"busy {NUMBER}", retryable=True)

    result, logs = transferring(transfer)
    assert result["error"]["code"] == "failed"
    assert NUMBER not in f"{result} {logs}"


@pytest.mark.parametrize("target", ['"+49900666"', "7", "null", '["sales"]'])
def test_nothing_is_dialled_that_the_operator_did_not_name(target: str) -> None:
    """Whatever the model, or the caller who talks it into something, would like."""
    numbers = []

    async def transfer(number: str) -> None:
        numbers.append(number)

    control = CallControl(TARGETS, transfer=transfer)
    result = run(control, "transfer", f'{{"target": {target}}}')

    assert result["error"]["code"] == "unknown_target"
    assert numbers == []
