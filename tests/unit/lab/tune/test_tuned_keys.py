"""The keys that a search turns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from voxgate.config import load_config
from voxgate.core.config import GatingMode
from voxgate.lab.tune.tuned_keys import KeyGroup, applied, keys_for, value_of

KIND = "openai_realtime"
MODE = {"VOXGATE__GATING__PROVIDERS__OPENAI_REALTIME__MODE": "vad"}
BY_VOICE = {"vad_threshold", "energy_threshold", "min_ms", "candidate_ms"}


def names(mode: GatingMode) -> set[str]:
    return {key.path[-1] for key in keys_for(mode, KIND) if key.group is KeyGroup.BARGE_IN}


def test_a_mode_is_tuned_by_the_keys_that_it_goes_by() -> None:
    """The far-end reference makes thresholds of voice useless, and the other way round."""
    assert "sensitivity" in names(GatingMode.ECHO_AWARE)
    assert not names(GatingMode.ECHO_AWARE) & BY_VOICE
    assert names(GatingMode.VAD) >= BY_VOICE
    assert "sensitivity" not in names(GatingMode.VAD)
    assert names(GatingMode.HALF_DUPLEX) == {"post_speech_grace_ms"}
    assert names(GatingMode.OFF) == set()


@pytest.mark.parametrize("mode", list(GatingMode))
def test_every_key_exists_and_every_value_may_be(mode: GatingMode) -> None:
    """By itself, with the other keys as the mode asks: its range holds them all."""
    variables = {
        "VOXGATE__GATING__PROVIDERS__OPENAI_REALTIME__MODE": mode.value,
        "VOXGATE__AUDIO_GUARD__NOISE_HANGOVER_MS": "100",
        "VOXGATE__AUDIO_GUARD__HANGOVER_MS": "500",
    }
    if mode is GatingMode.VAD:
        variables |= {
            "VOXGATE__BARGE_IN__CANDIDATE_MS": "40",
            "VOXGATE__BARGE_IN__MIN_MS": "160",
        }
    config = load_config(None, variables)
    for key in keys_for(mode, KIND):
        assert isinstance(value_of(config, key), (int, float))
        assert len(set(key.values)) == len(key.values) > 2
        refused = [value for value in key.values if applied(config, {key.name: value}) is None]
        assert refused == [], key.name


def test_a_setting_changes_its_keys_and_nothing_else() -> None:
    """The operator's configuration stays as it is."""
    config = load_config(None, {})
    changed = applied(
        config, {"audio_guard.preroll_ms": 200, f"gating.providers.{KIND}.sensitivity": 0.2}
    )
    assert changed is not None
    assert changed.audio_guard == replace(config.audio_guard, preroll_ms=200)
    assert changed.gating.providers[KIND].sensitivity == 0.2
    assert changed.gating.providers["local"] == config.gating.providers["local"]
    assert config == load_config(None, {})
    assert applied(config, {}) == config


@pytest.mark.parametrize(
    "setting",
    [
        {"barge_in.min_ms": 20},
        {"barge_in.min_ms": 380, "barge_in.onset_preroll_ms": 340},
        {"audio_guard.noise_hangover_ms": 600},
        {"audio_guard.sensitivity": 1.5},
    ],
    ids=["cross-field", "more than is held", "without effect", "range"],
)
def test_what_check_config_would_refuse_or_warn_of_is_not_tried(
    setting: dict[str, float],
) -> None:
    """An operator would have to undo it."""
    assert applied(load_config(None, MODE), setting) is None


def test_a_warning_that_the_operator_has_already_is_no_hindrance() -> None:
    """The key is theirs."""
    variables = {**MODE, "VOXGATE__AUDIO_GUARD__NOISE_HANGOVER_MS": "500"}
    config = load_config(None, variables)
    assert applied(config, {"audio_guard.noise_hangover_ms": 600}) is not None
