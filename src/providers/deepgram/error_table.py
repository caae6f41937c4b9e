"""What errors and warnings of Deepgram's Voice Agent mean for the call: the one table of codes.

Invariant: no text of the peer gets into an error. What is taken over is the code, if it looks like
one.
"""

from __future__ import annotations

__all__ = ["PEER", "SESSION_EXPIRING", "error_for_code", "provider_error", "warning_for_code"]

import re
from dataclasses import dataclass

from ...errors import ProviderError

PEER = "deepgram"
"""How errors name the other side."""

SESSION_EXPIRING = "MAXIMUM_SESSION_LENGTH_APPROACHING"
"""The warning 5 minutes before the server ends a session of 2 hours."""


@dataclass(frozen=True, slots=True)
class _Rule:
    retryable: bool
    reason: str


_ERRORS = {
    "INTERNAL_SERVER_ERROR": _Rule(retryable=True, reason="the server is in trouble"),
    "CLIENT_MESSAGE_TIMEOUT": _Rule(retryable=True, reason="the server got no message for long"),
    "UNPARSABLE_CLIENT_MESSAGE": _Rule(
        retryable=False, reason="the server does not understand a message"
    ),
    "NON_SETTINGS_MESSAGE_BEFORE_SETTINGS": _Rule(
        retryable=False, reason="a message came before the settings"
    ),
    "SETTINGS_ALREADY_APPLIED": _Rule(retryable=False, reason="the settings came twice"),
    "INVALID_SETTINGS": _Rule(retryable=False, reason="the settings were refused"),
    "FAILED_TO_START_LISTENING": _Rule(retryable=True, reason="the recogniser did not start"),
    "FAILED_TO_LISTEN": _Rule(retryable=True, reason="the recogniser failed"),
    "ASR_CONNECTION_CLOSED": _Rule(retryable=True, reason="the recogniser went away"),
    "ASR_DRIVER_TIMEOUT": _Rule(retryable=True, reason="the recogniser fell silent"),
    "USER_AUDIO_FORMAT": _Rule(retryable=False, reason="the audio is not of the format declared"),
    "FAILED_TO_SPEAK": _Rule(retryable=True, reason="the voice failed"),
    "FAILED_TO_THINK": _Rule(retryable=True, reason="the model failed"),
    "SERVER_GOING_AWAY": _Rule(retryable=True, reason="the server is shutting down"),
    "NON_EXISTENT_FUNCTION_CALLED": _Rule(
        retryable=True, reason="the model called a function that there is not"
    ),
    "AGENT_ID_NOT_SUPPORTED": _Rule(retryable=False, reason="the server knows no stored agents"),
    "INVALID_AGENT_ID": _Rule(retryable=False, reason="there is no such stored agent"),
    "MAXIMUM_SESSION_LENGTH_REACHED": _Rule(
        retryable=True, reason="the session has reached its longest duration"
    ),
}
"""The vendor's list of 2026, and one name (``FAILED_TO_LISTEN``) that it had before."""

_OTHER_ERROR = _Rule(retryable=True, reason="the server ended the session")
"""The vendor: every error ends its session, and another may be had. Attempts are bounded."""

_WARNINGS = {
    "INJECT_AGENT_MESSAGE_DURING_USER_SPEECH": _Rule(
        retryable=True, reason="a message was not spoken, as the caller was speaking"
    ),
    "INJECT_AGENT_MESSAGE_DURING_AGENT_SPEECH": _Rule(
        retryable=True, reason="a message was not spoken, as the agent was speaking"
    ),
    "PROMPT_TOO_LONG": _Rule(retryable=False, reason="the prompt was cut off"),
    "THINK_REQUEST_FAILED": _Rule(retryable=True, reason="a request to the model failed"),
    "SPEAK_REQUEST_FAILED": _Rule(retryable=True, reason="a request to the voice failed"),
    "FUNCTION_CALL_FAILED": _Rule(retryable=True, reason="a function call failed"),
    "SLOW_THINK_REQUEST": _Rule(retryable=True, reason="the model is slow"),
    "SLOW_SPEAK_REQUEST": _Rule(retryable=True, reason="the voice is slow"),
    "FORCE_END_TURN_UNSUPPORTED": _Rule(
        retryable=False, reason="this recogniser can't be told that a turn is over"
    ),
    "GPT_4O_STREAM_END_ERROR": _Rule(retryable=True, reason="the model broke off"),
    "injection_refused": _Rule(retryable=True, reason="a message was not spoken"),
}
_OTHER_WARNING = _Rule(retryable=False, reason="the server warned of something")

_SAFE_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


def provider_error(reason: str, *, code: str | None, retryable: bool) -> ProviderError:
    """Return an error of this provider."""
    return ProviderError(PEER, reason, code=code, retryable=retryable)


def error_for_code(code: str | None) -> ProviderError:
    """Return the error of an ``Error`` message: its session is over."""
    return _error(code, _ERRORS.get(code or "", _OTHER_ERROR), "unknown_error")


def warning_for_code(code: str | None) -> ProviderError:
    """Return what a ``Warning`` message, or ``injection_refused``, says; the session goes on."""
    return _error(code, _WARNINGS.get(code or "", _OTHER_WARNING), "unknown_warning")


def _error(code: str | None, rule: _Rule, default: str) -> ProviderError:
    safe_code = code if code and _SAFE_CODE.fullmatch(code) else default
    return provider_error(rule.reason, code=safe_code, retryable=rule.retryable)
