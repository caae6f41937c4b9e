"""``chan_websocket`` over real loopback connections, with a peer that behaves as Asterisk does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
    audio_of,
    collected,
    ending,
    frame_of,
    next_audio,
    next_event,
    until,
)
from integration.websocket_exchange import PeerCaller, WebSocketExchange, running
from integration.websocket_server_conformance import WebSocketServerConformance
from support.asterisk_websocket_messages import control, media_start, plain_start
from support.asterisk_websocket_peer import AsteriskWebSocketPeer
from support.message_fuzz import mutated
from support.virtual_time import in_socket_time
from voxgate.config.asterisk_websocket_model import AsteriskWebSocketConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.gate_decision import GateEventType
from voxgate.transports.asterisk_websocket import AsteriskWebSocketTransport
from voxgate.transports.asterisk_websocket.protocol import Command, serialize_command
from voxgate.transports.base import LineAudio, LinePlayed, LineWarning
from voxgate.transports.websocket_line import WebSocketLine

pytestmark = pytest.mark.timeout(GUARD_S)

Caller = PeerCaller[AsteriskWebSocketPeer]
AsteriskExchange = WebSocketExchange[AsteriskWebSocketTransport, AsteriskWebSocketPeer]

PASSWORD = {"username_env": "WS_USER", "password_env": "WS_PASSWORD"}
ENVIRON = {"WS_USER": "voxgate", "WS_PASSWORD": "correct horse battery staple"}
USER = (ENVIRON["WS_USER"], ENVIRON["WS_PASSWORD"])


def config(**fields: Any) -> AsteriskWebSocketConfig:
    """Return the section of a line on a free port."""
    return AsteriskWebSocketConfig(**{"enabled": True, "port": 0, **fields})


def caller(peer: AsteriskWebSocketPeer, line: WebSocketLine[Any]) -> Caller:
    """Play the caller behind Asterisk; the channel's hangup is a close in good order."""
    return PeerCaller(
        peer, line, misbehave=lambda: peer.send("{" + "misbehaving"), hang_up=peer.close
    )


def serving(
    environ: dict[str, str] | None = None, **fields: Any
) -> AsyncIterator[AsteriskExchange]:
    """Run a server of a section."""
    transport = AsteriskWebSocketTransport(config(**fields), environ or {})
    return running(transport, AsteriskWebSocketPeer.connect, caller)


@pytest.fixture
async def exchange() -> AsyncIterator[AsteriskExchange]:
    async for each in serving():
        yield each


class TestAsteriskWebSocketLine(LineConformance):
    """A line over a WebSocket."""


class _Calls(CallConformance):
    """A call of one format and one form of control."""

    options: dict[str, Any]

    @asynccontextmanager
    async def placed(self) -> AsyncIterator[LineCall]:
        async for exchange in serving():
            placed = await exchange.place_call(**self.options)
            call = LineCall(placed.line, placed.peer)
            session = asyncio.create_task(call.session.run())
            await asyncio.sleep(0.05)
            yield call
            await placed.hang_up()
            await session
            assert placed.peer.lost == []


class TestPlainCalls(_Calls):
    """Mu-law at 8 kHz, plain text: what Asterisk does unless told otherwise."""

    options: dict[str, Any] = {}  # noqa: RUF012 - a constant

    @in_socket_time
    async def test_without_a_mark_nothing_is_taken_for_heard(self) -> None:
        """A channel whose timer has stopped has stopped to play, whatever our clock says."""
        async with self.placed() as call:
            assert isinstance(call.caller, AsteriskWebSocketPeer)
            call.provider.speak(b"".join(call.voice(150)), "answer")
            await asyncio.sleep(0.3)
            call.caller.is_playing = False
            played_ms = call.caller.played_ms
            await asyncio.sleep(0.5)
            call.decide(GateEventType.INTERRUPTED)
            await asyncio.sleep(0.1)
            (truncation,) = call.provider.truncations
            assert truncation.audio_end_ms == pytest.approx(played_ms, abs=40)

    @in_socket_time
    async def test_a_pause_of_asterisk_is_outlasted(self) -> None:
        """What it can't take now waits here, and is heard when it has room again."""
        async with self.placed() as call:
            assert isinstance(call.caller, AsteriskWebSocketPeer)
            voice = call.voice(50)
            call.provider.speak(b"".join(voice), "answer")
            await asyncio.sleep(0.2)
            await call.caller.tell("MEDIA_XOFF")
            await asyncio.sleep(0.5)
            assert call.n_played(voice) <= 25
            assert call.caller.queued_frames == 0
            await call.caller.tell("MEDIA_XON")
            await asyncio.sleep(1.5)
            assert call.n_played(voice) == 50


class TestWideCallsInJson(_Calls):
    """Linear at 16 kHz, control in JSON."""

    options = {  # noqa: RUF012 - a constant
        "is_json": True,
        "frame_bytes": 640,
        "start": {"format_name": "slin16"},
    }


class TestChannels:
    """What a channel is, beyond what every line is."""

    @pytest.mark.parametrize("is_json", [False, True], ids=["plain", "json"])
    async def test_the_channel_is_answered_when_the_engine_has_the_call(
        self, exchange: AsteriskExchange, *, is_json: bool
    ):
        """With ``n`` in the dial string the caller hears ringing until then."""
        call = await exchange.place_call(is_json=is_json)
        assert call.line.call_id == call.peer.channel_id
        await until(lambda: call.peer.commands == ["ANSWER"])

    async def test_the_subprotocol_is_agreed_upon(self, exchange: AsteriskExchange):
        """Asterisk asks for it, and looks whether it got it."""
        peer = await exchange.connect(subprotocols=("other", "media"))
        assert peer.connection.subprotocol == "media"

    async def test_what_the_dialplan_says_is_metadata(self, exchange: AsteriskExchange):
        """By variables, and by v() in the dial string, which is in the address."""
        call = await exchange.place_call(
            path="/asterisk?called_number=100&queue=s%20%26%20m",
            is_json=True,
            start={"variables": {"language": "en", "CALLERIDNUM": "555"}},
        )
        assert call.line.metadata == {
            "called_number": "100",
            "queue": "s & m",
            "language": "en",
            "CALLERIDNUM": "555",
            "caller_number": "555",
        }

    @pytest.mark.parametrize(
        ("format_name", "audio_format"),
        [
            ("alaw", AudioFormat(Encoding.ALAW)),
            ("slin", AudioFormat(Encoding.PCM16)),
            ("slin12", AudioFormat(Encoding.PCM16, 12_000)),
            ("slin24", AudioFormat(Encoding.PCM16, 24_000)),
            ("slin44", AudioFormat(Encoding.PCM16, 44_100)),
            ("slin48", AudioFormat(Encoding.PCM16, 48_000)),
        ],
    )
    async def test_every_format_goes_both_ways(
        self, exchange: AsteriskExchange, format_name: str, audio_format: AudioFormat
    ):
        """By the name that MEDIA_START says."""
        call = await exchange.place_call(
            frame_bytes=audio_format.frame_bytes, start={"format_name": format_name}
        )
        assert call.line.capture_format == call.line.playout_format == audio_format
        await assert_is_well(call)
        assert call.peer.lost == []

    async def test_the_line_says_what_was_played(self, exchange: AsteriskExchange):
        """Marks come back one by one, as the frames are played."""
        call = await exchange.place_call()
        frames = [frame_of(call.line, number) for number in range(5)]
        for frame in frames:
            call.line.send_audio(frame)
        assert [await next_event(call.line) for _ in range(5)] == [
            LinePlayed(number) for number in range(1, 6)
        ]
        assert call.peer.played == frames

    async def test_marks_die_with_a_flush_and_those_of_later_frames_live(
        self, exchange: AsteriskExchange
    ):
        """Nothing is said of what was forgotten."""
        call = await exchange.place_call()
        for number in range(50):
            call.line.send_audio(frame_of(call.line, number))
        await call.hear(50)
        call.line.flush()
        call.line.send_audio(frame_of(call.line, 99))
        reported = []
        async for event in call.line.events():
            assert isinstance(event, LinePlayed)
            reported.append(event.n_frames)
            if event.n_frames == 51:
                break
        assert len(call.peer.flushes) == 1
        assert call.peer.played[-1] == frame_of(call.line, 99)
        assert len(reported) <= len(call.peer.played) < 50

    async def test_what_was_not_yet_written_is_never_heard_after_a_flush(
        self, exchange: AsteriskExchange
    ):
        """The command overtakes what still waits for the socket."""
        call = await exchange.place_call()
        for number in range(20):
            call.line.send_audio(frame_of(call.line, number))
        call.line.flush()
        call.line.send_audio(frame_of(call.line, 99))
        assert await call.hear(1) == [frame_of(call.line, 99)]

    async def test_frames_are_put_together_where_asterisk_plays_others(
        self, exchange: AsteriskExchange
    ):
        """30 ms at a time, of our 20 ms: not a byte is lost, and marks are behind whole frames."""
        call = await exchange.place_call(frame_bytes=240)
        frames = [frame_of(call.line, number) for number in range(30)]
        for frame in frames:
            call.line.send_audio(frame)
        reported = 0
        while reported < 30:
            event = await next_event(call.line)
            assert isinstance(event, LinePlayed)
            reported = event.n_frames
            assert len(b"".join(call.peer.played)) >= 160 * reported
        assert b"".join(call.peer.played) == b"".join(frames)
        assert call.peer.lost == []

    async def test_a_queue_that_is_full_pauses_us(self, exchange: AsteriskExchange):
        """At 900 frames it says so, and nothing is lost; below 800 it goes on."""
        call = await exchange.place_call()
        call.peer.is_playing = False

        def is_full() -> bool:
            return "asterisk_websocket.media_paused" in call.line.stats.warnings

        while not is_full():
            call.line.send_audio(frame_of(call.line, 1))
            n_sent = call.line.stats.sent_frames
            await until(lambda: len(call.peer.arrived) == n_sent or is_full())  # noqa: B023
        assert 900 <= call.peer.queued_frames <= 1000
        call.peer.is_playing = True
        call.line.flush()
        call.line.send_audio(frame_of(call.line, 7))
        await until(lambda: call.peer.played[-1:] == [frame_of(call.line, 7)])
        assert call.peer.lost == []

    async def test_a_pause_without_end_ends_the_call(self, exchange: AsteriskExchange):
        """2 s wait, 5 s are lost and counted, then the line is broken."""
        call = await exchange.place_call()
        await call.peer.tell("MEDIA_XOFF")
        await next_event(call.line)
        for number in range(400):
            call.line.send_audio(frame_of(call.line, number))
        assert ending(await collected(call.line)) == "transport_error"
        assert call.line.stats.dropped_sent_frames == 250

    async def test_an_old_asterisk_is_served_too(self, exchange: AsteriskExchange):
        """It knows no marks, and is sent none."""
        peer = await exchange.connect(is_started=False)
        await peer.send(plain_start())
        line = await exchange.served()
        call = caller(peer, line)
        warning = await next_event(line)
        assert isinstance(warning, LineWarning)
        assert warning.code == "asterisk_websocket.no_marks"
        await assert_is_well(call)
        assert "MARK_MEDIA" not in peer.commands

    async def test_odd_messages_are_warned_of(self, exchange: AsteriskExchange):
        """A new kind of event does not end the call."""
        call = await exchange.place_call()
        await call.peer.send("MEDIA_NEWS a:b")
        assert await next_event(call.line) == LineWarning(
            "asterisk_websocket.unknown_event", "MEDIA_NEWS"
        )
        await assert_is_well(call)

    async def test_a_broken_peer_is_told_why(self, exchange: AsteriskExchange):
        """In the close, at once, and without a word of what it sent."""
        call = await exchange.place_call()
        await call.misbehave()
        assert await call.peer.wait_closed() == (1002, "a message is not JSON (message 2)")

    async def test_the_agents_hangup_is_a_command_and_a_close(self, exchange: AsteriskExchange):
        """Either would do; the dialplan goes on."""
        call = await exchange.place_call()
        await call.line.hangup()
        assert await call.peer.wait_closed() == (1000, "")
        assert call.peer.commands[-1] == "HANGUP"

    @pytest.mark.parametrize("data", ["x" * 70_000, b"x" * 70_000])
    async def test_what_is_beyond_any_bound_ends_the_call(
        self, exchange: AsteriskExchange, data: str | bytes
    ):
        """And no other one."""
        bad, good = await exchange.place_call(), await exchange.place_call()
        await bad.peer.send(data)
        assert ending(await collected(bad.line)) == "protocol_error"
        await assert_is_well(good)

    async def test_every_command_is_one_that_asterisk_takes(self, exchange: AsteriskExchange):
        """Buffering fills up what is left with silence; status, drained and pauses are told."""
        call = await exchange.place_call()
        form = call.line.call.started.control_format
        write = call.line.connection.write

        def tell(*commands: Command) -> None:
            write(*(serialize_command(command, form) for command in commands))

        tell(Command.PAUSE_MEDIA, Command.START_MEDIA_BUFFERING)
        write(b"\x01" * 100, b"\x02" * 100)
        tell(Command.STOP_MEDIA_BUFFERING, Command.REPORT_QUEUE_DRAINED, Command.GET_STATUS)
        tell(Command.CONTINUE_MEDIA)
        await until(lambda: len(call.peer.played) == 2)
        assert b"".join(call.peer.played) == b"\x01" * 100 + b"\x02" * 100
        await call.speak(audio_of(call.line, 1))
        assert await next_audio(call.line) == LineAudio(audio_of(call.line, 1))
        assert call.line.stats.warnings == {}
        assert call.peer.lost == []


class TestAsteriskWebSocketServer(WebSocketServerConformance):
    """A server of WebSockets."""

    line_name = "asterisk_websocket"

    def make_server(self, **fields: Any) -> AsteriskWebSocketTransport:
        return AsteriskWebSocketTransport(config(**fields), {})

    def running(self, server: AsteriskWebSocketTransport) -> AsyncIterator[AsteriskExchange]:
        return running(server, AsteriskWebSocketPeer.connect, caller)

    def broken_message(self, generator: random.Random) -> str | bytes:
        originals = [media_start(), control("DTMF_END", digit="5"), "MEDIA_XOFF", plain_start()]
        return mutated(originals, np.random.default_rng(generator.randrange(2**32)))

    async def connect_twin(
        self, exchange: AsteriskExchange, peer: AsteriskWebSocketPeer
    ) -> AsteriskWebSocketPeer:
        return await exchange.connect(channel_id=peer.channel_id)


class TestAdmission:
    """Who is let in, and who is not."""

    @pytest.mark.parametrize(
        "messages", [["{}"], [b"\x00"], ["MEDIA_XON"], [media_start(format_name="opus")]]
    )
    async def test_who_is_not_asterisk_is_refused(
        self, exchange: AsteriskExchange, messages: list[Any]
    ):
        """Calls go on."""
        good = await exchange.place_call()
        peer = await exchange.connect(is_started=False)
        for message in messages:
            await peer.send(message)
        assert (await peer.wait_closed())[0] == 1002
        await assert_is_well(good)
        assert exchange.transport.stats.unidentified_connections == 1

    async def test_user_and_password_let_in(self):
        """Those of websocket_client.conf."""
        async for exchange in serving(ENVIRON, **PASSWORD):
            await assert_is_well(await exchange.place_call(user=USER))

    @pytest.mark.parametrize("user", [None, ("voxgate", "wrong"), ("root", USER[1]), ("", "")])
    async def test_nobody_else_is_let_in(self, user: tuple[str, str] | None):
        """Before there is a WebSocket; the log says so, without what was shown."""
        async for exchange in serving(ENVIRON, **PASSWORD):
            with capture_logs() as logs, pytest.raises(InvalidStatus, match="401"):
                await exchange.connect(user=user)
            assert [entry["event"] for entry in logs] == ["asterisk_websocket.password_refused"]
            assert "wrong" not in str(logs)
            assert exchange.transport.stats.unauthorized_requests == 1
            assert exchange.transport.stats.open_connections == 0

    async def test_hosts_that_are_not_allowed_get_no_websocket(self):
        """One line a minute says so; those of the list call."""
        async for exchange in serving(allowed_peers=("192.0.2.0/24",)):
            with capture_logs() as logs:
                for _ in range(3):
                    with pytest.raises(InvalidStatus, match="403"):
                        await exchange.connect()
            assert [entry["event"] for entry in logs] == ["websocket.peer_refused"]
            assert exchange.transport.stats.refused_peers == 3
        async for exchange in serving(allowed_peers=("127.0.0.0/8",)):
            await assert_is_well(await exchange.place_call())

    @pytest.mark.parametrize("subprotocols", [(), ("ari",)])
    async def test_a_websocket_for_something_else_is_refused(
        self, exchange: AsteriskExchange, subprotocols: tuple[str, ...]
    ):
        """ARI's outbound WebSocket of the same Asterisk, with the wrong address."""
        with capture_logs() as logs, pytest.raises(InvalidStatus, match="400"):
            await exchange.connect(subprotocols=subprotocols)
        assert [entry["event"] for entry in logs] == ["asterisk_websocket.subprotocol_refused"]
        assert exchange.transport.stats.foreign_requests == 1

    async def test_a_web_page_is_refused(self, exchange: AsteriskExchange):
        """Any page may ask a browser for a WebSocket to the operator's own machine."""
        with capture_logs() as logs, pytest.raises(InvalidStatus, match="403"):
            await exchange.connect(origin="https://example.com")
        assert [entry["event"] for entry in logs] == ["asterisk_websocket.page_refused"]
        assert exchange.transport.stats.foreign_requests == 1

    async def test_who_asks_for_no_websocket_gets_a_plain_answer(self, exchange: AsteriskExchange):
        """A browser at the address, and at any other."""
        host, port = exchange.transport.address
        async with aiohttp.ClientSession() as session:
            for path, status in (("/asterisk", 400), ("/", 404)):
                async with session.get(f"http://{host}:{port}{path}") as response:
                    assert response.status == status
                    assert "Traceback" not in await response.text()
