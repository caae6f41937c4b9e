"""The tables."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from support.tunings import made_tuning
from voxgate.lab.tune.tables import changes_table, comparison_table, tag_tables


def shown(table: object) -> list[list[str]]:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return [line.split() for line in capture.get().splitlines() if line.strip()]


def test_each_changed_key_is_explained() -> None:
    """With its value before and after."""
    rows = shown(changes_table(made_tuning().changes))
    (row,) = (row for row in rows if row[0].endswith("openai_realtime.sensitivity"))
    assert row[1:3] == ["1", "0.4"]
    assert "earlier" in row


def test_current_and_proposed_stand_side_by_side() -> None:
    """On both parts, with intervals."""
    rows = shown(comparison_table(made_tuning()))
    (false,) = (row for row in rows if row[:2] == ["false", "barge-ins,"])
    assert false[5:] == [
        *("18", "of", "90:", "20.0", "%", "(13.0-29.4)"),
        *("0", "of", "90:", "0.0", "%", "(0.0-4.1)"),
        *("12", "of", "60:", "20.0", "%", "(11.8-31.8)"),
        *("0", "of", "60:", "0.0", "%", "(0.0-6.0)"),
    ]


def test_what_was_not_measured_is_a_dash() -> None:
    """A part without calls."""
    rows = shown(comparison_table(made_tuning(held_out=None)))
    (lost,) = (row for row in rows if row[:2] == ["caller", "speech"])
    assert lost[-2:] == ["-", "-"]


def test_columns_of_a_proposal_that_there_is_not_are_left_out() -> None:
    """Where nothing can be told, there are the figures of today alone."""
    made = made_tuning()
    parts = {
        name: replace(part, proposed=None, proposed_by_tag={})
        for name in ("search", "held_out")
        if (part := getattr(made, name)) is not None
    }
    tuning = replace(made, **parts)
    rows = shown(comparison_table(tuning))
    assert "proposed" not in str(rows)
    (false,) = (row for row in rows if row[:2] == ["false", "barge-ins,"])
    assert false[5:] == [
        *("18", "of", "90:", "20.0", "%", "(13.0-29.4)"),
        *("12", "of", "60:", "20.0", "%", "(11.8-31.8)"),
    ]
    (tags,) = tag_tables(tuning)
    assert "proposed" not in str(shown(tags))
    assert "->" not in str(shown(tags))


def test_tags_with_several_values_have_a_table() -> None:
    """A value that has no proposal shows a dash; a tag of one value says nothing."""
    (table,) = tag_tables(made_tuning())
    rows = shown(table)
    assert rows[0][0] == "path"
    assert [row[:3] for row in rows[2:]] == [
        ["hybrid", "searched", "18"],
        ["hybrid", "held", "out"],
        ["room", "searched", "18"],
        ["room", "held", "out"],
    ]
    assert "->" in rows[2]
    assert rows[-1][-1] == "-"
