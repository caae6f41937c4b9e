"""The summary as tables."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from support.verdicts import evaluated_row
from voxgate.lab.evaluate.summary import figures_by_tag, figures_of
from voxgate.lab.evaluate.tables import overall_table, tag_tables
from voxgate.lab.evaluate.turns import TurnVerdict

_RIGHT = TurnVerdict(judged=(0, 6000), onset_ms=2000, right_ms=2120, right_pause_ms=2060)
_FALSE = TurnVerdict(judged=(0, 6000), onset_ms=None, false_ms=(9,), needless_pause_ms=(8,))


def shown(table: Table) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=120).print(table)
    return [" ".join(line.split()) for line in out.getvalue().splitlines() if line.strip()]


def test_every_figure_is_shown_with_what_it_was_counted_of() -> None:
    """One a line, shares with their interval."""
    lines = shown(overall_table(figures_of([evaluated_row(_RIGHT, _FALSE, barge_ins=2)])))
    assert lines[2:] == [
        "right barge-ins 100.0 % 20.7 to 100.0 % 1 of 1 interruptions",
        "onset to open, p50 / p95 120 / 120 ms 1 right barge-ins",
        "onset to pause, p50 / p95 60 / 60 ms 1 right barge-ins",
        "false barge-ins 50.0 % 9.5 to 90.5 % 1 of 2 agent turns; 1 in all, 5.00 a minute",
        "needless pauses 50.0 % 9.5 to 90.5 % 1 of 2 agent turns; 1 in all, 5.00 a minute",
        "... delay of the agent 0 ms / min 0.00 s in 0 pauses",
        "stray barge-ins 0 2 barge-ins",
        "caller speech lost 1.0 % 0.00 of 0.10 s",
        "... that began over the agent 2.0 % 0.00 of 0.10 s",
        "... of those who were let in 6.0 % 0.01 of 0.10 s",
        "non-speech forwarded 3.0 % 0.00 of 0.10 s",
        "... far from caller speech 4.0 % 0.00 of 0.10 s",
        "... in agent turns without caller 5.0 % 0.01 of 0.10 s",
    ]


def test_a_figure_of_nothing_is_a_dash() -> None:
    """Not a zero."""
    lines = shown(overall_table(figures_of([])))
    assert lines[2] == "right barge-ins - - 0 of 0 interruptions"
    assert lines[3] == "onset to open, p50 / p95 - 0 right barge-ins"
    assert lines[5] == "false barge-ins - - 0 of 0 agent turns"


def test_each_tag_has_a_table_with_a_line_for_each_value() -> None:
    """A value is text, whatever is in it."""
    rows = [
        evaluated_row(_RIGHT, tags={"erl_db": "24", "[b]odd": "[red]"}),
        evaluated_row(_FALSE, tags={"erl_db": "6"}),
    ]
    odd, erl = map(shown, tag_tables(figures_by_tag(rows)))
    assert odd[0].startswith("[b]odd rows turns false right open p50 / p95 pauses lost")
    assert odd[2].startswith("[red] 1 1")
    assert erl[2] == "6 1 1 100.0 % (21-100) - - 100.0 % 1.0 % 3.0 % 5.0 %"
    assert erl[3] == "24 1 1 0.0 % (0-79) 100.0 % (21-100) 120 / 120 ms 0.0 % 1.0 % 3.0 % 5.0 %"


def test_a_tag_that_tells_each_row_from_all_others_does_not_fill_the_screen() -> None:
    """Forty values are shown, and how many more there are."""
    rows = [evaluated_row(tags={"call": f"{n}"}) for n in range(45)]
    (table,) = tag_tables(figures_by_tag(rows))
    assert table.row_count == 40
    assert shown(table)[-1] == "and 5 more; --json has them all"
