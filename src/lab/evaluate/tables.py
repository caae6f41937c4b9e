"""The summary as tables for a person.

Invariant: a figure is shown with what it was counted of, and a figure of nothing as a dash.
"""

from __future__ import annotations

__all__ = ["overall_table", "tag_tables"]

from collections.abc import Callable, Mapping
from itertools import islice

from rich import box
from rich.markup import escape
from rich.table import Table

from .judge import AudioShare
from .summary import Delays, Figures, Latency, Mistakes, Share

_NONE = "-"
_SHOWN_VALUES = 40
"""Values of a tag that a table shows: there may be one for each row."""


def overall_table(figures: Figures) -> Table:
    """Return every figure, one a line."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("counted", justify="left")
    for name, cells in _ROWS:
        table.add_row(name, *cells(figures))
    return table


def tag_tables(by_tag: Mapping[str, Mapping[str, Figures]]) -> list[Table]:
    """Return a table for each tag, its values one a line."""
    return [_tag_table(tag, by_value) for tag, by_value in by_tag.items()]


def _tag_table(tag: str, by_value: Mapping[str, Figures]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(escape(tag))
    for name, _ in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for value, figures in islice(by_value.items(), _SHOWN_VALUES):
        table.add_row(escape(value), *(cell(figures) for _, cell in _COLUMNS))
    if len(by_value) > _SHOWN_VALUES:
        table.caption = f"and {len(by_value) - _SHOWN_VALUES} more; --json has them all"
    return table


def _share_row(share: Share, trials: str) -> tuple[str, str, str]:
    interval = share.wilson_95_percent
    bounds = _NONE if interval is None else f"{interval[0]:.1f} to {interval[1]:.1f} %"
    return _percent(share.percent), bounds, f"{share.count} of {share.of} {trials}"


def _mistakes_row(mistakes: Mistakes) -> tuple[str, str, str]:
    value, bounds, counted = _share_row(mistakes.turns, "agent turns")
    rate = mistakes.per_agent_minute
    in_all = "" if rate is None else f"; {mistakes.count} in all, {rate:.2f} a minute"
    return value, bounds, f"{counted}{in_all}"


def _latency_row(latency: Latency) -> tuple[str, str, str]:
    return _latency(latency), "", f"{latency.count} right barge-ins"


def _delays_row(delays: Delays) -> tuple[str, str, str]:
    rate = delays.per_agent_minute_ms
    value = _NONE if rate is None else f"{rate:.0f} ms / min"
    return value, "", f"{delays.total_ms / 1000:.2f} s in {delays.count} pauses"


def _audio_row(share: AudioShare) -> tuple[str, str, str]:
    return _percent(share.percent), "", f"{share.part_ms / 1000:.2f} of {share.of_ms / 1000:.2f} s"


_ROWS: tuple[tuple[str, Callable[[Figures], tuple[str, str, str]]], ...] = (
    ("right barge-ins", lambda of: _share_row(of.recall, "interruptions")),
    ("onset to open, p50 / p95", lambda of: _latency_row(of.open_latency)),
    ("onset to pause, p50 / p95", lambda of: _latency_row(of.pause_latency)),
    ("false barge-ins", lambda of: _mistakes_row(of.false_barge_ins)),
    ("needless pauses", lambda of: _mistakes_row(of.needless_pauses)),
    ("... delay of the agent", lambda of: _delays_row(of.needless_delays)),
    ("stray barge-ins", lambda of: (str(of.stray_barge_ins), "", f"{of.barge_ins} barge-ins")),
    ("caller speech lost", lambda of: _audio_row(of.speech_lost)),
    ("... that began over the agent", lambda of: _audio_row(of.speech_lost_over_agent)),
    ("... of those who were let in", lambda of: _audio_row(of.speech_lost_in_barge_ins)),
    ("non-speech forwarded", lambda of: _audio_row(of.non_speech_forwarded)),
    ("... far from caller speech", lambda of: _audio_row(of.idle_forwarded)),
    ("... in agent turns without caller", lambda of: _audio_row(of.echo_forwarded)),
)

_COLUMNS: tuple[tuple[str, Callable[[Figures], str]], ...] = (
    ("rows", lambda of: str(of.rows)),
    ("turns", lambda of: str(of.agent_turns)),
    ("false", lambda of: _brief(of.false_barge_ins.turns)),
    ("right", lambda of: _brief(of.recall)),
    ("open p50 / p95", lambda of: _latency(of.open_latency)),
    ("pauses", lambda of: _percent(of.needless_pauses.turns.percent)),
    ("lost", lambda of: _percent(of.speech_lost.percent)),
    ("non-speech", lambda of: _percent(of.non_speech_forwarded.percent)),
    ("echo", lambda of: _percent(of.echo_forwarded.percent)),
)


def _percent(percent: float | None) -> str:
    return _NONE if percent is None else f"{percent:.1f} %"


def _brief(share: Share) -> str:
    """Return a share with its interval, as narrow as it goes."""
    interval = share.wilson_95_percent
    if interval is None or share.percent is None:
        return _NONE
    return f"{share.percent:.1f} % ({interval[0]:.0f}-{interval[1]:.0f})"


def _latency(latency: Latency) -> str:
    if latency.p50_ms is None or latency.p95_ms is None:
        return _NONE
    return f"{latency.p50_ms:.0f} / {latency.p95_ms:.0f} ms"
