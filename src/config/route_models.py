"""The models of ``routes``: which provider answers a call, by what is known of the call.

Invariant: the first route that fits decides, and a route fits if everything fits that it names; a
number that a call came by is compared here and written nowhere.
"""

from __future__ import annotations

__all__ = ["CallFacts", "RouteConfig", "RouteMatch", "first_route"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Len

from .field_rules import Pattern, broken_rule, check_fields
from .field_types import InstanceName

NumberPattern = Annotated[
    str,
    Pattern(
        r"[^\s*]{1,200}|[^\s*]{0,200}\*",
        "is neither a number nor the beginning of one with a * behind it",
    ),
]
ParameterName = Annotated[str, Len(1, 200)]
ParameterText = Annotated[str, Len(0, 500)]
LineKind = Annotated[str, Pattern(r"[a-z0-9_]{1,60}", "is not a kind of line")]
CallName = Annotated[str, Pattern(r"\S{1,200}", "is not the id of a call")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What is known of a call when it comes in."""

    line: str
    """The kind of its line."""
    call_id: str
    called_number: str | None = field(default=None, repr=False)
    """What was dialled, as the line's peer writes it; None where it does not say."""
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Everything that the peer said of the call, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMatch:
    """What a call must be like for its route; what is left out does not matter."""

    line: LineKind | None = None
    """Kind of line, by its name under ``lines``."""
    call_id: CallName | None = None
    """Id of the call, case aside: on an AudioSocket line the UUID that the dialplan gives."""
    called_number: NumberPattern | None = None
    """The number dialled, as the line says it, or its beginning and a ``*``, such as ``+4930*``."""
    parameters: Mapping[ParameterName, ParameterText] = field(default_factory=dict)
    """What the line's peer says of the call, text by name; each to the letter."""

    def __post_init__(self) -> None:
        check_fields(self)
        for name, text in self.parameters.items():
            rule = broken_rule(name, ParameterName) or broken_rule(text, ParameterText)
            if rule:
                raise ValueError(f"parameters: a name or its text {rule}")

    def fits(self, facts: CallFacts) -> bool:
        """Return whether a call is of this kind."""
        return self._takes(facts.line, facts.call_id, facts.called_number, facts.parameters)

    def includes(self, other: RouteMatch) -> bool:
        """Return whether every call that fits ``other`` fits this one too."""
        return self._takes(other.line, other.call_id, other.called_number, other.parameters)

    def _takes(
        self,
        line: str | None,
        call_id: str | None,
        called_number: str | None,
        parameters: Mapping[str, str],
    ) -> bool:
        """Return whether a call, or all that is like that, is of this kind; None: not known."""
        return (
            self.line in (None, line)
            and (self.call_id is None or self.call_id.lower() == (call_id or "").lower())
            and (
                self.called_number is None
                or (called_number is not None and _covers(self.called_number, called_number))
            )
            and self.parameters.items() <= parameters.items()
        )


def _covers(pattern: str, number: str) -> bool:
    """Return whether a number, or each that a pattern stands for, is one of a pattern's."""
    if pattern.endswith("*"):
        return number.startswith(pattern[:-1])
    return number == pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteConfig:
    """Which provider answers the calls of one kind."""

    match: RouteMatch = field(default_factory=RouteMatch)
    """What a call must be like; all that is given must fit, and without anything every call does.
    The first route that fits decides."""
    provider: InstanceName
    """Name under ``providers`` of the one that answers."""
    fall_back_provider: InstanceName | None = None
    """Name of the one that takes over where the first can't be reached, or is lost; null: none."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.fall_back_provider == self.provider:
            raise ValueError(
                f"fall_back_provider: {self.fall_back_provider!r} is the provider that it is to "
                "take over from"
            )

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of the providers that are tried, in this order."""
        return tuple(filter(None, (self.provider, self.fall_back_provider)))


def first_route(routes: Sequence[RouteConfig], facts: CallFacts) -> int | None:
    """Return the position of the route that a call takes, or None if none fits."""
    fitting = (number for number, route in enumerate(routes) if route.match.fits(facts))
    return next(fitting, None)
