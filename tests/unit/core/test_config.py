"""The core's models refuse wrong numbers in code as the loader does in a file."""

from __future__ import annotations

import math
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest
from annotated_types import Interval

from voxgate.core.config import (
    AudioGuardConfig,
    BargeInConfig,
    GatingConfig,
    GatingMode,
    IdleFillConfig,
    ProviderGatingPolicy,
    VadConfig,
    WithheldAudio,
)

MODELS = {
    model: model(gating_enabled=True) if model is ProviderGatingPolicy else model()
    for model in (
        AudioGuardConfig,
        BargeInConfig,
        IdleFillConfig,
        ProviderGatingPolicy,
        VadConfig,
    )
}


def numbers() -> list:
    """Return (model, field, number's type, interval) of every number of every model."""
    found = []
    for model in MODELS:
        for name, hint in get_type_hints(model, include_extras=True).items():
            if get_origin(hint) is Annotated:
                number, interval = get_args(hint)
                found.append(
                    pytest.param(model, name, number, interval, id=f"{model.__name__}.{name}")
                )
    return found


every_number = pytest.mark.parametrize(("model", "name", "number", "interval"), numbers())


@every_number
def test_every_number_has_a_range_and_a_default_inside_it(model, name, number, interval) -> None:
    """A number without bounds, or with a default that its own rule refuses, is a mistake."""
    assert isinstance(interval, Interval)
    assert interval.ge <= getattr(MODELS[model], name) <= interval.le


@every_number
def test_a_number_outside_its_range_is_refused(model, name, number, interval) -> None:
    """One beyond either bound raises, and the message names field, value and range."""
    for wrong in (interval.ge - 1, interval.le + 1, -math.inf, math.nan):
        if number is int and isinstance(wrong, float):
            continue
        with pytest.raises(ValueError, match=rf"^{name}: .* is not in "):
            replace(MODELS[model], **{name: wrong})


@every_number
@pytest.mark.parametrize("wrong", [True, "5", None, [1]])
def test_what_is_no_number_is_refused(model, name, number, interval, wrong) -> None:
    """True is not 1, and text is not a number."""
    with pytest.raises(TypeError, match=f"^{name}: "):
        replace(MODELS[model], **{name: wrong})


@every_number
def test_a_whole_number_has_no_fraction(model, name, number, interval) -> None:
    """An int is asked for where only whole ones make sense; a float field takes both."""
    if number is int:
        with pytest.raises(TypeError, match=f"^{name}: .* is not a whole number"):
            replace(MODELS[model], **{name: float(interval.ge)})
    else:
        assert getattr(replace(MODELS[model], **{name: int(interval.le)}), name) == interval.le


def test_candidate_can_not_need_more_evidence_than_the_barge_in() -> None:
    """min_ms below candidate_ms is refused: the gate can't open before its candidate."""
    assert BargeInConfig(candidate_ms=140, min_ms=140).min_ms == 140
    with pytest.raises(ValueError, match=r"^min_ms: 120 is below candidate_ms"):
        BargeInConfig(candidate_ms=140, min_ms=120)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("gating_enabled", 1),
        ("gating_enabled", "no"),
        ("mode", "vad"),
        ("withheld_audio", "silence"),
        ("aliases", "local_only"),
        ("aliases", ("local_only", "")),
        ("aliases", ("local_only", 1)),
    ],
)
def test_a_policy_takes_no_look_alikes(name, wrong) -> None:
    """Text in place of an enum would silently be another mode; a lone name is not a tuple of it."""
    with pytest.raises(TypeError, match=f"^{name}: "):
        ProviderGatingPolicy(**{"gating_enabled": True, name: wrong})


@pytest.mark.parametrize("model", [*MODELS, GatingConfig])
def test_models_are_frozen(model) -> None:
    """What was checked at construction can't be changed after it."""
    instance = MODELS.get(model) or GatingConfig()
    with pytest.raises(FrozenInstanceError):
        setattr(instance, fields(instance)[0].name, None)


def test_by_default_only_openai_is_gated() -> None:
    """The gate works for those that need it; deepgram and local pass through."""
    config = GatingConfig()
    gated = {kind: policy.gating_enabled for kind, policy in config.providers.items()}
    assert gated == {"openai_realtime": True, "deepgram": False, "local": False}
    policy = config.providers["openai_realtime"]
    assert policy.mode is GatingMode.ECHO_AWARE
    assert policy.withheld_audio is WithheldAudio.SILENCE


@pytest.mark.parametrize(
    ("provider", "kind"),
    [
        ("openai_realtime", "openai_realtime"),
        ("openai_realtime_2", "openai_realtime"),
        ("openai_realtime-17", "openai_realtime"),
        ("deepgram", "deepgram"),
        ("deepgram_3", "deepgram"),
        ("local", "local"),
        ("local_only", "local"),
        ("local_only_2", "local"),
        ("local_hybrid", "local"),
        ("front_desk", "openai_realtime"),
    ],
)
def test_policies_are_found_by_kind(provider, kind) -> None:
    """By kind, alias, numbered instance, or the configured kind of an instance's own name."""
    config = GatingConfig(kinds={"front_desk": "openai_realtime"})
    assert config.policy_for(provider) is config.providers[kind]


@pytest.mark.parametrize("provider", ["", "openai", "openai_realtime_two", "OPENAI_REALTIME", "_2"])
def test_an_unknown_kind_has_no_policy(provider) -> None:
    """What is not known is not guessed."""
    assert GatingConfig().policy_for(provider) is None


def test_a_configured_kind_wins_over_a_name_that_looks_like_another() -> None:
    """An instance may be called what it likes."""
    config = GatingConfig(kinds={"openai_realtime_2": "deepgram"})
    assert not config.policy_for("openai_realtime_2").gating_enabled


def test_an_instance_of_a_kind_without_policy_is_refused() -> None:
    """An unknown kind is an error where it is configured, not a surprise in a call."""
    with pytest.raises(ValueError, match=r"^kinds.front_desk: 'opena' is not a kind"):
        GatingConfig(kinds={"front_desk": "opena"})


def test_one_name_can_not_stand_for_two_kinds() -> None:
    """An alias that is another kind, or another's alias, is refused."""
    plain = ProviderGatingPolicy(gating_enabled=False)
    for providers in (
        {"a": plain, "b": replace(plain, aliases=("a",))},
        {"a": replace(plain, aliases=("x",)), "b": replace(plain, aliases=("x",))},
    ):
        with pytest.raises(ValueError, match=r"^providers.b.aliases: .* is a name of a already"):
            GatingConfig(providers=providers)


def test_every_part_is_of_its_own_type() -> None:
    """A dictionary in place of a model is refused, with the field."""
    with pytest.raises(TypeError, match=r"^vad: "):
        GatingConfig(vad={"smoothing_frames": 5})
    with pytest.raises(TypeError, match=r"^providers.a: "):
        GatingConfig(providers={"a": {"gating_enabled": True}})


def test_somebody_elses_dictionary_changes_nothing() -> None:
    """The config keeps its own copy of the policies that were checked."""
    providers = {"a": ProviderGatingPolicy(gating_enabled=True)}
    config = GatingConfig(providers=providers)
    providers["b"] = providers.pop("a")
    assert set(config.providers) == {"a"}


def test_a_config_travels_to_another_process() -> None:
    """Evaluations run in worker processes: a config survives pickling, equal."""
    config = GatingConfig(kinds={"front_desk": "local_only"})
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 - our own bytes
