"""Tests of how the parts of a local agent are started and stopped."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.config.local_models import (
    ChatReplyConfig,
    LocalConfig,
    PiperVoiceConfig,
    PocketsphinxConfig,
    RuleReplyConfig,
    WyomingRecogniserConfig,
    WyomingVoiceConfig,
)
from voxgate.errors import ProviderError
from voxgate.local_agent.agent_parts import AgentParts, make_parts


class Part:
    """A part that notes what is done to it."""

    def __init__(self, name: str, log: list[str], *, fails_on: str = "") -> None:
        self._name = name
        self._log = log
        self._fails_on = fails_on

    async def start(self) -> None:
        """Start, or fail."""
        await self._note("start")

    async def stop(self) -> None:
        """Stop, or fail."""
        await self._note("stop")

    async def _note(self, what: str) -> None:
        self._log.append(f"{what} {self._name}")
        if what == self._fails_on:
            raise ProviderError(self._name, "is broken", retryable=False)


def parts(log: list[str], **fails_on: str) -> AgentParts:
    """Return parts that note what is done to them."""
    made: dict[str, Any] = {
        name: Part(name, log, fails_on=fails_on.get(name, ""))
        for name in ("recogniser", "reply", "voice")
    }
    return AgentParts(**made)


async def test_parts_start_and_stop_in_order() -> None:
    """What hears is there before what answers, and that before what speaks."""
    log: list[str] = []
    agent = parts(log)
    await agent.start()
    await agent.stop()
    names = ("recogniser", "reply", "voice")
    assert log == [f"{what} {name}" for what in ("start", "stop") for name in names]


async def test_parts_that_started_are_stopped_when_another_cannot() -> None:
    """Nothing is left running, and the error is that of the part."""
    log: list[str] = []
    with pytest.raises(ProviderError, match="reply: is broken"):
        await parts(log, reply="start").start()
    assert log == ["start recogniser", "start reply", "stop recogniser", "stop reply"]


async def test_all_parts_are_stopped_although_one_fails() -> None:
    """A part that can't be stopped keeps no other running."""
    log: list[str] = []
    with pytest.raises(ProviderError, match="recogniser: is broken"):
        await parts(log, recogniser="stop").stop()
    assert log == ["stop recogniser", "stop reply", "stop voice"]


DEFAULTS = LocalConfig()
SERVERS = LocalConfig(
    recogniser=WyomingRecogniserConfig(), reply=ChatReplyConfig(), voice=WyomingVoiceConfig()
)


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (DEFAULTS, ["PocketsphinxRecogniser", "RuleReply", "PiperVoice"]),
        (SERVERS, ["WyomingRecogniser", "ChatReply", "WyomingVoice"]),
    ],
)
def test_every_kind_has_its_part(
    monkeypatch: pytest.MonkeyPatch, config: LocalConfig, names: list[str]
) -> None:
    """Made, and nothing started yet."""
    for module in ("wyoming", "openai"):
        pytest.importorskip(module, reason="needs voxgate[local]")
    monkeypatch.setattr("voxgate.local_agent.agent_parts.missing_modules", lambda _: None)
    agent = make_parts(config, "key")
    made = [type(part).__name__ for part in (agent.recogniser, agent.reply, agent.voice)]
    assert made == names


@pytest.mark.parametrize(
    "config",
    [
        LocalConfig(recogniser=PocketsphinxConfig(), reply=RuleReplyConfig()),
        LocalConfig(voice=PiperVoiceConfig()),
        SERVERS,
    ],
)
async def test_parts_whose_packages_are_missing_say_so_when_they_start(
    monkeypatch: pytest.MonkeyPatch, config: LocalConfig
) -> None:
    """Making them does not fail: an engine with another provider goes on."""
    monkeypatch.setattr("voxgate.local_agent.agent_parts.missing_modules", lambda _: "get it")
    agent = make_parts(config, None)
    with pytest.raises(ProviderError, match="get it") as error:
        await agent.start()
    assert not error.value.retryable
