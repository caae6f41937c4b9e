"""Which loop serves calls."""

from __future__ import annotations

import asyncio
import sys

import pytest

from voxgate.event_loop import loop_name, run_serving


async def _name() -> str:
    return loop_name()


def test_calls_are_served_by_uvloop_where_it_is_installed() -> None:
    """It is part of the extra ``server``, but for Windows."""
    pytest.importorskip("uvloop")
    assert run_serving(_name()) == "uvloop"


def test_without_it_asyncios_own_loop_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what it runs comes to the same result."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run_serving(_name()) == "asyncio"


def test_a_loop_that_a_program_runs_is_named_for_what_it_is() -> None:
    """Engines that are embedded have a loop of their program's choice."""
    assert asyncio.run(_name()) == "asyncio"
