"""One row from manifest to result: the recording, a gate of its own, the verdict.

Invariant: the outcome depends on the row and the configuration alone, and comes back as a value,
whatever goes wrong.
"""

from __future__ import annotations

__all__ = ["EvaluatedRow", "evaluate_row", "result_of", "with_mode"]

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...config.suggestion import known_names
from ...core.config import GatingConfig, GatingMode
from .judge import CallTruth, CallVerdict, judge_call
from .manifest import ManifestRow, RowNote, RowProblem
from .recording import Recording, load_recording
from .runner import GateRun, make_gate, run_gate

_HERE = Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedRow:
    """What a gate made of one row, and what is to be said of that."""

    row: ManifestRow
    run: GateRun
    verdict: CallVerdict
    is_gated: bool
    """False for a provider that gets every frame untouched: there is no gate to judge."""
    notes: tuple[RowNote, ...]


def evaluate_row(
    row: ManifestRow, *, config: GatingConfig, folder: Path = _HERE
) -> EvaluatedRow | RowProblem:
    """Run one row through a gate of its own and judge it.

    Args:
        row: Of a manifest.
        config: Of the gate.
        folder: What the row's relative paths are relative to.
    """
    policy = config.policy_for(row.provider)
    if policy is None:
        rule = known_names(row.provider, sorted({*config.providers, *config.kinds}))
        return _problem(row, "provider", f"{row.provider!r} is not configured; {rule}")
    try:
        recording = load_recording(row, folder)
        if isinstance(recording, RowProblem):
            return recording
        return _judged(row, recording, config, is_gated=policy.gating_enabled)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other rows are judged
        return _problem(row, None, f"could not be judged: {error!r}")


def _judged(
    row: ManifestRow, recording: Recording, config: GatingConfig, *, is_gated: bool
) -> EvaluatedRow:
    run = run_gate(
        recording,
        provider=row.provider,
        gate=make_gate(config),
        caller_speech=recording.caller_speech,
    )
    return EvaluatedRow(
        row=row,
        run=run,
        verdict=judge_call(_truth(recording), run.events, run.forwarded),
        is_gated=is_gated,
        notes=recording.notes,
    )


def result_of(evaluated: EvaluatedRow) -> dict[str, Any]:
    """Return a row's result in the public form, one line of ``--out``."""
    run = evaluated.run
    return {
        "id": evaluated.row.id,
        "barge_in_ms": [_plain(t_ms) for t_ms in run.barge_in_ms],
        "forwarded": [[_plain(start), _plain(end)] for start, end in run.forwarded],
        "events": [
            {"t_ms": _plain(event.t_ms), "type": str(event.type), "reason": str(event.reason)}
            for event in run.events
        ],
        "us_per_frame_p50": round(run.us_per_frame_p50, 2),
    }


def with_mode(config: GatingConfig, mode: GatingMode) -> GatingConfig:
    """Return the configuration with one mode for every provider that is gated."""
    providers = {
        kind: replace(policy, mode=mode) if policy.gating_enabled else policy
        for kind, policy in config.providers.items()
    }
    return replace(config, providers=providers)


def _truth(recording: Recording) -> CallTruth:
    return CallTruth(
        duration_ms=recording.duration_ms,
        agent_speaking=recording.agent_speaking,
        caller_speech=recording.caller_speech,
    )


def _problem(row: ManifestRow, key: str | None, message: str) -> RowProblem:
    return RowProblem(line=row.line, field=key, message=message, row_id=row.id)


def _plain(t_ms: float) -> float:
    """Return a time rounded to the microsecond, as a whole number if it is one."""
    rounded = round(t_ms, 3)
    return int(rounded) if rounded == int(rounded) else rounded
