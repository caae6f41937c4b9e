"""The desk of one engine: its parts, wired, behind one server.

Invariant: what is made here watches the engine and is asked by pages; nothing of it is asked by a
call.
"""

from __future__ import annotations

__all__ = ["Desk", "make_application"]

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from ...core.config import ProviderGatingPolicy
from ...engine import AIEngine
from .broadcast import Broadcast
from .call_api import CallApi
from .call_roster import CallRoster
from .config_api import ConfigApi, Keeper
from .feed_messages import hello_message
from .guard import Guard, failure, session_cookie_name
from .lateness import INTERVAL_S, Lateness
from .live_socket import LiveSocket
from .login import Login
from .overview_api import OverviewApi
from .page_files import PageFiles, load_page_files
from .phone_relay import PhoneRelay
from .probe_api import Metrics, ProbeApi
from .recording_api import RecordingApi
from .refusal import Refusal
from .server import DeskServer
from .session_api import SessionApi
from .threshold_form import threshold_form
from .worker import Worker

_HOUR_MS = 3_600_000.0


class Desk:
    """Watches an engine and serves its page.

    Args:
        engine: Not yet started.
        token: What opens the desk; None where it stands open.
        keeper: Of the configuration; None where nobody keeps it.
        metrics: Of the engine; None where nobody counts.
        environ: Where the key of encrypted recordings is.
    """

    def __init__(
        self,
        engine: AIEngine,
        *,
        token: str | None,
        keeper: Keeper | None,
        metrics: Metrics | None,
        environ: Mapping[str, str],
    ) -> None:
        config = engine.config.desk
        self._engine = engine
        self._roster = CallRoster()
        self._broadcast = Broadcast(engine, self._roster, self._policy_of)
        self._lateness = Lateness()
        self._worker = Worker()
        self._live = LiveSocket(self._broadcast, max_watchers=config.max_watchers)
        self._phone = PhoneRelay(engine) if config.phone else None
        self._looking: asyncio.Task[None] | None = None
        recording = engine.config.recording
        thresholds = ConfigApi(keeper, engine.config)
        self._recordings = RecordingApi(
            recording.root if recording.is_on else None, thresholds, self._worker, environ
        )
        session_ms = config.session_hours * _HOUR_MS
        login = Login(token, session_ms=session_ms)
        cookie_name = session_cookie_name(config.port)
        overview = OverviewApi(
            engine,
            self._roster,
            keeper=keeper,
            lateness=self._lateness,
            has_phone=self._phone is not None,
        )
        session = SessionApi(login, cookie_name=cookie_name, session_s=session_ms / 1000)
        routes: list[BaseRoute] = [
            *PageFiles(load_page_files()).routes(),
            *session.routes(),
            *overview.routes(),
            *CallApi(engine, self._roster, self._recordings.recording_of).routes(),
            *thresholds.routes(),
            *self._recordings.routes(),
            *ProbeApi(engine, metrics).routes(),
            *self._live.routes(),
            *(() if self._phone is None else self._phone.routes()),
        ]
        guard = Guard(
            make_application(routes),
            login=login,
            allowed_hosts=config.allowed_hosts,
            cookie_name=cookie_name,
        )
        self._server = DeskServer(guard, host=config.host, port=config.port)

    @property
    def url(self) -> str | None:
        """Where a browser finds it, on this machine; None while it does not listen."""
        if self._server.address is None:
            return None
        host, port = self._server.address
        if host in ("0.0.0.0", "::"):  # noqa: S104 - compared only
            host = "127.0.0.1"
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    @property
    def watchers(self) -> int:
        """How many browser windows watch."""
        return self._broadcast.watchers

    async def start(self) -> None:
        """Watch the engine, and listen.

        Raises:
            TransportError: the address can't be bound.
        """
        # What the page is told of the code is read once, before there are calls: it takes a tenth
        # of a second.
        await asyncio.to_thread(self._read_help)
        self._engine.add_observer(self._roster)
        if self._phone is not None:
            await self._phone.start()
        await self._server.start()
        self._looking = asyncio.create_task(self._look(), name="desk clock")

    async def stop(self) -> None:
        """Let go whoever watches, end what is at work, and stop to listen. Idempotent."""
        self._engine.remove_observer(self._roster)
        if self._looking is not None:
            self._looking.cancel()
        self._recordings.stop()
        self._worker.stop()
        await self._live.stop()
        await self._server.stop()
        if self._phone is not None:
            await self._phone.stop()

    def _read_help(self) -> None:
        hello_message(0.0)
        threshold_form(self._engine.config, {})

    def _policy_of(self, provider: str) -> ProviderGatingPolicy | None:
        """Return how a provider is gated, by what is in force now."""
        return self._engine.manager.config.policy_for(provider)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            self._lateness.receive((loop.time() - due_s) * 1000)


def make_application(routes: list[BaseRoute]) -> Starlette:
    """Return what serves routes, and answers every error in one form."""
    return Starlette(
        routes=routes,
        exception_handlers={
            Refusal: _answer_refusal,
            HTTPException: _answer_http_error,
            Exception: _answer_failure,
        },
    )


async def _answer_refusal(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, Refusal), "nothing else is handed to it"  # noqa: S101
    return error.response()


async def _answer_http_error(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException), "nothing else is handed to it"  # noqa: S101
    if error.status_code == HTTPStatus.NOT_FOUND:
        return Refusal(404, "not_found", "There is nothing here.").response()
    headers = dict(error.headers or {})
    return Refusal(error.status_code, "bad_request", error.detail, headers=headers).response()


async def _answer_failure(request: Request, error: Exception) -> Response:
    """Answer for an error of ours, which comes on to the guard to be logged."""
    del request, error
    return failure().response()
