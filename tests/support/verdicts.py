"""Rows as they come out of an evaluation, for tests of what adds them up."""

from __future__ import annotations

__all__ = ["evaluated_row"]

from pathlib import Path

from support.recordings import manifest_row
from voxgate.lab.evaluate.evaluation import EvaluatedRow
from voxgate.lab.evaluate.judge import AudioShare, CallVerdict
from voxgate.lab.evaluate.manifest import RowNote
from voxgate.lab.evaluate.runner import GateRun
from voxgate.lab.evaluate.turns import TurnVerdict


def evaluated_row(
    *turns: TurnVerdict,
    barge_ins: int = 0,
    duration_ms: float = 60_000.0,
    speech_lost: AudioShare | None = None,
    is_gated: bool = True,
    tags: dict[str, str] | None = None,
    us_per_frame: float = 20.0,
    notes: tuple[RowNote, ...] = (),
) -> EvaluatedRow:
    """Return a row with these verdicts; its audio shares are made distinct."""
    return EvaluatedRow(
        row=manifest_row(Path("a.wav"), tags=tags),
        run=GateRun(events=(), forwarded=(), us_per_frame_p50=us_per_frame),
        verdict=CallVerdict(
            duration_ms=duration_ms,
            turns=turns,
            barge_ins=barge_ins,
            speech_lost=speech_lost or AudioShare(1, 100),
            speech_lost_over_agent=AudioShare(2, 100),
            speech_lost_in_barge_ins=AudioShare(6, 100),
            non_speech_forwarded=AudioShare(3, 100),
            idle_forwarded=AudioShare(4, 100),
            echo_forwarded=AudioShare(5, 100),
        ),
        is_gated=is_gated,
        notes=notes,
    )
