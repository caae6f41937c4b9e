"""What an operator sees is started in order, and none of it is needed to serve calls."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from voxgate.config.models import AppConfig
from voxgate.engine import AIEngine
from voxgate.errors import ConfigError, ConfigProblem
from voxgate.observe import operations as module
from voxgate.observe.operations import Operations


class Part:
    """Writes down what becomes of it, and fails as it is told to."""

    def __init__(
        self,
        name: str,
        told: list[str],
        start_error: Exception | None = None,
        stop_error: Exception | None = None,
    ) -> None:
        self.name = name
        self._told = told
        self._start_error = start_error
        self._stop_error = stop_error

    @property
    def notices(self) -> tuple[str, ...]:
        return (f"{self.name} is there",)

    async def start(self) -> None:
        self._told.append(f"start {self.name}")
        if self._start_error is not None:
            raise self._start_error

    async def stop(self) -> None:
        self._told.append(f"stop {self.name}")
        if self._stop_error is not None:
            raise self._stop_error


def operations_of(monkeypatch: pytest.MonkeyPatch, parts: Sequence[Part]) -> Operations:
    monkeypatch.setattr(module, "_parts", lambda *_: tuple(parts))
    return Operations(AIEngine(AppConfig()))


async def test_parts_start_in_order_and_stop_in_reverse(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is needed by others is there before them, and longer."""
    told: list[str] = []
    operations = operations_of(monkeypatch, [Part("a", told), Part("b", told)])
    assert operations.notices == ()
    await operations.start()
    assert operations.notices == ("a is there", "b is there")
    await operations.stop()
    await operations.stop()
    assert told == ["start a", "start b", "stop b", "stop a"]


async def test_a_part_that_fails_costs_the_others_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, by the start as by the stop, and stopped with the others."""
    told: list[str] = []
    parts = [Part("a", told, OSError("no")), Part("b", told, stop_error=OSError("no"))]
    operations = operations_of(monkeypatch, parts)
    with capture_logs() as logged:
        await operations.start()
        await operations.stop()
    assert told == ["start a", "start b", "stop b", "stop a"]
    assert [line["event"] for line in logged] == ["operations.part_failed"] * 2


async def test_what_the_operator_asked_for_and_can_not_be_ends_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a missing token; what began is stopped, the failing part included."""
    told: list[str] = []
    problem = ConfigProblem(key="X", value="", rule="is not set", source="environment")
    parts = [Part("a", told, ConfigError([problem])), Part("b", told)]
    operations = operations_of(monkeypatch, parts)
    with pytest.raises(ConfigError, match="X: is not set"):
        await operations.start()
    await operations.stop()
    assert told == ["start a", "stop a"]
