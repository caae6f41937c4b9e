"""The operator's desk over real loopback sockets: login, origins, the live feed, the phone."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from support.browser_peer import BrowserPeer
from support.scripted_call import RecordingObserver, loud_frame
from support.served_process import served
from voxgate.config.load import parse_config
from voxgate.engine import AIEngine
from voxgate.errors import ConfigError
from voxgate.observe.config_keeper import ConfigKeeper
from voxgate.observe.desk import bounded_protocols, live_socket, server
from voxgate.observe.desk.attribute_docs import attribute_docs
from voxgate.observe.desk.service import DeskService
from voxgate.observe.desk.worker import Worker, WorkFailed
from voxgate.observe.metrics import CallMetrics
from voxgate.providers.registry import ProviderRegistry
from voxgate.providers.scripted import ScriptedProvider
from voxgate.providers.setup import ProviderSetup
from voxgate.transports.base import LineAudio, LineHangup
from voxgate.transports.registry import TransportRegistry
from voxgate.transports.scripted import ScriptedLine, ScriptedTransport

GUARD_S = 120.0
"""No wait in a passing test comes near it, on however slow a machine."""

pytestmark = pytest.mark.timeout(GUARD_S)

TOKEN = "correct horse"  # noqa: S105 - nobody's
CONFIG = """
engine: {default_provider: agent}
providers: {agent: {kind: openai_realtime, url: "ws://127.0.0.1:9/v1", api_key_env: null}}
desk: {port: 0, %s}
"""


class Running:
    """An engine with scripted calls, and its desk."""

    def __init__(self, desk_keys: str, environ: Mapping[str, str], folder: Path | None) -> None:
        self.transport = ScriptedTransport()
        self.observer = RecordingObserver()
        self.providers: dict[str, ScriptedProvider] = {}
        providers = ProviderRegistry()
        providers.register("openai_realtime", self._make)
        text = CONFIG % desk_keys
        path = None
        if folder is not None:
            path = folder / "agent.yaml"
            path.write_text(text, encoding="utf-8")
        self.engine = AIEngine(
            parse_config(text, "test.yaml", {}).config,
            observers=[self.observer],
            environ=environ,
            providers=providers,
            transports=TransportRegistry(
                [("audiosocket", lambda section, environ: self.transport)]
            ),
        )
        self.keeper = ConfigKeeper(self.engine, path=path, environ={})
        self.desk = DeskService(
            self.engine,
            keeper=None if path is None else self.keeper,
            metrics=CallMetrics(self.engine),
            environ=environ,
        )
        self.calls: list[asyncio.Task[None]] = []

    def _make(self, setup: ProviderSetup) -> ScriptedProvider:
        provider = self.providers[setup.call_id] = ScriptedProvider.from_setup(setup)
        return provider

    @property
    def url(self) -> str:
        assert self.desk.url is not None
        return self.desk.url.rstrip("/")

    @property
    def origin(self) -> dict[str, str]:
        return {"Origin": self.url}

    def place_call(self, call_id: str) -> ScriptedLine:
        line = ScriptedLine(call_id)
        self.calls.append(asyncio.create_task(self.transport.place_call(line)))
        return line

    def live(self, **options: Any) -> connect:
        return connect(self.url.replace("http", "ws") + "/live", **options)

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Return status and JSON of what the desk answers."""
        async with aiohttp.ClientSession() as session:
            return await answered(session.get(self.url + path, headers=headers))

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        async with aiohttp.ClientSession() as session:
            return await answered(session.post(self.url + path, json=body, headers=headers))


async def answered(request: Any) -> tuple[int, Any]:
    async with request as response:
        text = await response.text()
        is_json = response.content_type == "application/json"
        return response.status, json.loads(text) if is_json and text else text


@asynccontextmanager
async def running(
    desk_keys: str = "max_watchers: 20",
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> AsyncIterator[Running]:
    it = Running(desk_keys, environ or {}, folder)
    if folder is not None:
        await it.keeper.start()
    await it.desk.start()
    await it.engine.start()
    try:
        yield it
    finally:
        await it.engine.stop()
        await it.desk.stop()


async def message_of(socket_: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of a kind; others are passed over."""
    while True:
        message = json.loads(await socket_.recv())
        if message["type"] == kind:
            return dict(message)


async def first_call(live: ClientConnection) -> None:
    """Wait until a watcher is shown a call."""
    while not (await message_of(live, "roster"))["calls"]:
        pass


async def test_an_operator_logs_in_and_out() -> None:
    """Before and after that the desk shows nothing but its page; scripts show the token."""
    async with (
        running("token_env: T", {"T": TOKEN}) as it,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        assert (await it.get("/"))[0] == 200
        status, refused = await it.get("/api/overview")
        assert (status, refused["error"]["code"]) == (401, "login_needed")
        status, refused = await it.post("/api/login", {"token": "guess"})
        assert (status, refused["error"]["code"]) == (401, "wrong_token")
        login = session.post(f"{it.url}/api/login", json={"token": TOKEN}, headers=it.origin)
        assert (await answered(login))[0] == 204
        assert (await answered(session.get(f"{it.url}/api/overview")))[0] == 200
        assert (await it.get("/metrics", Authorization=f"Bearer {TOKEN}"))[0] == 200
        logout = session.post(f"{it.url}/api/logout", json={}, headers=it.origin)
        assert (await answered(logout))[0] == 204
        assert (await answered(session.get(f"{it.url}/api/overview")))[0] == 401


async def test_nothing_is_read_while_calls_run() -> None:
    """What the page is told of the code takes a tenth of a second to read: five frames."""
    attribute_docs.cache_clear()
    async with running() as it:
        before = attribute_docs.cache_info().misses
        async with it.live() as live:
            await message_of(live, "hello")
        await it.get("/api/thresholds")
        assert attribute_docs.cache_info().misses == before


async def test_a_token_that_is_not_set_is_an_error() -> None:
    """A desk that asks for nothing would be open to whoever reaches it."""
    it = Running("token_env: T", {"T": " "}, None)
    with pytest.raises(ConfigError, match="T: is not set; the desk asks"):
        await it.desk.start()
    assert it.desk.notices == ()


async def test_another_page_neither_watches_nor_changes_anything() -> None:
    """By its origin, and by a name that was made to lead here."""
    async with running() as it:
        with pytest.raises(InvalidStatus) as refused:
            await it.live(origin="http://evil.example")
        assert refused.value.response.status_code == 403
        status, answer = await it.post("/api/logout", {}, Origin="http://evil.example")
        assert (status, answer["error"]["code"]) == (403, "origin_refused")
        status, answer = await it.get("/api/overview", Host="evil.example")
        assert (status, answer["error"]["code"]) == (400, "host_refused")
        async with it.live(origin=it.url) as own:
            assert (await message_of(own, "hello"))["states"][0] == "open"


async def test_a_watcher_without_a_login_is_told_so() -> None:
    """By the code of the close, which a page can read."""
    async with running("token_env: T", {"T": TOKEN}) as it:
        async with it.live() as live:
            with pytest.raises(ConnectionClosed):
                await live.recv()
            assert live.close_code == 4401
        header = {"Authorization": f"Bearer {TOKEN}"}
        async with it.live(additional_headers=header) as live:
            await message_of(live, "tick")


async def test_who_logs_out_watches_nothing_more() -> None:
    """In whatever window: what was opened by a session ends with it."""
    async with (
        running("token_env: T", {"T": TOKEN}) as it,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        login = session.post(f"{it.url}/api/login", json={"token": TOKEN}, headers=it.origin)
        assert (await answered(login))[0] == 204
        (cookie,) = session.cookie_jar
        header = {"Cookie": f"{cookie.key}={cookie.value}"}
        async with it.live(origin=it.url, additional_headers=header) as live:
            await message_of(live, "tick")
            logout = session.post(f"{it.url}/api/logout", json={}, headers=it.origin)
            assert (await answered(logout))[0] == 204
            with pytest.raises(ConnectionClosed):
                await message_of(live, "nothing")
            assert live.close_code == 4401


async def test_fifty_calls_are_shown_with_every_decision() -> None:
    """A browser that keeps up counts each captured frame of each call once."""
    n_calls, n_frames = 50, 20
    async with running() as it, it.live() as live:
        idle_fill = (await message_of(live, "hello"))["reasons"].index("idle_fill")
        lines = [it.place_call(f"call {number}") for number in range(n_calls)]
        shown = await message_of(live, "roster")
        while len(shown["calls"]) < n_calls:
            shown = await message_of(live, "roster")
        ids = {call["k"]: call["call_id"] for call in shown["calls"]}
        for number in range(n_frames):
            for line in lines:
                line.receive(LineAudio(loud_frame(number)))
            await asyncio.sleep(0.01)
        counted = dict.fromkeys(ids, 0)
        seqs = []
        while sum(counted.values()) < n_calls * n_frames:
            tick = await message_of(live, "tick")
            seqs.append(tick["seq"])
            for key, *_, runs, _ in tick["calls"]:
                counts = zip(runs[::4], runs[2::4], strict=True)
                counted[key] += sum(n for n, reason in counts if reason != idle_fill)
        assert set(counted.values()) == {n_frames}
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert set(ids.values()) == {line.call_id for line in lines}


async def test_a_browser_that_does_not_read_holds_nobody_up() -> None:
    """It falls behind, within a bound; the other one sees everything, and it can catch up."""
    async with running() as it, it.live(max_queue=1) as slow, it.live() as quick:
        await message_of(slow, "tick")
        await message_of(quick, "tick")
        broadcast = it.desk._desk._broadcast  # type: ignore[union-attr]
        broadcast._feed.take_rows = lambda now_ms: [[0] * 10_000]  # type: ignore[method-assign]
        broadcast._ticking.cancel()  # from here on the test makes the messages
        last = 0
        while True:
            broadcast.tick()
            while last < broadcast._seq:
                last = (await message_of(quick, "tick"))["seq"]
            behind = [watcher.outbox for watcher in broadcast._watchers if watcher.outbox.replaced]
            if behind and behind[0].replaced > 20:
                break
        assert len(behind) == 1
        assert len(behind[0]._waiting) <= 4
        seqs = [(await message_of(slow, "tick"))["seq"]]
        while seqs[-1] < last:
            seqs.append((await message_of(slow, "tick"))["seq"])
        assert seqs == sorted(set(seqs))
        assert len(seqs) <= last - 20


async def test_too_many_watchers_are_told_to_wait() -> None:
    """And one that is gone leaves its place to the next."""
    async with running("max_watchers: 1") as it:
        async with it.live() as first:
            await message_of(first, "hello")
            async with it.live() as second:
                with pytest.raises(ConnectionClosed):
                    await second.recv()
                assert second.close_code == 4503
        async with asyncio.timeout(GUARD_S):
            while it.desk._desk.watchers:  # type: ignore[union-attr]  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        async with it.live() as third:
            await message_of(third, "hello")


async def test_a_page_looks_at_one_call_closely() -> None:
    """By a message; any other one ends its watching."""
    async with running() as it, it.live() as live:
        line = it.place_call("one")
        await first_call(live)
        await live.send(json.dumps({"type": "focus", "call_id": "one"}))
        await message_of(live, "detail")
        line.receive(LineAudio(loud_frame()))
        detail = await message_of(live, "detail")
        while not (levels := [frame[0] for frame in detail["frames"] if frame[0] is not None]):
            detail = await message_of(live, "detail")
        assert levels == [pytest.approx(-30.3, abs=0.1)]
        await live.send("nonsense")
        with pytest.raises(ConnectionClosed):
            await message_of(live, "nothing")
        assert live.close_code == 1008


async def test_nobody_is_told_anything_while_nobody_watches() -> None:
    """The engine has one observer more while somebody does."""
    async with running() as it:
        before = len(it.engine._observer._observers)
        async with it.live() as live:
            await message_of(live, "tick")
            assert len(it.engine._observer._observers) == before + 1
        async with asyncio.timeout(GUARD_S):
            while len(it.engine._observer._observers) > before:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_stopping_lets_watchers_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that do not read; nothing of the desk is left."""
    # On a machine that is busy with something else half a second may not be enough to be told.
    monkeypatch.setattr(live_socket, "_CLOSE_TIMEOUT_S", GUARD_S)
    monkeypatch.setattr(server, "_STOP_TIMEOUT_S", GUARD_S)
    async with running() as it, it.live() as live, it.live():
        await message_of(live, "tick")
        await it.engine.stop()
        async with asyncio.timeout(GUARD_S):
            await it.desk.stop()
            with pytest.raises(ConnectionClosed):
                await message_of(live, "nothing")
        assert live.close_code == 1001
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert not [name for name in names if name.startswith("desk")]
        assert it.desk.notices == ()


async def test_an_engine_that_drains_is_alive_and_not_ready() -> None:
    """So that it gets no more calls, and the running one its time."""
    async with running() as it:
        assert (await it.get("/readyz"))[0] == 200
        line = it.place_call("one")
        async with it.live() as live:
            await first_call(live)
        draining = asyncio.create_task(it.engine.drain())
        await asyncio.sleep(0)
        status, answer = await it.get("/readyz")
        assert (status, answer["status"]) == (503, "draining")
        assert (await it.get("/healthz"))[0] == 200
        assert (await it.get("/api/overview"))[1]["state"] == "draining"
        line.receive(LineHangup("caller_hangup"))
        await draining


async def test_an_operator_hangs_up() -> None:
    """The call is over, and the list says why."""
    async with running() as it:
        it.place_call("one")
        async with it.live() as live:
            await first_call(live)
        assert (await it.post("/api/calls/one/hangup", {}))[0] == 204
        await it.calls[0]
        assert (await it.post("/api/calls/one/hangup", {}))[0] == 404
        status, call = await it.get("/api/calls/one")
        assert (status, call["end"]["reason"]) == (200, "local_hangup")


async def test_a_wrong_threshold_is_refused_at_its_key_and_a_right_one_holds(
    tmp_path: Path,
) -> None:
    """Nothing of a refused change holds; a good one holds in the engine, and can be undone."""
    async with running(folder=tmp_path) as it:
        form = (await it.get("/api/thresholds"))[1]
        asked = {"changes": {"barge_in.min_ms": 40}, "revision": form["revision"]}
        checked = (await it.post("/api/thresholds/check", asked))[1]
        assert [problem["key"] for problem in checked["problems"]] == ["barge_in.min_ms"]
        assert "below candidate_ms" in checked["problems"][0]["rule"]
        status, refused = await it.post("/api/thresholds/apply", asked)
        assert (status, refused["error"]["problems"]) == (422, checked["problems"])
        assert it.engine.config.barge_in.min_ms == 140
        asked["changes"]["barge_in.min_ms"] = 200
        status, applied = await it.post("/api/thresholds/apply", asked)
        assert status == 200, applied
        assert it.engine.config.barge_in.min_ms == 200
        assert (await it.post("/api/thresholds/apply", asked))[0] == 409
        undo = {"id": applied["change"]["id"]}
        status, undone = await it.post("/api/thresholds/undo", undo)
        assert (status, undone["change"]["undoes"]) == (200, undo["id"])
        assert it.engine.config.barge_in.min_ms == 140
        history = (await it.get("/api/thresholds/history"))[1]["history"]
        assert [change["id"] for change in history] == [undone["change"]["id"], undo["id"]]


async def test_the_page_calls_through_the_desk_itself() -> None:
    """The engine sees a call of a web page; another page can't call, nor one without a login."""
    async with running("token_env: T", {"T": TOKEN}) as it:
        host, _, port = it.url.removeprefix("http://").rpartition(":")
        address = (host, int(port))
        with pytest.raises(InvalidStatus):
            async with BrowserPeer.connect(
                address, path="/phone/call", origin="http://evil.example"
            ):
                pass
        header = {"Authorization": f"Bearer {TOKEN}"}
        async with connect(
            f"ws://{host}:{port}/phone/call",
            additional_headers=header,
            subprotocols=["voxgate.browser.v1"],  # type: ignore[list-item]
        ) as page:
            await page.send('{"type": "start", "rate_hz": 16000}')
            ready = json.loads(await page.recv())
            assert ready["type"] == "ready"
            assert it.observer.started[0].line == "browser"
            await page.send(bytes(640))
            it.providers[ready["call_id"]].speak(bytes(3200))
            assert len(await page.recv()) == 640
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            calls = (await it.get("/api/calls", **bearer))[1]["calls"]
            assert [(call["line"], call["call_id"]) for call in calls] == [
                ("browser", ready["call_id"])
            ]
        async with asyncio.timeout(GUARD_S):
            while it.engine.running_calls:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert it.observer.ended[0].reason == "caller_hangup"


async def test_a_port_that_is_taken_costs_no_call() -> None:
    """The log says so, and the engine runs without a desk."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        it = Running("", {}, None)
        it.engine = AIEngine(parse_config(f"desk: {{port: {port}}}", "test.yaml", {}).config)
        it.desk = DeskService(it.engine)
        with capture_logs() as logged:
            await it.desk.start()
            await it.desk.stop()
    assert [line["event"] for line in logged] == ["desk.not_started"]
    assert f"127.0.0.1:{port}: can't listen" in logged[0]["error"]
    assert it.desk.notices == ()


async def test_without_its_packages_the_desk_says_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Calls are served all the same."""
    monkeypatch.setitem(sys.modules, "voxgate.observe.desk.desk", None)
    desk = DeskService(AIEngine(parse_config("desk: {port: 0}", "test.yaml", {}).config))
    with capture_logs() as logged:
        await desk.start()
        await desk.stop()
    assert [(line["event"], line["hint"]) for line in logged] == [
        ("desk.packages_missing", "pip install 'voxgate[desk]'")
    ]


async def test_a_desk_that_is_off_does_nothing() -> None:
    """Not even ask for its packages."""
    it = Running("enabled: false", {}, None)
    await it.desk.start()
    assert (it.desk.notices, it.desk.url) == ((), None)
    await it.desk.stop()


async def test_serve_shows_the_desk_and_stops_with_a_watcher(tmp_path: Path) -> None:
    """As an operator starts it: its address stands below those of the lines."""
    text = "lines: {audiosocket: {port: 0}}\ndesk: {port: 0}\n"
    async with served(tmp_path, text, {}) as process:
        assert process.stdout is not None
        async with asyncio.timeout(GUARD_S):
            await process.stdout.readline()
            line = (await process.stdout.readline()).decode()
        assert line.startswith("desk listens on http://127.0.0.1:")
        url = line.split()[-1]
        async with connect(url.replace("http", "ws") + "live") as live:
            await message_of(live, "tick")
            process.terminate()
            async with asyncio.timeout(GUARD_S):
                assert await process.wait() == 0


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz",
        b"GET /assets/layout.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000,
    ],
    ids=["half a request", "half of the next", "answers that it does not fetch"],
)
async def test_a_connection_that_does_not_go_on_is_closed(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watcher, which says nothing either, is not."""
    monkeypatch.setattr(bounded_protocols, "REQUEST_TIMEOUT_S", 0.05)
    async with running() as it, it.live() as live:
        connections = it.desk._desk._server._server.server_state.connections  # type: ignore[union-attr]
        (watcher,) = connections
        host, port = it.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, port, limit=1)
        writer.write(sent)
        async with asyncio.timeout(GUARD_S):
            while connections == {watcher}:  # noqa: ASYNC110
                await asyncio.sleep(0)
            while connections != {watcher}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        writer.transport.abort()
        await message_of(live, "tick")


async def test_a_flood_of_frames_is_cut() -> None:
    """Six bytes of a ping cost us a hundred times what they cost its peer; others watch on."""
    async with running() as it, it.live() as live:
        host, port = it.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(
            b"GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        ping = b"\x89\x80\0\0\0\0"

        async def flood() -> None:
            while True:
                writer.write(1000 * ping)
                await writer.drain()

        with pytest.raises(ConnectionError):
            await flood()
        writer.transport.abort()
        async with asyncio.timeout(GUARD_S):
            while it.desk._desk.watchers != 1:  # type: ignore[union-attr]  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await message_of(live, "tick")


async def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is closed at once, and costs those that are there nothing."""
    monkeypatch.setattr(bounded_protocols, "MAX_CONNECTIONS", 1)
    async with running() as it, it.live() as live:
        await message_of(live, "hello")
        with pytest.raises(aiohttp.ClientConnectionError):
            await it.get("/healthz")
        await message_of(live, "tick")


async def test_work_is_done_in_another_process() -> None:
    """And ended with it, if it is taken back, fails or dies; the next one gets another."""
    worker = Worker()
    try:
        first = await worker.run(os.getpid)
        assert first != os.getpid()
        assert await worker.run(os.getpid) == first
        long = asyncio.create_task(worker.run(time.sleep, GUARD_S))
        await asyncio.sleep(0.05)
        assert worker.is_busy
        long.cancel()
        with pytest.raises(asyncio.CancelledError):
            await long
        second = await worker.run(os.getpid)
        assert second not in (first, os.getpid())
        with pytest.raises(WorkFailed, match="could not be done"):
            await worker.run(int, "no number")
        with pytest.raises(WorkFailed, match="process died"):
            await worker.run(os._exit, 1)
        assert await worker.run(os.getpid) not in (first, second)
    finally:
        worker.stop()


async def test_work_that_takes_too_long_is_ended() -> None:
    """The operator is told, and the process is gone."""
    worker = Worker(timeout_s=0.05)
    with pytest.raises(WorkFailed, match="too long"):
        await worker.run(time.sleep, GUARD_S)
    worker.stop()
