"""Twilio media streams over real loopback connections, with a peer that behaves as Twilio does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import pytest
from structlog.testing import capture_logs
from twilio.request_validator import RequestValidator
from websockets.exceptions import InvalidStatus

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
from integration.websocket_exchange import PeerCaller, WebSocketExchange
from integration.websocket_exchange import running as running_server
from integration.websocket_server_conformance import WebSocketServerConformance
from support.twilio_messages import CALL_SID, connected, mutated, start
from support.twilio_peer import TwilioPeer
from support.virtual_time import in_socket_time
from voxgate.config.line_models import TwilioConfig
from voxgate.core.gate_decision import GateEventType
from voxgate.errors import ConfigError
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


TwilioExchange = WebSocketExchange[TwilioTransport, TwilioPeer]


def caller(peer: TwilioPeer, line: WebSocketLine[TwilioCall]) -> PeerCaller[TwilioPeer]:
    """Play the caller behind Twilio."""
    assert line.call_id == peer.stream_sid
    broken = {"event": "media", "media": {"payload": "?"}}
    return PeerCaller(peer, line, misbehave=lambda: peer.send(broken), hang_up=peer.stop)


def running(transport: TwilioTransport) -> AsyncIterator[TwilioExchange]:
    """Run a server."""
    return running_server(transport, TwilioPeer.connect, caller)


async def twiml(
    exchange: TwilioExchange, method: str = "GET", *, query: str = "", **options: Any
) -> tuple[int, str, str]:
    """Return status, type and text of what /twiml answers."""
    host, port = exchange.transport.address
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://{host}:{port}/twiml{query}", **options) as response,
    ):
        return response.status, response.content_type, await response.text()


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


class TestTwilioServer(WebSocketServerConformance):
    """A server of WebSockets."""

    line_name = "twilio"
    listens_to_the_end = True

    def make_server(self, **fields: Any) -> TwilioTransport:
        return TwilioTransport(config(**fields))

    def running(self, server: TwilioTransport) -> AsyncIterator[TwilioExchange]:
        return running(server)

    def broken_message(self, generator: random.Random) -> str:
        return mutated(generator)

    async def connect_twin(self, exchange: TwilioExchange, peer: TwilioPeer) -> TwilioPeer:
        return await exchange.connect(stream_sid=peer.stream_sid)

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

    async def test_who_asks_for_no_websocket_gets_a_plain_answer(self, exchange: TwilioExchange):
        """A browser at the stream's address, and at any other."""
        host, port = exchange.transport.address
        async with aiohttp.ClientSession() as session:
            for path, status in (("/twilio", 400), ("/", 404), ("/twiml/x", 404)):
                async with session.get(f"http://{host}:{port}{path}") as response:
                    assert response.status == status
                    assert "Traceback" not in await response.text()
        assert exchange.transport.stats.open_connections == 0


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
        status, _, text = await twiml(guarded, "POST", data=form, headers=signed(TWIML_URL, form))
        assert (status, PUBLIC_URL in text, "+15550100" in text) == (200, True, True)
        query = "?CallSid=CA1&To=%2B15550100"
        status, _, text = await twiml(guarded, query=query, headers=signed(TWIML_URL + query))
        assert (status, PUBLIC_URL in text, "+15550100" in text) == (200, True, True)

    async def test_requests_whose_fields_were_changed_get_none(self, guarded: TwilioExchange):
        """Nor do those without a signature."""
        headers = signed(TWIML_URL, {"To": "+15550100"})
        answers = [
            await twiml(guarded, "POST", data={"To": "+15550199"}, headers=headers),
            await twiml(guarded, headers=headers),
            await twiml(guarded),
        ]
        assert [status for status, _, _ in answers] == [403] * 3
        assert not any(PUBLIC_URL in text for _, _, text in answers)

    async def test_without_signatures_a_web_page_is_refused(self, exchange: TwilioExchange):
        """Any page may ask the browser of whoever tries the line out for a WebSocket to it."""
        with capture_logs() as logs, pytest.raises(InvalidStatus, match="403"):
            await exchange.connect(headers={"Origin": "https://example.com"})
        assert [entry["event"] for entry in logs] == ["twilio.page_refused"]
        assert exchange.transport.stats.unsigned_requests == 1
        await assert_is_well(await exchange.place_call())

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            (
                "multipart/form-data; boundary=b",
                (
                    b'--b\r\nContent-Disposition: form-data; name="To";'
                    b' filename="a"\r\n\r\nx\r\n--b--\r\n'
                ),
            ),
            ("multipart/form-data", b"x"),
            ("application/x-www-form-urlencoded", b"To=\xff"),
            ("application/json", b"{}"),
        ],
    )
    async def test_what_is_no_form_is_refused(
        self, guarded: TwilioExchange, content_type: str, body: bytes
    ):
        """By a status and a reason; the log has a line and no traceback."""
        headers = {"Content-Type": content_type, "X-Twilio-Signature": "bm8="}
        with capture_logs() as logs:
            status, _, text = await twiml(guarded, "POST", data=body, headers=headers)
        assert (status, len(text.splitlines())) == (400, 1)
        assert [entry["event"] for entry in logs] == ["twilio.form_refused"]

    @in_socket_time
    async def test_a_form_that_does_not_end_is_given_up(self):
        """Who keeps it open holds nothing for long."""
        async for slow in running(TwilioTransport(config(start_timeout_s=2.0))):
            reader, writer = await asyncio.open_connection(*slow.transport.address)
            writer.write(
                b"POST /twiml HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\nTo="
            )
            assert b"no whole form in 2 s" in await reader.readuntil(b"2 s\n")
            writer.close()

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
        status, content_type, text = await twiml(exchange, method)
        assert (status, content_type) == (200, "text/xml")
        assert f'<Connect action="{AFTER_URL}">\n    <Stream url="{PUBLIC_URL}"' in text

    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_the_stream_is_told_who_calls_whom(self, exchange: TwilioExchange, method: str):
        """From the fields of the request; what the configuration says of every call goes first."""
        transport = TwilioTransport(config(parameters={"called_number": "the office"}))
        fields = {"From": "+15550199", "To": "+15550100", "CallSid": CALL_SID}
        options = {"data": fields} if method == "POST" else {"params": fields}
        _, _, text = await twiml(exchange, method, **options)
        parameters = {name: _parameter(text, name) for name in NUMBERS}
        assert parameters == {"called_number": "+15550100", "caller_number": "+15550199"}
        async for other in running(transport):
            _, _, text = await twiml(other, method, **options)
            assert _parameter(text, "called_number") == "the office"

    async def test_it_is_what_the_document_tells_to_paste(self):
        """To the letter, with a TwiML Bin's own words for the numbers."""
        form = {"From": "{{From}}", "To": "{{To}}"}
        parameters = {"language": "en"}
        async for exchange in running(TwilioTransport(config(parameters=parameters))):
            _, _, text = await twiml(exchange, "POST", data=form)
        blocks = DOCUMENT.read_text(encoding="utf-8").split("```xml\n")[1:]
        assert text == blocks[0].partition("```")[0]

    async def test_a_form_beyond_all_bounds_is_refused(self, exchange: TwilioExchange):
        """Nobody sends 100 kB to ask for 200 bytes."""
        status, _, text = await twiml(exchange, "POST", data={"a": "x" * 100_000})
        assert status == 413
        assert "Traceback" not in text


class TestTransfer:
    """A call that goes to somebody else."""

    @staticmethod
    def asked(call_sid: str = CALL_SID) -> dict[str, Any]:
        """Return what Twilio asks with when a stream is over."""
        form = {"CallSid": call_sid, "CallStatus": "in-progress"}
        return {"method": "POST", "query": "?after=stream", "data": form}

    @classmethod
    def after(cls, call_sid: str = CALL_SID) -> dict[str, Any]:
        """Return the same, signed."""
        asked = cls.asked(call_sid)
        return {**asked, "headers": signed(AFTER_URL, asked["data"])}

    async def test_twilio_is_told_whom_to_dial(self, guarded: TwilioExchange):
        """The stream ends, Twilio asks what comes after it, and is told once."""
        call = await guarded.place_call(
            headers=signed(PUBLIC_URL), parameters={"voxgate_transfer": "yes"}
        )
        assert call.line.transfer is not None
        with capture_logs() as logs:
            await call.line.transfer("+15550100")
            assert await call.is_told_to_hang_up()
            status, content_type, text = await twiml(guarded, **self.after())
        assert (status, content_type) == (200, "text/xml")
        assert "<Dial>\n    <Number>+15550100</Number>" in text
        assert ending(await collected(call.line)) == "local_hangup"
        assert guarded.transport.stats.transferred_calls == 1
        assert (logs[-1]["event"], logs[-1]["call_sid"]) == ("twilio.call_transferred", CALL_SID)
        assert "+15550100" not in str(logs)
        assert "<Hangup />" in (await twiml(guarded, **self.after()))[2]

    async def test_a_call_that_the_agent_ends_is_hung_up(self, guarded: TwilioExchange):
        """Twilio asks here too, also when the caller is gone."""
        _, _, text = await twiml(guarded, **self.after())
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
        status, _, text = await twiml(guarded, **asked)
        assert (status, "+15550100" in text) == (403, False)
        assert "+15550100" in (await twiml(guarded, **self.after()))[2]


class TestDraining:
    """A server that stops: new calls are refused, and the running ones end as they would."""

    @staticmethod
    async def refused(exchange: TwilioExchange) -> None:
        """Try to bring a new call."""
        status, _, text = await twiml(exchange)
        assert status == 503
        assert "<Stream" not in text
        with pytest.raises(InvalidStatus, match="503"):
            await exchange.connect()

    async def test_twilio_is_answered_until_the_last_call_has_ended(self, exchange: TwilioExchange):
        """A call that the agent ends in these seconds is hung up without an error message."""
        call = await exchange.place_call(parameters={"voxgate_transfer": "yes"})
        await exchange.transport.stop()
        await self.refused(exchange)
        exchange.may_end.set()
        assert await call.is_told_to_hang_up()
        status, _, text = await twiml(exchange, **TestTransfer.asked())
        assert (status, "<Hangup />" in text) == (200, True)
        await exchange.transport.wait_closed()
        assert exchange.transport.stats.open_connections == 0

    async def test_a_call_is_transferred_all_the_same(self, exchange: TwilioExchange):
        """Also where the agent does so in the very last moment."""
        call = await exchange.place_call(parameters={"voxgate_transfer": "yes"})
        address = exchange.transport.address
        await exchange.transport.stop()
        assert call.line.transfer is not None
        await call.line.transfer("+15550100")
        exchange.may_end.set()
        assert "+15550100" in (await twiml(exchange, **TestTransfer.asked()))[2]
        await exchange.transport.wait_closed()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection(*address)

    async def test_a_call_that_twilio_has_asked_about_is_not_waited_for(
        self, exchange: TwilioExchange
    ):
        """It asks while the agent's side is still closing."""
        call = await exchange.place_call(parameters={"voxgate_transfer": "yes"})
        assert call.line.transfer is not None
        await call.line.transfer("+15550100")
        assert "+15550100" in (await twiml(exchange, **TestTransfer.asked()))[2]
        exchange.may_end.set()
        await until(lambda: exchange.transport.stats.open_connections == 0)

    @in_socket_time
    async def test_nobody_is_waited_for_who_does_not_ask(self) -> None:
        """The caller is gone; and with TwiML of somebody else's Twilio never asks us."""
        async for exchange in running(TwilioTransport(config())):
            gone = await exchange.place_call(parameters={"voxgate_transfer": "yes"})
            await exchange.place_call()
            await exchange.transport.stop()
            await gone.hang_up()
            await gone.is_over()
            exchange.may_end.set()
            async with asyncio.timeout(4.5):
                await exchange.transport.wait_closed()

    @in_socket_time
    async def test_who_never_asks_is_waited_for_five_seconds(self) -> None:
        """Then the server closes all the same."""
        loop = asyncio.get_running_loop()
        async for exchange in running(TwilioTransport(config())):
            await exchange.place_call(parameters={"voxgate_transfer": "yes"})
            exchange.may_end.set()
            await exchange.transport.stop()
            began_s = loop.time()
            await exchange.transport.wait_closed()
            assert 4.9 < loop.time() - began_s < 8


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
