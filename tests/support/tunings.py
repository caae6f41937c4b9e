"""A tuning with a proposal, made by hand, for tests of what is said of one."""

from __future__ import annotations

__all__ = ["made_tuning"]

from typing import Any

from support.tuned_calls import measures
from voxgate.lab.tune.cost import Weights
from voxgate.lab.tune.figures import figures_of
from voxgate.lab.tune.resampling import Gain
from voxgate.lab.tune.tuned_keys import keys_for
from voxgate.lab.tune.tuning import Comparison, KeyChange, Tuning, Verdict

_KEYS = keys_for("echo_aware", "openai_realtime")  # type: ignore[arg-type]


def made_tuning(verdict: Verdict = Verdict.PROPOSED, **changes: Any) -> Tuning:
    """Return a tuning that turns a key of the policy and two of the guard, but for the changes."""
    fields: dict[str, Any] = {
        "verdict": verdict,
        "changes": tuple(
            KeyChange(key, current, proposed)
            for key, current, proposed in (
                (_KEYS[0], 1.0, 0.4),
                (_key("hangover_ms"), 400, 300),
                (_key("preroll_ms"), 300, 400),
            )
        ),
        "keys": _KEYS,
        "settings_tried": 57,
        "search": _comparison(18),
        "held_out": _comparison(12),
        "shortages": (),
        "calls_needed": None,
        "problems": (),
    }
    return Tuning(**{**fields, **changes})


def _key(name: str) -> Any:
    return next(key for key in _KEYS if key.path == ("audio_guard", name))


def _comparison(calls: int) -> Comparison:
    current = figures_of([measures(false=1, lost_ms=400.0)] * calls, Weights(), seed=1)
    proposed = figures_of([measures(lost_ms=80.0)] * calls, Weights(), seed=1)
    return Comparison(
        current=current,
        proposed=proposed,
        gain=Gain(mean=1.16, low=1.1, high=1.2, chance=0.001, calls=calls),
        is_better=True,
        worse=(),
        current_by_tag={"path": {"hybrid": current, "room": current}, "only": {"one": current}},
        proposed_by_tag={"path": {"hybrid": proposed}},
    )
