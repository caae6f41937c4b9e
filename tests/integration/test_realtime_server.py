"""The embedded server over real sockets, driven by the ``openai`` SDK's own client.

Every event that the server sends is judged by the SDK's types, strictly.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from support.openai_events import validated
from support.telephone import until
from voxgate.realtime_server import (
    AnswerRequest,
    Pace,
    RealtimeServer,
    SessionOptions,
    Speech,
    VoiceLibrary,
    agent_voices,
)
from voxgate.realtime_server.server import MAX_MESSAGE_BYTES

Event = dict[str, Any]

CALLER = VoiceLibrary.load(files("voxgate.lab") / "voices")
SECOND = b"\xff" * 8000
"""A second of silence in mu-law."""
FAST = SessionOptions(pace=Pace(speed_ratio=200.0, first_delta_ms=0.0))
SLOW = SessionOptions(pace=Pace(speed_ratio=1.0, first_delta_ms=0.0))
"""At real time a long answer is sure to be going on when the caller interrupts."""
MULAW_SESSION: Any = {
    "type": "realtime",
    "audio": {
        "input": {"format": {"type": "audio/pcmu"}, "turn_detection": {"type": "server_vad"}},
        "output": {"format": {"type": "audio/pcmu"}},
    },
}


class Client:
    """The SDK's connection, with every event judged."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.sdk = connection
        self.events: list[Event] = []

    async def recv(self) -> Event:
        """Return the next event."""
        data = await self.sdk.recv_bytes()
        event: Event = json.loads(data)
        validated(event)
        assert self.sdk.parse_event(data).type == event["type"]
        self.events.append(event)
        return event

    async def until(self, event_type: str) -> list[Event]:
        """Return the events up to the first of a type, that one included."""
        before = len(self.events)
        while (await self.recv())["type"] != event_type:
            pass
        return self.events[before:]

    async def speak(self, audio: bytes) -> None:
        """Send audio in frames of 20 ms, as fast as it goes."""
        for at in range(0, len(audio), 160):
            chunk = b64encode(audio[at : at + 160]).decode()
            await self.sdk.input_audio_buffer.append(audio=chunk)

    async def use_mulaw(self) -> None:
        """Speak mu-law both ways."""
        await self.sdk.session.update(session=MULAW_SESSION)
        await self.until("session.updated")


@asynccontextmanager
async def client_of(server: RealtimeServer, **client_options: Any) -> AsyncIterator[Client]:
    """Connect as any user of the SDK would."""
    options = {"api_key": "any", "websocket_base_url": server.base_url, **client_options}
    async with (
        asyncio.timeout(60),
        AsyncOpenAI(**options) as openai,
        openai.realtime.connect(model="gpt-realtime") as connection,
    ):
        client = Client(connection)
        assert (await client.recv())["type"] == "session.created"
        yield client


def types(events: list[Event]) -> list[str]:
    """Return the types of events."""
    return [event["type"] for event in events]


def audio_of(events: list[Event]) -> bytes:
    """Return the audio in events."""
    deltas = [e["delta"] for e in events if e["type"] == "response.output_audio.delta"]
    return b"".join(map(b64decode, deltas))


async def test_a_whole_turn_through_the_sdk() -> None:
    """Settings, a spoken question, and the answer: all of it, in order."""
    async with RealtimeServer(replies=["card_payment"], options=FAST) as server:
        async with client_of(server) as client:
            await client.use_mulaw()
            await client.speak(SECOND + CALLER["question"].audio + SECOND)
            events = await client.until("rate_limits.updated")
            names = [name for name in types(events) if not name.endswith(".delta")]
            assert names == [
                "input_audio_buffer.speech_started",
                "input_audio_buffer.speech_stopped",
                "input_audio_buffer.committed",
                "conversation.item.added",
                "conversation.item.done",
                "response.created",
                "response.output_item.added",
                "conversation.item.added",
                "response.content_part.added",
                "response.output_audio.done",
                "response.output_audio_transcript.done",
                "response.content_part.done",
                "response.output_item.done",
                "conversation.item.done",
                "response.done",
                "rate_limits.updated",
            ]
            assert audio_of(events) == agent_voices()["card_payment"].audio
            assert events[0]["audio_start_ms"] == pytest.approx(1060 - 300, abs=60)
        (record,) = server.sessions
        assert [entry.at_ms for entry in record.events("speech_started")] == [
            events[0]["audio_start_ms"]
        ]


async def test_the_sdk_defaults_work_as_they_are() -> None:
    """PCM at 24 kHz without an update, a greeting on request, typed events from the SDK."""
    async with RealtimeServer(options=FAST) as server, client_of(server) as client:
        text = agent_voices()["hello"].text
        await client.sdk.response.create(response={"instructions": f"Say exactly: {text}"})
        heard = b""
        async for event in client.sdk:
            if event.type == "response.output_audio.delta":
                heard += b64decode(event.delta)
            if event.type == "response.output_audio_transcript.done":
                assert event.transcript == text
            if event.type == "response.done":
                assert event.response.status == "completed"
                break
        assert len(heard) / 48 == agent_voices()["hello"].duration_ms


async def test_the_caller_interrupts_and_the_client_truncates() -> None:
    """The answer ends at once; truncation beyond what was generated is the API's error."""
    async with RealtimeServer(replies=["service_time", "go_on"], options=SLOW) as server:
        async with client_of(server) as client:
            await client.use_mulaw()
            await client.speak(CALLER["question"].audio + SECOND)
            await client.until("response.output_audio.delta")
            await client.speak(CALLER["interruption"].audio)
            events = await client.until("response.done")
            done = events[-1]["response"]
            assert done["status"] == "cancelled"
            assert done["status_details"]["reason"] == "turn_detected"
            started = types(events).index("input_audio_buffer.speech_started")
            assert "response.output_audio.delta" not in types(events)[started:]

            item_id = done["output"][0]["id"]
            generated_ms = len(audio_of(client.events)) // 8
            truncate = client.sdk.conversation.item.truncate
            await truncate(item_id=item_id, content_index=0, audio_end_ms=generated_ms + 60)
            error = (await client.until("error"))[-1]["error"]
            assert error["message"] == (
                f"Audio content of {generated_ms}ms is already shorter than {generated_ms + 60}ms"
            )
            await truncate(item_id=item_id, content_index=0, audio_end_ms=generated_ms - 10)
            truncated = (await client.until("conversation.item.truncated"))[-1]
            assert truncated["audio_end_ms"] == generated_ms - 10

            await client.speak(SECOND)
            events = await client.until("response.created")
            assert events[-1]["response"]["id"] != done["id"]
        details = [entry.detail for entry in server.sessions[0].events("response_done")]
        assert details[0] == "cancelled turn_detected"


async def test_a_client_that_stops_sending_gets_no_end_of_turn() -> None:
    """Only more audio ends it; other events show that the server is there all the while."""
    async with RealtimeServer(options=FAST) as server, client_of(server) as client:
        await client.use_mulaw()
        await client.speak(CALLER["interruption"].audio[:-480])
        await client.until("input_audio_buffer.speech_started")
        for _ in range(20):
            await client.sdk.session.update(session={"type": "realtime"})
            assert types(await client.until("session.updated")) == ["session.updated"]
            await asyncio.sleep(0.05)
        await client.speak(SECOND)
        assert (await client.recv())["type"] == "input_audio_buffer.speech_stopped"
        await client.until("response.done")


async def test_errors_leave_the_session_alive() -> None:
    """Through the SDK, each with the id of the offending event."""
    async with RealtimeServer(options=FAST) as server, client_of(server) as client:
        bad: list[tuple[Any, str]] = [
            ({"type": "response.cancel"}, "response_cancel_not_active"),
            ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty"),
            ({"type": "input_audio_buffer.append", "audio": "???"}, "invalid_value"),
            (
                {"type": "session.update", "session": {"type": "realtime", "voice": "alloy"}},
                "unknown_parameter",
            ),
            (
                {
                    "type": "session.update",
                    "session": {
                        "type": "realtime",
                        "audio": {"input": {"format": {"type": "audio/pcmu", "rate": 8000}}},
                    },
                },
                "unknown_parameter",
            ),
            ({"type": "session.start"}, "invalid_value"),
        ]
        for number, (event, code) in enumerate(bad):
            await client.sdk.send({**event, "event_id": f"e{number}"})
            error = (await client.until("error"))[-1]["error"]
            assert (error["code"], error["event_id"]) == (code, f"e{number}")
        await client.sdk.response.create()
        await client.until("response.done")
        assert [entry.detail for entry in server.sessions[0].events("error")] == [
            code for _, code in bad
        ]


async def test_raw_rubbish_gets_errors_too() -> None:
    """Text that is no JSON and binary frames, which no SDK would send."""
    async with (
        asyncio.timeout(30),
        RealtimeServer(options=FAST) as server,
        connect(f"{server.url}?model=m") as socket,
    ):
        await socket.recv()
        for message, code in (
            ("{", "invalid_json"),
            ("[" * 100_000, "invalid_json"),
            (b"\x00" * 160, "invalid_event"),
            ("null", "invalid_event"),
        ):
            await socket.send(message)
            event = json.loads(await socket.recv())
            validated(event)
            assert event["error"]["code"] == code


async def test_a_message_that_is_too_large_ends_its_session_only() -> None:
    """15 MiB pass, a byte more closes with 1009; the neighbour notices nothing."""
    async with (
        asyncio.timeout(60),
        RealtimeServer(options=FAST) as server,
        connect(f"{server.url}?model=m") as neighbour,
    ):
        socket = await connect(f"{server.url}?model=m", max_size=None)
        await socket.recv()
        frame = '{"type":"nope","x":""}'
        await socket.send(frame[:-2] + "x" * (MAX_MESSAGE_BYTES - len(frame)) + frame[-2:])
        assert json.loads(await socket.recv())["error"]["code"] == "invalid_value"
        with suppress(ConnectionClosed):  # it may be closed before all of it is sent
            await socket.send(" " * (MAX_MESSAGE_BYTES + 1))
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1009
        assert json.loads(await neighbour.recv())["type"] == "session.created"
        await neighbour.send('{"type":"response.cancel"}')
        assert json.loads(await neighbour.recv())["error"]["code"] == "response_cancel_not_active"


async def test_two_sessions_do_not_know_of_each_other() -> None:
    """Each has its own turns, replies and ids."""
    async with RealtimeServer(replies=["go_on", "goodbye"], options=FAST) as server:
        async with client_of(server) as one, client_of(server) as other:
            await one.use_mulaw()
            await other.use_mulaw()
            for client, reply in ((one, "go_on"), (other, "go_on"), (one, "goodbye")):
                await client.speak(CALLER["stop"].audio + SECOND)
                assert audio_of(await client.until("response.done")) == (
                    agent_voices()[reply].audio
                )
            ids = [{event["event_id"] for event in client.events} for client in (one, other)]
            assert ids[0].isdisjoint(ids[1])
        assert [len(record.events("committed")) for record in server.sessions] == [2, 1]


async def test_a_session_is_ended_after_its_time() -> None:
    """An error event, and close 1001 with its words."""
    async with (
        asyncio.timeout(30),
        RealtimeServer(max_session_ms=300.0) as server,
        connect(f"{server.url}?model=m") as socket,
    ):
        await socket.recv()
        event = json.loads(await socket.recv())
        assert validated(event)
        assert event["error"]["code"] == "session_expired"
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert closed.value.rcvd.reason == event["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "query", "code", "reason"),
    [
        ({"OpenAI-Beta": "realtime=v1"}, "?model=m", 4000, "beta_api_shape_disabled"),
        ({"Authorization": "Bearer wrong"}, "?model=m", 3000, "invalid_api_key"),
        ({}, "?model=m", 3000, "invalid_api_key"),
        ({"Authorization": "Bearer right"}, "", 4000, "missing_model"),
    ],
)
async def test_who_is_refused_is_told_why(
    headers: dict[str, str], query: str, code: int, reason: str
) -> None:
    """One error event, then the close code of the API."""
    async with RealtimeServer(expected_api_key="right") as server, asyncio.timeout(30):
        async with connect(f"{server.url}{query}", additional_headers=headers) as socket:
            event = json.loads(await socket.recv())
            assert validated(event)
            assert event["error"]["code"] == reason
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code
            assert closed.value.rcvd.reason == f"invalid_request_error.{reason}"
        assert server.sessions == ()


async def test_the_expected_key_opens_a_session() -> None:
    """As the SDK sends it."""
    async with (
        RealtimeServer(expected_api_key="right") as server,
        client_of(server, api_key="right") as client,
    ):
        assert client.events[0]["session"]["model"] == "gpt-realtime"


async def test_other_paths_are_not_found() -> None:
    """By HTTP, before any WebSocket."""
    async with RealtimeServer() as server, asyncio.timeout(30):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"{server.base_url}/chat"):
                pass
        assert refused.value.response.status_code == 404


class CountingAnswerer:
    """Says a word every 50 ms until it is stopped, and notes that it was."""

    def __init__(self, stopped: asyncio.Event) -> None:
        self._stopped = stopped

    async def answer(self, request: AnswerRequest) -> AsyncIterator[Speech]:
        """Yield words for ever."""
        line = agent_voices()["still_there"]
        try:
            while True:
                yield Speech(text="word", audio=line.audio, audio_format=line.audio_format)
                await asyncio.sleep(0.05)
        finally:
            self._stopped.set()


class BrokenAnswerer:
    """Raises in mid-answer."""

    async def answer(self, request: AnswerRequest) -> AsyncIterator[Speech]:
        """Yield one piece and break."""
        line = agent_voices()["still_there"]
        yield Speech(text=line.text, audio=line.audio, audio_format=line.audio_format)
        raise RuntimeError("the model is gone")


async def test_an_answerer_is_stopped_when_it_is_interrupted() -> None:
    """It streams piece by piece; cancelled, it does not go on in the background."""
    stopped = asyncio.Event()
    async with (
        RealtimeServer(answerer_factory=lambda: CountingAnswerer(stopped), options=FAST) as server,
        client_of(server) as client,
    ):
        await client.sdk.response.create()
        for _ in range(3):
            await client.until("response.output_audio.delta")
        await client.sdk.response.cancel()
        done = (await client.until("response.done"))[-1]["response"]
        assert done["status"] == "cancelled"
        await stopped.wait()


async def test_an_answerer_that_breaks_fails_its_response_only() -> None:
    """The client is told, and the session goes on."""
    async with (
        RealtimeServer(answerer_factory=BrokenAnswerer, options=FAST) as server,
        client_of(server) as client,
    ):
        for _ in range(2):
            await client.sdk.response.create()
            done = (await client.until("response.done"))[-1]["response"]
            assert done["status"] == "failed"
            assert done["status_details"]["error"]["code"] == "answer_failed"
            assert "model is gone" not in str(done)


async def test_a_client_that_leaves_ends_its_session() -> None:
    """In mid-answer; the record says that it closed the connection properly."""
    async with (
        RealtimeServer(replies=["service_time"], options=SLOW) as server,
        client_of(server) as client,
    ):
        await client.use_mulaw()
        await client.speak(CALLER["question"].audio + SECOND)
        await client.until("response.output_audio.delta")
        assert server.sessions[0].is_open
    assert server.sessions[0].close_reason == "1000"


async def test_a_client_that_vanishes_ends_its_session() -> None:
    """In mid-answer, without a word: 1006, as WebSocket calls that."""
    stopped = asyncio.Event()
    async with (
        asyncio.timeout(30),
        RealtimeServer(answerer_factory=lambda: CountingAnswerer(stopped), options=FAST) as server,
    ):
        socket = await connect(f"{server.url}?model=m")
        await socket.send('{"type":"response.create"}')
        while json.loads(await socket.recv())["type"] != "response.output_audio.delta":
            pass
        socket.transport.abort()
        await stopped.wait()
    assert server.sessions[0].close_reason == "1006"


async def test_stop_closes_sessions_and_start_listens_again() -> None:
    """Both are idempotent; sessions end with 1001."""
    server = RealtimeServer()
    with pytest.raises(RuntimeError, match="not started"):
        _ = server.url
    await server.start()
    await server.start()
    host, port = server.address
    assert (host, server.url) == ("127.0.0.1", f"ws://127.0.0.1:{port}/v1/realtime")
    async with asyncio.timeout(30), connect(f"{server.url}?model=m") as socket:
        await socket.recv()
        await server.stop()
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
    await server.stop()
    await server.start()
    async with asyncio.timeout(30), connect(f"{server.url}?model=m") as socket:
        assert json.loads(await socket.recv())["type"] == "session.created"
    await server.stop()
    assert len(server.sessions) == 2


def test_wrong_arguments_are_refused_at_once() -> None:
    """Not in the first session."""
    with pytest.raises(ValueError, match="'nope' is not one of"):
        RealtimeServer(replies=["nope"])
    with pytest.raises(ValueError, match="speed_ratio"):
        RealtimeServer(speed_ratio=0)
    with pytest.raises(ValueError, match="max_session_ms"):
        RealtimeServer(max_session_ms=-1)
    with pytest.raises(ValueError, match="answerer_factory"):
        RealtimeServer(replies=["go_on"], answerer_factory=BrokenAnswerer)
    with pytest.raises(ValueError, match="options"):
        RealtimeServer(options=FAST, speed_ratio=4)


async def test_one_session_too_many_is_told_so_and_the_others_go_on() -> None:
    """By 503, before it begins; when one has ended there is room again."""
    async with RealtimeServer(options=FAST, max_sessions=1) as server:
        async with client_of(server) as client:
            with capture_logs() as logged:
                for _ in range(2):
                    with pytest.raises(InvalidStatus) as refused:
                        async with connect(f"{server.url}?model=m", proxy=None):
                            pass
                    assert refused.value.response.status_code == 503
            assert server.refused_sessions == 2
            assert [line["event"] for line in logged] == ["realtime_server.sessions_refused"] * 2
            await client.use_mulaw()
        await until(lambda: not any(record.is_open for record in server.sessions))
        async with client_of(server):
            assert len(server.sessions) == 2


async def test_sockets_that_ask_for_nothing_are_bounded() -> None:
    """Those beyond are closed at once; who asks is served as long as there is room."""
    async with RealtimeServer(options=FAST, max_sessions=1) as server:
        silent = [await asyncio.open_connection(*server.address) for _ in range(101)]
        reader, writer = await asyncio.open_connection(*server.address)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        assert server.refused_sessions == 1
        for _, each in (*silent, (reader, writer)):
            each.close()
        await until(lambda: server._sockets._count == 0)
        async with client_of(server):
            pass


async def test_messages_that_wait_are_bounded_in_bytes() -> None:
    """A client that sends long ones as fast as it can is read as fast as they are worked off; none
    is lost."""
    long = "x" * 700_000
    async with RealtimeServer(options=FAST) as server, client_of(server) as client:
        for number in range(12):
            body = {"type": "message", "role": "user", "id": f"i{number}"}
            content = [{"type": "input_text", "text": long}]
            event = {"type": "conversation.item.create", "item": {**body, "content": content}}
            await client.sdk.send_raw(json.dumps(event))
        for _ in range(12):
            await client.until("conversation.item.done")
