"""The bounds that the documentation lists are those of the code, and no queue is without one."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PAGE = (ROOT / "docs/operations/bounds.md").read_text(encoding="utf-8")

_STATED = re.compile(r"`([\w/]+\.py):([\w.]+)` = ((?:0x)?[0-9A-F_]+(?:\.\d+)?)")
_QUEUES = {
    "deque",
    "Queue",
    "SimpleQueue",
    "LifoQueue",
    "PriorityQueue",
    "OrderedDict",
    "bytearray",
}
_NOT_OF_CALLS = {"lab", "cli", "workers"}
"""Tools that end, and what holds processes but no calls."""


def _value(path: str, name: str) -> Any:
    """Return a constant of a module, or the default of an argument of one of its classes."""
    module = import_module("voxgate." + path.removesuffix(".py").replace("/", "."))
    first, _, argument = name.partition(".")
    found = getattr(module, first)
    return inspect.signature(found).parameters[argument].default if argument else found


@pytest.mark.parametrize(("path", "name", "value"), _STATED.findall(PAGE))
def test_a_bound_is_what_the_page_says(path: str, name: str, value: str) -> None:
    """Who changes one in the code changes it there."""
    assert _value(path, name) == ast.literal_eval(value)


def test_the_page_states_many_bounds() -> None:
    """Else the form of the page has changed, and nothing is checked."""
    assert len(_STATED.findall(PAGE)) > 70


def _modules_with_queues() -> list[str]:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        relative = path.relative_to(SOURCE)
        if relative.parts[0] in _NOT_OF_CALLS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            function = node.func if isinstance(node, ast.Call) else None
            name = getattr(function, "attr", getattr(function, "id", ""))
            if name in _QUEUES:
                found.append(relative.as_posix())
                break
    return found


@pytest.mark.parametrize("module", _modules_with_queues())
def test_a_module_with_a_queue_is_on_the_page(module: str) -> None:
    """With its bound, and with what becomes of what is too much."""
    assert f"`{module}" in PAGE


@pytest.mark.parametrize("event", sorted(set(re.findall(r"log `([\w.]+)`", PAGE))))
def test_an_event_of_the_log_is_one(event: str) -> None:
    """As the list of events has it."""
    assert f"| `{event}` |" in (ROOT / "docs/events.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("metric", sorted(set(re.findall(r"`(voxgate_\w+)", PAGE))))
def test_a_metric_is_one(metric: str) -> None:
    """As the list of metrics has it."""
    assert f"| `{metric}` |" in (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
