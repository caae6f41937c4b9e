"""The tables of a recognition bench."""

from __future__ import annotations

import io

from rich.console import Console

from support.recognised import interrupted
from voxgate.lab.recognition.report import clean_rate, figures_by_stop
from voxgate.lab.recognition.tables import rate_table
from voxgate.lab.recognition.trial import NEVER

TRIALS = [
    interrupted(6.0, clean=1, raw=(2, 4), cancelled=(1, 1)),
    interrupted(18.0, clean=0, raw=(0, 2), cancelled=(1, 0)),
]


def shown(stop_ms: float | None) -> str:
    table = rate_table(stop_ms, figures_by_stop(TRIALS)[stop_ms], clean_rate(TRIALS))
    console = Console(file=io.StringIO(), width=130)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_way_a_line_with_its_difference_from_raw() -> None:
    """Rates by return loss, and the interval of the difference over all."""
    lines = shown(NEVER).splitlines()
    (clean,) = (line.split() for line in lines if line.startswith(" no echo at all"))
    (raw,) = (line.split() for line in lines if line.startswith(" raw"))
    (cancelled,) = (line.split() for line in lines if line.startswith(" echo_cancelled"))
    assert clean[-3:] == ["10.0", "0.0", "5.0"]
    assert raw[-3:] == ["40.0", "20.0", "30.0"]
    assert cancelled[-7:-4] == ["10.0", "0.0", "5.0"]
    assert cancelled[-4] == "-25.0"


def test_the_title_says_when_the_agent_stopped() -> None:
    """In ms after the caller's onset, or that it goes on."""
    assert "the agent goes on" in shown(NEVER)
    assert "the agent stops 0 ms after the caller's onset" in shown(0.0)
