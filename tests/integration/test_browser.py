"""The browser line over real loopback connections, with a peer that does what the page does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import numpy as np
import pytest
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus

from integration.call_conformance import CallConformance, LineCall
from integration.line_conformance import (
    GUARD_S,
    LineConformance,
    assert_is_well,
    collected,
    ending,
    frame_of,
    next_event,
    until,
)
from integration.websocket_exchange import PeerCaller, WebSocketExchange
from integration.websocket_server_conformance import WebSocketServerConformance
from support.browser_messages import mutated, played, start
from support.browser_peer import BrowserPeer
from support.virtual_time import in_socket_time
from voxgate.config.browser_line_model import BrowserLineConfig
from voxgate.core.gate_decision import GateEventType
from voxgate.errors import ConfigError
from voxgate.transports.base import Line, LineAudio, LinePlayed, LineWarning
from voxgate.transports.browser import BrowserTransport
from voxgate.transports.websocket_line import WebSocketLine

pytestmark = pytest.mark.timeout(GUARD_S)

TOKEN = "correct horse battery staple"  # noqa: S105 - nobody's
SCRIPTS = ("voxgate-call.js", "voxgate-capture.js", "voxgate-playout.js", "voxgate-resampler.js")


def config(**fields: Any) -> BrowserLineConfig:
    """Return the section of a line on a free port."""
    return BrowserLineConfig(**{"enabled": True, "port": 0, **fields})


async def nobody(line: Line) -> None:
    raise AssertionError(line)


class BrowserCaller(PeerCaller[BrowserPeer]):
    """Plays the caller in front of a page."""

    def __init__(self, peer: BrowserPeer, line: WebSocketLine[Any]) -> None:
        super().__init__(
            peer,
            line,
            misbehave=lambda: peer.send({"type": "played", "frames": "?", "flush": 0}),
            hang_up=peer.hang_up,
        )

    async def is_told_to_hang_up(self) -> bool:
        return await super().is_told_to_hang_up() and self.peer.hangup_reason == "ended"


class BrowserExchange(WebSocketExchange[BrowserTransport, BrowserPeer]):
    """Runs a server and places calls to it."""

    async def place_call(self, **options: Any) -> PeerCaller[BrowserPeer]:
        call = await super().place_call(**options)
        if not self.may_end.is_set():  # else it may be over before it stands
            assert await call.peer.ready() == call.line.call_id
        return call

    async def get(self, path: str, **headers: str) -> tuple[int, str, aiohttp.ClientResponse]:
        """Return status, text and the rest of what the server answers."""
        host, port = self.transport.address
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{host}:{port}{path}", headers=headers) as response,
        ):
            return response.status, await response.text(), response


async def running(transport: BrowserTransport) -> AsyncIterator[BrowserExchange]:
    async with AsyncExitStack() as peers:
        exchange = BrowserExchange(transport, peers, BrowserPeer.connect, BrowserCaller)
        await transport.start(exchange.serve)
        yield exchange
        await transport.stop()
        exchange.may_end.set()
    await transport.wait_closed()


@pytest.fixture
async def exchange() -> AsyncIterator[BrowserExchange]:
    async for each in running(BrowserTransport(config())):
        yield each


@pytest.fixture
async def guarded() -> AsyncIterator[BrowserExchange]:
    """A server that asks for a token, and knows one origin."""
    section = config(token_env="PAGE_TOKEN", allowed_origins=("https://voice.example.com",))  # noqa: S106
    async for each in running(BrowserTransport(section, {"PAGE_TOKEN": f" {TOKEN}\n"})):
        yield each


class TestBrowserLine(LineConformance):
    """A line over a WebSocket."""


class TestBrowserCalls(CallConformance):
    """A call over a WebSocket."""

    @asynccontextmanager
    async def placed(self) -> AsyncIterator[LineCall]:
        async for exchange in running(BrowserTransport(config())):
            placed = await exchange.place_call()
            call = LineCall(placed.line, placed.peer)
            session = asyncio.create_task(call.session.run())
            await asyncio.sleep(0.05)
            yield call
            await placed.hang_up()
            await session

    @in_socket_time
    async def test_without_a_report_nothing_is_taken_for_heard(self) -> None:
        """A page whose reports stop coming has stopped to play, whatever our clock says."""
        async with self.placed() as call:
            assert isinstance(call.caller, BrowserPeer)
            call.provider.speak(b"".join(call.voice(150)), "answer")
            await asyncio.sleep(0.3)
            call.caller.keep_reports()
            confirmed_ms = call.caller.played_ms
            await asyncio.sleep(0.5)
            call.decide(GateEventType.INTERRUPTED)
            await asyncio.sleep(0.1)
            (truncation,) = call.provider.truncations
            assert truncation.audio_end_ms == pytest.approx(confirmed_ms, abs=20)


class TestCalls:
    """What a page's call is, beyond what every line is."""

    async def test_parameters_are_metadata_of_the_call(self, exchange: BrowserExchange):
        """What the page says of it; the server names it."""
        call = await exchange.place_call(parameters={"page": "desk", "called_number": "sales"})
        assert call.line.metadata == {"page": "desk", "called_number": "sales"}
        assert call.line.kind == "browser"
        other = await exchange.place_call()
        assert other.line.metadata == {}
        assert other.line.call_id != call.line.call_id

    async def test_audio_lies_where_it_was_captured(self, exchange: BrowserExchange):
        """Samples are time; what was never sent has its time, what comes at once has its own."""
        call = await exchange.place_call()
        await call.speak(bytes(640))
        await call.speak(bytes(20))
        await call.peer.skip(1500)
        await call.speak(bytes(64_000))
        await call.hang_up()
        audio = [event async for event in call.line.events() if isinstance(event, LineAudio)]
        assert [(len(event.audio), event.timestamp_ms) for event in audio] == [
            (640, 0.0),
            (20, 20.0),
            (16_000, 1520.625),
            (16_000, 2020.625),
            (16_000, 2520.625),
            (16_000, 3020.625),
        ]
        assert call.line.call.skipped_samples == 24_000

    async def test_the_line_says_what_was_played(self, exchange: BrowserExchange):
        """Reports come one by one, as the frames are played."""
        call = await exchange.place_call()
        for number in range(5):
            call.line.send_audio(frame_of(call.line, number))
        assert [await next_event(call.line) for _ in range(5)] == [
            LinePlayed(number) for number in range(1, 6)
        ]
        assert call.peer.played == [frame_of(call.line, number) for number in range(5)]

    async def test_a_report_from_before_a_flush_proves_nothing(self, exchange: BrowserExchange):
        """It may name as many frames as it likes: it names the flush, too."""
        call = await exchange.place_call()
        call.peer.keep_reports()
        for number in range(10):
            call.line.send_audio(frame_of(call.line, number))
        await call.hear(10)
        call.line.flush()
        call.line.send_audio(frame_of(call.line, 99))
        await call.hear(1)
        await call.peer.send(played(8, flush=0))
        await call.peer.send(played(1, flush=1))
        assert await next_event(call.line) == LinePlayed(11)
        assert call.line.stats.void_marks == 1

    async def test_reports_of_what_was_never_sent_are_warned_of(self, exchange: BrowserExchange):
        """They move nothing, and the call goes on."""
        call = await exchange.place_call()
        await call.peer.send(played(1))
        event = await next_event(call.line)
        assert isinstance(event, LineWarning)
        assert event.code == "browser.impossible_played"
        await assert_is_well(call)

    async def test_what_was_not_yet_written_is_never_heard_after_a_flush(
        self, exchange: BrowserExchange
    ):
        """The flush overtakes what still waits for the socket."""
        call = await exchange.place_call()
        for number in range(20):
            call.line.send_audio(frame_of(call.line, number))
        call.line.flush()
        call.line.send_audio(frame_of(call.line, 99))
        assert await call.hear(1) == [frame_of(call.line, 99)]
        assert call.peer.held_ms <= 20
        assert await next_event(call.line) == LinePlayed(21)

    async def test_odd_messages_are_warned_of(self, exchange: BrowserExchange):
        """A new kind of message does not end the call."""
        call = await exchange.place_call()
        await call.peer.send({"type": "level", "dbfs": -20})
        assert await next_event(call.line) == LineWarning("browser.unknown_message", "level")
        await assert_is_well(call)

    async def test_a_broken_peer_is_told_why(self, exchange: BrowserExchange):
        """In the close, at once, and without a word of what it sent."""
        call = await exchange.place_call()
        await call.misbehave()
        closed = await call.peer.wait_closed()
        assert closed == (1002, "frames is not a whole number in 0..2^53 (message 2)")

    @pytest.mark.parametrize("data", [b"\x00", "x" * 20_000, "x" * 70_000, bytes(70_000)])
    async def test_what_no_page_sends_ends_the_call(
        self, exchange: BrowserExchange, data: str | bytes
    ):
        """Half a sample, and what is beyond any bound."""
        bad, good = await exchange.place_call(), await exchange.place_call()
        await bad.peer.send(data)
        assert ending(await collected(bad.line)) == "protocol_error"
        await assert_is_well(good)

    async def test_an_end_of_the_socket_without_a_close_is_no_hangup(
        self, exchange: BrowserExchange
    ):
        """A proxy that dies is not a caller who hangs up."""
        call = await exchange.place_call()
        call.peer.finish_sending()
        assert ending(await collected(call.line)) == "transport_error"

    async def test_frames_left_out_are_no_frames_of_the_page(self, exchange: BrowserExchange):
        """A page that did not read for a while counts fewer than were given; the line knows."""
        call = await exchange.place_call()
        await call.stop_reading()
        for number in range(300):
            call.line.send_audio(frame_of(call.line, number))
        n_dropped = call.line.stats.dropped_sent_frames
        assert n_dropped > 0
        n_sent = 300 - n_dropped
        await call.peer.send(played(n_sent))
        assert await next_event(call.line) == LinePlayed(n_sent)
        await call.peer.send(played(n_sent + 1))
        assert isinstance(await next_event(call.line), LineWarning)


class TestServer(WebSocketServerConformance):
    """Who is let in, and what is served."""

    line_name = "browser"

    def make_server(self, **fields: Any) -> BrowserTransport:
        return BrowserTransport(config(**{"max_connections": 200, **fields}))

    def running(self, server: BrowserTransport) -> AsyncIterator[BrowserExchange]:
        return running(server)

    def broken_message(self, generator: random.Random) -> str | bytes:
        return mutated(np.random.default_rng(generator.randrange(2**32)))

    async def test_a_second_call_of_one_name_is_refused(self) -> None:
        """There is none: the server names the calls, whatever a page says."""
        async for exchange in self.running(self.make_server()):
            names = {"call_id": "the same"}
            calls = [await exchange.place_call(parameters=names) for _ in range(2)]
            assert len({call.line.call_id for call in calls}) == 2
            assert exchange.transport.stats.duplicate_calls == 0
            for call in calls:
                await assert_is_well(call)

    @pytest.mark.parametrize("name", SCRIPTS)
    async def test_the_scripts_are_served_as_scripts(self, exchange: BrowserExchange, name: str):
        """Browsers take a module only with the right type."""
        status, text, response = await exchange.get(f"/browser/{name}")
        assert status == 200
        assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert text.startswith("/**")
        assert "Access-Control-Allow-Origin" not in response.headers

    @pytest.mark.parametrize(
        "path", ["/", "/browser/", "/browser/x.js", "/browser/..%2fserver.py", "/browser/assets"]
    )
    async def test_nothing_else_is_served(self, exchange: BrowserExchange, path: str):
        """Nor can a path lead out."""
        status, text, _ = await exchange.get(path)
        assert status == 404
        assert "Traceback" not in text

    async def test_who_asks_for_no_websocket_gets_a_plain_answer(self, exchange: BrowserExchange):
        """A person who enters the address."""
        status, text, _ = await exchange.get("/browser")
        assert (status, text) == (
            400,
            "Ask for a WebSocket with the subprotocol voxgate.browser.v1.\n",
        )

    @pytest.mark.parametrize("subprotocol", [None, "voxgate.browser.v2"])
    async def test_another_version_of_the_protocol_is_refused(
        self, exchange: BrowserExchange, subprotocol: str | None
    ):
        """Before anything is understood wrongly."""
        with pytest.raises(InvalidStatus, match="400"):
            await exchange.connect(subprotocol=subprotocol)

    async def test_pages_of_this_machine_and_listed_ones_may_call(self, guarded: BrowserExchange):
        """And get the scripts; the answer names their origin."""
        for origin in ("https://voice.example.com", "http://127.0.0.1:3000", "http://localhost"):
            await assert_is_well(await guarded.place_call(origin=origin, token=TOKEN))
            status, _, response = await guarded.get("/browser/voxgate-call.js", Origin=origin)
            assert (status, response.headers["Access-Control-Allow-Origin"]) == (200, origin)

    @pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "http://[", ""])
    async def test_other_pages_may_not(self, guarded: BrowserExchange, origin: str):
        """Neither call nor load, token or not."""
        with capture_logs() as logs, pytest.raises(InvalidStatus, match="403"):
            await guarded.connect(origin=origin, token=TOKEN)
        assert "browser.origin_refused" in [entry["event"] for entry in logs]
        status, _, response = await guarded.get("/browser/voxgate-call.js", Origin=origin)
        assert status == 403
        assert "Access-Control-Allow-Origin" not in response.headers
        assert guarded.transport.stats.refused_origins == 2

    async def test_a_name_that_leads_here_is_not_trusted(self, exchange: BrowserExchange):
        """A page whose host resolves to 127.0.0.1 has that name in both headers."""
        headers = {"Origin": "http://evil.example.com", "Host": "evil.example.com"}
        status, _, _ = await exchange.get("/browser", **headers)
        assert status == 403

    @pytest.mark.parametrize("token", [None, "", "guess", TOKEN[:-1], TOKEN + "x", "\u00e9"])
    async def test_without_the_token_there_is_no_call(
        self, guarded: BrowserExchange, token: str | None
    ):
        """The page is told that, and no log has what it sent."""
        with capture_logs() as logs:
            peer = await guarded.connect(token=token)
            closed = await peer.wait_closed()
        assert closed == (1002, "the token is missing or wrong")
        await until(lambda: guarded.transport.stats.open_connections == 0)
        assert guarded.transport.stats.unidentified_connections == 1
        assert not token or token not in str(logs)

    @pytest.mark.parametrize("messages", [["{}"], [start(), start()], [b"\x00\x00"], ["[]"]])
    async def test_who_is_no_page_is_refused(self, exchange: BrowserExchange, messages: list[Any]):
        """Calls go on."""
        good = await exchange.place_call()
        peer = await exchange.connect(is_started=False)
        for message in messages:
            await peer.send(message)
        assert (await peer.wait_closed())[0] == 1002
        await assert_is_well(good)

    async def test_what_the_line_needs_is_checked_before_it_listens(self):
        """The variable is named."""
        transport = BrowserTransport(config(token_env="PAGE_TOKEN"), {"PAGE_TOKEN": " "})  # noqa: S106
        with pytest.raises(ConfigError, match=r"PAGE_TOKEN: is not set; lines\.browser asks"):
            await transport.start(nobody)

    @pytest.mark.parametrize(("host", "is_warned"), [("127.0.0.1", False), ("0.0.0.0", True)])  # noqa: S104
    async def test_a_line_that_others_reach_without_a_token_says_so(
        self, host: str, is_warned: bool
    ):
        """The log names the address and the script."""
        transport = BrowserTransport(config(host=host))
        with capture_logs() as logs:
            await transport.start(nobody)
        await transport.stop()
        await transport.wait_closed()
        events = {entry["event"]: entry for entry in logs}
        assert events["browser.started"]["script_url"].endswith("/browser/voxgate-call.js")
        assert ("browser.token_not_asked_for" in events) == is_warned
