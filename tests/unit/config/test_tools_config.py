"""Tests of the model of what an agent may do to its call."""

from __future__ import annotations

import pytest

from voxgate.config.tools_config import ToolsConfig


def test_an_agent_may_do_nothing_unless_told() -> None:
    """The defaults neither end nor transfer a call."""
    tools = ToolsConfig()
    assert (tools.hangup, dict(tools.transfer_targets)) == (False, {})


@pytest.mark.parametrize(
    ("name", "number", "rule"),
    [
        ("Sales", "1", r"transfer_targets\.Sales: is not a name of lower-case letters and digits"),
        ("sales", "1 2", r"transfer_targets\.sales: is not a number or address"),
        ("sales", "", r"transfer_targets\.sales: is not a number or address"),
    ],
)
def test_a_target_that_cannot_be_one_is_refused(name: str, number: str, rule: str) -> None:
    """The error names the target and the rule."""
    with pytest.raises(ValueError, match=rule):
        ToolsConfig(transfer_targets={name: number})
