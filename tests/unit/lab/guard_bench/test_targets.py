"""What the guard must hold, and whether it does."""

from __future__ import annotations

from voxgate.lab.bench.targets import Target
from voxgate.lab.evaluate.judge import AudioShare
from voxgate.lab.guard_bench.cells import Cell
from voxgate.lab.guard_bench.measure import CellFigures
from voxgate.lab.guard_bench.provider_turns import Hearing, TurnFigures
from voxgate.lab.guard_bench.server_turns import TurnVerdict
from voxgate.lab.guard_bench.targets import guard_targets

QUIET = CellFigures(
    cell=Cell(kind="none", snr_db=30.0),
    speech_lost=AudioShare(9.0, 1000.0),
    details={"none": AudioShare(9.0, 1000.0)},
    us_per_frame=[40.0, 60.0],
)
EVERYDAY = CellFigures(
    cell=Cell(kind="everyday"),
    idle_forwarded=AudioShare(30.0, 1000.0),
    details={"rain": AudioShare(10.0, 500.0), "dishes": AudioShare(20.0, 500.0)},
)
RECORDED = CellFigures(
    cell=Cell(kind="recorded"),
    idle_forwarded=AudioShare(90.0, 1000.0),
    details={"bell": AudioShare(90.0, 1000.0)},
)
TV = CellFigures(cell=Cell(kind="tv", snr_db=15.0), idle_forwarded=AudioShare(600.0, 1000.0))


def heard(cell: Cell, in_time: int, opened: int, *added_ms: float) -> TurnFigures:
    of = TurnFigures(cell=cell, added_delays_ms=list(added_ms))
    of.heard[Hearing.GATED].turns[TurnVerdict.IN_TIME] = in_time
    of.heard[Hearing.GATED].turns[TurnVerdict.OPEN] = opened
    return of


def found(*cells: CellFigures, has_silero: bool = False) -> dict[str, Target]:
    turns = [
        heard(Cell(kind="steady", snr_db=12.0), 99, 1, 0.0, 20.0, 40.0),
        heard(Cell(kind="music", snr_db=12.0), 100, 0),
        heard(Cell(kind="music"), 0, 0, 500.0),
    ]
    return {target.name: target for target in guard_targets(cells, turns, has_silero=has_silero)}


def test_shares_of_time_are_held_against_their_bounds() -> None:
    """Everyday and recorded noises together, with the interval of the sounds."""
    targets = found(QUIET, EVERYDAY, RECORDED, TV)
    quiet = targets["speech, quiet line"]
    assert (quiet.figure, quiet.is_met, quiet.interval) == (0.9, True, None)
    noises = targets["everyday and recorded"]
    assert (noises.figure, noises.is_met) == (6.0, True)
    assert noises.interval is not None
    assert noises.interval[0] < 6.0 < noises.interval[1]
    assert targets["speech, tv 15 dB below"].is_met is False


def test_more_is_asked_of_silero() -> None:
    """Tighter bounds, but for the time that it may take."""
    light, silero = found(QUIET, EVERYDAY), found(QUIET, EVERYDAY, has_silero=True)
    assert light["speech, quiet line"].is_met is True
    assert silero["speech, quiet line"].is_met is False
    assert silero["everyday and recorded"].is_met is False
    time = "mean time per 20 ms frame, the whole gate"
    assert (light[time].figure, light[time].is_met, silero[time].is_met) == (50.0, False, True)


def test_turns_are_those_of_callers_behind_the_gate() -> None:
    """In time in 99 %, none open, and onsets hardly later."""
    targets = found()
    together = targets["speech_stopped in time, all together"]
    assert (together.figure, together.counted, together.is_met) == (99.5, "199 of 200 turns", True)
    assert targets["turns whose end never came"].figure == 1
    assert targets["turns whose end never came"].is_met is False
    later = targets["speech_started later than ungated, p95"]
    assert later.figure == 38.0
    assert later.is_met is True
    assert "speech_stopped in time, music" not in targets


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    """Every line is there all the same."""
    targets = guard_targets([], has_silero=False)
    assert {target.is_met for target in targets} == {None}
    assert {"tones", "speech, tv 15 dB below"} <= {target.name for target in targets}
