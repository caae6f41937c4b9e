"""Twilio media streams over real loopback connections, with a peer that behaves as Twilio does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import pytest
from structlog.testing import capture_logs
from twilio.request_validator import RequestValidator
from websockets.exceptions import ConnectionClosed, InvalidStatus

from integration.call_conformance import CallConformance, LineCall
from integration.line_conformance import (
    GUARD_S,
    LineConformance,
    assert_is_well,
    collected,
    ending,
    frame_of,
    heard_audio,
    next_event,
    until,
)
from support.twilio_messages import CALL_SID, connected, mutated, start
from support.twilio_peer import TwilioPeer
from support.virtual_time import in_socket_time
from voxgate.config.line_models import TwilioConfig
from voxgate.core.gate_decision import GateEventType
from voxgate.errors import ConfigError, TransportError
from voxgate.transports.base import Line, LineAudio, LineHangup, LinePlayed, LineWarning
from voxgate.transports.twilio import TwilioTransport
from voxgate.transports.twilio.call import TwilioCall
from voxgate.transports.websocket_line import WebSocketLine

pytestmark = pytest.mark.timeout(GUARD_S)

PUBLIC_URL = "wss://voice.example.com/twilio"
TWIML_URL = "https://voice.example.com/twiml"
AFTER_URL = f"{TWIML_URL}?after=stream"
NUMBERS = ("called_number", "caller_number")
TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 - nobody's
ENVIRON = {"TWILIO_AUTH_TOKEN": TOKEN}
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "lines" / "twilio.md"


def config(**fields: Any) -> TwilioConfig:
    """Return the section of a line that checks no signatures."""
    defaults = {"enabled": True, "port": 0, "public_url": PUBLIC_URL, "validate_signature": False}
    return TwilioConfig(**{**defaults, **fields})


def signed(url: str, parameters: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the header by which Twilio proves who it is."""
    signature = RequestValidator(TOKEN).compute_signature(url, dict(parameters or {}))
    return {"X-Twilio-Signature": signature}


class TwilioCaller:
    """Plays the caller behind Twilio."""

    def __init__(self, peer: TwilioPeer, line: WebSocketLine[TwilioCall]) -> None:
        self.peer = peer
        self.line = line

    async def speak(self, audio: bytes) -> None:
        await self.peer.speak(audio)

    async def press(self, digit: str) -> None:
        await self.peer.press(digit)

    async def hear(self, n_frames: int) -> list[bytes]:
        return await self.peer.hear(n_frames)

    async def stop_reading(self) -> None:
        self.peer.stop_reading()

    async def misbehave(self) -> None:
        await self.peer.send({"event": "media", "media": {"payload": "?"}})

    async def hang_up(self) -> None:
        await self.peer.stop()

    async def finish_sending(self) -> None:
        """Close, without having said stop; the server is still to answer."""
        await self.peer.close()

    async def vanish(self) -> None:
        self.peer.reset()

    async def is_over(self) -> None:
        await until(lambda: self.line.connection.events.is_closed)

    async def is_told_to_hang_up(self) -> bool:
        return await self.peer.wait_closed() == (1000, "")


class TwilioExchange:
    """Runs a server and places calls to it."""

    def __init__(self, transport: TwilioTransport, peers: AsyncExitStack) -> None:
        self.transport = transport
        self.may_end = asyncio.Event()
        self._peers = peers
        self._served: asyncio.Queue[WebSocketLine[TwilioCall]] = asyncio.Queue()

    async def serve(self, line: Line) -> None:
        assert isinstance(line, WebSocketLine)
        self._served.put_nowait(line)
        await self.may_end.wait()

    async def connect(self, **options: Any) -> TwilioPeer:
        return await self._peers.enter_async_context(
            TwilioPeer.connect(self.transport.address, **options)
        )

    async def served(self) -> WebSocketLine[TwilioCall]:
        return await self._served.get()

    async def place_call(self, **options: Any) -> TwilioCaller:
        peer = await self.connect(**options)
        line = await self.served()
        assert line.call_id == peer.stream_sid
        return TwilioCaller(peer, line)

    async def twiml(self, method: str = "GET", **options: Any) -> tuple[int, str, str]:
        """Return status, type and text of what /twiml answers."""
        host, port = self.transport.address
        query = options.pop("query", "")
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://{host}:{port}/twiml{query}", **options) as response,
        ):
            return response.status, response.content_type, await response.text()


async def running(transport: TwilioTransport) -> AsyncIterator[TwilioExchange]:
    async with AsyncExitStack() as peers:
        exchange = TwilioExchange(transport, peers)
        await transport.start(exchange.serve)
        yield exchange
        await transport.stop()
        exchange.may_end.set()
    await transport.wait_closed()


@pytest.fixture
async def exchange() -> AsyncIterator[TwilioExchange]:
    async for each in running(TwilioTransport(config())):
        yield each


@pytest.fixture
async def guarded() -> AsyncIterator[TwilioExchange]:
    """A server that asks for signatures."""
    async for each in running(TwilioTransport(config(validate_signature=True), ENVIRON)):
        yield each


class TestTwilioLine(LineConformance):
    """A line over a WebSocket."""


class TestTwilioCalls(CallConformance):
    """A call over a WebSocket."""

    @asynccontextmanager
    async def placed(self) -> AsyncIterator[LineCall]:
        async for exchange in running(TwilioTransport(config())):
            placed = await exchange.place_call()
            call = LineCall(placed.line, placed.peer)
            session = asyncio.create_task(call.session.run())
            await asyncio.sleep(0.05)
            yield call
            await placed.hang_up()
            await session

    @in_socket_time
    async def test_without_a_mark_nothing_is_taken_for_heard(self) -> None:
        """A stream whose marks stop coming has stopped to play, whatever our clock says."""
        async with self.placed() as call:
            assert isinstance(call.caller, TwilioPeer)
            call.provider.speak(b"".join(call.voice(150)), "answer")
            await asyncio.sleep(0.3)
            call.caller.keep_marks()
            confirmed_ms = call.caller.played_ms
            await asyncio.sleep(0.5)
            call.decide(GateEventType.INTERRUPTED)
            await asyncio.sleep(0.1)
            (truncation,) = call.provider.truncations
            assert truncation.audio_end_ms == pytest.approx(confirmed_ms, abs=20)


class TestStreams:
    """What a stream is, beyond what every line is."""

    async def test_custom_parameters_are_metadata_of_the_call(self, exchange: TwilioExchange):
        """What the TwiML gave, the engine is told; and which call it is, as the console has it."""
        call = await exchange.place_call(parameters={"language": "en", "to": "+15550100"})
        assert call.line.metadata == {
            "language": "en",
            "to": "+15550100",
            "call_sid": CALL_SID,
        }

    async def test_audio_knows_its_place(self, exchange: TwilioExchange):
        """A gap in the stream is one in the times, and what comes at once was not said at once."""
        call = await exchange.place_call()
        for at_ms in (0, 20, 140, 160, 180):
            await call.peer.speak(bytes(160), timestamp_ms=at_ms)
        await call.hang_up()
        times = [e.timestamp_ms async for e in call.line.events() if isinstance(e, LineAudio)]
        assert times == [0, 20, 140, 160, 180]

    async def test_the_line_says_what_was_played(self, exchange: TwilioExchange):
        """Marks come back one by one, as the frames are played."""
        call = await exchange.place_call()
        for number in range(5):
            call.line.send_audio(frame_of(call.line, number))
        assert [await next_event(call.line) for _ in range(5)] == [
            LinePlayed(number) for number in range(1, 6)
        ]
        assert call.peer.played == [frame_of(call.line, number) for number in range(5)]

    async def test_marks_after_our_own_clear_are_not_reported(self, exchange: TwilioExchange):
        """They come back at once, though nothing was played; those of later frames count."""
        call = await exchange.place_call()
        for number in range(50):
            call.line.send_audio(frame_of(call.line, number))
        await call.hear(50)
        call.line.flush()
        call.line.send_audio(frame_of(call.line, 99))
        played = []
        async for event in call.line.events():
            assert isinstance(event, LinePlayed)
            played.append(event.n_frames)
            if event.n_frames == 51:
                break
        assert len(call.peer.clears) == 1
        assert call.peer.played[-1] == frame_of(call.line, 99)
        # A mark that was on its way when we cleared is not reported either.
        assert len(played) <= len(call.peer.played)
        assert call.line.stats.void_marks == 51 - len(played)

    async def test_what_was_not_yet_written_is_never_heard_after_a_flush(
        self, exchange: TwilioExchange
    ):
        """The clear overtakes what still waits for the socket."""
        call = await exchange.place_call()
        for number in range(20):
            call.line.send_audio(frame_of(call.line, number))
        call.line.flush()
        call.line.send_audio(frame_of(call.line, 99))
        assert await call.hear(1) == [frame_of(call.line, 99)]
        assert call.peer.held_ms <= 20

    async def test_odd_messages_are_warned_of(self, exchange: TwilioExchange):
        """A new kind of event does not end the call."""
        call = await exchange.place_call()
        await call.peer.send({"event": "transcription", "streamSid": call.peer.stream_sid})
        assert await next_event(call.line) == LineWarning("twilio.unknown_event", "transcription")
        await assert_is_well(call)

    async def test_a_broken_peer_is_told_why(self, exchange: TwilioExchange):
        """In the close, at once, and without a word of what it sent."""
        call = await exchange.place_call()
        await call.misbehave()
        code, reason = await call.peer.wait_closed()
        assert (code, reason) == (1002, "media.payload is not base64 (message 3)")

    @pytest.mark.parametrize("data", [b"\x00\x01", "x" * 70_000])
    async def test_what_no_stream_sends_ends_the_call(
        self, exchange: TwilioExchange, data: str | bytes
    ):
        """Binary messages, and those beyond any bound."""
        bad, good = await exchange.place_call(), await exchange.place_call()
        await bad.peer.send(data)
        assert ending(await collected(bad.line)) == "protocol_error"
        await assert_is_well(good)

    async def test_an_end_of_the_socket_without_a_close_is_no_hangup(
        self, exchange: TwilioExchange
    ):
        """A proxy that dies is not a caller who hangs up."""
        call = await exchange.place_call()
        call.peer.finish_sending()
        assert ending(await collected(call.line)) == "transport_error"

    async def test_stop_is_answered_with_a_close(self, exchange: TwilioExchange):
        """Without waiting for the engine."""
        call = await exchange.place_call()
        await call.peer.send({"event": "stop", "streamSid": call.peer.stream_sid})
        assert (await call.peer.wait_closed())[0] == 1000
        assert ending(await collected(call.line)) == "caller_hangup"


class TestServer:
    """Who is let in, and who is not."""

    async def test_a_websocket_that_does_not_start_loses_its_place(self):
        """It is closed with a reason, and the place is free again."""
        transport = TwilioTransport(config(max_connections=1, start_timeout_s=1.0))
        async for exchange in running(transport):
            silent = await exchange.connect(is_started=False)
            assert await silent.wait_closed() == (1008, "no start in 1 s")
            await until(lambda: transport.stats.open_connections == 0)
            assert transport.stats.unidentified_connections == 1
            await assert_is_well(await exchange.place_call())

    @pytest.mark.parametrize("messages", [["{}"], [connected(), connected()], [start()], [b"\x00"]])
    async def test_who_is_not_twilio_is_refused(
        self, exchange: TwilioExchange, messages: list[Any]
    ):
        """Calls go on."""
        good = await exchange.place_call()
        peer = await exchange.connect(is_started=False)
        for message in messages:
            await peer.send(message)
        assert (await peer.wait_closed())[0] == 1002
        await assert_is_well(good)
        assert exchange.transport.stats.unidentified_connections == 1

    async def test_a_websocket_over_the_limit_is_refused(self):
        """By a status, before it is one; the calls within the limit go on."""
        async for exchange in running(TwilioTransport(config(max_connections=1))):
            call = await exchange.place_call()
            with pytest.raises(InvalidStatus, match="503"):
                await exchange.connect()
            assert exchange.transport.stats.refused_connections == 1
            await assert_is_well(call)

    async def test_a_second_stream_of_one_sid_is_refused(self, exchange: TwilioExchange):
        """The first goes on."""
        call = await exchange.place_call()
        with capture_logs() as logs:
            twin = await exchange.connect(stream_sid=call.peer.stream_sid)
            assert (await twin.wait_closed())[0] == 1008
        assert "websocket.duplicate_call_refused" in [entry["event"] for entry in logs]
        await assert_is_well(call)

    async def test_who_asks_for_no_websocket_gets_a_plain_answer(self, exchange: TwilioExchange):
        """A browser at the stream's address, and at any other."""
        host, port = exchange.transport.address
        async with aiohttp.ClientSession() as session:
            for path, status in (("/twilio", 400), ("/", 404), ("/twiml/x", 404)):
                async with session.get(f"http://{host}:{port}{path}") as response:
                    assert response.status == status
                    assert "Traceback" not in await response.text()
        assert exchange.transport.stats.open_connections == 0

    async def test_a_hundred_broken_peers_disturb_nobody(self, exchange: TwilioExchange):
        """Garbage, resets, closes and silence, ten at once, while a call goes on."""
        call = await exchange.place_call()
        generator = random.Random(7)  # noqa: S311 - seeded, to repeat a failure

        async def misbehave() -> None:
            peer = await exchange.connect(is_started=generator.random() < 0.5)
            try:
                for _ in range(generator.randrange(5)):
                    await peer.send(mutated(generator))
            except ConnectionClosed:
                return
            if generator.random() < 0.5:
                peer.reset()

        for _ in range(10):
            async with asyncio.TaskGroup() as peers:
                for _ in range(10):
                    peers.create_task(misbehave())
            await assert_is_well(call)

    async def test_ended_calls_leave_nothing_behind(self, exchange: TwilioExchange):
        """Thirty calls later there is no task, no connection and no name more than before."""
        exchange.may_end.set()
        tasks_before = len(asyncio.all_tasks())
        for _ in range(30):
            async with TwilioPeer.connect(exchange.transport.address) as peer:
                await exchange.served()
                await peer.stop()
        await until(lambda: exchange.transport.stats.open_connections == 0)
        assert exchange.transport.stats.accepted_calls == 30
        assert exchange.transport._server.live_call_ids == set()
        await until(lambda: len(asyncio.all_tasks()) <= tasks_before)

    async def test_a_stopped_server_takes_no_call_and_keeps_the_old_ones(
        self, exchange: TwilioExchange
    ):
        """Draining: the port is closed, the running call goes on to its end."""
        call = await exchange.place_call()
        address = exchange.transport.address
        await exchange.transport.stop()
        with pytest.raises(ConnectionError):
            async with TwilioPeer.connect(address):
                pass
        await assert_is_well(call)
        exchange.may_end.set()
        assert await call.is_told_to_hang_up()

    async def test_a_port_in_use_is_named(self, exchange: TwilioExchange):
        """The error says which address, and that it may become free."""
        port = exchange.transport.address[1]
        with pytest.raises(TransportError, match=f"127.0.0.1:{port}: can't listen") as caught:
            await TwilioTransport(config(port=port)).start(exchange.serve)
        assert (caught.value.code, caught.value.retryable) == ("EADDRINUSE", True)


class TestSignatures:
    """Only Twilio is let in."""

    async def test_a_signed_stream_is_a_call(self, guarded: TwilioExchange):
        """The signature is over the public address, whatever the server's own is."""
        await assert_is_well(await guarded.place_call(headers=signed(PUBLIC_URL)))

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"X-Twilio-Signature": ""},
            {"X-Twilio-Signature": "bm8="},
            signed("wss://voice.example.com/twilio/"),
            signed("https://voice.example.com/twilio"),
            signed(PUBLIC_URL, {"a": "b"}),
        ],
        ids=["none", "empty", "wrong", "other path", "other scheme", "other fields"],
    )
    async def test_any_other_stream_is_refused(
        self, guarded: TwilioExchange, headers: dict[str, str]
    ):
        """Before it is a WebSocket; the log says so, without the signature."""
        with capture_logs() as logs, pytest.raises(InvalidStatus, match="403"):
            await guarded.connect(headers=headers)
        assert [entry["event"] for entry in logs] == ["twilio.signature_refused"]
        assert guarded.transport.stats.unsigned_requests == 1
        assert guarded.transport.stats.open_connections == 0

    async def test_signed_requests_get_their_twiml(self, guarded: TwilioExchange):
        """A POST with its fields signed, a GET with its query."""
        form = {"CallSid": "CA1", "To": "+15550100"}
        status, _, text = await guarded.twiml("POST", data=form, headers=signed(TWIML_URL, form))
        assert (status, PUBLIC_URL in text, "+15550100" in text) == (200, True, True)
        query = "?CallSid=CA1&To=%2B15550100"
        status, _, text = await guarded.twiml(query=query, headers=signed(TWIML_URL + query))
        assert (status, PUBLIC_URL in text, "+15550100" in text) == (200, True, True)

    async def test_requests_whose_fields_were_changed_get_none(self, guarded: TwilioExchange):
        """Nor do those without a signature."""
        headers = signed(TWIML_URL, {"To": "+15550100"})
        answers = [
            await guarded.twiml("POST", data={"To": "+15550199"}, headers=headers),
            await guarded.twiml(headers=headers),
            await guarded.twiml(),
        ]
        assert [status for status, _, _ in answers] == [403] * 3
        assert not any(PUBLIC_URL in text for _, _, text in answers)

    @pytest.mark.parametrize("environ", [{}, {"TWILIO_AUTH_TOKEN": " "}])
    async def test_a_server_that_can_not_check_does_not_start(self, environ: dict[str, str]):
        """The error names the variable, and how it is done without."""
        with pytest.raises(ConfigError, match=r"TWILIO_AUTH_TOKEN: is not set; .*signatures"):
            await TwilioTransport(config(validate_signature=True), environ).start(_nobody)

    async def test_a_server_that_does_not_check_says_so(self):
        """An operator may have turned it off for a minute, and forgotten."""
        with capture_logs() as logs:
            async for _ in running(TwilioTransport(config())):
                pass
        warnings = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
        assert warnings == ["twilio.signatures_unchecked"]


class TestTwiml:
    """What Twilio is told to do."""

    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_it_connects_the_call_to_the_stream(self, exchange: TwilioExchange, method: str):
        """By either method that the console offers."""
        status, content_type, text = await exchange.twiml(method)
        assert (status, content_type) == (200, "text/xml")
        assert f'<Connect action="{AFTER_URL}">\n    <Stream url="{PUBLIC_URL}"' in text

    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_the_stream_is_told_who_calls_whom(self, exchange: TwilioExchange, method: str):
        """From the fields of the request; what the configuration says of every call goes first."""
        transport = TwilioTransport(config(parameters={"called_number": "the office"}))
        fields = {"From": "+15550199", "To": "+15550100", "CallSid": CALL_SID}
        options = {"data": fields} if method == "POST" else {"params": fields}
        _, _, text = await exchange.twiml(method, **options)
        parameters = {name: _parameter(text, name) for name in NUMBERS}
        assert parameters == {"called_number": "+15550100", "caller_number": "+15550199"}
        async for other in running(transport):
            _, _, text = await other.twiml(method, **options)
            assert _parameter(text, "called_number") == "the office"

    async def test_it_is_what_the_document_tells_to_paste(self):
        """To the letter, with a TwiML Bin's own words for the numbers."""
        form = {"From": "{{From}}", "To": "{{To}}"}
        parameters = {"language": "en"}
        async for exchange in running(TwilioTransport(config(parameters=parameters))):
            _, _, text = await exchange.twiml("POST", data=form)
        blocks = DOCUMENT.read_text(encoding="utf-8").split("```xml\n")[1:]
        assert text == blocks[0].partition("```")[0]

    async def test_a_form_beyond_all_bounds_is_refused(self, exchange: TwilioExchange):
        """Nobody sends 100 kB to ask for 200 bytes."""
        status, _, text = await exchange.twiml("POST", data={"a": "x" * 100_000})
        assert status == 413
        assert "Traceback" not in text


class TestTransfer:
    """A call that goes to somebody else."""

    @staticmethod
    def after(call_sid: str = CALL_SID) -> dict[str, Any]:
        """Return what Twilio asks with when a stream is over, by POST."""
        form = {"CallSid": call_sid, "CallStatus": "in-progress"}
        return {"query": "?after=stream", "data": form, "headers": signed(AFTER_URL, form)}

    async def test_twilio_is_told_whom_to_dial(self, guarded: TwilioExchange):
        """The stream ends, Twilio asks what comes after it, and is told once."""
        call = await guarded.place_call(
            headers=signed(PUBLIC_URL), parameters={"voxgate_transfer": "yes"}
        )
        assert call.line.transfer is not None
        with capture_logs() as logs:
            await call.line.transfer("+15550100")
            assert await call.is_told_to_hang_up()
            status, content_type, text = await guarded.twiml("POST", **self.after())
        assert (status, content_type) == (200, "text/xml")
        assert "<Dial>\n    <Number>+15550100</Number>" in text
        assert ending(await collected(call.line)) == "local_hangup"
        assert guarded.transport.stats.transferred_calls == 1
        assert (logs[-1]["event"], logs[-1]["call_sid"]) == ("twilio.call_transferred", CALL_SID)
        assert "+15550100" not in str(logs)
        assert "<Hangup />" in (await guarded.twiml("POST", **self.after()))[2]

    async def test_a_call_that_the_agent_ends_is_hung_up(self, guarded: TwilioExchange):
        """Twilio asks here too, also when the caller is gone."""
        _, _, text = await guarded.twiml("POST", **self.after())
        assert "<Hangup />" in text
        assert guarded.transport.stats.transferred_calls == 0
        assert guarded.transport.stats.served_twiml == 0

    async def test_only_twilio_learns_where_a_call_goes(self, guarded: TwilioExchange):
        """And who is refused takes nothing away."""
        call = await guarded.place_call(
            headers=signed(PUBLIC_URL), parameters={"voxgate_transfer": "yes"}
        )
        assert call.line.transfer is not None
        await call.line.transfer("+15550100")
        asked = {**self.after(), "headers": signed(TWIML_URL, {"CallSid": CALL_SID})}
        status, _, text = await guarded.twiml("POST", **asked)
        assert (status, "+15550100" in text) == (403, False)
        assert "+15550100" in (await guarded.twiml("POST", **self.after()))[2]


def _parameter(text: str, name: str) -> str | None:
    """Return the value of a parameter of the stream."""
    parameters = ET.fromstring(text).findall("./Connect/Stream/Parameter")  # noqa: S314 - ours
    return next((each.get("value") for each in parameters if each.get("name") == name), None)


async def test_paced_call_both_ways(exchange: TwilioExchange):
    """A short call as Twilio runs it: a key press, ended by stop."""
    call = await exchange.place_call()
    spoken = [bytes((number + 1,)) * 160 for number in range(25)]

    async def agent() -> list[bytes]:
        heard = []
        async for event in call.line.events():
            if isinstance(event, LineAudio):
                heard.append(event.audio)
                call.line.send_audio(event.audio)
            elif isinstance(event, LineHangup):
                break
        return heard

    answering = asyncio.create_task(agent())
    for audio in spoken:
        await call.speak(audio)
    await call.press("1")
    assert await call.hear(25) == spoken
    await until(lambda: len(call.peer.played) == 25)
    await call.hang_up()
    assert await answering == spoken
    stats = call.line.stats
    assert stats.received_frames == stats.sent_frames == 25
    assert heard_audio([LineAudio(b"".join(call.peer.played))]) == b"".join(spoken)


async def _nobody(line: Line) -> None:
    raise AssertionError(f"nobody calls {line}")
