"""The file is read anew when somebody asks, or when it has changed; nothing stops for it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import watchfiles
from structlog.testing import capture_logs

from voxgate.config.models import AppConfig, EngineConfig, LogLevel
from voxgate.config.reload_rules import KeyChange, changes_between
from voxgate.errors import ConfigError, ConfigProblem
from voxgate.observe import config_reloads
from voxgate.observe.config_history import ConfigChange
from voxgate.observe.config_reloads import ConfigReloads


class StandInKeeper:
    """Says what a test says of the next readings."""

    def __init__(self, **engine: Any) -> None:
        self.config = AppConfig(engine=EngineConfig(**engine))
        self.is_started = False
        self.is_in_step = True
        self.asked: asyncio.Queue[str] = asyncio.Queue()
        self.answers: list[ConfigChange | Exception | None] = []
        self.listeners: list[Callable[[AppConfig, ConfigChange], None]] = []

    def add_listener(self, listener: Callable[[AppConfig, ConfigChange], None]) -> None:
        self.listeners.append(listener)

    async def start(self) -> None:
        self.is_started = True

    async def reload(self, who: str) -> ConfigChange | None:
        self.asked.put_nowait(who)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def take(self, **engine: Any) -> None:
        """Let something else hold, and tell of it."""
        old = self.config
        self.config = replace(old, engine=replace(old.engine, **engine))
        change = changed(*changes_between(old, self.config))
        for listener in self.listeners:
            listener(self.config, change)


def changed(*keys: KeyChange, overridden: tuple[str, ...] = ()) -> ConfigChange:
    return ConfigChange(
        id="4",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        who="file",
        keys=keys,
        is_saved=True,
        overridden=overridden,
    )


class Folder:
    """A folder in which something happens when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.happened: asyncio.Queue[None] = asyncio.Queue()
        self.watched: list[tuple[Path, ...]] = []
        self.looked = asyncio.Event()
        self.is_watched = False
        self.error: OSError | None = None
        monkeypatch.setattr(watchfiles, "awatch", self._watch)
        monkeypatch.setattr(config_reloads, "_SETTLE_S", 0.0)

    async def _watch(self, *paths: Path, **options: object) -> AsyncIterator[set[object]]:
        if self.error is not None:
            raise self.error
        self.watched.append(paths)
        self.is_watched = True
        try:
            while True:
                self.looked.set()
                await self.happened.get()
                yield set()
        finally:
            self.is_watched = False

    async def happen(self) -> None:
        """Let something happen, and wait until it was looked at."""
        await self.looked.wait()
        self.looked.clear()
        self.happened.put_nowait(None)
        await self.looked.wait()


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Folder:
    return Folder(monkeypatch)


def written(path: Path, text: str = "a: 1\n") -> Path:
    path.write_text(text)
    return path


async def started(keeper: StandInKeeper, path: Path | None = None) -> ConfigReloads:
    reloads = ConfigReloads(keeper, path)  # type: ignore[arg-type]
    await reloads.start()
    assert keeper.is_started
    return reloads


async def logged(event: str, logs: list[Any]) -> Any:
    """Wait for a log event, and return it."""
    while not (found := [log for log in logs if log["event"] == event]):  # noqa: ASYNC110
        await asyncio.sleep(0)
    return found[-1]


async def test_a_signal_has_the_file_read_and_is_always_answered(folder: Folder) -> None:
    """With what changed, with nothing, or with everything that is wrong."""
    keeper = StandInKeeper()
    keys = changes_between(AppConfig(), AppConfig(engine=EngineConfig(max_calls=7)))
    problems = [ConfigProblem(key=key, value="5", rule="is wrong", source="a.yaml") for key in "xy"]
    reloads = await started(keeper)
    try:
        keeper.answers = [changed(*keys, overridden=("vad.x",)), None]
        for expected in (["engine.max_calls"], []):
            with capture_logs() as logs:
                os.kill(os.getpid(), signal.SIGHUP)
                log = await logged("config.reloaded", logs)
            assert (log["who"], log["keys"]) == ("SIGHUP", expected)
            assert log.get("id") == ("4" if expected else None)
            assert log["overridden"] == (["vad.x"] if expected else [])
        keeper.answers = [ConfigError(problems), ZeroDivisionError()]
        with capture_logs() as logs:
            os.kill(os.getpid(), signal.SIGHUP)
            log = await logged("config.reload_refused", logs)
            assert log["problems"] == [str(problem) for problem in problems]
            os.kill(os.getpid(), signal.SIGHUP)
            await logged("config.reload_failed", logs)
        assert reloads.refused == 1
    finally:
        await reloads.stop()
    assert not folder.watched, "there is no file"
    assert list(reloads.notices) == []


async def test_a_file_that_has_changed_is_read(tmp_path: Path, folder: Folder) -> None:
    """Something else in its folder is looked at, and not read for."""
    keeper = StandInKeeper()
    path = written(tmp_path / "agent.yaml")
    reloads = await started(keeper, path)
    await folder.happen()
    assert keeper.asked.empty()
    written(path, "a: 22\n")
    with capture_logs() as logs:
        await folder.happen()
        assert await keeper.asked.get() == "file"
    assert logs == [], "nothing differed"
    assert folder.watched == [(tmp_path,)]
    await reloads.stop()
    await reloads.stop()
    assert not folder.is_watched


async def test_a_file_that_changed_while_voxgate_was_starting_is_read(
    tmp_path: Path, folder: Folder
) -> None:
    """At the first look, though it is as it was then."""
    keeper = StandInKeeper()
    keeper.is_in_step = False
    reloads = await started(keeper, written(tmp_path / "agent.yaml"))
    await folder.happen()
    assert await keeper.asked.get() == "file"
    await reloads.stop()


async def test_a_link_that_leads_elsewhere_is_followed(tmp_path: Path, folder: Folder) -> None:
    """The folders that are watched are those of now."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "agent.yaml").write_text(f"a: {name}\n")
    path = tmp_path / "agent.yaml"
    path.symlink_to(tmp_path / "one" / "agent.yaml")
    keeper = StandInKeeper()
    reloads = await started(keeper, path)
    await folder.looked.wait()
    path.unlink()
    path.symlink_to(tmp_path / "two" / "agent.yaml")
    await folder.happen()
    assert await keeper.asked.get() == "file"
    assert folder.watched == [(tmp_path, tmp_path / "one"), (tmp_path, tmp_path / "two")]
    await reloads.stop()


async def test_whether_the_file_is_followed_can_be_changed(tmp_path: Path, folder: Folder) -> None:
    """What has changed meanwhile is found."""
    keeper = StandInKeeper(reload_on_change=False)
    reloads = await started(keeper, written(tmp_path / "agent.yaml"))
    assert not folder.watched
    keeper.take(reload_on_change=True)
    await folder.happen()
    assert await keeper.asked.get() == "file"
    keeper.take(reload_on_change=False)
    while folder.is_watched:  # noqa: ASYNC110 - until it was noticed
        await asyncio.sleep(0)
    keeper.take(max_calls=5)
    assert len(folder.watched) == 1
    await reloads.stop()


async def test_a_folder_that_cannot_be_watched_is_told(tmp_path: Path, folder: Folder) -> None:
    """Signals are still heard."""
    folder.error = OSError(28, "inotify watch limit reached")
    keeper = StandInKeeper()
    with capture_logs() as logs:
        reloads = await started(keeper, written(tmp_path / "agent.yaml"))
        log = await logged("config.watch_failed", logs)
    assert "limit" in log["error"]
    os.kill(os.getpid(), signal.SIGHUP)
    assert await keeper.asked.get() == "SIGHUP"
    await reloads.stop()


async def test_without_its_package_the_file_is_not_watched_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to install."""
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with capture_logs() as logs:
        reloads = await started(StandInKeeper(), written(tmp_path / "agent.yaml"))
        log = await logged("config.watch_failed", logs)
    assert "pip install 'voxgate[server]'" in log["hint"]
    await reloads.stop()


async def test_the_log_follows_at_once(monkeypatch: pytest.MonkeyPatch, folder: Folder) -> None:
    """Level and form; another key leaves it alone."""
    told: list[tuple[object, ...]] = []
    monkeypatch.setattr(config_reloads, "set_up_logging", lambda *given: told.append(given))
    keeper = StandInKeeper()
    reloads = await started(keeper)
    keeper.take(max_calls=5)
    assert told == []
    keeper.take(log_level=LogLevel.DEBUG)
    assert told == [(LogLevel.DEBUG, keeper.config.engine.log_format)]
    await reloads.stop()
    assert not folder.watched
