"""The desk's answers about recorded calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.asgi_client import Answer, application, ask
from support.desk_calls import ended, roster_with
from voxgate.config.models import AppConfig
from voxgate.core.config import BargeInConfig
from voxgate.errors import ConfigError, ConfigProblem
from voxgate.observe.desk.config_api import ConfigApi
from voxgate.observe.desk.recording_api import RecordingApi
from voxgate.observe.desk.recording_jobs import preview_job, report_job
from voxgate.observe.desk.worker import Worker, WorkFailed

NAME = "20261122T120000.123Z-one"
KEY = "barge_in.min_ms"


class Thresholds(ConfigApi):
    """Refuses one value."""

    def __init__(self) -> None:
        super().__init__(None, AppConfig())

    async def judged(self, changes: Mapping[str, Any]) -> AppConfig:
        value = changes.get(KEY, 140)
        if value == 30:
            problem = ConfigProblem(key=KEY, value="30", rule="is below", source="desk")
            raise ConfigError([problem])
        return replace(self.config, barge_in=BargeInConfig(min_ms=value))


class StubWorker(Worker):
    """Does nothing, and says what it was to do."""

    def __init__(self, outcome: Any = None) -> None:
        super().__init__()
        self.jobs: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self.outcome = outcome
        self.has_work = False

    @property
    def is_busy(self) -> bool:
        return self.has_work

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        self.jobs.append((function, args))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    call = tmp_path / NAME
    call.mkdir()
    (call / "trace.jsonl").write_text("{}\n", encoding="utf-8")
    (tmp_path / "other").mkdir()
    return tmp_path


def api_of(folder: Path | None, worker: Worker) -> RecordingApi:
    return RecordingApi(folder, Thresholds(), worker, {"VOXGATE_RECORDING_IDENTITY": "key"})


async def asked(api: RecordingApi, path: str, **more: Any) -> Answer:
    return await ask(application(api.routes()), path, **more)


async def test_recorded_calls_are_listed(folder: Path) -> None:
    """As their folders show them; whatever else lies there is not."""
    listed = (await asked(api_of(folder, StubWorker()), "/api/recordings")).json
    assert listed["state"] == "ready"
    (call,) = listed["recordings"]
    assert call == {
        "id": NAME,
        "call_id": "one",
        "started_at": "2026-11-22T12:00:00.123Z",
        "size_bytes": 3,
        "has_audio": False,
        "is_encrypted": False,
    }


async def test_where_nothing_is_recorded_the_desk_says_how_to() -> None:
    """For the list as for a preview."""
    api = api_of(None, StubWorker())
    listed = (await asked(api, "/api/recordings")).json
    assert (listed["state"], listed["recordings"]) == ("off", [])
    assert "section recording" in listed["message"]
    begun = await asked(api, "/api/preview", method="POST", body={"changes": {}})
    assert (begun.status, begun.error) == (503, "unavailable")
    assert (await asked(api, f"/recordings/{NAME}/report")).status == 404


async def test_a_report_is_made_by_the_worker_and_can_reach_nothing(folder: Path) -> None:
    """It has scripts of its own, and no rights."""
    worker = StubWorker("<!doctype html>report")
    answer = await asked(api_of(folder, worker), f"/recordings/{NAME}/report")
    assert (answer.status, answer.body) == (200, b"<!doctype html>report")
    assert worker.jobs == [(report_job, (folder / NAME, "key"))]
    policy = answer.headers["content-security-policy"]
    assert answer.headers["cross-origin-opener-policy"] == "unsafe-none"
    assert "sandbox allow-scripts" in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("name", ["other", "..", "%2e%2e", "20261122T120000.123Z-two"])
async def test_only_what_is_in_the_list_is_reported(folder: Path, name: str) -> None:
    """No path of a peer is ever opened."""
    worker = StubWorker()
    answer = await asked(api_of(folder, worker), f"/recordings/{name}/report")
    assert (answer.status, worker.jobs) == (404, [])


async def test_a_report_that_can_not_be_had_now_says_so(folder: Path) -> None:
    """Another one is being made, or it failed."""
    worker = StubWorker(WorkFailed("It took too long."))
    failed = await asked(api_of(folder, worker), f"/recordings/{NAME}/report")
    assert (failed.status, failed.error) == (503, "unavailable")
    worker.has_work = True
    busy = await asked(api_of(folder, worker), f"/recordings/{NAME}/report")
    assert (busy.status, busy.error, busy.headers["retry-after"]) == (503, "busy", "3")


async def test_a_preview_compares_the_change_with_what_is_in_force(folder: Path) -> None:
    """In the worker's process; the page asks until it is done."""
    worker = StubWorker({"calls": 1, "text": "with this setting, 1 of 2 decisions differ"})
    api = api_of(folder, worker)
    begun = await asked(
        api, "/api/preview", method="POST", body={"changes": {KEY: 300}, "minutes": 10**400}
    )
    assert (begun.status, begun.json["state"]) == (202, "running")
    for _ in range(3):
        await asyncio.sleep(0)
    path = f"/api/preview/{begun.json['id']}"
    done = (await asked(api, path)).json
    assert (done["state"], done["message"]) == ("done", worker.outcome["text"])
    ((function, (root, changed, against, minutes, identity)),) = worker.jobs
    assert (function, root, minutes, identity) == (preview_job, folder, 60.0, "key")
    assert (changed.barge_in.min_ms, against.barge_in.min_ms) == (300, 140)
    assert (await asked(api, path, method="DELETE")).status == 204
    api.stop()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"changes": []},
        {"changes": {}, "minutes": "ten"},
        {"changes": {}, "minutes": True},
        {"changes": {KEY: [1]}},
    ],
)
async def test_what_is_no_preview_is_refused(folder: Path, body: Any) -> None:
    """In words; nothing is begun."""
    worker = StubWorker()
    answer = await asked(api_of(folder, worker), "/api/preview", method="POST", body=body)
    assert (answer.status, answer.error, worker.jobs) == (400, "bad_request", [])


async def test_a_wrong_value_has_no_preview(folder: Path) -> None:
    """Its field says why; an unknown preview is not there."""
    worker = StubWorker()
    body = {"changes": {KEY: 30}}
    answer = await asked(api_of(folder, worker), "/api/preview", method="POST", body=body)
    assert (answer.status, answer.json["error"]["problems"][0]["key"]) == (422, KEY)
    assert worker.jobs == []
    assert (await asked(api_of(folder, worker), "/api/preview/p9")).status == 404


async def test_a_call_that_is_over_knows_its_recording(folder: Path) -> None:
    """By its id and its start; another call of that id has its own."""
    api = api_of(folder, StubWorker())
    roster = roster_with("one", "two")
    one, two = roster.running
    assert await api.recording_of(one) is None
    for call_id in ("one", "two"):
        roster.on_call_ended(ended(call_id))
    assert await api.recording_of(one) == NAME
    assert await api.recording_of(two) is None
    one.started_at += timedelta(minutes=1)
    assert await api.recording_of(one) is None
    assert await api_of(None, StubWorker()).recording_of(one) is None


async def test_a_slow_folder_keeps_one_thread(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many ask for it: the event loop has few, and calls look up names by them."""
    n_at_once = [0]
    most = 0

    async def to_thread(function: Callable[..., Any], *args: Any) -> Any:
        nonlocal most
        n_at_once[0] += 1
        most = max(most, n_at_once[0])
        await asyncio.sleep(0)
        n_at_once[0] -= 1
        return function(*args)

    monkeypatch.setattr(asyncio, "to_thread", to_thread)
    api = api_of(folder, StubWorker())
    answers = await asyncio.gather(*(asked(api, "/api/recordings") for _ in range(5)))
    assert [len(answer.json["recordings"]) for answer in answers] == [1] * 5
    assert most == 1
