"""Everything that an operator sees, as ``voxgate serve`` makes it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from voxgate.config.load import load_config
from voxgate.engine import AIEngine
from voxgate.observe.metrics_catalog import METRICS
from voxgate.observe.operations import Operations

GUARD_S = 120.0

_CONFIG = """
lines: {audiosocket: {port: 0}}
desk: {port: 0}
realtime_server: {port: 0}
tracing: {enabled: true, endpoint: "http://127.0.0.1:9/v1/traces"}
recording: {calls: all, folder: "%s"}
"""


@pytest.mark.timeout(GUARD_S)
async def test_every_part_starts_and_stops_with_a_real_engine(tmp_path: Path) -> None:
    """None fails, and all that they count is on the page, a wrong value at the desk included: a
    part that was renamed would show."""
    path = tmp_path / "ai-agent.yaml"
    path.write_text(_CONFIG % (tmp_path / "calls"), encoding="utf-8")
    engine = AIEngine(load_config(path), environ={})
    operations = Operations(engine, config_path=path, environ={})
    with capture_logs() as logged:
        try:
            await operations.start()
            await engine.start()
            (notice,) = operations.notices
            desk = notice.split()[-1].rstrip("/")
            async with asyncio.timeout(GUARD_S), aiohttp.ClientSession() as http:
                async with http.get(f"{desk}/readyz") as answer:
                    assert (await answer.json())["status"] == "ready"
                async with http.get(f"{desk}/api/thresholds") as answer:
                    revision = (await answer.json())["revision"]
                wrong = {"changes": {"barge_in.min_ms": -1}, "revision": revision}
                async with http.post(f"{desk}/api/thresholds/apply", json=wrong) as answer:
                    assert answer.status == 422
                async with http.get(f"{desk}/metrics") as answer:
                    page = await answer.text()
        finally:
            await engine.stop()
            await operations.stop()
    assert [line for line in logged if line["log_level"] in {"warning", "error"}] == []
    families = {family.name: family for family in text_string_to_metric_families(page)}
    assert {name for name in families if name.startswith("voxgate_")} == {
        spec.full_name.removesuffix("_total") for spec in METRICS.values()
    }
    for name, outcomes in {
        "trace_spans": {"exported", "lost"},
        "recordings": {"begun", "cut", "failed"},
    }.items():
        samples = families[f"voxgate_{name}"].samples
        assert {sample.labels["outcome"]: sample.value for sample in samples} == dict.fromkeys(
            outcomes, 0.0
        )
    changes = families["voxgate_config_changes"].samples
    assert {(each.labels["source"], each.labels["outcome"]): each.value for each in changes} == {
        ("file", "applied"): 0,
        ("file", "refused"): 0,
        ("desk", "applied"): 0,
        ("desk", "refused"): 1,
    }
    assert operations.notices == ()
