"""The gate's configuration from a parsed document, without the server's packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from voxgate import (
    ForwardedAudio,
    GatingConfig,
    GatingMode,
    WithheldAudio,
    gating_config_from,
)
from voxgate.config import load_config
from voxgate.config.load import parse_config
from voxgate.core.config import AudioGuardConfig, QuieterVoices
from voxgate.core.guard_profile import GuardProfile

_FILE = Path(__file__).parents[3] / "config" / "ai-agent.yaml"


def test_the_packaged_file_gives_what_the_engine_makes_of_it() -> None:
    """Sections that are not the gate's are left alone; names of providers keep their kinds."""
    config = gating_config_from(yaml.safe_load(_FILE.read_text(encoding="utf-8")))
    assert config == load_config(_FILE).gating_config
    assert config.kinds["openai"] == "openai_realtime"


@pytest.mark.parametrize("profile", GuardProfile)
def test_changed_keys_give_what_the_engine_makes_of_them(profile: GuardProfile) -> None:
    """Every kind of value: numbers, words, lists, a profile of which one key is turned."""
    text = f"""
gating:
  providers:
    openai_realtime:
      mode: vad
      withheld_audio: adaptive
      forwarded_audio: raw
      vad_threshold: 0.7
      aliases: [house_model]
      gating_enabled: true
vad: {{webrtc_aggressiveness: 2}}
audio_guard: {{profile: {profile}, quieter_voices: pass}}
barge_in: {{min_ms: 200}}
idle_fill: {{after_ms: 200}}
"""
    config = gating_config_from(yaml.safe_load(text))
    theirs = parse_config(text, "test.yaml", {}).config.gating_config
    assert {**config.providers} == {**theirs.providers}
    assert (config.vad, config.audio_guard) == (theirs.vad, theirs.audio_guard)
    assert (config.barge_in, config.idle_fill) == (theirs.barge_in, theirs.idle_fill)
    policy = config.policy_for("house_model")
    assert policy is not None
    assert policy.mode is GatingMode.VAD
    assert policy.withheld_audio is WithheldAudio.ADAPTIVE
    assert policy.forwarded_audio is ForwardedAudio.RAW
    assert config.audio_guard == AudioGuardConfig.for_profile(
        profile, quieter_voices=QuieterVoices.PASS
    )


def test_an_empty_document_is_the_defaults() -> None:
    """So is one whose sections are empty."""
    assert gating_config_from({}) == gating_config_from(None) == GatingConfig()
    assert gating_config_from({"gating": None, "vad": None}) == GatingConfig()


def test_a_kind_of_one_s_own_may_have_a_policy() -> None:
    """A library's user has providers that voxgate does not know."""
    document = {"gating": {"providers": {"house": {"gating_enabled": True}, "plain": None}}}
    config = gating_config_from(document)
    house, plain = config.policy_for("house_2"), config.policy_for("plain")
    assert house is not None
    assert house.gating_enabled
    assert plain is not None
    assert not plain.gating_enabled


def test_instances_of_unknown_kinds_are_left_out() -> None:
    """They pass through and are counted when they call."""
    entries: dict[str, Any] = {
        "a": {"kind": "openai_realtime"},
        "b": {"kind": "x"},
        "c": {"kind": []},
        "d": None,
    }
    assert gating_config_from({"providers": entries}).kinds == {"a": "openai_realtime"}


@pytest.mark.parametrize(
    ("document", "error", "words"),
    [
        ({"vad": {"x": 1}}, ValueError, r"vad\.x: is not one of confidence_threshold"),
        ({"gating": {"x": 1}}, ValueError, r"gating\.x: is not one of providers"),
        ({"vad": {"confidence_threshold": 2}}, ValueError, r"vad\.confidence_threshold: 2 is not"),
        ({"vad": {"smoothing_frames": "a"}}, TypeError, r"vad\.smoothing_frames: 'a' is not a"),
        ({"barge_in": {"min_ms": 20}}, ValueError, r"barge_in\.min_ms: 20 is below"),
        ({"audio_guard": []}, TypeError, r"audio_guard: \[\] is not a mapping"),
        ({"audio_guard": {"profile": "x"}}, ValueError, r"audio_guard\.profile: 'x' is not one"),
        (
            {"gating": {"providers": {"local": {"mode": "x"}}}},
            ValueError,
            r"gating\.providers\.local\.mode: 'x' is not one of off",
        ),
        ({"gating": {"providers": {"local": 1}}}, TypeError, r"gating\.providers\.local: 1 is"),
    ],
)
def test_what_is_wrong_is_named_with_its_full_key(
    document: dict[str, Any], error: type[Exception], words: str
) -> None:
    """As the loader does it for the file."""
    with pytest.raises(error, match=words):
        gating_config_from(document)


@pytest.mark.parametrize("document", [[], "vad", 1])
def test_a_document_that_is_none_is_told(document: Any) -> None:
    with pytest.raises(TypeError, match=r"document: .* is not a mapping"):
        gating_config_from(document)
