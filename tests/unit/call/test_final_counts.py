"""What the sides of a call counted by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

from voxgate.call.final_counts import add_counts, line_counts, provider_counts


@dataclass(frozen=True)
class Stats:
    sent_frames: int = 7
    dropped_sent_frames: int = 0
    is_odd: bool = True
    warnings: Mapping[str, int] | None = None
    note: str = "what a peer wrote"


def test_a_line_s_counters_are_told_and_nothing_else() -> None:
    """Not what is 0, and no text: it may be a peer's."""
    assert line_counts(SimpleNamespace(stats=Stats())) == {"sent_frames": 7}


def test_a_line_without_counters_has_none() -> None:
    """A line of one's own need not have any."""
    for line in (object(), SimpleNamespace(stats=None), SimpleNamespace(stats=Stats)):
        assert line_counts(line) == {}


def test_a_provider_s_counters_are_told() -> None:
    """Where it has a mapping of them."""
    provider = SimpleNamespace(counts={"frames_dropped": 3, "keep_alives": 0, "note": "x"})
    assert provider_counts(provider) == {"frames_dropped": 3}
    assert provider_counts(object()) == {}
    assert provider_counts(SimpleNamespace(counts=lambda: None)) == {}


def test_counters_of_providers_one_after_the_other_are_summed_up() -> None:
    """By their names."""
    assert add_counts({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {"a": 1, "b": 5, "c": 4}
