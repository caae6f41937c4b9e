"""The configuration's file is changed under ``voxgate serve`` while a call runs.

Nothing here depends on when something happens: each step waits for what the log says.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from support.served_process import GUARD_S, address_in, served
from support.telephone import Telephone, spoken

LOUDEST = 32_767
"""As an energy threshold: no frame reaches it, so the gate never opens over the agent."""


def configuration(energy_threshold: int, *, more: str = "", follows: bool = True) -> str:
    return f"""\
engine:
  log_format: json
  log_level: debug
  reload_on_change: {json.dumps(follows)}  # the file, not the signal
lines:
  audiosocket: {{port: 0}}
desk: {{enabled: false}}
gating:
  providers:
    openai_realtime:
      mode: vad
      energy_threshold: {energy_threshold}
{more}"""


def put(path: Path, text: str) -> None:
    """Put a text in a file's place at once, as careful editors do."""
    spare = path.with_name(f"{path.name}~")
    spare.write_text(text, encoding="utf-8")
    spare.replace(path)


class Log:
    """What a process has logged so far, and what it is about to."""

    def __init__(self, process: Process) -> None:
        self.events: list[dict[str, Any]] = []
        self._more = asyncio.Condition()
        self._process = process

    async def read(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                async with self._more:
                    self.events.append(event)
                    self._more.notify_all()

    def names(self, first: int = 0) -> list[str]:
        return [event["event"] for event in self.events[first:]]

    async def wait_for(self, name: str, first: int = 0) -> dict[str, Any]:
        """Return the first event of a name from a position on, once it is there."""
        async with asyncio.timeout(GUARD_S), self._more:
            await self._more.wait_for(lambda: name in self.names(first))
            return self.events[self.names(first).index(name) + first]


async def interrupt_for_ever(phone: Telephone) -> None:
    """Speak into whatever the agent says, with pauses in which it is answered."""
    while True:
        await phone.say_to_the_end(spoken("stop"))
        await asyncio.sleep(0.7)


@asynccontextmanager
async def in_a_call(folder: Path, text: str) -> AsyncIterator[tuple[Process, Log]]:
    """Serve a configuration, and have somebody talk into every word of the agent."""
    async with served(folder, text, {}) as process:
        log = Log(process)
        reading = asyncio.create_task(log.read())
        try:
            async with asyncio.timeout(GUARD_S):
                address = await address_in(process, "audiosocket")
            async with Telephone.calling(address) as phone:
                talking = asyncio.create_task(interrupt_for_ever(phone))
                try:
                    yield process, log
                    assert "call.ended" not in log.names(), "the call goes on whatever happens"
                finally:
                    talking.cancel()
                    await asyncio.wait([talking])
            await log.wait_for("call.ended")
            assert log.names().count("call.started") == 1
        finally:
            reading.cancel()
            await asyncio.wait([reading])


async def hear_the_agent_out(log: Log) -> None:
    """Wait until the agent has begun to speak and was not to be interrupted."""
    first = len(log.events)
    await log.wait_for("gate.closed", first)
    await log.wait_for("gate.opened", first)
    assert "gate.barge_in_committed" not in log.names()


@pytest.mark.parametrize("by", ["signal", "change"])
async def test_a_call_follows_new_thresholds_and_what_is_refused_changes_nothing(
    tmp_path: Path, by: str
) -> None:
    """The gate can't be opened, is not by files that are refused as a whole, and is by the last.

    One of them is wrong, and one has a key that needs a restart beside the threshold.
    """
    path, follows = tmp_path / "agent.yaml", by == "change"

    def bring(process: Process, text: str) -> None:
        put(path, text)
        if not follows:
            process.send_signal(signal.SIGHUP)

    async with in_a_call(tmp_path, configuration(LOUDEST, follows=follows)) as (process, log):
        bring(process, configuration(40_000, more="nonsense: 1\n", follows=follows))
        refused = await log.wait_for("config.reload_refused")
        assert [problem.partition(":")[0] for problem in refused["problems"]] == [
            "gating.providers.openai_realtime.energy_threshold",
            "nonsense",
        ]
        first = len(log.events)
        text = configuration(100, follows=follows)
        bring(process, text.replace("{port: 0}", "{port: 0, max_connections: 9}"))
        refused = await log.wait_for("config.reload_refused", first)
        (problem,) = refused["problems"]
        assert problem.startswith("lines.audiosocket.max_connections: 9 ")
        assert "it is 200" in problem
        assert "restart voxgate" in problem
        assert problem.endswith(f"({path}:6)")
        await hear_the_agent_out(log)
        first = len(log.events)
        bring(process, text)
        reloaded = await log.wait_for("config.reloaded", first)
        assert reloaded["keys"] == ["gating.providers.openai_realtime.energy_threshold"]
        assert reloaded["who"] == ("file" if follows else "SIGHUP")
        await log.wait_for("gate.barge_in_committed", first)


async def test_a_mounted_configuration_is_followed_when_its_link_is_swapped(
    tmp_path: Path,
) -> None:
    """As Kubernetes does with a ConfigMap: the file is a link into a folder that is one too."""
    for name, threshold in (("..v1", LOUDEST), ("..v2", 100)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "agent.yaml").write_text(configuration(threshold))
    (tmp_path / "..data").symlink_to("..v1")
    (tmp_path / "agent.yaml").symlink_to("..data/agent.yaml")
    async with in_a_call(tmp_path, configuration(LOUDEST)) as (_, log):
        (tmp_path / "..data_tmp").symlink_to("..v2")
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")
        reloaded = await log.wait_for("config.reloaded")
        assert reloaded["keys"] == ["gating.providers.openai_realtime.energy_threshold"]
        await log.wait_for("gate.barge_in_committed")
        names = log.names()
        assert names.index("config.reloaded") < names.index("gate.barge_in_committed")


async def test_what_the_environment_sets_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file changes it in vain, and that is told; the log's level is followed at once."""
    key = "VOXGATE__GATING__PROVIDERS__OPENAI_REALTIME__ENERGY_THRESHOLD"
    monkeypatch.setenv(key, str(LOUDEST))
    async with in_a_call(tmp_path, configuration(LOUDEST)) as (process, log):
        first = len(log.events)
        put(tmp_path / "agent.yaml", configuration(100).replace("debug", "info"))
        reloaded = await log.wait_for("config.reloaded", first)
        assert reloaded["keys"] == ["engine.log_level"]
        assert reloaded["overridden"] == ["gating.providers.openai_realtime.energy_threshold"]
        history = (tmp_path / "agent.yaml.history.jsonl").read_text().splitlines()
        assert [json.loads(line)["who"] for line in history] == ["file"]
        second = len(log.events)
        process.send_signal(signal.SIGHUP)
        assert (await log.wait_for("config.reloaded", second))["keys"] == []
        await hear_the_agent_out(log)
        assert "debug" not in {event["level"] for event in log.events[second:]}
