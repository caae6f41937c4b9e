"""Messages both ways over one connection, with both ends doing as they are told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close

from support.socket_talk import FakeConnection, FakeTalk
from support.virtual_time import in_virtual_time, virtual_ms
from voxgate.errors import ProviderError
from voxgate.providers.base import ProviderReady, ResponseStarted
from voxgate.providers.event_queue import EventQueue
from voxgate.providers.socket_exchange import SocketExchange


class Rig:
    """An exchange, its conversation and the other end."""

    def __init__(self, *, limit: int = 100, is_plain: bool = False) -> None:
        self.talk = FakeTalk()
        self.connection: Any = FakeConnection()
        self.successor: Any = FakeConnection()
        self.refusal: ProviderError | None = None
        self.on_connect: Any = lambda: None
        self.events = EventQueue(limit)
        self.exchange = SocketExchange(
            self.talk,
            connect=self._connect,
            connect_timeout_s=1.0,
            events=self.events,
            clock=virtual_ms,
            kind="peer",
            name="provider call-1",
            log=structlog.get_logger(),
            deadlines=None if is_plain else self.talk,
            renewal=None if is_plain else self.talk,
            on_message=lambda: None,
        )

    async def _connect(self) -> Any:
        self.on_connect()
        if self.refusal is not None:
            raise self.refusal
        return self.successor

    async def configured(self) -> Rig:
        self.connection.come("ready")
        await self.exchange.configure(self.connection)
        assert await self.events.get() == ProviderReady()
        return self


@in_virtual_time
async def test_a_session_is_configured_message_by_message() -> None:
    """What is to be said is said between two messages, until the session is ready."""
    rig = Rig()
    rig.connection.come("hello", "ready")
    await rig.exchange.configure(rig.connection)

    assert rig.connection.sent == ["settings"]
    assert await rig.events.get() == ResponseStarted("hello")
    assert await rig.events.get() == ProviderReady()


@in_virtual_time
async def test_a_server_that_hangs_up_while_it_is_configured_is_an_error() -> None:
    """With the code of the close, whichever side of the exchange noticed."""
    rig = Rig()
    rig.connection.come(ConnectionClosedOK(Close(4000, "SECRET"), None))
    with pytest.raises(ProviderError) as caught:
        await rig.exchange.configure(rig.connection)

    assert (caught.value.code, caught.value.retryable) == ("close_4000", False)
    assert "SECRET" not in str(caught.value)


@in_virtual_time
async def test_messages_go_both_ways_until_the_connection_is_lost() -> None:
    """Then it is closed, and why it was lost is returned."""
    rig = await Rig().configured()
    running = asyncio.create_task(rig.exchange.run(rig.connection))
    rig.talk.messages += ["one", "two"]
    rig.exchange.wake()
    rig.connection.come("a", "b")
    assert [await rig.events.get(), await rig.events.get()] == [
        ResponseStarted("a"),
        ResponseStarted("b"),
    ]
    rig.connection.come(ConnectionClosedError(None, None))
    outcome = await running

    assert rig.connection.sent == ["settings", "one", "two"]
    assert isinstance(outcome, ProviderError)
    assert (outcome.code, outcome.retryable) == ("close_1006", True)
    assert rig.connection.is_closed


@in_virtual_time
async def test_an_engine_that_takes_nothing_stops_the_server() -> None:
    """No message is read before the events of the one before it have their place."""
    rig = await Rig(limit=3).configured()
    running = asyncio.create_task(rig.exchange.run(rig.connection))
    rig.connection.come(*(str(number) for number in range(100)))
    await asyncio.sleep(1)
    assert rig.connection.n_waiting == 96
    for number in range(100):
        assert await rig.events.get() == ResponseStarted(str(number))
    rig.connection.come(ConnectionClosedError(None, None))

    assert isinstance(await running, ProviderError)


@in_virtual_time
async def test_what_is_due_may_end_the_session() -> None:
    """The error is the one of the conversation, not one of the connection."""
    rig = await Rig().configured()
    rig.talk.deadline_ms = virtual_ms() + 500.0
    rig.talk.due_error = ProviderError("peer", "is over", code="over", retryable=True)

    assert await rig.exchange.run(rig.connection) is rig.talk.due_error
    assert rig.talk.due == [pytest.approx(500.0, abs=50.0)]


@in_virtual_time
async def test_an_old_session_is_left_for_a_connection_that_stands() -> None:
    """The new connection is returned, open, and the old one is closed."""
    rig = await Rig().configured()
    rig.talk.renewal_ms = virtual_ms()

    assert await rig.exchange.run(rig.connection) is rig.successor
    assert (rig.connection.is_closed, rig.successor.was_aborted) == (True, False)


@in_virtual_time
async def test_a_word_while_the_next_connection_is_opened_puts_the_renewal_off() -> None:
    """The old session goes on, and the connection that nobody wants now is dropped."""
    rig = await Rig().configured()
    rig.talk.renewal_ms = virtual_ms()
    rig.on_connect = lambda: rig.talk.postpone_renewal(virtual_ms())
    running = asyncio.create_task(rig.exchange.run(rig.connection))
    await asyncio.sleep(0.1)

    assert rig.successor.was_aborted
    assert not rig.connection.is_closed
    running.cancel()
    await asyncio.wait({running})


@in_virtual_time
async def test_a_renewal_that_is_refused_is_put_off() -> None:
    """With a warning that has the code and no more."""
    rig = await Rig().configured()
    rig.talk.renewal_ms = virtual_ms()
    rig.refusal = ProviderError("peer", "SECRET", code="http_503", retryable=True)
    with capture_logs() as logs:
        running = asyncio.create_task(rig.exchange.run(rig.connection))
        await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.wait({running})

    assert [entry["event"] for entry in logs] == ["provider.renewal_failed"]
    assert logs[0]["code"] == "http_503"
    assert "SECRET" not in repr(logs)
    assert rig.connection.is_closed, "a call that ends closes its connection"


@in_virtual_time
async def test_a_conversation_may_have_neither_deadlines_nor_renewals() -> None:
    """Then only messages move."""
    rig = await Rig(is_plain=True).configured()
    rig.talk.deadline_ms = rig.talk.renewal_ms = virtual_ms()
    running = asyncio.create_task(rig.exchange.run(rig.connection))
    rig.talk.messages.append("one")
    rig.exchange.wake()
    await asyncio.sleep(1)
    rig.talk.messages.append("two")
    rig.exchange.wake()
    await asyncio.sleep(1)
    rig.connection.come(ConnectionClosedError(None, None))

    assert isinstance(await running, ProviderError)
    assert rig.connection.sent == ["settings", "one", "two"]
    assert rig.talk.due == []


@in_virtual_time
async def test_a_call_that_ends_in_the_middle_of_a_renewal_leaves_no_connection() -> None:
    """The old one is being closed, and the new one is nobody's yet."""
    rig = await Rig().configured()
    rig.talk.renewal_ms = virtual_ms()
    rig.connection.closes_after_s = 1.0
    running = asyncio.create_task(rig.exchange.run(rig.connection))
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.wait({running})

    assert running.cancelled()
    assert rig.successor.was_aborted


@in_virtual_time
async def test_what_the_socket_takes_is_sent_without_waking_anybody() -> None:
    """A frame of the caller costs one write, in the turn of the loop that brought it."""
    rig = await Rig(is_plain=True).configured()
    running = asyncio.create_task(rig.exchange.run(rig.connection))
    await asyncio.sleep(0.1)
    rig.talk.messages += ["one", "two"]
    rig.exchange.wake()

    assert rig.connection.sent_at_once == ["one", "two"]
    running.cancel()
    await asyncio.wait({running})


@in_virtual_time
async def test_what_the_socket_does_not_take_is_sent_in_order_when_it_does() -> None:
    """A peer that does not read for a while gets everything, and nothing out of turn."""
    rig = await Rig(is_plain=True).configured()
    running = asyncio.create_task(rig.exchange.run(rig.connection))
    await asyncio.sleep(0.1)
    rig.connection.unsent_bytes = 1_000_000
    rig.talk.messages += ["one", "two"]
    rig.exchange.wake()
    assert rig.connection.sent == ["settings"]
    rig.connection.unsent_bytes = 0
    rig.talk.messages.append("three")
    rig.exchange.wake()
    await asyncio.sleep(0.1)

    assert rig.connection.sent == ["settings", "one", "two", "three"]
    running.cancel()
    await asyncio.wait({running})


@in_virtual_time
async def test_a_renewal_that_is_due_is_seen_though_all_was_sent_at_once() -> None:
    """The sender is woken for it."""
    rig = await Rig().configured()
    running = asyncio.create_task(rig.exchange.run(rig.connection))
    await asyncio.sleep(0.1)
    rig.talk.renewal_ms = virtual_ms()
    rig.exchange.wake()

    assert await running is rig.successor


@in_virtual_time
async def test_a_server_that_reads_nothing_any_more_is_given_up() -> None:
    """Nothing else would find it: a ping waits as long as any message does."""
    rig = await Rig(is_plain=True).configured()
    rig.connection.unsent_bytes = 1_000_000
    rig.connection.is_unread = True
    began_ms = virtual_ms()
    rig.talk.messages.append("one")
    error = await rig.exchange.run(rig.connection)

    assert isinstance(error, ProviderError)
    assert (error.code, error.retryable) == ("not_read", True)
    assert virtual_ms() - began_ms == pytest.approx(20_000.0, abs=100.0)
    assert rig.connection.was_aborted


@in_virtual_time
async def test_a_call_that_ends_waits_for_no_goodbye_of_a_server_that_does_not_read() -> None:
    """The connection is dropped, and the hangup goes on."""
    rig = await Rig(is_plain=True).configured()
    running = asyncio.create_task(rig.exchange.run(rig.connection))
    await asyncio.sleep(0.1)
    rig.connection.is_unread = True
    began_ms = virtual_ms()
    running.cancel()
    await asyncio.wait({running})

    assert running.cancelled()
    assert rig.connection.was_aborted
    assert virtual_ms() - began_ms == pytest.approx(2000.0, abs=100.0)
