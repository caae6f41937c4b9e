"""What error events of a Realtime server mean for the call: the one table of codes.

Invariant: no text of the peer gets into an error, as servers quote keys and callers in theirs. What
is taken over are codes and parameter names, if they look like such.
"""

from __future__ import annotations

__all__ = [
    "BUSY",
    "PEER",
    "RATE_LIMITED",
    "Consequence",
    "classify_error",
    "error_for_event",
    "provider_error",
]

import re
from dataclasses import dataclass
from enum import StrEnum

from ...errors import ProviderError
from .server_events import ErrorReported

PEER = "openai_realtime"
"""How errors name the other side."""

BUSY = "conversation_already_has_active_response"
"""Code for an answer that was asked for while another is under way."""

RATE_LIMITED = frozenset({"rate_limit_exceeded", "rate_limit_error", "slow_down"})
"""Codes and types of errors that go away with time."""


class Consequence(StrEnum):
    """What an error event does to the call."""

    IGNORE = "ignore"
    """Expected and harmless."""
    WARN = "warn"
    """One request failed; the session goes on."""
    RECONNECT = "reconnect"
    """This session is over; another may be had."""
    END = "end"
    """No session will do better."""


@dataclass(frozen=True, slots=True)
class _Rule:
    consequence: Consequence
    retryable: bool
    reason: str


_RULES = {
    "response_cancel_not_active": _Rule(
        Consequence.IGNORE, retryable=False, reason="there was no response to cancel"
    ),
    "session_expired": _Rule(
        Consequence.RECONNECT, retryable=True, reason="the session has reached its longest duration"
    ),
    "rate_limit_exceeded": _Rule(
        Consequence.WARN, retryable=True, reason="the account's rate limit is used up for now"
    ),
    BUSY: _Rule(Consequence.WARN, retryable=True, reason="a response was asked for during another"),
    "input_audio_buffer_commit_empty": _Rule(
        Consequence.WARN, retryable=False, reason="there was no audio to commit"
    ),
    "item_truncate_invalid_item_id": _Rule(
        Consequence.WARN, retryable=False, reason="the item to cut off is gone"
    ),
    "content_filter": _Rule(
        Consequence.WARN, retryable=False, reason="the server's filter cut the answer off"
    ),
    "transcription_unavailable": _Rule(
        Consequence.WARN, retryable=False, reason="the server has no recogniser"
    ),
    "audio_unintelligible": _Rule(
        Consequence.WARN, retryable=True, reason="the recogniser did not understand the caller"
    ),
    "cannot_update_voice": _Rule(
        Consequence.WARN, retryable=False, reason="the voice is locked once the agent has spoken"
    ),
    "slow_down": _Rule(
        Consequence.WARN, retryable=True, reason="the account asks for more than it did before"
    ),
    "server_is_overloaded": _Rule(
        Consequence.WARN, retryable=True, reason="the server is overloaded"
    ),
    "invalid_tool_call_id": _Rule(
        Consequence.WARN, retryable=False, reason="the function call is gone from the conversation"
    ),
    "server_error": _Rule(Consequence.WARN, retryable=True, reason="the server is in trouble"),
    "missing_model": _Rule(
        Consequence.END, retryable=False, reason="neither URL nor configuration names a model"
    ),
    "DeploymentNotFound": _Rule(
        Consequence.END, retryable=False, reason="there is no such deployment at Azure"
    ),
    "billing_hard_limit_reached": _Rule(
        Consequence.END, retryable=False, reason="the account's spending limit is reached"
    ),
    "credit_balance_exhausted": _Rule(
        Consequence.END, retryable=False, reason="the account's credit is used up"
    ),
    "account_deactivated": _Rule(
        Consequence.END, retryable=False, reason="the account was deactivated"
    ),
    "unsupported_country_region_territory": _Rule(
        Consequence.END, retryable=False, reason="the service is not offered in this region"
    ),
    "invalid_api_key": _Rule(Consequence.END, retryable=False, reason="the API key was refused"),
    "insufficient_quota": _Rule(
        Consequence.END, retryable=False, reason="the account has no quota left"
    ),
    "model_not_found": _Rule(
        Consequence.END, retryable=False, reason="the model does not exist, or not for this key"
    ),
    "beta_api_shape_disabled": _Rule(
        Consequence.END, retryable=False, reason="the server speaks another form of the protocol"
    ),
}

_OTHER_REFUSAL = _Rule(Consequence.WARN, retryable=False, reason="a request was refused")
_OTHER_TROUBLE = _Rule(Consequence.WARN, retryable=True, reason="the server is in trouble")
_TROUBLE_TYPES = frozenset(
    {"server_error", "rate_limit_error", "overloaded_error", "service_unavailable_error"}
)

_SAFE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]]{0,79}")


def provider_error(reason: str, *, code: str | None, retryable: bool) -> ProviderError:
    """Return an error of this provider."""
    return ProviderError(PEER, reason, code=code, retryable=retryable)


def classify_error(error: ErrorReported) -> Consequence:
    """Return what an error event does to the call."""
    return _rule_for(error.code, error.type).consequence


def error_for_event(error: ErrorReported) -> ProviderError:
    """Return an error event as the error that the engine gets."""
    rule = _rule_for(error.code, error.type)
    param = _safe_name(error.param)
    reason = f"{rule.reason} ({param})" if param else rule.reason
    code = _safe_name(error.code) or _safe_name(error.type) or "unknown_error"
    return provider_error(reason, code=code, retryable=rule.retryable)


def _rule_for(code: str | None, error_type: str | None) -> _Rule:
    for name in (code, error_type):
        if name in _RULES:
            return _RULES[name]
    return _OTHER_TROUBLE if error_type in _TROUBLE_TYPES else _OTHER_REFUSAL


def _safe_name(name: str | None) -> str | None:
    return name if name and _SAFE_NAME.fullmatch(name) else None
