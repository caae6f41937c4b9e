"""The matrix of conditions: factors with levels, and how often each level occurs.

Every call has one level of each factor. Invariant: each level occurs as often as its share says,
to the call; which levels meet is chance, from the seed, but that there are enough clean lines.
"""

from __future__ import annotations

__all__ = [
    "BELOW_6_DB",
    "CLEAN_LEVELS",
    "FACTORS",
    "NO_ECHO",
    "Factor",
    "Scenario",
    "draw_scenarios",
    "profile_of",
]

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..scenarios.echo_simulation import EchoRanges
from ..scenarios.profiles import Profile

Level = Callable[[Profile], Profile]
"""Narrows a profile to a level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One condition of a call."""

    name: str
    levels: Mapping[str, tuple[float, Level]]
    """Share of the calls and meaning of each level, by its label."""
    is_of_echo: bool = False
    """True if it means nothing on a call without an echo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The conditions of one call."""

    number: int
    seed: int
    """All of the call's chance."""
    levels: Mapping[str, str]
    """Label of the level by the name of the factor; ``none`` where there is no echo to have it."""


def _echo(**changes: Any) -> Level:
    return lambda profile: replace(profile, echo=replace(profile.echo, **changes))


def _call(**changes: Any) -> Level:
    return lambda profile: replace(profile, **changes)


def _erl(low_db: float, high_db: float) -> Level:
    return _echo(minimum_erl_db=low_db, maximum_erl_db=high_db)


def _delay(low_ms: float, high_ms: float) -> Level:
    return _echo(minimum_delay_ms=low_ms, maximum_delay_ms=high_ms)


def _same(profile: Profile) -> Profile:
    return profile


NO_ECHO = "none"
"""The level of return loss that stands for a line without echo."""
BELOW_6_DB = ("0 to 6", "-6 to 0")
"""Levels of return loss below 6 dB: loudspeakers almost as loud at the microphone as the caller."""

FACTORS = (
    Factor(
        name="path",
        levels={
            NO_ECHO: (0.15, _echo(paths=("none",))),
            "hybrid": (0.22, _echo(paths=("hybrid",))),
            "handset": (0.13, _echo(paths=("handset",))),
            "room": (0.22, _echo(paths=("room",), moving_prob=0.0)),
            "room, moving": (0.13, _echo(paths=("room",), moving_prob=1.0)),
            "room, measured": (0.15, _echo(paths=("measured",), moving_prob=0.0)),
        },
    ),
    Factor(
        name="return_loss_db",
        is_of_echo=True,
        levels={
            "24 to 36": (0.20, _erl(24.0, 36.0)),
            "18 to 24": (0.20, _erl(18.0, 24.0)),
            "12 to 18": (0.24, _erl(12.0, 18.0)),
            "6 to 12": (0.24, _erl(6.0, 12.0)),
            "0 to 6": (0.06, _erl(0.0, 6.0)),
            "-6 to 0": (0.06, _erl(-6.0, 0.0)),
        },
    ),
    Factor(
        name="delay_ms",
        is_of_echo=True,
        levels={
            "0 to 100": (0.20, _delay(0.0, 100.0)),
            "100 to 250": (0.30, _delay(100.0, 250.0)),
            "250 to 400": (0.20, _delay(250.0, 400.0)),
            "400 to 560": (0.20, _delay(400.0, 560.0)),
            "560 to 700": (0.10, _delay(560.0, 700.0)),
        },
    ),
    Factor(
        name="delay_jump",
        is_of_echo=True,
        levels={
            "no": (0.88, _echo(delay_jump_prob=0.0)),
            "yes": (0.12, _echo(delay_jump_prob=1.0)),
        },
    ),
    Factor(
        name="clock_drift",
        is_of_echo=True,
        levels={"no": (0.85, _echo(drift_prob=0.0)), "yes": (0.15, _echo(drift_prob=1.0))},
    ),
    Factor(
        name="loudspeaker",
        is_of_echo=True,
        levels={
            "linear": (0.70, _echo(distorted_prob=0.0)),
            "overdriven": (0.30, _echo(distorted_prob=1.0)),
        },
    ),
    Factor(
        name="background",
        levels={
            "none": (0.34, _call(backgrounds=("none",))),
            "steady": (0.12, _call(backgrounds=("steady",))),
            "recorded": (0.12, _call(backgrounds=("recorded",))),
            "hum": (0.08, _call(backgrounds=("hum",))),
            "music": (0.12, _call(backgrounds=("music",))),
            "babble": (0.12, _call(backgrounds=("babble",))),
            "tv": (0.10, _call(backgrounds=("tv",))),
        },
    ),
    Factor(
        name="bursts",
        levels={"no": (0.85, _call(burst_prob=0.0)), "yes": (0.15, _call(burst_prob=1.0))},
    ),
    Factor(
        name="caller_dbfs",
        levels={
            "-36 to -30": (0.10, _call(caller_dbfs=(-36.0, -30.0))),
            "-30 to -24": (0.40, _call(caller_dbfs=(-30.0, -24.0))),
            "-24 to -16": (0.50, _call(caller_dbfs=(-24.0, -16.0))),
        },
    ),
    Factor(
        name="codec",
        levels={
            "mulaw": (0.50, _call(codecs=("mulaw",))),
            "alaw": (0.30, _call(codecs=("alaw",))),
            "gsm": (0.20, _call(codecs=("gsm",))),
        },
    ),
    Factor(
        name="packet_loss",
        levels={
            "no": (0.60, _call(losses=(0.0,))),
            "1 %": (0.20, _call(losses=(0.01,))),
            "4 %": (0.20, _call(losses=(0.04,))),
        },
    ),
    Factor(
        name="line",
        levels={
            "steady": (0.64, _same),
            "jitter": (0.06, _same),
            "stalls": (0.06, _same),
            "gaps": (0.06, _same),
            "dtx": (0.06, _same),
            "lead": (0.06, _call(line_lead_ms=(60.0, 200.0))),
            "clears": (0.06, _call(line_lead_ms=(60.0, 200.0), clear_prob=0.5)),
        },
    ),
)
"""What is varied. The mix is one of ordinary lines with hard ones among them."""

CLEAN_LEVELS: Mapping[str, str] = {
    "background": "none",
    "bursts": "no",
    "line": "steady",
    "packet_loss": "no",
}
"""What makes a call without echo one on a clean line."""
_CLEAN_SHARE = 0.4
"""Of the calls without echo, that are on a clean line at least."""

_BASE = Profile(
    split="",
    echo=EchoRanges(processed_prob=0.1),
    background_snr_db=(10.0, 28.0),
)
_MEASURED = "room, measured"
_INSTEAD_OF_MEASURED = "room"


def draw_scenarios(calls: int, seed: int, *, has_measured: bool) -> tuple[Scenario, ...]:
    """Return the conditions of each call.

    Args:
        calls: How many.
        seed: Of all chance.
        has_measured: False replaces measured rooms by synthetic ones.
    """
    columns = {
        factor.name: _spread(factor, calls, seed, place) for place, factor in enumerate(FACTORS)
    }
    _clean_some(columns, seed)
    scenarios = []
    for number in range(calls):
        levels = {name: column[number] for name, column in columns.items()}
        if levels["path"] == _MEASURED and not has_measured:
            levels["path"] = _INSTEAD_OF_MEASURED
        if levels["path"] == NO_ECHO:
            levels |= {factor.name: NO_ECHO for factor in FACTORS if factor.is_of_echo}
        own_seed = int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])
        scenarios.append(Scenario(number=number, seed=own_seed, levels=levels))
    return tuple(scenarios)


def _spread(factor: Factor, calls: int, seed: int, place: int) -> list[str]:
    """Return a factor's level for each call, as often as its share says, in random order."""
    labels = list(factor.levels)
    exact = [calls * factor.levels[label][0] for label in labels]
    counts = [int(count) for count in exact]
    by_rest = sorted(range(len(labels)), key=lambda i: counts[i] - exact[i])
    for i in by_rest[: calls - sum(counts)]:
        counts[i] += 1
    column = [label for label, count in zip(labels, counts, strict=True) for _ in range(count)]
    order = np.random.default_rng([seed, place]).permutation(len(column))
    return [column[i] for i in order]


def _clean_some(columns: Mapping[str, list[str]], seed: int) -> None:
    """Let some calls without echo have a clean line, which chance alone would hardly ever give.

    They swap levels with calls that have an echo, so that each level is as frequent as before.
    """
    rng = np.random.default_rng([seed, len(columns)])
    paths = columns["path"]
    silent = [call for call, path in enumerate(paths) if path == NO_ECHO]
    chosen = [int(call) for call in rng.permutation(silent)[: round(_CLEAN_SHARE * len(silent))]]
    for factor, level in CLEAN_LEVELS.items():
        column = columns[factor]
        others = [c for c, path in enumerate(paths) if path != NO_ECHO and column[c] == level]
        donors = [int(call) for call in rng.permutation(others)]
        for call in chosen:
            if column[call] != level and donors:
                donor = donors.pop()
                column[call], column[donor] = column[donor], column[call]


def profile_of(scenario: Scenario, split: str) -> Profile:
    """Return the profile that a scenario's call is drawn from."""
    profile = replace(_BASE, split=split)
    for factor in FACTORS:
        level = factor.levels.get(scenario.levels[factor.name])
        if level is not None:
            profile = level[1](profile)
    return profile
