"""The proxy over real sockets: the ``openai`` SDK on one side, a Realtime server on the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import runpy
import ssl
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response

from support.openai_events import validated
from support.served_process import GUARD_S
from voxgate.cli.proxy import command
from voxgate.config.realtime_proxy_model import RealtimeProxyConfig
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.gate_decision import GateDecision
from voxgate.errors import ConfigError
from voxgate.integrations.realtime_proxy.gated_session import GatedRealtimeSession
from voxgate.integrations.realtime_proxy.relay import ABNORMAL, relay
from voxgate.integrations.realtime_proxy.server import RealtimeProxy
from voxgate.realtime_server import Pace, RealtimeServer, SessionOptions, agent_voices

KEY = "sk-planted-key-of-nobody"
PATH = "/v1/realtime?model=gpt-realtime&x=%2F"
SILENCE = b"\xff" * 160
MULAW_SESSION: Any = {
    "type": "realtime",
    "audio": {
        "input": {"format": {"type": "audio/pcmu"}, "turn_detection": {"type": "server_vad"}},
        "output": {"format": {"type": "audio/pcmu"}},
    },
}
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": b64encode(bytes(16)).decode(),
}
Handler = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture(autouse=True)
async def guard() -> AsyncIterator[None]:
    """End a test that hangs."""
    async with asyncio.timeout(GUARD_S):
        yield


@asynccontextmanager
async def proxied(
    upstream_url: str, manager: AudioGatingManager | None = None, **config: Any
) -> AsyncIterator[RealtimeProxy]:
    tls = config.pop("upstream_tls", None)
    section = RealtimeProxyConfig(port=0, upstream_url=upstream_url, **config)
    async with RealtimeProxy(section, manager, upstream_tls=tls) as proxy:
        yield proxy


@asynccontextmanager
async def scripted(
    handler: Handler, manager: AudioGatingManager | None = None, **options: Any
) -> AsyncIterator[RealtimeProxy]:
    """A proxy before a server that does what a test says."""
    config = options.pop("config", {})
    async with serve(handler, "127.0.0.1", 0, compression=None, max_size=None, **options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with proxied(f"ws://127.0.0.1:{port}", manager, **config) as proxy:
            yield proxy


def client_of(proxy: RealtimeProxy, path: str = PATH, **options: Any) -> connect:
    url = proxy.base_url.removesuffix("/v1") + path
    return connect(url, compression=None, max_size=None, **{"proxy": None, **options})


async def mute(connection: ServerConnection) -> None:
    """A server that reads and says nothing."""
    async for _ in connection:
        pass


# -- the SDK on both sides -------------------------------------------------------------------------


async def test_the_sdks_client_talks_through_the_proxy() -> None:
    """A turn of the caller and its answer; each event is one of the SDK's types, strictly."""
    options = SessionOptions(pace=Pace(speed_ratio=200.0, first_delta_ms=0.0))
    async with (
        RealtimeServer(options=options, expected_api_key=KEY) as server,
        proxied(server.base_url.removesuffix("/v1")) as proxy,
        AsyncOpenAI(api_key=KEY, websocket_base_url=proxy.base_url) as client,
        client.realtime.connect(model="gpt-realtime") as connection,
    ):
        seen: list[dict[str, Any]] = []

        async def until(event_type: str) -> None:
            while not seen or seen[-1]["type"] != event_type:
                event = json.loads(await connection.recv_bytes())
                validated(event)
                seen.append(event)

        await connection.session.update(session=MULAW_SESSION)
        await until("session.updated")
        speech = next(iter(agent_voices().values())).audio
        for audio in (SILENCE * 50, speech, SILENCE * 100):
            for start in range(0, len(audio), 160):
                text = b64encode(audio[start : start + 160]).decode()
                await connection.input_audio_buffer.append(audio=text)
        await until("response.done")
        types = [event["type"] for event in seen]
        assert "input_audio_buffer.speech_started" in types
        assert types.count("input_audio_buffer.committed") >= 1
        assert sum(len(b64decode(e["delta"])) for e in seen if e["type"].endswith("audio.delta"))


# -- byte for byte ---------------------------------------------------------------------------------


async def test_everything_else_passes_byte_for_byte_and_in_order() -> None:
    """Both ways, at the same time: unknown events, odd spacing, no JSON, binary, large, empty."""
    sent: list[str | bytes] = [
        '{ "type" : "future.event", "n":1.0 }',
        "no json",
        b"\x00\xff binary",
        json.dumps({"type": "response.output_text.delta", "delta": "x" * 300_000}),
        '{"type":"conversation.item.created","text":"ä\u2028"}',
        "",
        json.dumps({"type": "session.update", "session": MULAW_SESSION}, indent=1),
        b"",
        '{"type":"input_audio_buffer.append","audio":"%"}',
        '{"type":"conversation.item.truncate","item_id":"i","audio_end_ms":1}',
        *(f'{{"type":"n","n":{n}}}' for n in range(300)),
    ]
    at_server: list[str | bytes] = []

    async def handler(connection: ServerConnection) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send_all(connection, sent))
            at_server.extend([await connection.recv() for _ in sent])
        await connection.close(4001, "the end")

    async with scripted(handler) as proxy, client_of(proxy) as client:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send_all(client, sent))
            at_client = [await client.recv() for _ in sent]
        await client.wait_closed()
    assert at_client == sent
    assert at_server == sent
    assert (client.close_code, client.close_reason) == (4001, "the end")


async def send_all(socket: ClientConnection | ServerConnection, sent: list[str | bytes]) -> None:
    for message in sent:
        await socket.send(message)


class _FailingManager(AudioGatingManager):
    """Raises for the first session that it is asked about."""

    def __init__(self) -> None:
        super().__init__()
        self._victim: str | None = None

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        self._victim = self._victim or call_id
        if call_id == self._victim:
            raise RuntimeError
        return super().process(call_id, frame, now_ms)


async def test_only_the_audio_of_an_append_changes() -> None:
    """A gate that fails closed: silence of the same length, other fields as they were."""
    at_server: list[str | bytes] = []

    async def handler(connection: ServerConnection) -> None:
        at_server.append(await connection.recv())

    loud = b64encode(b"\x10" * 960).decode()
    text = '{"audio":"%s", "type":"input_audio_buffer.append","event_id":"a b"}'
    config = {"on_failure": "closed"}
    async with (
        scripted(handler, _FailingManager(), config=config) as proxy,
        client_of(proxy) as client,
    ):
        await client.send(text % loud)
        await client.wait_closed()
    assert at_server == [text % b64encode(bytes(960)).decode()]
    assert proxy.counters.appends_rewritten == 1
    assert proxy.counters.gate_failures >= 1


async def echo_back(connection: ServerConnection) -> None:
    """A server that sends back what it gets."""
    async for message in connection:
        await connection.send(message)


async def test_one_sessions_trouble_is_its_own() -> None:
    """The gate raises in the first session; its audio passes, and the second one is gated on."""
    loud = b64encode(b"\x10" * 960).decode()
    append = json.dumps({"type": "input_audio_buffer.append", "audio": loud})
    async with scripted(echo_back, _FailingManager()) as proxy:
        async with client_of(proxy) as first, client_of(proxy) as second:
            for client in (first, second):
                for _ in range(3):
                    await client.send(append)
                at_client = [await client.recv() for _ in range(3)]
                assert client is second or at_client == [append] * 3
        async with client_of(proxy) as third:
            await third.send("still here")
            assert await third.recv() == "still here"
    assert proxy.counters.gate_failures == 3
    assert proxy.counters.gates == 2


# -- what the other side says at the start and at the end ------------------------------------------


async def test_keys_pass_through_and_nobody_logs_them(caplog: pytest.LogCaptureFixture) -> None:
    """Headers, path, query and subprotocols reach the provider as they came."""
    caplog.set_level(logging.DEBUG)
    requests: list[Request] = []

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        requests.append(connection.request)
        await connection.close(1000)

    headers = {"Authorization": f"Bearer {KEY}", "api-key": KEY, "OpenAI-Organization": "x"}
    offered: Any = ["realtime", f"openai-insecure-api-key.{KEY}"]
    accepted: Any
    with structlog.testing.capture_logs() as logged:
        for accepted in (["realtime"], None):
            async with scripted(handler, subprotocols=accepted) as proxy:
                for path in (PATH, f"{PATH}&api-key={KEY}"):
                    async with client_of(
                        proxy, path, additional_headers=headers, subprotocols=offered
                    ) as client:
                        assert client.subprotocol == (accepted or [None])[0]
                        await client.wait_closed()
    assert [request.path for request in requests[:2]] == [PATH, f"{PATH}&api-key={KEY}"]
    for request in requests:
        assert {name: request.headers[name] for name in headers} == headers
        assert request.headers["Sec-WebSocket-Protocol"].replace(" ", "") == ",".join(offered)
        assert len(request.headers.get_all("User-Agent")) == 1
    ours = [each for each in caplog.records if not each.name.startswith("websockets")]
    told = repr(logged) + "".join(record.getMessage() for record in ours)
    assert logged
    assert KEY not in told
    assert "x=%2F" not in told


async def test_a_request_that_can_t_be_read_is_quoted_nowhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The line that is wrong may be the one with the key; what is no handshake goes nowhere."""
    caplog.set_level(logging.DEBUG)
    async with scripted(mute) as proxy:
        for wrong in (b"Authorization: Bearer %s\x01", b"Authorization Bearer %s"):
            reader, writer = await asyncio.open_connection(*proxy.address)
            line = wrong % KEY.encode()
            writer.write(b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.0 400")
            writer.close()
        url, headers = http_url(proxy, PATH), {**HANDSHAKE, "Sec-WebSocket-Key": "x"}
        async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
            assert answer.status == 400
    assert KEY not in caplog.text
    assert logging.getLogger("aiohttp.websocket").level == logging.NOTSET


async def test_a_refusal_reaches_the_client_as_it_came() -> None:
    """Status, headers and body."""
    body = b'{"error":{"code":"invalid_api_key"}}'

    def refuse(_connection: ServerConnection, _request: Request) -> Response:
        headers = Headers({"Content-Length": f"{len(body)}", "x-request-id": "r1"})
        return Response(401, "No", headers, body)

    async with scripted(mute, process_request=refuse) as proxy:
        with pytest.raises(InvalidStatus) as raised:
            async with client_of(proxy):
                pass
    answer = raised.value.response
    assert (answer.status_code, answer.body) == (401, body)
    assert answer.headers["x-request-id"] == "r1"
    assert proxy.refused == {"upstream_refused": 1}


async def test_nobody_follows_a_redirect() -> None:
    """The key would be shown to whom it leads to."""
    paths: list[str] = []

    def redirect(_connection: ServerConnection, request: Request) -> Response:
        paths.append(request.path)
        return Response(302, "There", Headers({"Content-Length": "0", "Location": "/there"}), b"")

    async with scripted(mute, process_request=redirect) as proxy, aiohttp.ClientSession() as http:
        url = http_url(proxy, "/v1/x")
        async with http.get(url, headers=HANDSHAKE, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/there")
    assert paths == ["/v1/x"]


async def test_a_refusal_is_handed_on_whole() -> None:
    """However many pieces it comes in."""

    is_done = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 12\r\n\r\n")
        for part in (b"in ", b"three ", b"pcs"):
            await asyncio.sleep(0.02)
            writer.write(part)
        await reader.read()
        writer.close()
        await writer.wait_closed()
        is_done.set()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with proxied(f"ws://127.0.0.1:{port}") as proxy:
            with pytest.raises(InvalidStatus) as raised:
                async with client_of(proxy):
                    pass
            await is_done.wait()
    assert raised.value.response.body == b"in three pcs"


async def test_what_an_upstream_said_before_it_broke_is_heard() -> None:
    """Then the client is told that it broke: 1014, bad gateway; the log has what happened."""

    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        for n in range(200):
            await connection.send(f"{n}")
        connection.transport.close()

    with structlog.testing.capture_logs() as logged:
        async with scripted(handler) as proxy, client_of(proxy, max_queue=1) as client:
            await client.send("go")
            assert [await client.recv() for _ in range(200)] == [f"{n}" for n in range(200)]
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1014
    (ended,) = [each for each in logged if each["event"] == "proxy.session_ended"]
    assert (ended["by"], ended["code"]) == ("upstream", ABNORMAL)


class _ScriptedSocket:
    """Takes nothing if it is told so, and says what it is told to, with others' turns between."""

    def __init__(self, says: list[aiohttp.WSMessage], *, takes: bool) -> None:
        self._says = says
        self._takes = takes
        self.taken: list[bytes] = []
        self.closed_with: list[int] = []
        self.close_code = None

    async def receive(self) -> aiohttp.WSMessage:
        for _ in range(10):
            await asyncio.sleep(0)
        if not self._says:
            await asyncio.Event().wait()
        return self._says.pop(0)

    async def send_frame(self, data: bytes, _opcode: aiohttp.WSMsgType) -> None:
        if not self._takes:
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
        self.taken.append(data)

    async def close(self, *, code: int, message: bytes) -> None:
        del message
        self.closed_with.append(code)


async def test_a_side_that_takes_nothing_more_may_still_say_why() -> None:
    """A client that sends meanwhile hears the server's last error, and its close code."""
    text = aiohttp.WSMsgType.TEXT
    goodbye = aiohttp.WSMessage(aiohttp.WSMsgType.CLOSE, 4001, "session_expired")
    client: Any = _ScriptedSocket([aiohttp.WSMessage(text, b"{}", None)], takes=True)
    last_words = [aiohttp.WSMessage(text, b"%d" % n, None) for n in range(5)]
    upstream: Any = _ScriptedSocket([*last_words, goodbye], takes=False)
    session = GatedRealtimeSession(AudioGatingManager(), "s", now_ms=0.0)
    ending = await relay(client, upstream, session, clock=lambda: 0.0)
    assert (ending.by, ending.code, ending.reason) == ("upstream", 4001, b"session_expired")
    assert client.taken == [b"%d" % n for n in range(5)]
    assert client.closed_with == upstream.closed_with == [4001]


async def test_a_client_that_reads_nothing_costs_no_word_on_how_a_session_ended() -> None:
    """Nor does it keep the session: what waits for it is dropped in the end."""
    sent = 0

    async def handler(connection: ServerConnection) -> None:
        nonlocal sent
        while True:
            try:
                async with asyncio.timeout(0.3):
                    await connection.send(b"\x55" * 65_536)
            except TimeoutError:
                break
            sent += 1
        connection.transport.abort()

    with structlog.testing.capture_logs() as logged:
        async with (
            scripted(handler) as proxy,
            client_of(proxy, max_queue=1, close_timeout=0.1) as client,
        ):
            with contextlib.suppress(ConnectionClosed):
                while proxy.running_sessions:
                    await client.send("{}")
                    await asyncio.sleep(0.02)
            await proxy.drain(GUARD_S)
    assert sent > 1
    (ended,) = [each for each in logged if each["event"] == "proxy.session_ended"]
    assert (ended["by"], ended["code"]) == ("upstream", ABNORMAL)


async def test_an_upstream_that_is_not_there_is_said() -> None:
    """As the API says errors; the log names the host, and nothing else of the address."""
    with structlog.testing.capture_logs() as logged:
        async with proxied("ws://127.0.0.1:1/prefix") as proxy:
            with pytest.raises(InvalidStatus) as raised:
                async with client_of(proxy):
                    pass
    (refused,) = [each for each in logged if each["event"] == "proxy.session_refused"]
    assert (refused["reason"], refused["upstream_host"]) == ("upstream_unreachable", "127.0.0.1")
    assert "prefix" not in str(refused)
    assert raised.value.response.status_code == 502
    body = json.loads(raised.value.response.body or b"")
    assert body["error"]["code"] == "upstream_unreachable"


async def test_the_environments_proxy_is_used_but_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Companies have one between their machines and the cloud, and it gets a CONNECT."""
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        for name in ("https_proxy", "http_proxy"):
            monkeypatch.setenv(name, f"http://{host}:{port}")
        async with scripted(echo_back) as proxy, client_of(proxy) as client:
            await client.send("straight")
            assert await client.recv() == "straight"
        assert asked == []
        async with proxied("wss://api.example.com") as proxy:
            assert await _status_of(proxy) == 502
    assert asked == [b"CONNECT api.example.com:443 HTTP/1.1\r\n"]


async def test_the_clients_goodbye_reaches_the_provider() -> None:
    """With its code."""
    codes: list[int | None] = []
    is_done = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.append(connection.close_code)
        is_done.set()

    async with scripted(handler) as proxy:
        async with client_of(proxy) as client:
            await client.close(4321, "bye")
            assert client.close_code == 4321, "as RFC 6455 section 5.5.1 has it"
        await is_done.wait()
    assert codes == [4321]


# -- limits ----------------------------------------------------------------------------------------


async def test_limits_are_kept_and_told() -> None:
    """One session too many, a message too large, and a proxy that drains."""
    config = {"max_sessions": 2, "max_message_bytes": 65_536}
    async with scripted(mute, config=config) as proxy, AsyncExitStack() as clients:
        first = await clients.enter_async_context(client_of(proxy))
        await clients.enter_async_context(client_of(proxy))
        assert await _status_of(proxy) == 503
        assert await _told(proxy, "/readyz") == (503, "full")
        await first.send("x" * 70_000)
        await first.wait_closed()
        assert first.close_code == 1009
        while await _told(proxy, "/readyz") != (200, "ready"):
            pass  # the proxy closes the other side, too
        draining = asyncio.create_task(proxy.drain(GUARD_S))
        await asyncio.sleep(0)
        assert await _status_of(proxy) == 503
        assert await _told(proxy, "/readyz") == (503, "draining")
        assert await _told(proxy, "/healthz") == (200, "alive")
        await clients.aclose()
        await draining
    assert proxy.refused == {"sessions_full": 1, "draining": 1}
    assert sum(proxy.totals_ended.values()) == 2


async def test_one_address_takes_no_more_than_its_share() -> None:
    """429, which clients know as a limit of theirs."""
    async with scripted(mute, config={"max_sessions_per_peer": 1}) as proxy, client_of(proxy):
        assert await _status_of(proxy) == 429


async def test_who_connects_and_asks_for_nothing_is_not_kept() -> None:
    """Nor who asks too slowly: each connection takes a file descriptor."""
    section = RealtimeProxyConfig(port=0)
    async with RealtimeProxy(section, request_timeout_s=0.1) as proxy:
        for begun in (b"", b"GET /v1/realtime HTTP/1.1\r\nHo"):
            reader, writer = await asyncio.open_connection(*proxy.address)
            writer.write(begun)
            assert await reader.read() == b""
            writer.close()


@asynccontextmanager
async def slow_to_accept() -> AsyncIterator[tuple[RealtimeProxy, asyncio.Event, asyncio.Event]]:
    """A proxy before a server that tells when it is asked, and waits until it may answer."""
    is_asked, is_allowed = asyncio.Event(), asyncio.Event()

    async def wait(_connection: ServerConnection, _request: Request) -> None:
        is_asked.set()
        await is_allowed.wait()

    async with scripted(echo_back, process_request=wait) as proxy:
        yield proxy, is_asked, is_allowed


async def test_a_client_that_leaves_while_it_is_connected_is_counted() -> None:
    """And the provider's connection ends with it."""
    async with slow_to_accept() as (proxy, is_asked, is_allowed):
        _, writer = await asyncio.open_connection(*proxy.address)
        lines = [f"{name}: {value}" for name, value in HANDSHAKE.items()]
        request = "\r\n".join(("GET /v1/realtime HTTP/1.1", "Host: x", *lines, "", ""))
        writer.write(request.encode())
        await is_asked.wait()
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        await _told(proxy, "/healthz")  # the proxy has had its turn
        is_allowed.set()
        await proxy.drain(GUARD_S)
        assert proxy.refused == {"client_gone": 1}


async def test_who_was_let_in_before_the_drain_is_waited_for() -> None:
    """The provider had not answered yet."""
    async with slow_to_accept() as (proxy, is_asked, is_allowed):

        async def talk() -> str | bytes:
            async with client_of(proxy) as client:
                await client.send("served")
                return await client.recv()

        talking = asyncio.create_task(talk())
        await is_asked.wait()
        draining = asyncio.create_task(proxy.drain(GUARD_S))
        await _told(proxy, "/healthz")
        assert not draining.done()
        is_allowed.set()
        assert await talking == "served"
        await draining
        assert proxy.running_sessions == 0


async def test_nobody_is_offered_compression() -> None:
    """It would cost more than the audio's gate, and base64 hardly gets shorter."""
    async with scripted(echo_back) as proxy:
        url = http_url(proxy, PATH).replace("http", "ws", 1)
        async with connect(url, compression="deflate", proxy=None) as client:
            assert client.protocol.extensions == []
            await client.send("x" * 1000)
            assert await client.recv() == "x" * 1000


async def test_a_proxy_that_is_stopped_says_goodbye() -> None:
    """1001, going away, to both sides."""
    codes: list[int | None] = []
    is_done = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.append(connection.close_code)
        is_done.set()

    async with scripted(handler) as proxy, client_of(proxy) as client:
        await proxy.drain(0.0)
        await proxy.stop()
        await client.wait_closed()
        assert client.close_code == 1001
        await is_done.wait()
    assert codes == [1001]
    assert proxy.totals_ended == {"proxy": 1}


async def test_metrics_tell_of_running_and_ended_sessions() -> None:
    """A scrape while one runs; and what is no WebSocket is not passed on."""
    async with scripted(echo_back) as proxy, client_of(proxy) as client:
        await client.send("x")
        await client.recv()
        async with aiohttp.ClientSession() as http:
            async with http.get(http_url(proxy, "/metrics")) as answer:
                text = await answer.text()
            async with http.get(http_url(proxy, "/v1/realtime")) as answer:
                assert answer.status == 426
    assert "voxgate_proxy_running_sessions 1.0" in text
    assert "voxgate_proxy_client_events_total 1.0" in text


async def test_a_client_that_does_not_read_pauses_the_provider() -> None:
    """64 MB wait at the provider and not in the proxy; read at last, they are whole."""
    message, n_messages = b"\x55" * 65_536, 1000
    sent = 0

    async def handler(connection: ServerConnection) -> None:
        nonlocal sent
        for _ in range(n_messages):
            await connection.send(message)
            sent += 1
        await connection.wait_closed()

    async with scripted(handler) as proxy, client_of(proxy, max_queue=1) as client:
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.3)
        assert sent < n_messages
        for _ in range(n_messages):
            assert await client.recv() == message


async def test_a_client_that_is_gone_without_a_word_is_found() -> None:
    """It answers no ping; the provider's side is closed, too."""
    is_done = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        is_done.set()

    async with serve(handler, "127.0.0.1", 0) as server:
        upstream_url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        section = RealtimeProxyConfig(port=0, upstream_url=upstream_url)
        async with RealtimeProxy(section, ping_interval_s=0.2) as proxy:
            reader, writer = await asyncio.open_connection(*proxy.address)
            key = b64encode(bytes(16)).decode()
            lines = ("GET /v1/realtime HTTP/1.1", "Host: x", "Upgrade: websocket")
            more = ("Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}")
            writer.write("\r\n".join((*lines, *more, "", "")).encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 101")
            await is_done.wait()
            writer.close()
        assert sum(proxy.totals_ended.values()) == 1


# -- TLS -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate of this machine's own, for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("tls")
    names = (str(folder / "certificate.pem"), str(folder / "key.pem"))
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-out", names[0], "-keyout", names[1]]
    subprocess.run([*command.split(), *subject, *files], check=True, capture_output=True)
    return names


async def test_tls_on_both_sides(certificate: tuple[str, str]) -> None:
    """wss in by certificate files, wss out to a certificate that is trusted; and not to another."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=certificate[0])
    files = {"certificate_file": certificate[0], "key_file": certificate[1]}
    async with serve(echo_back, "127.0.0.1", 0, ssl=serving) as server:
        upstream_url = f"wss://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        async with proxied(upstream_url, upstream_tls=trusting, **files) as proxy:
            assert proxy.base_url.startswith("wss://")
            async with client_of(proxy, ssl=trusting) as client:
                await client.send("through")
                assert await client.recv() == "through"
        async with proxied(upstream_url) as proxy:
            assert await _status_of(proxy) == 502


# -- the command -----------------------------------------------------------------------------------


async def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """It says where it listens, passes messages on, drains at SIGTERM, and logs a summary."""
    config = tmp_path / "proxy.yaml"
    config.write_text("engine: {log_format: json}\nrealtime_proxy: {port: 0}\n", encoding="utf-8")
    async with serve(echo_back, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        code = "from voxgate.cli import main; main()"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, "proxy", str(config), "--upstream"),
            f"ws://127.0.0.1:{port}",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            line = (await process.stdout.readline()).decode()
            (base,) = re.findall(r"SDKs: (ws://127\.0\.0\.1:\d+/v1) ", line)
            assert line.endswith(f"other clients: {base}/realtime?model=...\n")
            async with connect(line.split()[-1].replace("...", "m")) as client:
                await client.send("hello")
                assert await client.recv() == "hello"
                process.terminate()
                await client.send("still served")
                assert await client.recv() == "still served"
            _, log = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
    assert process.returncode == 0, log.decode()
    events = [json.loads(line) for line in log.decode().splitlines()]
    (ended,) = [event for event in events if event["event"] == "proxy.session_ended"]
    assert ended["counters"]["client_events"] == 2
    assert events[-1]["event"] == "proxy.stopped"


async def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """As it is: without a key, a telephone or a network."""
    path = Path(__file__).parents[2] / "examples" / "realtime_proxy.py"
    await runpy.run_path(str(path))["main"]()
    shown = capsys.readouterr().out
    assert "s of audio through the proxy" in shown
    assert "agent: " in shown


def test_wrong_options_are_named() -> None:
    """As the keys that they stand for."""
    with pytest.raises(ConfigError, match=r"realtime_proxy.upstream_url: .* \(--upstream\)"):
        command.main(["--upstream", "http://x"], standalone_mode=False)
    with pytest.raises(ConfigError, match=r"realtime_proxy.port: .*70000"):
        command.main(["--port", "70000"], standalone_mode=False)


@pytest.mark.parametrize(
    ("section", "options", "problem"),
    [
        ("{}", ["--host", "nowhere.invalid"], r"\.host: can't listen on nowhere\.inv.* --host\)"),
        (
            "{certificate_file: HERE, key_file: HERE.none}",
            [],
            r"\.key_file: \S+\.none is not",
        ),
        (
            "{certificate_file: HERE.none, key_file: HERE}",
            [],
            r"\.certificate_file: \S+\.none is",
        ),
        ("{certificate_file: HERE, key_file: HERE}", [], r"\.certificate_file: holds no certific"),
    ],
)
def test_what_keeps_it_from_listening_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    section: str,
    options: list[str],
    problem: str,
) -> None:
    """As the key that says it, with the path of a file that is not there."""
    config = tmp_path / "proxy.yaml"
    text = f"realtime_proxy: {section}\n"
    config.write_text(text.replace("HERE", str(config)), encoding="utf-8")
    for of_the_process in ("observe.logging_setup.set_up_logging", "cli.proxy.use_one_blas_thread"):
        monkeypatch.setattr(f"voxgate.{of_the_process}", lambda *_: None)
    with pytest.raises(ConfigError, match=problem):
        command.main([str(config), "--port", "0", *options], standalone_mode=False)


async def test_a_proxy_that_could_not_listen_has_not_stopped() -> None:
    """What it says is why it did not start."""
    with structlog.testing.capture_logs() as logged:
        async with proxied("ws://127.0.0.1:1") as proxy:
            taken = RealtimeProxyConfig(port=proxy.address[1])
            with pytest.raises(OSError, match="address"):
                await RealtimeProxy(taken).start()
            assert [each["event"] for each in logged] == ["proxy.started"]


def http_url(proxy: RealtimeProxy, path: str) -> str:
    return proxy.base_url.replace("ws", "http", 1).removesuffix("/v1") + path


async def _status_of(proxy: RealtimeProxy) -> int:
    """Return what a client is refused with."""
    with pytest.raises(InvalidStatus) as raised:
        async with client_of(proxy):
            pass
    return raised.value.response.status_code


async def _told(proxy: RealtimeProxy, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(http_url(proxy, path)) as answer:
        return answer.status, (await answer.json())["status"]
