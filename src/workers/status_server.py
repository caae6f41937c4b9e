"""Answers on the desk's port for all workers: health, metrics, and where their desks are.

Invariant: what is asked here waits for a worker no longer than its bound, and nothing of a call is
told.
"""

from __future__ import annotations

__all__ = ["StatusServer"]

import asyncio

from prometheus_client import CollectorRegistry, ProcessCollector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..observe.desk.desk import make_application
from ..observe.desk.guard import Guard, session_cookie_name
from ..observe.desk.login import Login
from ..observe.desk.server import DeskServer
from ..observe.health import HealthAnswer
from ..observe.metrics_page import write_page
from .merged_metrics import labelled, merged_pages
from .messages import SHOW_METRICS, SHOW_OPEN_METRICS
from .status import alive_answer, crew_metrics, ready_answer
from .supervisor import Supervisor

_OPEN_METRICS = "application/openmetrics-text"
_PARENT = 0
"""Number of the parent in the label ``worker`` of its own process's metrics."""


class StatusServer:
    """Serves probes and metrics of all workers.

    Args:
        supervisor: Who has them.
        token: What ``/metrics`` asks for; None: nothing.
    """

    def __init__(self, supervisor: Supervisor, token: str | None) -> None:
        config = supervisor.held.config.desk
        self._supervisor = supervisor
        self._port = config.port
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._asking = asyncio.Lock()
        guard = Guard(
            make_application(
                [
                    Route("/", self._desks),
                    Route("/healthz", self._alive),
                    Route("/readyz", self._ready),
                    Route("/metrics", self._metrics),
                ]
            ),
            login=Login(token, session_ms=1.0),
            allowed_hosts=config.allowed_hosts,
            cookie_name=session_cookie_name(config.port),
        )
        self._server = DeskServer(guard, host=config.host, port=config.port)

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port that it listens on; None while it does not."""
        return self._server.address

    async def start(self) -> None:
        """Listen.

        Raises:
            TransportError: the address can't be bound.
        """
        await self._server.start()

    async def stop(self) -> None:
        """Stop to listen. Idempotent."""
        await self._server.stop()

    async def _desks(self, request: Request) -> Response:
        del request
        lines = ["Each worker has a desk of its own, for its calls:", *self._supervisor.notices()]
        return PlainTextResponse("\n".join(lines) + "\n")

    async def _alive(self, request: Request) -> Response:
        del request
        return _response(alive_answer(self._supervisor.crew))

    async def _ready(self, request: Request) -> Response:
        del request
        return _response(ready_answer(self._supervisor.crew, self._supervisor.now_ms))

    async def _metrics(self, request: Request) -> Response:
        accept = request.headers.get("accept", "")
        is_open = _OPEN_METRICS in accept
        async with self._asking:  # a worker's answer is for whoever asked last
            pages = await self._supervisor.pages(SHOW_OPEN_METRICS if is_open else SHOW_METRICS)
        own = (
            *crew_metrics(self._supervisor.crew),
            *labelled(self._registry.collect(), _PARENT),
        )
        page = write_page(own, _OPEN_METRICS if is_open else "")
        # One that was asked for in another form, and comes only now, would be half of both.
        texts = [each["page"] for each in pages if each["content_type"] == page.content_type]
        text = merged_pages([*texts, page.body.decode()])
        return Response(text, headers={"content-type": page.content_type})


def _response(answer: HealthAnswer) -> Response:
    return Response(answer.body, answer.status, headers={"content-type": answer.content_type})
