"""The thresholds as a form, made from the models."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from voxgate.config.load import parse_config
from voxgate.config.models import AppConfig
from voxgate.core.config import BargeInConfig
from voxgate.observe.desk.threshold_form import (
    form_keys,
    form_rules,
    revision_of,
    threshold_form,
)


def field_of(key: str, text: str = "", **more: Any) -> dict[str, Any]:
    config = parse_config(text, "test.yaml", {}).config
    sections = threshold_form(config, more.get("overrides", {}), more.get("changed", ()))
    return next(each for section in sections for each in section["fields"] if each["key"] == key)


def test_every_threshold_has_a_field_with_what_it_may_be() -> None:
    """By its key, with its range or its choices, a default within it, and what it means."""
    every = [each for section in threshold_form(AppConfig(), {}) for each in section["fields"]]
    keys = [each["key"] for each in every]
    assert len(keys) == len(set(keys))
    assert {f"barge_in.{each.name}" for each in fields(BargeInConfig)} <= set(keys)
    assert set(keys) == form_keys(AppConfig())
    assert not any(key.endswith("aliases") for key in keys)
    for each in every:
        assert each["help"], each["key"]
        assert each["value"] == each["default"]
        assert each["effect"] in ("running_calls", "new_calls")
        if each["type"] in ("integer", "number"):
            assert each["min"] <= each["default"] <= each["max"]
            assert each["step"] > 0
        elif each["type"] == "choice":
            assert each["default"] in [choice["value"] for choice in each["choices"]]
        else:
            assert each["type"] == "boolean"


def test_a_field_says_its_unit_and_where_its_value_comes_from() -> None:
    """The default, the file, the desk or the environment, which locks it."""
    usual = field_of("barge_in.min_ms")
    assert (usual["label"], usual["unit"], usual["origin"]) == ("Minimum", "ms", "default")
    assert (usual["min"], usual["max"], usual["type"]) == (20, 2000, "integer")
    text = "barge_in: {min_ms: 200}"
    assert field_of("barge_in.min_ms", text)["origin"] == "file"
    assert field_of("barge_in.min_ms", text, changed=["barge_in.min_ms"])["origin"] == "desk"
    variable = "VOXGATE__BARGE_IN__MIN_MS"
    locked = field_of("barge_in.min_ms", text, overrides={"barge_in.min_ms": variable})
    assert locked["origin"] == "environment"
    assert locked["locked"] == f"Set by {variable}: change it there."
    assert field_of("audio_guard.quieter_voice_db")["unit"] == "dB"
    assert field_of("vad.confidence_threshold")["unit"] == "probability"


def test_a_key_without_effect_says_so() -> None:
    """By the mode in force; and nobody tunes a kind that is not gated."""
    policy = "gating.providers.openai_realtime"
    assert field_of(f"{policy}.sensitivity")["applies"] is None
    assert "detector decides" in field_of(f"{policy}.vad_threshold")["applies"]
    by_voice = "gating: {providers: {openai_realtime: {mode: vad}}}"
    assert "only the mode echo_aware" in field_of(f"{policy}.sensitivity", by_voice)["applies"]
    assert field_of(f"{policy}.vad_threshold", by_voice)["applies"] is None
    half = "gating: {providers: {openai_realtime: {mode: half_duplex}}}"
    assert "nothing passes" in field_of(f"{policy}.energy_threshold", half)["applies"]
    assert "is not gated" in field_of("gating.providers.deepgram.mode")["applies"]
    assert field_of("gating.providers.deepgram.gating_enabled")["applies"] is None


def test_rules_are_between_fields_of_the_form() -> None:
    """So that a page can show them at either."""
    for rule in form_rules():
        assert {rule["left"], rule["right"]} <= form_keys(AppConfig())


def test_the_revision_is_that_of_the_thresholds() -> None:
    """It differs when one does, and not otherwise."""
    config = AppConfig()
    assert revision_of(config) == revision_of(AppConfig())
    other = replace(config, barge_in=BargeInConfig(min_ms=200))
    assert revision_of(other) != revision_of(config)
