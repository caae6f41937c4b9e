"""The shell around a conversation, with both ends doing as they are told."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close

from support.socket_talk import FakeConnection, FakeTalk
from support.virtual_time import in_virtual_time, virtual_ms
from voxgate.errors import LocalProtocolError, ProviderError
from voxgate.providers.base import (
    ProviderDisconnected,
    ProviderEnded,
    ProviderEvent,
    ProviderReady,
    ResponseDone,
    ResponseStarted,
)
from voxgate.providers.session_keeper import ReconnectPolicy, SessionKeeper
from voxgate.providers.socket_conversation import RENEWAL


class Rig:
    """A keeper and its other end."""

    def __init__(self, **policy: Any) -> None:
        self.talk = FakeTalk()
        self.connections: list[FakeConnection] = []
        self.connected_ms: list[float] = []
        self.failures: deque[ProviderError] = deque()
        self.greets = True
        self.greeting: tuple[str, ...] = ("hello", "ready")
        self.n_messages = 0
        self.n_ends = 0
        self.keeper = SessionKeeper(
            self.talk,
            connect=self._connect,
            policy=ReconnectPolicy(
                **{
                    "connect_timeout_s": 5.0,
                    "max_reconnects": 3,
                    "initial_ms": 100.0,
                    "max_ms": 1000.0,
                    **policy,
                }
            ),
            clock=virtual_ms,
            call_id="call-1",
            kind="peer",
            name="the_agent",
            host="h",
            deadlines=self.talk,
            renewal=self.talk,
            on_message=self._count,
            on_end=self._end,
        )
        self.events = self.keeper.events()

    @property
    def connection(self) -> FakeConnection:
        return self.connections[-1]

    def _count(self) -> None:
        self.n_messages += 1

    async def _end(self) -> None:
        self.n_ends += 1

    async def _connect(self) -> Any:
        if self.failures:
            raise self.failures.popleft()
        self.connections.append(FakeConnection())
        self.connected_ms.append(virtual_ms())
        if self.greets:
            self.connection.come(*self.greeting)
        return self.connection

    async def rest(self) -> list[ProviderEvent]:
        return [event async for event in self.events]


def _away() -> ProviderError:
    return ProviderError("peer", "is away", code="away", retryable=True)


@in_virtual_time
async def test_it_connects_says_what_is_to_be_said_and_tells_what_comes() -> None:
    """Settings first; every message is followed up."""
    rig = Rig()
    await rig.keeper.start()
    assert await anext(rig.events) == ResponseStarted("hello")
    assert await anext(rig.events) == ProviderReady()
    assert rig.connection.sent == ["settings"]
    rig.talk.messages += ["one", "two"]
    rig.keeper.wake()
    rig.connection.come("cut off", "a", "b")
    assert [await anext(rig.events), await anext(rig.events)] == [
        ResponseStarted("a"),
        ResponseStarted("b"),
    ]
    assert rig.connection.sent == ["settings", "one", "two"]
    assert rig.n_messages == 5
    await rig.keeper.stop()

    assert rig.connection.is_closed
    assert await rig.rest() == [ProviderEnded()]


@in_virtual_time
async def test_a_lost_connection_comes_back() -> None:
    """After a pause, with what the session left unfinished told first."""
    rig = Rig()
    await rig.keeper.start()
    with capture_logs() as logs:
        rig.failures += [_away(), _away()]
        rig.connection.come(ConnectionClosedOK(Close(1001, "SECRET"), None))
        await asyncio.sleep(5)
    events = [await anext(rig.events) for _ in range(6)]
    assert events[2] == ResponseDone("lost", "failed")
    assert isinstance(events[3], ProviderDisconnected)
    assert events[3].error.code == "close_1001"
    assert events[5] == ProviderReady(True)
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("provider.disconnected", "warning"),
        ("provider.reconnected", "info"),
    ]
    assert logs[1]["attempt"] == 3
    assert "SECRET" not in repr((events, logs))
    await rig.keeper.stop()


@in_virtual_time
async def test_attempts_are_bounded_and_pauses_grow() -> None:
    """100, 200, 400 ms and up to as much again by chance; then the last error ends it."""
    rig = Rig()
    await rig.keeper.start()
    began_ms = virtual_ms()
    rig.failures += [_away() for _ in range(9)]
    rig.connection.come(ConnectionClosedError(None, None))
    ended = (await rig.rest())[-1]

    assert isinstance(ended, ProviderEnded)
    assert ended.error is not None
    assert ended.error.code == "away"
    assert len(rig.failures) == 6
    assert 700.0 <= virtual_ms() - began_ms <= 1000.0


@pytest.mark.parametrize(("wish_s", "pause_s"), [(None, 0.1), (7.0, 7.0), (3600.0, 20.0)])
@in_virtual_time
async def test_a_server_that_asks_for_time_gets_it(wish_s: float | None, pause_s: float) -> None:
    """As long as a caller would wait; without a wish the pauses are ours."""
    rig = Rig()
    await rig.keeper.start()
    busy = ProviderError("peer", "busy", code="busy", retryable=True, retry_after_s=wish_s)
    rig.connection.come(ConnectionClosedError(None, None))
    rig.failures.append(busy)
    await asyncio.sleep(0.2)
    began_ms = virtual_ms()
    await asyncio.sleep(30)
    assert len(rig.connections) == 2
    await rig.keeper.stop()
    assert rig.connected_ms[-1] - began_ms >= (pause_s - 0.3) * 1000
    assert rig.connected_ms[-1] - began_ms <= (pause_s + 0.3) * 1000


@in_virtual_time
async def test_a_connection_that_lasted_has_all_its_attempts_again() -> None:
    """An hour with an outage a minute is no endless outage."""
    rig = Rig(max_reconnects=1)
    await rig.keeper.start()
    for _ in range(5):
        await asyncio.sleep(60)
        rig.connection.come(ConnectionClosedError(None, None))
    await asyncio.sleep(60)
    assert len(rig.connections) == 6
    rig.connection.come(ConnectionClosedError(None, None))
    await asyncio.sleep(5)
    rig.connection.come(ConnectionClosedError(None, None))

    assert isinstance((await rig.rest())[-1], ProviderEnded)
    assert len(rig.connections) == 7


@in_virtual_time
async def test_what_is_due_is_done_in_time() -> None:
    """Without a message that would wake anybody; then the next deadline counts."""
    rig = Rig()
    await rig.keeper.start()
    rig.talk.deadline_ms = virtual_ms() + 8000.0
    rig.keeper.wake()
    await asyncio.sleep(20)

    assert rig.talk.due == [pytest.approx(8000.0, abs=50.0)]
    await rig.keeper.stop()


@in_virtual_time
async def test_a_session_that_is_renewed_is_no_outage() -> None:
    """The next one follows, and nobody is warned."""
    rig = Rig()
    await rig.keeper.start()
    rig.talk.due_error = ProviderError("peer", "renewed", code=RENEWAL, retryable=True)
    rig.talk.deadline_ms = virtual_ms() + 1000.0
    with capture_logs() as logs:
        rig.keeper.wake()
        await asyncio.sleep(3)

    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("provider.session_replaced", "info"),
        ("provider.reconnected", "info"),
    ]
    assert len(rig.connections) == 2
    assert rig.connections[0].is_closed
    await rig.keeper.stop()


@in_virtual_time
async def test_another_session_stands_before_the_old_one_is_left() -> None:
    """The old one goes on while none is to be had; nobody is warned of an outage."""
    rig = Rig()
    await rig.keeper.start()
    rig.failures.append(_away())
    rig.talk.renewal_ms = virtual_ms()
    with capture_logs() as logs:
        rig.keeper.wake()
        await asyncio.sleep(0.1)
        assert (len(rig.connections), rig.connections[0].is_closed) == (1, False)
        await asyncio.sleep(2)
        rig.keeper.wake()
        await asyncio.sleep(1)

    told = [(entry["event"], entry["log_level"]) for entry in logs]
    assert told == [("provider.renewal_failed", "warning"), ("provider.renewed", "info")]
    assert [connection.is_closed for connection in rig.connections] == [True, False]
    await rig.keeper.stop()
    assert rig.n_ends == 1


@in_virtual_time
async def test_a_successor_that_does_not_configure_is_an_outage() -> None:
    """The old session is gone by then: the next attempt follows, as after any loss."""
    rig = Rig(connect_timeout_s=0.5)
    await rig.keeper.start()
    rig.greets = False
    rig.talk.renewal_ms = virtual_ms()
    with capture_logs() as logs:
        rig.keeper.wake()
        await asyncio.sleep(0.6)
        rig.greets = True
        await asyncio.sleep(2)

    assert [entry["event"] for entry in logs][:1] == ["provider.disconnected"]
    assert logs[0]["code"] == "connect_timeout"
    assert rig.connections[1].was_aborted
    assert rig.talk.is_ready
    await rig.keeper.stop()


@in_virtual_time
async def test_a_successor_that_is_refused_says_why() -> None:
    """The old session is gone, and the refusal is the reason of the end."""
    rig = Rig()
    await rig.keeper.start()
    rig.greeting = ("refuse",)
    rig.talk.renewal_ms = virtual_ms()
    rig.keeper.wake()
    ended = (await rig.rest())[-1]

    assert isinstance(ended, ProviderEnded)
    assert ended.error is not None
    assert ended.error.code == "refused"
    assert rig.connections[1].was_aborted


@in_virtual_time
async def test_a_call_that_ends_while_the_next_session_is_configured_leaves_none() -> None:
    """Both connections are gone."""
    rig = Rig()
    await rig.keeper.start()
    rig.greeting = ()
    rig.talk.renewal_ms = virtual_ms()
    rig.keeper.wake()
    await asyncio.sleep(0.5)
    assert rig.connections[0].is_closed
    await rig.keeper.stop()

    assert rig.connections[1].was_aborted


@in_virtual_time
async def test_what_happens_here_is_told_with_what_happens_there() -> None:
    """In its turn, and before the end."""
    rig = Rig()
    await rig.keeper.start()
    rig.keeper.emit(ResponseStarted("ours"))
    await rig.keeper.stop()

    assert (await rig.rest())[-2:] == [ResponseStarted("ours"), ProviderEnded()]


@in_virtual_time
async def test_a_refusal_is_final() -> None:
    """Trying again would not help."""
    rig = Rig()
    await rig.keeper.start()
    rig.connection.come("refuse")
    with capture_logs() as logs:
        events = await rig.rest()

    assert isinstance(events[-1], ProviderEnded)
    assert [entry["event"] for entry in logs] == ["provider.lost", "provider.ended"]
    assert [entry["provider"] for entry in logs] == ["the_agent"] * 2
    assert logs[1]["sessions"] == 1
    assert not any(isinstance(event, ProviderDisconnected) for event in events)


@in_virtual_time
async def test_a_bug_ends_the_call_and_no_more() -> None:
    """With an error like any other."""
    rig = Rig()
    await rig.keeper.start()
    rig.connection.come("bug")
    with capture_logs() as logs:
        ended = (await rig.rest())[-1]

    assert isinstance(ended, ProviderEnded)
    assert ended.error is not None
    assert (ended.error.code, ended.error.retryable) == ("internal", False)
    assert logs[0]["event"] == "provider.crashed"


@in_virtual_time
async def test_a_broken_pipe_is_reported_by_who_reads() -> None:
    """The writer only stops."""
    rig = Rig(max_reconnects=0)
    await rig.keeper.start()
    rig.connection.is_broken = True
    rig.talk.messages.append("lost")
    rig.keeper.wake()
    await asyncio.sleep(1)
    rig.connection.come(ConnectionClosedOK(Close(1001, ""), None))
    ended = (await rig.rest())[-1]

    assert isinstance(ended, ProviderEnded)
    assert ended.error is not None
    assert ended.error.code == "close_1001"


@in_virtual_time
async def test_a_server_that_says_nothing_is_given_up_on() -> None:
    """Its connection is not left open."""
    rig = Rig()
    rig.greets = False
    with pytest.raises(ProviderError) as caught:
        await rig.keeper.start()

    assert (caught.value.code, caught.value.retryable) == ("connect_timeout", True)
    assert rig.connection.was_aborted
    assert await rig.rest() == [ProviderEnded(caught.value)]


@in_virtual_time
async def test_stop_ends_a_start_that_is_under_way() -> None:
    """The starter is told, not left waiting; there is no second life."""
    rig = Rig()
    rig.greets = False
    start = asyncio.create_task(rig.keeper.start())
    await asyncio.sleep(1)
    await rig.keeper.stop()
    with pytest.raises(ProviderError, match="stopped"):
        await start
    with pytest.raises(LocalProtocolError):
        await rig.keeper.start()

    assert await rig.rest() == [ProviderEnded()]


@in_virtual_time
async def test_a_start_that_is_cancelled_leaves_nothing_behind() -> None:
    """The caller hung up while we connected."""
    rig = Rig()
    rig.greets = False
    start = asyncio.create_task(rig.keeper.start())
    await asyncio.sleep(1)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start

    assert len(asyncio.all_tasks()) == 1


@in_virtual_time
async def test_stop_during_an_outage_ends_it() -> None:
    """The caller hangs up while we wait for the server."""
    rig = Rig(initial_ms=60_000.0, max_ms=60_000.0)
    await rig.keeper.start()
    rig.connection.come(ConnectionClosedError(None, None))
    await asyncio.sleep(1)
    await rig.keeper.stop()
    await rig.keeper.stop()

    assert (await rig.rest())[-1] == ProviderEnded()
