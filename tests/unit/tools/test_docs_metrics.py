"""The list of metrics in the documentation is the catalogue."""

from __future__ import annotations

import re

import pytest

from docs_metrics import BEGIN, END, PAGE, metrics_markdown, with_metrics
from voxgate.core.gate_decision import GateReason
from voxgate.observe.metrics_catalog import METRICS
from voxgate.observe.metrics_labels import ErrorCause


def test_the_page_has_the_list_of_now() -> None:
    """If this fails: ``python tools/docs_metrics.py``."""
    page = PAGE.read_text(encoding="utf-8")
    assert with_metrics(page) == page


def test_every_metric_is_a_row_with_all_that_is_to_be_known() -> None:
    """In five cells, none of which breaks the table."""
    rows = [line for line in metrics_markdown().splitlines() if line.startswith("| `")]
    assert len(rows) == len(METRICS)
    for row, spec in zip(rows, METRICS.values(), strict=True):
        cells = [cell.strip() for cell in row[1:-1].split("|")]
        assert len(cells) == 5
        assert cells[0] == f"`{spec.full_name}`"
        assert cells[1] == spec.kind.value
        assert re.findall(r"`(\w+)`", cells[2]) == list(spec.labels)
        assert cells[3] == spec.unit
        assert cells[4].startswith(spec.help)


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}{BEGIN}"])
def test_a_page_without_its_marks_is_an_error(page: str) -> None:
    """Rather than a list in the wrong place."""
    with pytest.raises(ValueError, match="the page has not"):
        with_metrics(page)


def test_what_is_around_the_list_stays() -> None:
    """To the byte."""
    page = with_metrics(f"# Before\n{BEGIN}STALE{END}\nafter\n")
    assert page.startswith(f"# Before\n{BEGIN}\n")
    assert page.endswith(f"{END}\nafter\n")
    assert "STALE" not in page


def test_the_values_of_labels_that_the_page_lists_are_all_there_are() -> None:
    """Causes and reasons by name."""
    page = PAGE.read_text(encoding="utf-8")
    told = set(re.findall(r"`([a-z_]+)`", page))
    assert {cause.value for cause in ErrorCause} <= told
    assert {reason.value for reason in GateReason} <= told
