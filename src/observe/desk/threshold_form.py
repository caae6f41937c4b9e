"""The thresholds as a form: what each is called, means, may be and is, made from the models.

Invariant: a range, a choice, an explanation and a default stand in the models alone; what is added
here is how they are shown (a unit, a step, a shorter name).
"""

from __future__ import annotations

__all__ = ["form_keys", "form_rules", "revision_of", "threshold_form"]

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import Field, fields, replace
from enum import Enum
from typing import Annotated, Any, get_args, get_origin

from annotated_types import Interval

from ...config.environment import PREFIX
from ...config.field_rules import type_hints
from ...config.models import AppConfig
from ...config.reload_rules import rule_for
from ...core.config import AudioGuardConfig, GatingConfig, GatingMode, ProviderGatingPolicy
from ...core.guard_profile import PROFILE_DEFAULTS
from .attribute_docs import attribute_docs, first_line

_POLICIES = "gating.providers"
_SECTIONS: Mapping[str, str] = {
    "barge_in": "Barge-in",
    "audio_guard": "Audio guard",
    "vad": "Voice activity",
    "idle_fill": "Idle fill",
}
"""Sections beside the policies, by key, with what they are called."""
_NO_THRESHOLDS = frozenset({"aliases"})
"""Keys of these sections that nobody tunes."""

_UNITS: Mapping[str, str] = {
    "energy_threshold": "RMS",
    "initial_noise_floor": "RMS",
    "speech_threshold_factor": "times",
    "vad_threshold": "probability",
    "confidence_threshold": "probability",
    "smoothing_frames": "frames",
}
_SUFFIX_UNITS: Mapping[str, str] = {"_ms": "ms", "_db": "dB", "_dbfs": "dBFS", "_s": "s"}
_SHORT_WORDS: Mapping[str, str] = {
    "vad": "VAD",
    "webrtc": "WebRTC",
    "min": "Minimum",
    "preroll": "Pre-roll",
}

_RULES: tuple[Mapping[str, str], ...] = (
    {
        "left": "barge_in.min_ms",
        "op": ">=",
        "right": "barge_in.candidate_ms",
        "message": "The gate can't open before its candidate.",
    },
)
"""Rules across fields that a page can judge by itself; the models judge all of them."""


def threshold_form(
    config: AppConfig, overrides: Mapping[str, str], changed: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the sections of the form, with their fields.

    Args:
        config: What is in force.
        overrides: Environment variable by the key that it sets.
        changed: Keys that were changed at the desk.
    """
    return [
        {
            "key": key,
            "title": title,
            "help": first_line(type(model)),
            "fields": [
                _field(key, each, model, defaults, overrides, changed)
                for each in fields(model)
                if each.name not in _NO_THRESHOLDS
            ],
        }
        for key, title, model, defaults in _sections(config)
    ]


def form_rules() -> list[Mapping[str, str]]:
    """Return the rules across fields that a page can judge by itself."""
    return list(_RULES)


def form_keys(config: AppConfig) -> frozenset[str]:
    """Return the keys that the form has."""
    return frozenset(
        f"{key}.{each.name}"
        for key, _, model, _ in _sections(config)
        for each in fields(model)
        if each.name not in _NO_THRESHOLDS
    )


def revision_of(config: AppConfig) -> str:
    """Return a text that differs whenever a threshold does."""
    values = {
        f"{key}.{each.name}": _plain(getattr(model, each.name))
        for key, _, model, _ in _sections(config)
        for each in fields(model)
    }
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# -- one section -----------------------------------------------------------------------------------


def _sections(config: AppConfig) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield key, title, the model in force and the model of the defaults."""
    defaults = GatingConfig()
    for kind, policy in config.gating.providers.items():
        usual = defaults.providers.get(kind, ProviderGatingPolicy(gating_enabled=False))
        yield f"{_POLICIES}.{kind}", f"Gate: {kind}", policy, usual
    for key, title in _SECTIONS.items():
        model = getattr(config, key)
        yield key, title, model, _usual(model, getattr(defaults, key))


def _usual(model: Any, default: Any) -> Any:
    """Return the defaults of a section: of the guard, those of its profile."""
    if not isinstance(model, AudioGuardConfig):
        return default
    return replace(AudioGuardConfig.for_profile(model.profile), profile=default.profile)


def _field(
    section: str,
    model_field: Field[Any],
    model: Any,
    defaults: Any,
    overrides: Mapping[str, str],
    changed: Collection[str],
) -> dict[str, Any]:
    name = model_field.name
    key = f"{section}.{name}"
    value, default = _plain(getattr(model, name)), _plain(getattr(defaults, name))
    kind: Any = type(model)
    hint = type_hints(kind)[name]
    unit = _unit(name)
    origin = _origin(key, model, name, is_default=value == default)
    if key in overrides:
        origin = "environment"
    elif key in changed and origin == "file":
        origin = "desk"
    return {
        "key": key,
        "label": _label(name),
        "unit": unit,
        **_kind_of(hint, unit),
        "default": default,
        "value": value,
        "origin": origin,
        "locked": _locked(overrides.get(key)),
        "help": _help(type(model), name, hint),
        "effect": rule_for(key).takes_effect.value,
        "applies": _unused(model, name),
    }


def _help(kind: type, name: str, hint: Any) -> str:
    """Return what a field means; of one that is its choice and nothing more, what that chooses."""
    usual = first_line(hint) if isinstance(hint, type) and issubclass(hint, Enum) else ""
    return attribute_docs(kind).get(name, usual)


def _kind_of(hint: Any, unit: str | None) -> dict[str, Any]:
    """Return what may be entered."""
    plain, *rules = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if isinstance(plain, type) and issubclass(plain, Enum):
        docs = attribute_docs(plain)
        choices = [{"value": each.value, "help": docs.get(each.name, "")} for each in plain]
        return {"type": "choice", "choices": choices, "min": None, "max": None, "step": None}
    if plain is bool:
        return {"type": "boolean", "min": None, "max": None, "step": None}
    interval = next((rule for rule in rules if isinstance(rule, Interval)), Interval())
    kind = "integer" if plain is int else "number"
    return {"type": kind, "min": interval.ge, "max": interval.le, "step": _step(plain, unit)}


def _step(plain: Any, unit: str | None) -> float:
    """Return by how much a number is turned at a time."""
    if plain is int:
        return 1
    return {"dB": 0.5, "RMS": 1.0, "times": 0.1}.get(unit or "", 0.01)


def _origin(key: str, model: Any, name: str, *, is_default: bool) -> str:
    is_profile = isinstance(model, AudioGuardConfig) and name in PROFILE_DEFAULTS[model.profile]
    if not is_default:
        return "file"
    return "profile" if is_profile and not key.endswith(".profile") else "default"


def _unused(model: Any, name: str) -> str | None:
    """Return why a key of a policy is without effect; None if it has one."""
    if not isinstance(model, ProviderGatingPolicy) or name == "gating_enabled":
        return None
    if not model.gating_enabled:
        return "Without effect: this kind of provider is not gated."
    if model.mode is GatingMode.ECHO_AWARE and name in ("vad_threshold", "energy_threshold"):
        return "Used only where what is played is not shown to the gate: the detector decides."
    if model.mode is not GatingMode.ECHO_AWARE and name in ("sensitivity", "forwarded_audio"):
        return "Without effect: only the mode echo_aware uses it."
    if model.mode is GatingMode.HALF_DUPLEX and name in ("vad_threshold", "energy_threshold"):
        return "Without effect: nothing passes while the agent is audible."
    return None


# -- one value -------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _label(name: str) -> str:
    words = name.split("_")
    if f"_{words[-1]}" in _SUFFIX_UNITS and len(words) > 1:
        words.pop()
    shown = " ".join(_SHORT_WORDS.get(word, word) for word in words)
    return shown[0].upper() + shown[1:]


def _unit(name: str) -> str | None:
    if name in _UNITS:
        return _UNITS[name]
    return next((unit for end, unit in _SUFFIX_UNITS.items() if name.endswith(end)), None)


def _locked(variable: str | None) -> str | None:
    if variable is None:
        return None
    shown = variable if variable.startswith(PREFIX) else "the environment"
    return f"Set by {shown}: change it there."
