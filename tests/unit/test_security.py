"""What holds for all of the code: how secrets are compared, and what the page of threats names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PAGE = ROOT / "docs/operations/security.md"

_SECRET = re.compile(r"(^|_)(token|password|secret|api_key|signature|credential)s?$", re.IGNORECASE)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _name(node.func)
    return getattr(node, "attr", getattr(node, "id", ""))


def _comparisons() -> Iterator[tuple[str, str, int]]:
    """Yield every secret that is compared by == or !=: the file, its name, the line."""
    for path in sorted(SOURCE.rglob("*.py")):
        relative = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Compare):
                continue
            if not any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops):
                continue
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant) for side in sides):
                continue  # with "" or None, or the name of a thing
            for name in filter(_SECRET.search, map(_name, sides)):
                yield relative, name, node.lineno


def test_no_secret_is_compared_in_a_time_that_tells_of_it() -> None:
    """By hmac.compare_digest, or by what a package has for it."""
    assert [f"{path}:{line}: {name}" for path, name, line in _comparisons()] == []


@pytest.mark.parametrize(
    "path",
    [
        "observe/desk/login.py",
        "realtime_server/admission.py",
        "transports/asterisk_websocket/credentials.py",
        "transports/browser/call.py",
    ],
)
def test_where_a_secret_is_asked_for_it_is_compared_in_constant_time(path: str) -> None:
    """All four places; Twilio's package does it for signatures."""
    assert "hmac.compare_digest(" in (SOURCE / path).read_text(encoding="utf-8")


def test_every_test_that_the_page_names_is_there() -> None:
    """A control is worth as much as the test that holds it."""
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 30
    for path, test in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in text, f"{path} has no {test}"


def test_every_module_that_the_page_names_is_there() -> None:
    """Of the controls."""
    named = re.findall(r"`(src/[\w/]+\.py)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 15
    assert [path for path in named if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize(
    "script",
    sorted(
        path.relative_to(SOURCE).as_posix()
        for folder in ("observe/desk", "transports/browser")
        for path in (SOURCE / folder).rglob("*.js")
    ),
)
def test_no_script_makes_markup_of_text(script: str) -> None:
    """Ids of calls, metadata and names of the configuration are a peer's to choose: they are shown
    as text, whatever stands in them."""
    text = (SOURCE / script).read_text(encoding="utf-8")
    for way in (
        r"\.(inner|outer)HTML\b",
        r"insertAdjacentHTML",
        r"document\.write",
        r"\beval\s*\(",
        r"new Function\b",
        r"createContextualFragment",
        r"setAttribute\(\s*[\"']on",
        r"DOMParser",
    ):
        assert not re.search(way, text), way
