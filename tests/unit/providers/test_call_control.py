"""What an agent may do to its own call: its functions, and when the call really ends."""

from __future__ import annotations

import asyncio
import json
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


def test_asked_twice_the_farewell_is_the_first() -> None:
    """A model that calls again and again does not put its own end off."""
    control = hung_up()
    assert not control.is_hangup_due(0.0, is_agent_active=False)
    assert run(control, "hangup")["ok"] is True
    assert control.is_hangup_due(3000.0, is_agent_active=False)


class Line:
    """A line that transfers as it is told to."""

    def __init__(self, *, error: TransportError | None = None, is_slow: bool = False) -> None:
        self.numbers: list[str] = []
        self.error = error
        self.is_slow = is_slow

    async def transfer(self, number: str) -> None:
        self.numbers.append(number)
        if self.is_slow:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error


class Agent:
    """A model that calls its functions, and the call that carries its wishes out."""

    def __init__(self, control: CallControl) -> None:
        self.control = control
        self._tools = ToolRegistry(control.tools)
        self._now_ms = 0.0

    def call(self, name: str, arguments: str = "{}") -> asyncio.Task[str]:
        """Call a function."""
        return asyncio.create_task(self._tools.call(name, arguments, call_id="c"))

    async def ask_for_sales(self) -> asyncio.Task[str]:
        """Call the function of a transfer; return what the model waits for."""
        answer = self.call("transfer", '{"target": "sales"}')
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return answer

    async def pass_slots(self, *active: bool) -> int | None:
        """Let slots pass, and transfer when that is due; return in which one."""
        for slot, is_active in enumerate(active):
            self._now_ms += 20.0
            if self.control.is_transfer_due(self._now_ms, is_agent_active=is_active):
                await self.control.transfer()
                return slot
        return None


async def transferring(line: Line | None) -> tuple[Any, list[Any]]:
    """Return what the model is told of a transfer, and what is logged of it."""
    transfer = None if line is None else line.transfer
    agent = Agent(CallControl(TARGETS, transfer=transfer))
    with capture_logs() as logs:
        answer = await agent.ask_for_sales()
        if line is not None:
            assert await agent.pass_slots(*[False] * 200) is not None
        return json.loads(await answer), logs


async def test_a_transfer_reaches_the_line_with_the_configured_number() -> None:
    """The model knows names only, and neither it nor the log sees the number."""
    line = Line()
    result, logs = await transferring(line)
    assert result["ok"] is True
    assert line.numbers == [NUMBER]
    assert NUMBER not in f"{logs} {CallControl(TARGETS).tools[0].spec}"
    assert [(entry["event"], entry.get("outcome")) for entry in logs] == [
        ("call.transfer_requested", None),
        ("call.transfer_ended", "done"),
    ]
    assert logs[1]["target"] == "sales"


async def test_the_announcement_is_heard_before_the_call_is_transferred() -> None:
    """400 ms after its last slot; nobody is put through in the middle of a word."""
    line = Line()
    agent = Agent(CallControl(TARGETS, transfer=line.transfer))
    answer = await agent.ask_for_sales()
    assert await agent.pass_slots(*[True] * 100, *[False] * 19) is None
    assert agent.control.is_transfer_wanted
    assert line.numbers == []
    assert not answer.done()
    assert await agent.pass_slots(False) == 0
    assert (await answer).startswith('{"ok":true')
    assert not agent.control.is_transfer_wanted


async def test_without_an_announcement_the_call_is_transferred_soon() -> None:
    """The model says nothing before it knows the outcome; 1 s is for a voice on its way."""
    agent = Agent(CallControl(TARGETS, transfer=Line().transfer))
    await agent.ask_for_sales()
    assert await agent.pass_slots(*[False] * 100) == 50


async def test_an_announcement_without_end_is_not_waited_for() -> None:
    """30 s, as of a farewell."""
    agent = Agent(CallControl(TARGETS, transfer=Line().transfer))
    await agent.ask_for_sales()
    assert await agent.pass_slots(*[True] * 3000) == 1500


async def test_a_caller_who_speaks_over_the_announcement_is_transferred_all_the_same() -> None:
    """It was thanks, most likely."""
    line = Line()
    agent = Agent(CallControl(TARGETS, transfer=line.transfer))
    await agent.ask_for_sales()
    await agent.pass_slots(*[True] * 20)
    agent.control.withdraw_hangup()
    assert await agent.pass_slots(*[False] * 100) == 19
    assert line.numbers == [NUMBER]


async def test_an_announced_transfer_needs_no_model() -> None:
    """Its provider is lost, and with it who waits for the answer; the caller is put through."""
    line = Line()
    agent = Agent(CallControl(TARGETS, transfer=line.transfer))
    answer = await agent.ask_for_sales()
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    assert agent.control.is_transfer_wanted
    assert await agent.pass_slots(*[False] * 100) is not None
    assert line.numbers == [NUMBER]


async def test_the_call_is_not_ended_before_it_is_transferred() -> None:
    """A model that calls both functions wants the transfer; if that fails, its farewell counts."""
    config = ToolsConfig(hangup=True, transfer_targets=TARGETS.transfer_targets)
    line = Line(error=TransportError("twilio", "busy", retryable=True))
    agent = Agent(CallControl(config, transfer=line.transfer))
    await agent.ask_for_sales()
    await agent.call("hangup")
    assert not agent.control.is_hangup_due(0.0, is_agent_active=False)
    assert not agent.control.is_hangup_due(40_000.0, is_agent_active=False)
    assert await agent.pass_slots(*[False] * 100) is not None
    assert due_at(agent.control) == 3000


async def test_a_second_transfer_has_to_wait_for_the_first() -> None:
    """A model that is impatient dials nobody twice; and a transfer is due once."""
    line = Line(is_slow=True)
    agent = Agent(CallControl(TARGETS, transfer=line.transfer))
    await agent.ask_for_sales()
    again = json.loads(await agent.call("transfer", '{"target": "desk"}'))
    assert again["error"]["code"] == "under_way"
    assert agent.control.is_transfer_due(0.0, is_agent_active=False) is False
    assert agent.control.is_transfer_due(1000.0, is_agent_active=False) is True
    assert agent.control.is_transfer_due(9000.0, is_agent_active=False) is False


async def test_a_call_that_ends_by_its_transfer_may_not_live_to_see_it_done() -> None:
    """Asterisk takes the call away before the operator's system has answered."""
    agent = Agent(CallControl(TARGETS, transfer=Line(is_slow=True).transfer))
    answer = await agent.ask_for_sales()
    with capture_logs() as logs:
        transferring = asyncio.create_task(agent.pass_slots(*[False] * 100))
        await asyncio.sleep(0)
        transferring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await transferring
    assert json.loads(await answer)["ok"] is True
    assert logs[0]["outcome"] == "call_over"


async def test_a_line_that_can_t_transfer_says_so_to_the_model() -> None:
    """At once, and as a result, not as the end of the call."""
    result, logs = await transferring(None)

    assert result["error"]["code"] == "not_supported"
    assert logs[-1]["outcome"] == "not_supported"


async def test_a_transfer_that_fails_is_the_model_s_to_tell() -> None:
    """The line's own words stay out of it; it may be tried again."""
    line = Line(error=TransportError("twilio", f"busy {NUMBER}", retryable=True))
    result, logs = await transferring(line)
    assert result["error"]["code"] == "failed"
    assert NUMBER not in f"{result} {logs}"
    assert logs[-1]["outcome"] == "failed"


async def test_a_line_that_breaks_does_not_break_the_call() -> None:
    """Its error is in the log, and to the model the transfer has failed."""

    async def transfer(_: str) -> None:
        raise ZeroDivisionError

    line = Line()
    line.transfer = transfer  # type: ignore[method-assign]
    result, logs = await transferring(line)
    assert result["error"]["code"] == "failed"
    assert [entry["event"] for entry in logs[1:]] == ["call.transfer_broke", "call.transfer_ended"]


def test_the_function_has_the_time_that_announcement_and_line_may_take() -> None:
    """30 s each; a registry would else give it up, and the model tell nonsense."""
    (tool,) = CallControl(TARGETS).tools
    assert tool.timeout_s > 60


@pytest.mark.parametrize("target", ['"+49900666"', "7", "null", '["sales"]'])
def test_nothing_is_dialled_that_the_operator_did_not_name(target: str) -> None:
    """Whatever the model, or the caller who talks it into something, would like."""
    line = Line()
    control = CallControl(TARGETS, transfer=line.transfer)
    result = run(control, "transfer", f'{{"target": {target}}}')

    assert result["error"]["code"] == "unknown_target"
    assert not control.is_transfer_wanted
    assert line.numbers == []
