"""``voxgate serve`` as Prometheus, an orchestrator and a collector of traces see it."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from pathlib import Path

import aiohttp
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from support.audiosocket_peer import AUDIO, HANGUP, AudioSocketPeer
from support.otlp_collector import OtlpCollector
from support.served_process import GUARD_S, address_in, served

_OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def config(endpoint: str) -> str:
    return f"""\
lines: {{audiosocket: {{port: 0}}}}
engine: {{max_calls: 1}}
desk: {{port: 0}}
tracing: {{enabled: true, endpoint: "{endpoint}", headers_env: OTLP_HEADERS}}
"""


async def desk_of(process: Process) -> str:
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert line.startswith("desk listens on http://127.0.0.1:"), line
    return line.split()[-1].rstrip("/")


async def sample(http: aiohttp.ClientSession, desk: str, name: str, **labels: str) -> float:
    """Return one sample of a scrape as Prometheus makes it."""
    async with http.get(f"{desk}/metrics", headers=_OPENMETRICS) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/openmetrics-text"
        text = await answer.text()
    (value,) = (
        each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if each.name == name and labels.items() <= each.labels.items()
    )
    return float(value)


async def ready(http: aiohttp.ClientSession, desk: str) -> tuple[int, str]:
    async with http.get(f"{desk}/readyz") as answer:
        return answer.status, (await answer.json())["status"]


async def test_it_is_seen_from_its_start_to_its_end(tmp_path: Path) -> None:
    """Ready, full, draining and never dead; the call is counted, and its trace arrives."""
    environ = {"OTLP_HEADERS": "x-team=voice"}
    with OtlpCollector.running() as collector:
        async with (
            asyncio.timeout(GUARD_S),
            served(tmp_path, config(collector.endpoint), environ) as process,
            aiohttp.ClientSession() as http,
        ):
            address = await address_in(process, "audiosocket")
            desk = await desk_of(process)
            assert await ready(http, desk) == (200, "ready")
            peer = await AudioSocketPeer.connect(address)
            await peer.send(AUDIO, bytes(320))
            await peer.read_audio(5)
            assert await ready(http, desk) == (503, "full")
            running = {"line": "audiosocket", "provider": "embedded"}
            assert await sample(http, desk, "voxgate_calls_running", **running) == 1
            process.send_signal(signal.SIGTERM)
            while (await ready(http, desk))[1] != "draining":  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
            async with http.get(f"{desk}/healthz") as answer:
                assert answer.status == 200
            phase = await sample(http, desk, "voxgate_engine_phase", phase="draining")
            assert phase == 1
            await peer.send(HANGUP)
            await process.wait()
            peer.hang_up()
            assert process.returncode == 0
    (call,) = collector.named("call")
    assert call.attributes["voxgate.end_reason"] == "caller_hangup"
    assert {headers["x-team"] for headers in collector.headers} == {"voice"}
