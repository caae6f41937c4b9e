"""The gate's configuration from sections as an operator's file has them, without reading any file.

For programs that have their thresholds in a document of their own, or in voxgate's file, and use
the gate alone. Sections of others are left alone. Invariant: what is returned is valid, and the
same as the engine makes of the same sections.
"""

from __future__ import annotations

__all__ = ["gating_config_from"]

from collections.abc import Mapping
from dataclasses import fields, replace
from enum import StrEnum
from typing import Any, get_type_hints

from .config import (
    AudioGuardConfig,
    BargeInConfig,
    GatingConfig,
    IdleFillConfig,
    ProviderGatingPolicy,
    VadConfig,
)
from .guard_profile import GuardProfile

_UNGATED = ProviderGatingPolicy(gating_enabled=False)


def gating_config_from(document: Mapping[str, Any] | None) -> GatingConfig:
    """Return the configuration that a document holds.

    Args:
        document: What YAML, TOML or JSON was parsed to; None, as of an empty file, is all defaults.
            Of its sections, ``gating.providers`` (a policy by kind of provider), ``vad``,
            ``audio_guard``, ``barge_in`` and ``idle_fill`` are read; ``providers`` tells the kind
            of each named provider. What is left out has its default.

    Raises:
        ValueError: a key is not known, or a value is out of its range; names the full key.
        TypeError: a value is of another type.
    """
    document = _as_mapping("document", document)
    gating = _section(document, "gating")
    _refuse_unknown("gating", gating, {"providers"})
    policies = dict(GatingConfig().providers)
    for kind, keys in _section(gating, "providers", "gating.").items():
        path = f"gating.providers.{kind}"
        policies[kind] = _changed(path, policies.get(kind, _UNGATED), _as_mapping(path, keys))
    return GatingConfig(
        providers=policies,
        kinds={
            name: entry["kind"]
            for name, entry in _section(document, "providers").items()
            if isinstance(entry, Mapping) and entry.get("kind") in list(policies)
        },
        vad=_changed("vad", VadConfig(), _section(document, "vad")),
        audio_guard=_guard(_section(document, "audio_guard")),
        barge_in=_changed("barge_in", BargeInConfig(), _section(document, "barge_in")),
        idle_fill=_changed("idle_fill", IdleFillConfig(), _section(document, "idle_fill")),
    )


def _guard(keys: Mapping[str, Any]) -> AudioGuardConfig:
    profile = keys.get("profile", GuardProfile.PSTN)
    if profile not in list(GuardProfile):
        raise ValueError(
            f"audio_guard.profile: {profile!r} is not one of {', '.join(GuardProfile)}"
        )
    defaults = AudioGuardConfig.for_profile(GuardProfile(profile))
    guard: AudioGuardConfig = _changed("audio_guard", defaults, keys)
    return guard


def _changed(path: str, model: Any, keys: Mapping[str, Any]) -> Any:
    """Return a model with other values for the keys named."""
    _refuse_unknown(path, keys, {each.name for each in fields(model)})
    hints = get_type_hints(type(model))
    values = {name: _value(f"{path}.{name}", keys[name], hints[name]) for name in keys}
    try:
        return replace(model, **values)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{path}.{error}") from None


def _value(path: str, value: Any, hint: Any) -> Any:
    """Return a value as the model has it: a word for an enum's member, a list for a tuple."""
    if isinstance(value, str) and isinstance(hint, type) and issubclass(hint, StrEnum):
        if value not in list(hint):
            raise ValueError(f"{path}: {value!r} is not one of {', '.join(hint)}")
        return hint(value)
    return tuple(value) if isinstance(value, list) else value


def _section(document: Mapping[str, Any], name: str, parent: str = "") -> Mapping[str, Any]:
    """Return a section; empty where it is left out."""
    return _as_mapping(f"{parent}{name}", document.get(name))


def _as_mapping(path: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{path}: {value!r} is not a mapping")
    return value


def _refuse_unknown(path: str, keys: Mapping[str, Any], known: set[str]) -> None:
    for key in keys:
        if key not in known:
            raise ValueError(f"{path}.{key}: is not one of {', '.join(sorted(known))}")
