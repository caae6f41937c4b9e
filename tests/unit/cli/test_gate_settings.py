"""The configuration of a gate as a command is told it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import pytest

from voxgate.cli.gate_settings import GateSettings, parse_settings
from voxgate.core.config import BargeInConfig, GatingConfig, ProviderGatingPolicy
from voxgate.errors import ConfigError

RECORDED = GatingConfig(
    kinds={"embedded": "openai_realtime"}, barge_in=BargeInConfig(confirm_timeout_ms=900)
)


def test_a_key_is_turned_in_what_was_recorded() -> None:
    """Everything else stays as it was."""
    settings = parse_settings(None, ["gating.providers.openai_realtime.sensitivity=0.3"])
    config = settings.applied_to(RECORDED)
    policy = config.policy_for("embedded")
    assert policy is not None
    assert policy.sensitivity == 0.3
    same = replace(config, providers=RECORDED.providers, kinds=RECORDED.kinds)
    assert same == RECORDED
    assert settings.label == "as recorded, gating.providers.openai_realtime.sensitivity=0.3"


def test_nothing_asked_for_is_what_was_recorded() -> None:
    """And is false, so that a replay can be held to the bit."""
    assert not parse_settings(None, [])
    assert parse_settings(None, []).label == "as recorded"
    assert parse_settings(None, ["vad.smoothing_frames=3"])


def test_a_file_takes_the_place_of_what_was_recorded(tmp_path: Path) -> None:
    """With keys turned in it; the call's provider is of the kind that it was."""
    path = tmp_path / "a.yaml"
    path.write_text("barge_in: {min_ms: 300, candidate_ms: 80}\n")
    settings = parse_settings(path, ["barge_in.min_ms=200", "audio_guard.speech_evidence=light"])
    config = settings.applied_to(replace(RECORDED, kinds={"mine": "openai_realtime"}))
    assert (config.barge_in.min_ms, config.barge_in.candidate_ms) == (200, 80)
    assert config.barge_in.confirm_timeout_ms == BargeInConfig().confirm_timeout_ms
    assert config.kinds["mine"] == "openai_realtime"
    assert settings.label.startswith(f"{path}, barge_in.min_ms=200")


def test_kinds_that_a_file_can_not_have_are_kept() -> None:
    """A program of one's own may have given its gate any."""
    mine = ProviderGatingPolicy(gating_enabled=True)
    recorded = GatingConfig(providers={**GatingConfig().providers, "mine": mine})
    config = parse_settings(None, ["vad.smoothing_frames=3"]).applied_to(recorded)
    assert config.providers["mine"] == mine


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("barge_in.min_ms=9", "barge_in.min_ms: 9 is not in 20..2000 (--set barge_in.min_ms)"),
        ("barge_in.min_ms=x", "barge_in.min_ms: 'x' is not a whole number"),
        ("vad.wrong=1", "vad.wrong: is not a known key"),
        ("barge_in.min_ms=30", "below candidate_ms (60)"),
    ],
)
def test_a_wrong_setting_is_named_as_it_was_written(setting: str, said: str) -> None:
    """Key, value, rule and where it came from; no word of how it is applied."""
    with pytest.raises(ConfigError) as raised:
        parse_settings(None, [setting]).applied_to(RECORDED)
    assert said in str(raised.value)
    assert "VOXGATE__" not in str(raised.value)


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    """As everywhere."""
    path = tmp_path / "a.yaml"
    path.write_text("barge_in: {min_ms: 9}\n")
    with pytest.raises(ConfigError, match=r"a\.yaml"):
        GateSettings(path=path).applied_to(RECORDED)


@pytest.mark.parametrize("setting", ["barge_in.min_ms", "engine.max_calls=3", "vad=1", "=", ""])
def test_what_is_no_key_of_the_gate_is_refused(setting: str) -> None:
    """A replay has no engine."""
    with pytest.raises(click.UsageError, match="is not KEY=VALUE with a key of the gate"):
        parse_settings(None, [setting])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "sensitivity=0.2",
            "did you mean gating.providers.openai_realtime.sensitivity or audio_guard.sensitivity",
        ),
        ("min_ms=200", "did you mean barge_in.min_ms?"),
        ("bargein.min_ms=200", "did you mean barge_in.min_ms?"),
        ("engine.max_calls=3", "which begins with gating., vad., audio_guard., barge_in., idle"),
    ],
)
def test_the_full_key_is_suggested(setting: str, said: str) -> None:
    """Where a name that a key ends in is known, else how the gate's keys begin."""
    with pytest.raises(click.UsageError) as raised:
        parse_settings(None, [setting])
    assert said in str(raised.value)
