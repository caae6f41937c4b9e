"""A plan that can't be carried out is refused when it is made."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.lab.load.load_plan import LoadPlan


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": ()},
        {"steps": (0, 5)},
        {"echo_delay_ms": 30},
        {"echo_delay_ms": -20},
        {"seconds": 1},
    ],
)
def test_a_plan_is_checked(changes: dict[str, Any]) -> None:
    """The error names the field."""
    with pytest.raises(ValueError, match=next(iter(changes))):
        LoadPlan(**changes)


def test_the_default_plan_is_one() -> None:
    """Ten calls with echo."""
    assert LoadPlan().steps == (10,)
    assert LoadPlan(echo_delay_ms=0).erl_db == 20.0
