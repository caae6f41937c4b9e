"""The proxy: listens, connects each client to the provider, and relays between both.

Invariant: no path, query, header, subprotocol or message of either side gets into a log, as each
may hold a key or what was said; what one session meets with ends nothing but that session.
"""

from __future__ import annotations

__all__ = ["RealtimeProxy"]

import asyncio
import contextlib
import json
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp import web
from multidict import CIMultiDict

from ...clock import Clock, monotonic_ms
from ...config.realtime_proxy_model import RealtimeProxyConfig
from ...core.audio_gating_manager import AudioGatingManager
from ...core.gated_call import FailureMode
from .admission import Admission, Refusal, refusal_body
from .gated_session import GatedRealtimeSession
from .quiet_http import library_log, offering
from .relay import Ending, end_alike, relay
from .session_counters import SessionCounters
from .session_shape import SessionShape
from .upstream import RefusedUpstreamError, Upstream
from .upstream_request import is_transcription, upstream_request

_TICK_S = 0.1
"""How often time passes at the gates of clients that send nothing."""
_CLOSE_TIMEOUT_S = 2.0
"""How long a client may take to read what is left for it, and to answer a goodbye."""

_STATUSES: Mapping[Refusal, int] = {
    Refusal.FULL: 503,
    Refusal.PEER_FULL: 429,
    Refusal.DRAINING: 503,
    Refusal.UNREACHABLE: 502,
    Refusal.TIMEOUT: 504,
    Refusal.GONE: 499,  # nobody is there to read it
}
_NOT_HANDED_ON = frozenset(
    {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}
)
"""Headers of a refusal that were of the provider's connection; its body is handed on decoded."""

_log = structlog.get_logger(__name__)


class RealtimeProxy:
    """A WebSocket server that gates what its clients send to a Realtime provider.

    Args:
        config: Where to listen, where to connect, limits.
        manager: Decides for all sessions; one with the defaults if left out.
        upstream_tls: Whose certificates are trusted; those of the system if left out.
        ping_interval_s: How often either side is asked whether it is still there, in s; it gets
            half of that to answer.
        request_timeout_s: How long a connection may take to ask for something, in s.
        clock: Monotonic clock in ms.
    """

    def __init__(
        self,
        config: RealtimeProxyConfig,
        manager: AudioGatingManager | None = None,
        *,
        upstream_tls: ssl.SSLContext | None = None,
        ping_interval_s: float = 20.0,
        request_timeout_s: float = 10.0,
        clock: Clock = monotonic_ms,
    ) -> None:
        self.totals_ended: dict[str, int] = {}
        """Sessions that are over, by who ended them."""
        self.refused: dict[str, int] = {}
        """Clients that were not served, by the code of the refusal."""
        self.counters = SessionCounters()
        """Of all sessions that are over, together."""
        self._config = config
        self._upstream_host = urlsplit(config.upstream_url).hostname
        self._manager = AudioGatingManager() if manager is None else manager
        self._upstream_tls = upstream_tls
        self._ping_interval_s = ping_interval_s
        self._request_timeout_s = request_timeout_s
        self._clock = clock
        self._admission = Admission(config.max_sessions, config.max_sessions_per_peer)
        self._sessions: dict[asyncio.Task[Any], GatedRealtimeSession] = {}
        self._are_over = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._upstream: Upstream | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._address: tuple[str, int] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the proxy listens on.

        Raises:
            RuntimeError: it is not started.
        """
        if self._address is None:
            raise RuntimeError("the proxy is not started")
        return self._address

    @property
    def base_url(self) -> str:
        """What SDKs take as their base for OpenAI's API, ``ws://127.0.0.1:8190/v1``.

        Raises:
            RuntimeError: the proxy is not started.
        """
        host, port = self.address
        scheme = "ws" if self._config.certificate_file is None else "wss"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1"

    @property
    def running_sessions(self) -> int:
        """Sessions that run now, those that still connect included."""
        return self._admission.running

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address can't be bound, or a certificate file can't be read.
            ssl.SSLError: the certificate or its key is none.
        """
        tls = _server_tls(self._config)
        self._upstream = Upstream(
            tls=self._upstream_tls,
            ping_interval_s=self._ping_interval_s,
            max_message_bytes=self._config.max_message_bytes,
        )
        app = web.Application()
        app.router.add_get("/healthz", self._answer_health)
        app.router.add_get("/readyz", self._answer_ready)
        app.router.add_get("/metrics", self._answer_metrics)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=self._request_timeout_s,
            logger=library_log(),
            shutdown_timeout=0,
        )
        try:
            await self._runner.setup()
            site = web.TCPSite(self._runner, self._config.host, self._config.port, ssl_context=tls)
            await site.start()
        except BaseException:
            await self.stop()
            raise
        host, port = self._runner.addresses[0][:2]
        self._address = (str(host), int(port))
        self._ticker = asyncio.create_task(self._tick(), name="proxy ticker")
        _log.info("proxy.started", host=host, port=port, has_tls=tls is not None)

    async def drain(self, timeout_s: float) -> None:
        """Take nobody new, and wait for the sessions that run to end by themselves."""
        self._admission.is_draining = True
        _log.info("proxy.draining", running_sessions=self.running_sessions, timeout_s=timeout_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.running_sessions:
                    self._are_over.clear()
                    await self._are_over.wait()

    async def stop(self) -> None:
        """End every session with close code 1001, and listen no more; idempotent."""
        self._admission.is_draining = True
        ended = tuple(self._sessions)
        for task in ended:
            task.cancel()
        if ended:
            await asyncio.wait(ended)
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.wait({self._ticker})
        runner, self._runner, self._ticker = self._runner, None, None
        if runner is not None:
            await runner.cleanup()
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            await upstream.close()
            if self._address is not None:  # else it never listened
                _log.info("proxy.stopped", ended_sessions=len(ended))

    async def __aenter__(self) -> Self:
        """Start the proxy."""
        await self.start()
        return self

    async def __aexit__(self, *_exc_info: object) -> None:
        """Stop the proxy."""
        await self.stop()

    # -- what is asked beside sessions -------------------------------------------------------------

    async def _answer_health(self, _request: web.Request) -> web.Response:
        return self._told_state(200, "alive")

    async def _answer_ready(self, _request: web.Request) -> web.Response:
        if self._admission.is_draining:
            return self._told_state(503, "draining")
        if self.running_sessions >= self._config.max_sessions:
            return self._told_state(503, "full")
        return self._told_state(200, "ready")

    def _told_state(self, status: int, word: str) -> web.Response:
        told = {
            "status": word,
            "running_sessions": self.running_sessions,
            "max_sessions": self._config.max_sessions,
        }
        return web.Response(
            status=status, body=json.dumps(told).encode() + b"\n", content_type="application/json"
        )

    async def _answer_metrics(self, request: web.Request) -> web.Response:
        try:
            from .proxy_metrics import write_metrics
        except ModuleNotFoundError:
            hint = "pip install 'voxgate[desk]' brings prometheus-client, which writes metrics\n"
            return web.Response(status=501, text=hint)
        page, content_type = write_metrics(
            self.counters,
            [session.running_counters for session in self._sessions.values()],
            ended=self.totals_ended,
            refused=self.refused,
            accept=request.headers.get("Accept", ""),
        )
        return web.Response(body=page, headers={"Content-Type": content_type})

    # -- sessions ----------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(
                status=426, text="WebSockets only.\n", headers={"Upgrade": "websocket"}
            )
        if not web.WebSocketResponse().can_prepare(offering(request, None)):
            return web.Response(status=400, text="This is no WebSocket handshake.\n")
        peer = request.remote or ""
        refusal = self._admission.admit(peer)
        if refusal is not None:
            return self._refuse(refusal)
        try:
            return await self._connect(request)
        finally:
            self._admission.give_back(peer)
            self._are_over.set()

    def _refuse(self, refusal: Refusal, **told: Any) -> web.Response:
        self.refused[refusal] = self.refused.get(refusal, 0) + 1
        _log.warning("proxy.session_refused", reason=refusal.value, **told)
        return web.Response(
            status=_STATUSES[refusal],
            body=refusal_body(refusal),
            content_type="application/json",
        )

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        """Connect to the provider first, so that its refusal is the client's answer."""
        assert self._upstream is not None, "requests come only while the proxy runs"  # noqa: S101
        wanted = upstream_request(
            self._config.upstream_url, request.raw_path, request.headers.items()
        )
        try:
            async with asyncio.timeout(self._config.connect_timeout_s):
                upstream = await self._upstream.connect(wanted)
        except RefusedUpstreamError as refused:
            self.refused[Refusal.REFUSED] = self.refused.get(Refusal.REFUSED, 0) + 1
            _log.warning(
                "proxy.session_refused", reason=Refusal.REFUSED.value, status=refused.status
            )
            return _handed_on(refused)
        except TimeoutError:
            return self._refuse(Refusal.TIMEOUT, upstream_host=self._upstream_host)
        except (OSError, ValueError, aiohttp.ClientError):
            return self._refuse(Refusal.UNREACHABLE, upstream_host=self._upstream_host)
        try:
            client = self._client_socket(upstream.protocol)
            try:
                await client.prepare(offering(request, upstream.protocol))
            except ConnectionError:
                return self._refuse(Refusal.GONE)
            return await self._run(request, client, upstream)
        finally:
            await end_alike(upstream, Ending(by="proxy", code=1001))

    def _client_socket(self, subprotocol: str | None) -> web.WebSocketResponse[Any]:
        return web.WebSocketResponse(
            protocols=() if subprotocol is None else (subprotocol,),
            autoclose=False,
            heartbeat=self._ping_interval_s,
            max_msg_size=self._config.max_message_bytes,
            decode_text=False,
            compress=False,
            timeout=_CLOSE_TIMEOUT_S,
        )

    async def _run(
        self,
        request: web.Request,
        client: web.WebSocketResponse[Any],
        upstream: aiohttp.ClientWebSocketResponse[Any],
    ) -> web.StreamResponse:
        session_id = secrets.token_hex(8)
        session = GatedRealtimeSession(
            self._manager,
            session_id,
            on_failure=FailureMode(self._config.on_failure),
            shape=SessionShape(is_conversation=not is_transcription(request.raw_path)),
            now_ms=self._clock(),
        )
        task, transport = asyncio.current_task(), request.transport
        assert task is not None, "a handler runs in a task"  # noqa: S101
        self._sessions[task] = session
        began_ms = self._clock()
        _log.info("proxy.session_started", session_id=session_id)
        ending = Ending(by="proxy", code=1001)
        try:
            ending = await relay(client, upstream, session, clock=self._clock)
        except asyncio.CancelledError:
            await end_alike(client, ending)
            raise
        finally:
            del self._sessions[task]
            if transport is not None:  # a client that does not read is not waited for
                asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT_S, transport.abort)
            session.close()
            self._tell(session_id, session, ending, self._clock() - began_ms)
        return client

    def _tell(
        self, session_id: str, session: GatedRealtimeSession, ending: Ending, lasted_ms: float
    ) -> None:
        self.counters.add(session.counters)
        self.totals_ended[ending.by] = self.totals_ended.get(ending.by, 0) + 1
        if session.counters.gate_failures:
            _log.warning(
                "proxy.gate_failed",
                session_id=session_id,
                failures=session.counters.gate_failures,
                error=session.last_failure,
            )
        _log.info(
            "proxy.session_ended",
            session_id=session_id,
            by=ending.by,
            code=ending.code,
            lasted_ms=round(lasted_ms),
            counters={name: round(value) for name, value in asdict(session.counters).items()},
        )

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for session in tuple(self._sessions.values()):
                for _ in session.advance(self._clock()):
                    await asyncio.sleep(0)  # others have their turn


def _handed_on(refused: RefusedUpstreamError) -> web.Response:
    headers = CIMultiDict(
        (name, value)
        for name, value in refused.headers.items()
        if name.lower() not in _NOT_HANDED_ON
    )
    return web.Response(status=refused.status, body=refused.body, headers=headers)


def _server_tls(config: RealtimeProxyConfig) -> ssl.SSLContext | None:
    if config.certificate_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config.certificate_file, config.key_file)
    return context
