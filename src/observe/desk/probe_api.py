"""What machines ask the desk: whether the engine is alive and ready, and its metrics.

Invariant: a probe is answered from what is known; it waits for nothing but its own writing out,
which a thread does.
"""

from __future__ import annotations

__all__ = ["Metrics", "ProbeApi"]

import asyncio
from typing import Protocol

from prometheus_client.core import Metric
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...engine import AIEngine
from ..health import HealthAnswer, answer_alive, answer_ready
from ..metrics_page import MetricsPage
from .refusal import Refusal


class Metrics(Protocol):
    """What the desk asks of whoever counts."""

    def snapshot(self) -> tuple[Metric, ...]:
        """Return all metrics as they are now."""

    @staticmethod
    def write(snapshot: tuple[Metric, ...], accept: str = "") -> MetricsPage:
        """Return a snapshot as a page; any thread may call it."""


class ProbeApi:
    """Serves probes.

    Args:
        engine: Who is probed.
        metrics: Of the same engine; None where nobody counts.
    """

    def __init__(self, engine: AIEngine, metrics: Metrics | None) -> None:
        self._engine = engine
        self._metrics = metrics
        self._writing = asyncio.Lock()

    def routes(self) -> list[Route]:
        """Return what is served."""
        return [
            Route("/healthz", self._alive),
            Route("/readyz", self._ready),
            Route("/metrics", self._page),
        ]

    async def _alive(self, request: Request) -> Response:
        del request
        return _response(answer_alive(self._engine))

    async def _ready(self, request: Request) -> Response:
        del request
        return _response(answer_ready(self._engine))

    async def _page(self, request: Request) -> Response:
        if self._metrics is None:
            raise Refusal(404, "not_found", "Nobody counts here.")
        accept = request.headers.get("accept", "")
        async with self._writing:  # by one thread, as calls of the engine need the others
            page = await asyncio.to_thread(self._metrics.write, self._metrics.snapshot(), accept)
        return Response(page.body, headers={"content-type": page.content_type})


def _response(answer: HealthAnswer) -> Response:
    return Response(answer.body, answer.status, headers={"content-type": answer.content_type})
