"""What docs/operations/faults.md says of the log, of keys and of commands is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/operations/faults.md").read_text(encoding="utf-8")
_EVENT = r"`((?:provider|call|config|recording|engine|worker)\.[a-z_]+)`"
_KEYS = ("connect_timeout_s", "drain_timeout_s", "max_reconnects", "reconnect_max_ms")


@pytest.mark.parametrize(
    "event", sorted(set(re.findall(_EVENT, PAGE)) - {"engine.provider_hold_ms"})
)
def test_an_event_of_the_log_is_one(event: str) -> None:
    """As the list of events has it."""
    assert f"| `{event}` |" in (ROOT / "docs/events.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", [*_KEYS, "provider_hold_ms", "announcements", "unreachable"])
def test_a_key_is_one_of_the_configuration(key: str) -> None:
    """And the page still names it."""
    assert key in PAGE
    text = (ROOT / "config/ai-agent.yaml").read_text(encoding="utf-8")
    assert re.search(rf"\b{key}: ?", text)


@pytest.mark.parametrize("target", ["chaos", "soak"])
def test_a_command_is_a_target_of_make(target: str) -> None:
    """With a folder of tests behind it that `make test` leaves alone."""
    assert f"`make {target}`" in PAGE
    assert re.search(rf"^{target}: ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert list((ROOT / "tests" / target).glob("test_*.py"))


def test_every_fault_has_a_test() -> None:
    """A row for each that `make chaos` tries: who adds one on one side thinks of the other."""
    rows = len(re.findall(r"^\| (?!fault|-)", PAGE, re.MULTILINE))
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests/chaos").glob("test_*.py")]
    cases = sum(len(re.findall(r"^async def test_", text, re.MULTILINE)) for text in tests)
    more_cases_of_a_test = 2
    assert rows == cases + more_cases_of_a_test, "docs/operations/faults.md and tests/chaos differ"
