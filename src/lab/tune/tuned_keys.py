"""The keys that a search turns: those that the mode in use goes by, and what it tries for them.

Left out is what recordings can't tell, since their agent goes on whatever the gate says: how a
barge-in is confirmed, and the pause after one that was not. Invariant: a setting is a configuration
that ``voxgate check-config`` passes without a warning that the operator's own does not give.
"""

from __future__ import annotations

__all__ = ["KeyGroup", "Setting", "TunedKey", "applied", "keys_for", "value_of"]

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ...config import AppConfig, config_warnings
from ...core.config import GatingMode

Setting = Mapping[str, float]
"""Values by dotted key; keys left out are the operator's."""


class KeyGroup(StrEnum):
    """What a key has an effect on, and so what calls must hold to judge it."""

    BARGE_IN = "barge-in"
    """Who interrupts the agent."""
    GUARD = "guard"
    """What passes while the agent is silent."""


@dataclass(frozen=True, slots=True)
class TunedKey:
    """One key of the configuration."""

    path: tuple[str, ...]
    values: tuple[float, ...]
    """To be tried."""
    group: KeyGroup
    meaning: str
    """What turning it up does."""

    @property
    def name(self) -> str:
        """The dotted key."""
        return ".".join(self.path)


_SENSITIVITY = (
    "sensitivity",
    (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0),
    "higher opens the gate earlier and less surely",
)
_GRACE = (
    "post_speech_grace_ms",
    (60, 120, 180, 250, 350, 500, 700),
    "higher keeps the gate closed longer after the agent's last word",
)
_BY_VOICE = (
    (
        "vad_threshold",
        (0.2, 0.4, 0.6, 0.8, 1.0),
        "higher asks for steadier voice before it counts",
    ),
    (
        "energy_threshold",
        (200, 400, 700, 1000, 1500, 2200, 3200, 4500),
        "higher asks for a louder caller: above the echo",
    ),
)
_POLICY_KEYS: Mapping[GatingMode, tuple[tuple[str, tuple[float, ...], str], ...]] = {
    GatingMode.OFF: (),
    GatingMode.HALF_DUPLEX: (_GRACE,),
    GatingMode.VAD: (*_BY_VOICE, _GRACE),
    GatingMode.ECHO_AWARE: (_SENSITIVITY, _GRACE),
}
_INTERRUPTIBLE = (GatingMode.VAD, GatingMode.ECHO_AWARE)
_ONSET_KEYS = (
    (
        "onset_preroll_ms",
        (40, 80, 120, 180, 260, 340),
        "higher gives back more of the onset, and echo with it",
    ),
    (
        "evidence_release_ms",
        (80, 120, 160, 220, 300),
        "higher holds a pause of the agent longer on thin evidence",
    ),
)
_DURATION_KEYS = (
    (
        "min_ms",
        (60, 100, 140, 200, 280, 380),
        "higher asks for longer speech before the gate opens",
    ),
    (
        "candidate_ms",
        (40, 60, 80, 120, 160),
        "higher asks for longer speech before the agent pauses",
    ),
)
_GUARD_KEYS = (
    (
        "sensitivity",
        (0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
        "higher lets more sound through as speech while the agent is silent",
    ),
    ("hangover_ms", (200, 300, 400, 500, 600), "higher keeps more of soft word ends"),
    (
        "noise_hangover_ms",
        (100, 200, 300, 400),
        "higher keeps more of words over loud noise, and of the noise",
    ),
    ("preroll_ms", (200, 300, 400), "higher gives back more of a first syllable"),
    (
        "speech_threshold_factor",
        (2.0, 3.0, 4.0, 5.0),
        "higher asks for more level over the noise",
    ),
    ("quieter_voice_db", (8.0, 11.0, 14.0, 18.0), "higher takes fewer voices for another's"),
)


def keys_for(mode: GatingMode, kind: str) -> tuple[TunedKey, ...]:
    """Return the keys that a mode goes by.

    Args:
        mode: Of the policy.
        kind: Of the provider, whose policy it is.
    """
    policy = [
        TunedKey(("gating", "providers", kind, name), values, KeyGroup.BARGE_IN, meaning)
        for name, values, meaning in _POLICY_KEYS[mode]
    ]
    barge_in = _ONSET_KEYS if mode in _INTERRUPTIBLE else ()
    duration = _DURATION_KEYS if mode is GatingMode.VAD else ()
    times = [
        TunedKey(("barge_in", name), values, KeyGroup.BARGE_IN, meaning)
        for name, values, meaning in (*duration, *barge_in)
    ]
    guard = [
        TunedKey(("audio_guard", name), values, KeyGroup.GUARD, meaning)
        for name, values, meaning in _GUARD_KEYS
    ]
    return (*policy, *times, *guard)


def value_of(config: AppConfig, key: TunedKey) -> float:
    """Return what a configuration has for a key."""
    value: Any = config
    for part in key.path:
        value = value[part] if isinstance(value, Mapping) else getattr(value, part)
    return float(value) if isinstance(value, float) else int(value)


def applied(config: AppConfig, setting: Setting) -> AppConfig | None:
    """Return a configuration with a setting, or None if it may not be, or earns a warning.

    Args:
        config: The operator's.
        setting: Values by dotted key.
    """
    try:
        changed = config
        for name, value in setting.items():
            changed = _with(changed, tuple(name.split(".")), value)
    except (TypeError, ValueError):
        return None
    warned = {warning.key for warning in config_warnings(config, {})}
    found = {warning.key for warning in config_warnings(changed, {})}
    return changed if found <= warned else None


def _with(model: Any, path: tuple[str, ...], value: float) -> Any:
    """Return a model with one value changed."""
    first, *rest = path
    if isinstance(model, Mapping):
        return {**model, first: _with(model[first], tuple(rest), value)}
    if rest:
        return replace(model, **{first: _with(getattr(model, first), tuple(rest), value)})
    return replace(model, **{first: value})
