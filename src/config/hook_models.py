"""The models of what an operator's own systems know of a call, and do to it.

Invariant: a secret stands in the environment variable that a model names, never in an address.
"""

from __future__ import annotations

__all__ = ["CallHooksConfig", "KnownCalls", "check_known_calls"]

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval, Len

from .field_rules import Pattern, broken_rule, check_fields
from .field_types import VariableName, broken_address

CALL_ID_FIELD = "{call_id}"
"""Stands in a hook's address for the id of the call, percent-encoded."""

_HOST = r"https?://[^\s/?#@{}]+"
_REST = r"([^\s#{}]|\{call_id\})*"


def _meant_call(text: str) -> str:
    """Return what to write for the end of a UUID that lacks its ``*``, or ``""``."""
    if not re.fullmatch(r"[0-9a-fA-F][0-9a-fA-F-]{0,34}", text):
        return ""
    return f"is not a whole UUID; write '*{text}' for calls whose UUID ends in this"


LookupUrl = Annotated[
    str,
    Pattern(
        rf"{_HOST}[/?]{_REST}\{{call_id\}}{_REST}",
        "is not an http:// or https:// address with {call_id} behind the host",
        broken_address,
    ),
]
ActionUrl = Annotated[
    str,
    Pattern(rf"{_HOST}([/?]{_REST})?", "is not an http:// or https:// address", broken_address),
]
KnownCallId = Annotated[
    str,
    Pattern(
        r"\*[!-)+-~]{1,100}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "is neither the UUID of a call nor * and the end of one",
        _meant_call,
    ),
]
MetadataName = Annotated[str, Len(1, 100)]
MetadataText = Annotated[str, Len(0, 500)]

KnownCalls = Mapping[KnownCallId, Mapping[MetadataName, MetadataText]]
"""Metadata by the id of a call, or by ``*`` and the end of an id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHooksConfig:
    """Where to ask about a call, and where to have it transferred, by HTTP."""

    metadata_url: LookupUrl | None = None
    """Address that a GET asks for a call's metadata, with ``{call_id}`` in it; it answers with a
    JSON object of texts. null: nobody is asked."""
    metadata_timeout_s: Annotated[float, Interval(ge=0.1, le=1.5)] = 1.0
    """Time in s that the answer gets; the caller hears nothing meanwhile, and the call goes on
    without metadata if it is late."""
    transfer_url: ActionUrl | None = None
    """Address that a POST asks to transfer a call, with the JSON object ``call_id`` and ``target``;
    2xx means done. ``{call_id}`` may stand in it. null: calls can't be transferred."""
    transfer_timeout_s: Annotated[float, Interval(ge=0.1, le=30.0)] = 5.0
    """Time in s that the transfer gets."""
    token_env: VariableName | None = None
    """Name of the environment variable that holds the bearer token for both; null: none is sent."""

    def __post_init__(self) -> None:
        check_fields(self)


def check_known_calls(calls: Mapping[str, object]) -> None:
    """Raise ValueError for the first entry of ``calls`` that is not one."""
    for call_id, metadata in calls.items():
        rule = broken_rule(call_id, KnownCallId)
        texts = metadata if isinstance(metadata, Mapping) else None
        if rule or texts is None:
            rule = rule or "is not a section with names and texts"
            raise ValueError(f"calls.{call_id}: {rule}")
        for name, text in texts.items():
            rule = broken_rule(name, MetadataName) or broken_rule(text, MetadataText)
            if rule:
                raise ValueError(f"calls.{call_id}.{name}: {rule}")
