"""The rows of a report's tables, as text.

Invariant: bounded in number, however long the call; what is left out is counted.
"""

from __future__ import annotations

__all__ = [
    "MAX_ROWS",
    "ConfigText",
    "HappenedRow",
    "Mark",
    "MomentRow",
    "config_texts",
    "happened_rows",
    "heard_marks",
    "marks",
    "moment_rows",
]

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import yaml

from ...config.model_tree import ChangedKey, flattened
from ...core.audio import FRAME_MS
from ...core.config import GatingConfig
from ...core.gate_decision import GateEventType, GateMeasurements
from ...core.units import rms_to_dbfs
from ...recordings import CallEvent
from ..call_time import call_time
from ..gating_tree import gating_tree
from ..replay.decision_points import POINT_TYPES
from .call_data import CallData, CallMoment
from .words import EVENT_WORDS, REASON_WORDS

MAX_ROWS = 2000
"""Rows of a table at most."""

_E = GateEventType
_KINDS = {
    _E.GATE_CLOSED: "closed",
    _E.GATE_OPENED: "opened",
    _E.CANDIDATE_STARTED: "candidate",
    _E.CANDIDATE_DROPPED: "undone",
    _E.BARGE_IN_COMMITTED: "barge_in",
    _E.INTERRUPTED: "interrupted",
    _E.RESUMED: "undone",
}
"""How decisions are coloured."""
_MARKED = {"candidate", "barge_in", "interrupted", "undone"}
"""Those that are marked in the picture; that the gate opens and closes is seen there anyway."""


_HEARD, _CAPTURE_TIME = "provider.caller_speech_started", "capture_ms"
"""What a provider says of the caller, and the field of it that is a time of the trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentRow:
    """Something that happened at the gate."""

    seconds: float
    time: str
    kind: str
    name: str
    meaning: str
    reason: str
    measured: str
    is_minor: bool
    """No decision of its own: it followed from one, or tells of the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A decision in the picture."""

    left: float
    """Place, in percent of the call's length."""
    kind: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HappenedRow:
    """Something that happened on the call besides the gate."""

    seconds: float
    time: str
    name: str
    details: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigText:
    """The gate's configuration from some time on."""

    since: str
    changed: tuple[ChangedKey, ...]
    text: str
    """All of it, as YAML."""


def moment_rows(data: CallData) -> tuple[MomentRow, ...]:
    """Return the first :data:`MAX_ROWS` things that happened; decisions before all others."""
    is_point = [moment.event.type in POINT_TYPES for moment in data.moments]
    room = max(0, MAX_ROWS - sum(is_point))
    rows: list[MomentRow] = []
    for moment, is_decision in zip(data.moments, is_point, strict=True):
        if len(rows) == MAX_ROWS:
            break
        if not is_decision:
            if not room:
                continue
            room -= 1
        rows.append(_moment_row(moment, is_minor=not is_decision))
    return tuple(rows)


def _moment_row(moment: CallMoment, *, is_minor: bool) -> MomentRow:
    event = moment.event
    name, meaning = EVENT_WORDS[event.type]
    return MomentRow(
        seconds=round(moment.t_ms / 1000, 3),
        time=call_time(moment.t_ms, digits=2),
        kind=_KINDS.get(event.type, ""),
        name=name,
        meaning=meaning,
        reason=REASON_WORDS[event.reason],
        measured=", ".join(_measured(moment)),
        is_minor=is_minor,
    )


def _measured(moment: CallMoment) -> Iterator[str]:
    event, measured = moment.event, moment.measurements
    if event.detail:
        yield event.detail.replace("_", " ")
    if event.count:
        yield f"{event.count} frames ({event.count * FRAME_MS} ms)"
    if measured is not None and event.type in POINT_TYPES:
        yield from _evidence(moment.t_ms, measured)
        yield from _levels(measured)


def _evidence(t_ms: float, measured: GateMeasurements) -> Iterator[str]:
    if measured.near_end_logit is not None:
        yield f"log odds of the caller {measured.near_end_logit:+.1f}"
    elif measured.agent_audible:
        yield f"voice activity {measured.vad_confidence:.1f}"
    if measured.evidence_ms:
        began_ms = t_ms - measured.evidence_span_ms
        yield f"evidence {measured.evidence_ms:.0f} ms since {call_time(began_ms, digits=2)}"
    if measured.speech_logit is not None:
        yield f"log odds of speech {measured.speech_logit:+.1f}"


def _levels(measured: GateMeasurements) -> Iterator[str]:
    yield f"capture {rms_to_dbfs(measured.capture_rms):.0f} dBFS"
    if measured.near_end_dbfs is not None:
        yield f"without the echo {measured.near_end_dbfs:.0f} dBFS"
    if measured.echo_delay_ms is not None:
        yield f"echo delay {measured.echo_delay_ms:.0f} ms"
    if measured.erl_db is not None:
        yield f"ERL {measured.erl_db:.0f} dB"


def marks(data: CallData, rows: Iterable[MomentRow]) -> tuple[Mark, ...]:
    """Return the decisions that are marked in the picture."""
    return tuple(
        Mark(
            left=round(100_000 * row.seconds / data.duration_ms, 3),
            kind=row.kind,
            title=f"{row.time} {row.name}: {row.reason}",
        )
        for row in rows
        if row.kind in _MARKED
    )


def happened_rows(events: Iterable[CallEvent], start_ms: float) -> tuple[HappenedRow, ...]:
    """Return the first :data:`MAX_ROWS` things that happened besides the gate.

    What is said several times one after the other is one row: a provider transcribes word by word.
    """
    alike = groupby(events, key=lambda event: event.name)
    rows = (_happened_row(name, list(group), start_ms) for name, group in alike)
    return tuple(islice(rows, MAX_ROWS))


def _happened_row(name: str, events: Sequence[CallEvent], start_ms: float) -> HappenedRow:
    first_ms, last_ms = (event.now_ms - start_ms for event in (events[0], events[-1]))
    details = ", ".join(_fields(events[-1], start_ms))
    if len(events) > 1:
        until = call_time(last_ms, digits=2)
        details = f"{len(events)} times until {until}" + (f"; {details}" if details else "")
    return HappenedRow(
        seconds=round(first_ms / 1000, 3),
        time=call_time(first_ms, digits=2),
        name=name,
        details=details,
    )


def _fields(event: CallEvent, start_ms: float) -> Iterator[str]:
    for key, value in event.fields.items():
        if value is None:
            continue
        shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}"
        if key == _CAPTURE_TIME and isinstance(value, (int, float)):
            shown = call_time(value - start_ms, digits=2)
        yield f"{key}: {shown}"


def heard_marks(data: CallData, events: Iterable[CallEvent]) -> tuple[Mark, ...]:
    """Return the moments at which the provider said that it hears the caller."""
    times_ms = [event.now_ms - data.header.started_ms for event in events if event.name == _HEARD]
    return tuple(
        Mark(
            left=round(100 * t_ms / data.duration_ms, 3),
            kind="heard",
            title=f"{call_time(t_ms, digits=2)} the provider hears the caller",
        )
        for t_ms in times_ms[:MAX_ROWS]
    )


def config_texts(configs: Iterable[tuple[float, GatingConfig]]) -> tuple[ConfigText, ...]:
    """Return each configuration that was in force, once where it did not change."""
    texts: list[ConfigText] = []
    last: GatingConfig | None = None
    for since_ms, config in configs:
        if config == last:
            continue
        since = f"from {call_time(since_ms, digits=1)}" if texts else "from the start"
        text = yaml.safe_dump(gating_tree(config), sort_keys=False, allow_unicode=True)
        texts.append(ConfigText(since=since, changed=tuple(_changed(config)), text=text))
        last = config
    return tuple(texts[:MAX_ROWS])


def _changed(config: GatingConfig) -> Iterator[ChangedKey]:
    """Yield the keys that have not their default."""
    defaults = flattened(gating_tree(GatingConfig()))
    for key, value in flattened(gating_tree(config)).items():
        if key not in defaults or defaults[key] != value:
            default = defaults.get(key)
            yield ChangedKey(key=key, value=_plain(value), default=_plain(default))


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
