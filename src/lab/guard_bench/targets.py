"""What the guard must hold, line by line, and whether it does.

Invariant: a line of which nothing was measured is neither met nor missed.
"""

from __future__ import annotations

__all__ = ["guard_targets"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..bench.estimates import percentile_interval, time_share_interval
from ..bench.targets import Bound, Target
from ..evaluate.judge import AudioShare
from ..evaluate.summary import Share
from .measure import CellFigures
from .provider_turns import Hearing, TurnFigures
from .server_turns import HeardTurns, TurnVerdict

_LOST = "caller's speech lost, %"
_FORWARDED = "let through of what is not speech, %"
_TURNS = "turns at the embedded server"
_COST = "cost"


@dataclass(frozen=True, slots=True)
class _Limit:
    """The most that a figure of a cell may be, in %."""

    cells: tuple[str, ...]
    light: float
    silero: float

    def bound(self, *, has_silero: bool) -> Bound:
        return Bound(self.silero if has_silero else self.light, is_upper=True)


_MOST_LOST = (
    _Limit(("speech, quiet line",), 1.0, 0.8),
    _Limit(("speech, quiet line, caller at -38 dBFS",), 1.0, 0.8),
    _Limit(("speech, steady 12 dB below",), 1.5, 1.2),
    _Limit(("speech, steady 6 dB below",), 4.0, 1.5),
    _Limit(("speech, music 12 dB below",), 4.0, 2.0),
)
_MOST_FORWARDED = (
    _Limit(("quiet line",), 0.5, 0.5),
    _Limit(("steady",), 1.0, 0.5),
    _Limit(("tones",), 0.0, 0.0),
    _Limit(("everyday", "recorded"), 6.0, 2.5),
    _Limit(("music",), 10.0, 2.0),
    _Limit(("speech, tv 15 dB below",), 50.0, 50.0),
)
_LIGHT_US, _SILERO_US = 45.0, 80.0
_IN_TIME_PERCENT = 99.0
_ADDED_MS = 50.0


def guard_targets(
    cells: Sequence[CellFigures], turns: Sequence[TurnFigures] = (), *, has_silero: bool
) -> list[Target]:
    """Return every line of what the guard must hold while the agent is silent.

    Args:
        cells: What was measured by kind of sound.
        turns: What was measured of turns; empty: nothing was.
        has_silero: The guard had Silero's network, of which more is asked.
    """
    by_name = {of.cell.name: of for of in cells}
    lines = [
        _time_share(_LOST, limit, by_name, has_silero=has_silero, is_lost=True)
        for limit in _MOST_LOST
    ]
    lines += [
        _time_share(_FORWARDED, limit, by_name, has_silero=has_silero, is_lost=False)
        for limit in _MOST_FORWARDED
    ]
    return [*lines, *_turn_targets(turns), _cost(cells, has_silero=has_silero)]


def _time_share(
    group: str,
    limit: _Limit,
    by_name: dict[str, CellFigures],
    *,
    has_silero: bool,
    is_lost: bool,
) -> Target:
    found = [by_name[name] for name in limit.cells if name in by_name]
    shares = [of.speech_lost if is_lost else of.idle_forwarded for of in found]
    total = sum(shares, AudioShare())
    sounds = [share for of in found for share in of.details.values()]
    is_by_sound = bool(found) and all(of.cell.has_caller == is_lost for of in found)
    return Target(
        group=group,
        name=" and ".join(limit.cells),
        bound=limit.bound(has_silero=has_silero),
        unit="%",
        figure=total.percent,
        interval=time_share_interval(sounds) if is_by_sound else None,
        counted=f"{total.part_ms / 1000:.1f} of {total.of_ms / 1000:.0f} s, {len(sounds)} sounds",
    )


def _turn_targets(turns: Sequence[TurnFigures]) -> list[Target]:
    spoken = [of for of in turns if of.cell.has_caller]
    heard = HeardTurns()
    for of in spoken:
        heard.add(of.heard[Hearing.GATED])
    added = [delay_ms for of in spoken for delay_ms in of.added_delays_ms]
    return [
        _in_time("all together", heard),
        *(_in_time(of.cell.name, of.heard[Hearing.GATED]) for of in spoken),
        Target(
            group=_TURNS,
            name="turns whose end never came",
            bound=Bound(0.0, is_upper=True),
            unit="",
            figure=heard.turns[TurnVerdict.OPEN] if heard.judged else None,
            interval=None,
            counted=f"{heard.judged} turns",
        ),
        Target(
            group=_TURNS,
            name="speech_started later than ungated, p95",
            bound=Bound(_ADDED_MS, is_upper=True, is_strict=True),
            unit="ms",
            figure=float(np.percentile(added, 95)) if added else None,
            interval=percentile_interval(added, 95),
            counted=f"{len(added)} onsets",
        ),
    ]


def _in_time(name: str, heard: HeardTurns) -> Target:
    share = Share(heard.turns[TurnVerdict.IN_TIME], heard.judged)
    return Target(
        group=_TURNS,
        name=f"speech_stopped in time, {name}",
        bound=Bound(_IN_TIME_PERCENT, is_upper=False),
        unit="%",
        figure=share.percent,
        interval=share.wilson_95_percent,
        counted=f"{share.count} of {share.of} turns",
    )


def _cost(cells: Sequence[CellFigures], *, has_silero: bool) -> Target:
    times_us = list(_all_times(cells))
    return Target(
        group=_COST,
        name="mean time per 20 ms frame, the whole gate",
        bound=Bound(_SILERO_US if has_silero else _LIGHT_US, is_upper=True),
        unit="us",
        figure=float(np.mean(times_us)) if times_us else None,
        interval=None,
        counted=f"{len(times_us)} scenes",
    )


def _all_times(cells: Sequence[CellFigures]) -> Iterable[float]:
    return (spent_us for of in cells for spent_us in of.us_per_frame)
