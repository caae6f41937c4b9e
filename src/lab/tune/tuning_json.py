"""A tuning as JSON: what ``voxgate tune --json`` writes.

Invariant: everything in it is decided by the calls, the configuration and the options.
"""

from __future__ import annotations

__all__ = ["tuning_as_json"]

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..evaluate.intervals import total_ms
from ..evaluate.summary_json import share_as_json
from .cost import Weights
from .figures import Estimate, SettingFigures
from .label_check import Agreement
from .resampling import Gain
from .summary import Gathered, verdict_lines
from .tuning import Comparison, Tuning


def tuning_as_json(
    tuning: Tuning, gathered: Gathered, weights: Weights, *, setting: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything there is to say of a tuning.

    Args:
        tuning: What came of it.
        gathered: What it was made of.
        weights: What mistakes cost.
        setting: Names folder, configuration and options, and comes first.
    """
    return {
        **setting,
        "weights": asdict(weights),
        "labels": _labels(gathered),
        "verdict": str(tuning.verdict),
        "said": list(verdict_lines(tuning)),
        "calls_needed": tuning.calls_needed,
        "settings_tried": tuning.settings_tried,
        "keys_searched": [key.name for key in tuning.keys],
        "changes": [
            {
                "key": change.key.name,
                "current": change.current,
                "proposed": change.proposed,
                "meaning": change.key.meaning,
            }
            for change in tuning.changes
        ],
        "saved_by_echo_aware": _gain(tuning.saved_by_reference),
        "search": _comparison(tuning.search),
        "held_out": _comparison(tuning.held_out),
        "shortages": [
            {**asdict(shortage), "group": shortage.group and str(shortage.group)}
            for shortage in tuning.shortages
        ],
        "not_used": [asdict(problem) for problem in (*gathered.problems, *tuning.problems)],
        "notes": list(gathered.notes),
    }


def _labels(gathered: Gathered) -> dict[str, Any]:
    found = gathered.found
    agreement = gathered.agreement
    return {
        "calls": len(gathered.calls),
        "set_aside": gathered.set_aside,
        "self_labelled": len(found),
        "agent_turns": sum(call.agent_turns for call in found),
        "agent_turns_left_out": sum(call.turns_left_out for call in found),
        "unsure_ms": sum(total_ms(call.labels.unsure) for call in found),
        "duration_ms": sum(call.duration_ms for call in found),
        "agreement": None if agreement is None else _agreement(agreement),
    }


def _agreement(agreement: Agreement) -> dict[str, Any]:
    turns = agreement.turns
    return {
        "interruptions": asdict(turns),
        "precision": _rounded(turns.precision),
        "recall": _rounded(turns.recall),
        "utterances": agreement.utterances,
        "utterances_found": agreement.utterances_found,
        "invented_utterances": agreement.invented_utterances,
    }


def _comparison(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {
        "current": _figures(comparison.current),
        "proposed": None if comparison.proposed is None else _figures(comparison.proposed),
        "gain": _gain(comparison.gain),
        "worse": list(comparison.worse),
        "tags": {
            tag: {
                value: {
                    "current": _figures(figures),
                    "proposed": _figures_at(comparison.proposed_by_tag, tag, value),
                }
                for value, figures in by_value.items()
            }
            for tag, by_value in comparison.current_by_tag.items()
        },
    }


def _figures_at(
    by_tag: Mapping[str, Mapping[str, SettingFigures]], tag: str, value: str
) -> dict[str, Any] | None:
    figures = by_tag.get(tag, {}).get(value)
    return None if figures is None else _figures(figures)


def _figures(figures: SettingFigures) -> dict[str, Any]:
    return {
        "calls": figures.calls,
        "false": share_as_json(figures.false),
        "right": share_as_json(figures.right),
        "onset_to_open_ms": _estimate(figures.latency_ms),
        "caller_speech_lost_percent": _estimate(figures.lost_percent),
        "echo_percent": _estimate(figures.echo_percent),
        "noise_percent": _estimate(figures.noise_percent),
        "cost": _estimate(figures.cost),
    }


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {
        "value": _rounded(estimate.value),
        "bootstrap_95": estimate.interval and [_rounded(bound) for bound in estimate.interval],
    }


def _gain(gain: Gain | None) -> dict[str, Any] | None:
    if gain is None:
        return None
    return {
        "cost_saved_per_call": _rounded(gain.mean),
        "bootstrap_95": [_rounded(gain.low), _rounded(gain.high)],
        "chance": _rounded(gain.chance),
        "is_sure": gain.is_sure,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
