"""The metrics page tells of all sessions together."""

from __future__ import annotations

from dataclasses import fields

from prometheus_client.parser import text_string_to_metric_families

from voxgate.integrations.realtime_proxy.proxy_metrics import write_metrics
from voxgate.integrations.realtime_proxy.session_counters import SessionCounters


def test_running_and_ended_sessions_add_up() -> None:
    """Every counter is there once, times in seconds, and the counters given are not changed."""
    over = SessionCounters(client_events=10, silence_ms=1500.0)
    running = [SessionCounters(client_events=5, silence_ms=500.0), SessionCounters()]
    page, content_type = write_metrics(
        over, running, ended={"client": 3}, refused={"sessions_full": 2}, accept=""
    )
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }
    assert content_type.startswith("text/plain")
    assert samples["voxgate_proxy_running_sessions",] == 2
    assert samples["voxgate_proxy_client_events_total",] == 15
    assert samples["voxgate_proxy_silence_seconds_total",] == 2.0
    assert samples["voxgate_proxy_ended_sessions_total", "client"] == 3
    assert samples["voxgate_proxy_refused_sessions_total", "sessions_full"] == 2
    assert len(samples) == len(fields(SessionCounters)) + 5
    assert over.client_events == 10
