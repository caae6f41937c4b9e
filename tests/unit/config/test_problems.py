"""What the validator finds, in the words of an operator."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from voxgate.config.environment import Overrides
from voxgate.config.models import AppConfig
from voxgate.config.problems import model_problems
from voxgate.config.yaml_document import Tree

ADAPTER: TypeAdapter[AppConfig] = TypeAdapter(AppConfig)
NONE = Overrides(variables={}, problems=())
POLICY: dict[str, Tree] = {"gating_enabled": True}


def told(tree: Tree, overrides: Overrides = NONE) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_json(json.dumps(tree), strict=True)
    errors = caught.value.errors(include_url=False)
    return [str(problem) for problem in model_problems(errors, tree, overrides, "a.yaml")]


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ({"barge_in": {"min_ms": -20}}, "barge_in.min_ms: -20 is not in 20..2000 (a.yaml)"),
        ({"vad": {"energy_threshold": True}}, "vad.energy_threshold: true is not a whole number"),
        ({"vad": {"energy_threshold": "9"}}, "vad.energy_threshold: '9' is not a whole number"),
        ({"vad": {"energy_threshold": 9.0}}, "vad.energy_threshold: 9.0 is not a whole number"),
        ({"vad": {"confidence_threshold": "x"}}, "vad.confidence_threshold: 'x' is not a number"),
        ({"vad": {"confidence_threshold": float("nan")}}, "vad.confidence_threshold: nan is not "),
        ({"vad": {"smoothing_frames": 10**300}}, "vad.smoothing_frames: 1000000"),
        ({"vad": None}, "vad: null is not a section with keys (a.yaml)"),
        ({"vad": {"x": 1}}, "vad.x: is not a known key; known: webrtc_aggressiveness, conf"),
        ({"vad": {"energy_treshold": 1}}, "vad.energy_treshold: is not a known key; did you mean "),
        ({"Barge-in": {}}, "Barge-in: is not a known key; did you mean 'barge_in'? (a.yaml)"),
        (
            {"lines": {"sip": {}}},
            "lines.sip: is not a known key; known: audiosocket, twilio, browser, asterisk_w",
        ),
        (
            {"lines": {"audiosocket": {"allowed_peers": ["::1", 3]}}},
            "lines.audiosocket.allowed_peers[1]: 3 is not text: put it in quotes (a.yaml)",
        ),
        (
            {"lines": {"audiosocket": {"playout_rate_hz": 11_000}}},
            "lines.audiosocket.playout_rate_hz: 11000 is not one of 8000, 12000, ",
        ),
        (
            {"lines": {"audiosocket": {"enabled": "yes"}}},
            "lines.audiosocket.enabled: 'yes' is not ",
        ),
        ({"engine": {"log_level": "loud"}}, "engine.log_level: 'loud' is not one of debug, info, "),
        ({"providers": {"a": 3}}, "providers.a: 3 is not a section with keys (a.yaml)"),
        (
            {"providers": {"a": {}}},
            "providers.a.kind: is missing; known: openai_realtime, deepgram,",
        ),
        (
            {"providers": {"a": {"kind": "deepgrm"}}},
            "providers.a.kind: 'deepgrm' is not a known kin",
        ),
        (
            {"providers": {"a": {"kind": [1]}}},
            "providers.a.kind: a list is not a known kind; known:",
        ),
        ({"providers": {"A b": {"kind": "local"}}}, "providers.'A b': is not a name of lower-case"),
        (
            {"providers": {"a": {"kind": "openai_realtime", "turn_detection": {"threshold": 2}}}},
            "providers.a.turn_detection.threshold: 2 is not in 0.0..1.0 (a.yaml)",
        ),
        (
            {"providers": {"a": {"kind": "openai_realtime", "noise_reduction": "none"}}},
            "providers.a.noise_reduction: 'none' is not one of near_field, far_field (a.yaml)",
        ),
        (
            {"providers": {"a": {"kind": "openai_realtime", "api_key_env": "hunter-2"}}},
            "providers.a.api_key_env: *** is not the name of an environment variable (a.yaml)",
        ),
        (
            {"gating": {"providers": {"opanai": {"mode": "vad"}}}},
            "gating.providers.opanai: is not one of openai_realtime, deepgram, local (a.yaml)",
        ),
        (
            {"gating": {"providers": {"local": {**POLICY, "mode": "offf"}}}},
            "gating.providers.local.mode: 'offf' is not one of off, half_duplex, vad, echo_aware",
        ),
        (
            {"gating": {"providers": {"local": {**POLICY, "aliases": [1]}}}},
            "gating.providers.local.aliases[0]: 1 is not text: put it in quotes (a.yaml)",
        ),
        (
            {"gating": {"providers": {"local": {**POLICY, "[key]": 1}}}},
            "gating.providers.local.'[key]': is not a known key; known: gating_enabled,",
        ),
        (
            {"gating": {"providers": {"[key]": {}}}},
            "gating.providers.'[key]': is not one of openai_realtime, deepgram, local (a.yaml)",
        ),
        (
            {"providers": {"[key]": {"kind": "local"}}},
            "providers.'[key]': is not a name of lower-case letters",
        ),
        ({"gating": {"providers": {"local": {}}}}, "gating.providers.local.gating_enabled: is mis"),
    ],
)
def test_one_problem_is_told_with_key_value_and_rule(tree: Tree, problem: str) -> None:
    """The full key, the value as YAML writes it, the rule of the model; one problem, one line."""
    (line,) = told(tree)
    assert line.startswith(problem)
    assert line.endswith("(a.yaml)")


def test_a_rule_across_fields_names_the_key_it_is_about() -> None:
    """A model says which of its fields is wrong; the value is shown once."""
    (line,) = told({"barge_in": {"min_ms": 20, "candidate_ms": 100}})
    assert line.startswith("barge_in.min_ms: 20 is below candidate_ms (100): the gate can't open")


def test_a_rule_across_fields_shows_a_default_too() -> None:
    """The value that is wrong may be one that the file leaves out."""
    (line,) = told({"barge_in": {"candidate_ms": 200}})
    assert line.startswith("barge_in.min_ms: 140 is below candidate_ms (200): the gate can't open")


def test_a_rule_across_fields_of_a_provider_has_the_provider_s_key() -> None:
    """The tag that the validator puts between is no part of the key."""
    tree: Tree = {
        "providers": {
            "a": {
                "kind": "openai_realtime",
                "reconnect_initial_ms": 600,
                "reconnect_max_ms": 500,
            }
        }
    }
    assert told(tree) == [
        "providers.a.reconnect_max_ms: 500 is below reconnect_initial_ms (600) (a.yaml)"
    ]


def test_a_rule_across_sections_has_the_full_key() -> None:
    """The model at the top names the section as well."""
    (line,) = told({"engine": {"default_provider": "zz"}})
    assert line.startswith("engine.default_provider: 'zz' is not the name of one of the providers")


def test_all_problems_are_told() -> None:
    """One run of check-config is enough."""
    tree: Tree = {"vad": {"x": 1, "smoothing_frames": 0}, "barge_in": {"min_ms": 0}, "y": 1}
    assert {line.partition(":")[0] for line in told(tree)} == {
        "vad.x",
        "vad.smoothing_frames",
        "barge_in.min_ms",
        "y",
    }


def test_a_value_from_the_environment_names_its_variable() -> None:
    """The file is not to blame for it."""
    variable = "VOXGATE__BARGE_IN__MIN_MS"
    overrides = Overrides(variables={("barge_in", "min_ms"): variable}, problems=())
    assert told({"barge_in": {"min_ms": 0}}, overrides) == [
        f"barge_in.min_ms: 0 is not in 20..2000 (environment {variable})"
    ]


def test_a_section_s_content_is_not_quoted() -> None:
    """What stands under a wrong key may be long, or a secret."""
    (line,) = told({"engine": {"log_level": {"inner": "hunter2"}}})
    assert line.startswith("engine.log_level: a section is not one of debug")


def test_a_rule_that_names_no_field_is_told_of_its_section() -> None:
    """A model may say something of itself as a whole."""
    error = ErrorDetails(
        type="value_error",
        loc=("vad",),
        msg="Value error, is odd as a whole",
        input={},
        ctx={"error": ValueError("is odd as a whole")},
    )
    (problem,) = model_problems([error], {}, NONE, "a.yaml")
    assert str(problem) == "vad: is odd as a whole (a.yaml)"
