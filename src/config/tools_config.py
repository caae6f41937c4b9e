"""The model of what an agent may do to its own call.

Invariant: the agent learns names; numbers are the operator's.
"""

from __future__ import annotations

__all__ = ["ToolsConfig"]

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from .field_rules import Pattern, broken_rule, check_fields

TransferName = Annotated[
    str, Pattern(r"[a-z0-9]+([_-][a-z0-9]+)*", "is not a name of lower-case letters and digits")
]
TransferNumber = Annotated[str, Pattern(r"\S{1,200}", "is not a number or address")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsConfig:
    """What the agent may do to its own call; an engine of your own adds functions in code."""

    hangup: bool = False
    """Whether the agent may end the call, once its farewell was heard."""
    transfer_targets: Mapping[TransferName, TransferNumber] = field(default_factory=dict)
    """Where the agent may transfer the call to: number or address by a name that it is told. The
    agent picks a name and dials nothing else; empty: it can't transfer."""

    def __post_init__(self) -> None:
        check_fields(self)
        for name, target in self.transfer_targets.items():
            rule = broken_rule(name, TransferName) or broken_rule(target, TransferNumber)
            if rule:
                raise ValueError(f"transfer_targets.{name}: {rule}")
