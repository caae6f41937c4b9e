"""Groups of a bench's calls."""

from __future__ import annotations

from support.bench_rows import bench_row
from voxgate.lab.bench.groups import groups_of
from voxgate.lab.evaluate.summary import Share


def test_groups_hold_the_calls_that_they_are_named_for() -> None:
    """Six plain calls, two with little return loss, one noisy, two without echo."""
    rows = [
        *[bench_row(2100.0)] * 6,
        *[bench_row(2100.0, return_loss_db="-6 to 0")] * 2,
        bench_row(2100.0, background="music"),
        bench_row(2100.0, path="none", return_loss_db="none"),
        bench_row(2100.0, path="none", return_loss_db="none", background="hum", line="dtx"),
    ]
    assert {name: figures.rows for name, figures in groups_of(rows).items()} == {
        "all calls": 11,
        "return loss of 6 dB and more": 9,
        "return loss below 6 dB": 2,
        "no background noise": 7,
        "clean line, no echo": 1,
        "no echo, noise or music": 1,
        "first turn of each call": 9,
        "later turns": 9,
    }


def test_first_and_later_turns_are_told_apart() -> None:
    """A gate that hears the first interruption only; of audio there are no figures then."""
    groups = groups_of([bench_row(2100.0)] * 3)
    assert groups["first turn of each call"].recall == Share(3, 3)
    assert groups["later turns"].recall == Share(0, 3)
    assert groups["later turns"].echo_forwarded.percent is None
