"""The list of log events in the documentation is the list of log events in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import pytest

from voxgate.core.call_stats import CallStats
from voxgate.observe.call_log import GATE_EVENTS

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "src"
DOCUMENT = ROOT / "docs" / "events.md"

_LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
    "critical": "critical",
}
_LOGGERS = {"log", "_log"}
_NOT_FIELDS = {"exc_info"}


class Logged(NamedTuple):
    """One place in the code that logs an event."""

    name: str
    level: str
    fields: frozenset[str]
    place: str


class Listed(NamedTuple):
    """One row of the table."""

    name: str
    levels: frozenset[str]
    when: str
    fields: frozenset[str]


def _is_logger(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
    return name in _LOGGERS


def _log_calls() -> Iterator[tuple[ast.Call, str, str]]:
    """Yield each call of a logger in the package with its method and its place."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if _is_logger(node.func.value):
                yield node, node.func.attr, f"{path.relative_to(ROOT)}:{node.lineno}"


def _logged() -> Iterator[Logged]:
    for call, method, place in _log_calls():
        if method in {"bind", "new", "unbind"}:
            continue
        at_any_level = method == "log"
        event = call.args[1 if at_any_level else 0]
        assert isinstance(event, ast.Constant), f"{place}: the event is no plain text"
        fields = frozenset(word.arg for word in call.keywords if word.arg) - _NOT_FIELDS
        level = "any" if at_any_level else _LEVELS[method]
        yield Logged(event.value, level, fields, place)
    for event_type, (name, level) in GATE_EVENTS.items():
        yield Logged(
            name, level.value, frozenset({"call_id", "reason"}), f"gate event {event_type}"
        )


_COUNTERS = "### The counters of `call.ended`"


def _section(heading: str) -> tuple[str, str]:
    """Return the lines of a section of the document, up to the next heading, and all others."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(f"\n{heading}\n")
    section, mark, after = rest.partition("\n#")
    return section, before + mark + after


def _listed() -> list[Listed]:
    rows = []
    for line in _section(_COUNTERS)[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        assert len(cells) == 4, f"not four cells: {line}"
        name, levels, when, fields = cells
        rows.append(
            Listed(
                name.strip("`"),
                frozenset(re.findall(r"\w+", levels)),
                when,
                frozenset(re.findall(r"`(\w+)`", fields)),
            )
        )
    return rows


LOGGED = list(_logged())
LISTED = _listed()


def test_every_event_in_the_code_is_listed_and_the_other_way_round() -> None:
    """Neither side knows an event that the other does not."""
    assert LOGGED, "the search found nothing, so that it would prove nothing"
    in_code = {logged.name for logged in LOGGED}
    in_list = {listed.name for listed in LISTED}
    assert {"call.started", "provider.connected", "gate.closed"} <= in_code
    assert in_code - in_list == set(), "not in docs/events.md"
    assert in_list - in_code == set(), "not in the code"


def test_no_event_is_listed_twice() -> None:
    """One row an event."""
    names = [listed.name for listed in LISTED]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed.name)
def test_a_listed_event_is_as_it_is_logged(listed: Listed) -> None:
    """Its levels are those of the code, no field is missing, and the row says when it comes."""
    places = [logged for logged in LOGGED if logged.name == listed.name]
    levels = {logged.level for logged in places} - {"any"}
    assert levels <= listed.levels, places
    assert levels == listed.levels or any(logged.level == "any" for logged in places), places
    for logged in places:
        assert logged.fields - listed.fields == set(), logged.place
    assert listed.when


@pytest.mark.parametrize("logged", LOGGED, ids=lambda logged: f"{logged.name} {logged.place}")
def test_an_event_is_a_dotted_name(logged: Logged) -> None:
    """A component and what happened: a name to search for, not a sentence."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", logged.name), logged.place


def test_events_of_the_gate_are_listed_for_every_kind() -> None:
    """What the gate can say is what the log can say."""
    from voxgate.core.gate_decision import GateEventType

    assert set(GATE_EVENTS) == set(GateEventType)
    assert len({name for name, _ in GATE_EVENTS.values()}) == len(GATE_EVENTS)


def test_every_counter_of_a_call_is_explained() -> None:
    """In the order in which they are logged, each with words of its own."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", _section(_COUNTERS)[0], re.MULTILINE)

    assert [name for name, _ in rows] == [field.name for field in fields(CallStats)]
    assert len({words for _, words in rows}) == len(rows)
