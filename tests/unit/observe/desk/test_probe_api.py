"""What machines ask the desk."""

from __future__ import annotations

from prometheus_client.core import Metric

from support.asgi_client import application, ask
from voxgate.config.models import AppConfig
from voxgate.engine import AIEngine
from voxgate.observe.desk.probe_api import ProbeApi
from voxgate.observe.metrics_page import MetricsPage


class Metrics:
    """Says in which form it was asked."""

    def snapshot(self) -> tuple[Metric, ...]:
        return ()

    @staticmethod
    def write(snapshot: tuple[Metric, ...], accept: str = "") -> MetricsPage:
        return MetricsPage(f"{accept} {snapshot}".encode(), "text/plain; version=0.0.4")


async def test_an_engine_that_does_not_run_is_alive_and_not_ready() -> None:
    """So that it is neither ended nor sent calls."""
    app = application(ProbeApi(AIEngine(AppConfig()), None).routes())
    alive, ready = await ask(app, "/healthz"), await ask(app, "/readyz")
    assert (alive.status, alive.json["status"]) == (200, "alive")
    assert (ready.status, ready.json["status"]) == (503, "starting")


async def test_metrics_come_in_the_form_that_is_asked_for() -> None:
    """Where somebody counts."""
    engine = AIEngine(AppConfig())
    app = application(ProbeApi(engine, Metrics()).routes())
    page = await ask(app, "/metrics", headers={"accept": "application/openmetrics-text"})
    assert page.body == b"application/openmetrics-text ()"
    assert page.headers["content-type"] == "text/plain; version=0.0.4"
    none = await ask(application(ProbeApi(engine, None).routes()), "/metrics")
    assert none.status == 404
