"""The guard's figures as tables and JSON."""

from __future__ import annotations

from rich.console import Console

from voxgate.lab.evaluate.judge import AudioShare
from voxgate.lab.guard_bench.cells import Cell
from voxgate.lab.guard_bench.measure import CellFigures
from voxgate.lab.guard_bench.provider_turns import Hearing, TurnFigures
from voxgate.lab.guard_bench.server_turns import TurnVerdict
from voxgate.lab.guard_bench.tables import (
    cell_tables,
    cells_as_json,
    turn_tables,
    turns_as_json,
    worst_table,
)

SPOKEN = CellFigures(
    cell=Cell(kind="steady", snr_db=12.0),
    scenes=3,
    speech_lost=AudioShare(10.0, 1000.0),
    idle_forwarded=AudioShare(0.0, 500.0),
    not_sent=AudioShare(400.0, 1000.0),
    onset_delays_ms=[40.0, 60.0, 80.0],
    details={"steady": AudioShare(10.0, 1000.0)},
    us_per_frame=[20.0, 30.0],
)
ALONE = CellFigures(
    cell=Cell(kind="music"),
    scenes=3,
    idle_forwarded=AudioShare(300.0, 1000.0),
    not_sent=AudioShare(700.0, 1000.0),
    details={"song": AudioShare(300.0, 1000.0)},
)


def shown(*tables) -> str:
    console = Console(width=140)
    with console.capture() as capture:
        for table in tables:
            console.print(table)
    return capture.get()


def test_tables_show_figures_and_dashes() -> None:
    """One table of callers, one without; what there is nothing of is a dash."""
    spoken, alone = cell_tables([SPOKEN, ALONE])
    text = shown(spoken)
    for part in ("speech, steady 12 dB below", "1.0 %", "0.0 %", "40.0 %", "60 / 78 ms", "25"):
        assert part in text
    text = shown(alone)
    assert "music" in text
    assert "30.0 %" in text
    assert "-" in text.split("music")[1]


def test_the_worst_sounds_are_named() -> None:
    """With the share that went wrong."""
    text = shown(worst_table([SPOKEN, ALONE]))
    assert "song 30.0 %" in text
    assert "steady 1.0 %" in text


def test_json_has_every_figure() -> None:
    """Nothing is null but what there is nothing of."""
    spoken, alone = cells_as_json([SPOKEN, ALONE])
    assert spoken["speech_lost_percent"] == 1.0
    assert spoken["onset_delay_p50_ms"] == 60.0
    assert spoken["timing"] == {"us_per_frame_mean": 25.0}
    assert alone["speech_lost_percent"] is None
    assert alone["onset_delay_p95_ms"] is None
    assert alone["worst"] == {"song": 30.0}


def turn_figures() -> TurnFigures:
    """Return three turns, of which the gated server ended one late and the last never."""
    of = TurnFigures(cell=Cell(kind="steady", snr_db=6.0), scenes=2, added_delays_ms=[0.0, 40.0])
    gated = of.heard[Hearing.GATED]
    for verdict in (TurnVerdict.IN_TIME, TurnVerdict.LATE, TurnVerdict.OPEN):
        gated.turns[verdict] = 1
    gated.stop_delays_ms = [500.0, 1500.0]
    gated.false_starts, gated.idle_ms = 3, 60_000.0
    gated.line_ms, gated.sound_ms, gated.sent_ms = 1000.0, 250.0, 900.0
    return of


def test_turns_are_shown_line_by_line() -> None:
    """Ungated, gated and adaptive; a cell without a caller has no turns to judge."""
    spoken, alone = turn_tables([turn_figures(), TurnFigures(cell=Cell(kind="music"))])
    text = shown(spoken)
    for part in ("steady 6 dB below", "33.3 %", "1000 / 1450 ms", "20 / 38 ms", "3.0", "25.0 %"):
        assert part in text
    assert "music" not in text
    assert "music" in shown(alone)


def test_turns_have_every_figure_in_json() -> None:
    """By how the line reached the server."""
    (of,) = turns_as_json([turn_figures()])
    assert (of["cell"], of["onsets"], of["added_delay_p50_ms"]) == (
        "speech, steady 6 dB below",
        2,
        20.0,
    )
    assert (of["gated"]["late"], of["gated"]["open"]) == (1, 1)
    assert of["gated"]["sound_sent_percent"] == 25.0
    assert of["gated"]["audio_sent_percent"] == 90.0
    assert of["ungated"]["stop_delay_p95_ms"] is None
