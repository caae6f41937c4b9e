"""Labels: what the world says, brought down to sets that stay small.

Invariant: whatever a peer sends, the number of label values is bounded.
"""

from __future__ import annotations

__all__ = [
    "ANSWER_STATUSES",
    "END_REASONS",
    "ERROR_EFFECTS",
    "OTHER",
    "BoundedLabels",
    "ErrorCause",
    "cause_of",
    "change_source",
    "end_reason",
]

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

OTHER = "other"
"""The label of what has no place in a closed set, or none any more."""

END_REASONS = (
    "caller_hangup",
    "local_hangup",
    "agent_hangup",
    "protocol_error",
    "transport_error",
    "provider_ended",
    "provider_lost",
    "provider_unreachable",
    "drained",
    "internal_error",
)
"""Why calls end."""


ANSWER_STATUSES = ("completed", "cancelled", "failed", "incomplete")
"""How answers end."""

ERROR_EFFECTS = ("warning", "disconnected", "ended")
"""What an error does to a provider's part of a call."""


def end_reason(reason: str) -> str:
    """Return the label for why a call ended."""
    return reason if reason in END_REASONS else OTHER


_CHANGE_SOURCES = {"file": "file", "SIGHUP": "file", "desk": "desk"}


def change_source(who: str) -> str:
    """Return the label for who asks for a change of the configuration."""
    return _CHANGE_SOURCES.get(who, OTHER)


class ErrorCause(StrEnum):
    """What went wrong at a provider, in words that an alert can go by."""

    UNREACHABLE = "unreachable"
    """No connection could be made: address, name, proxy, certificate."""
    CONNECTION_LOST = "connection_lost"
    """A connection that stood was closed or broke."""
    TIMEOUT = "timeout"
    """It was not there, or did not answer, in time."""
    KEY_REFUSED = "key_refused"
    """The key, or what it may do."""
    ACCOUNT = "account"
    """Credit, quota or the account itself."""
    RATE_LIMITED = "rate_limited"
    """More was asked for than the account allows at a time."""
    SESSION_EXPIRED = "session_expired"
    """The session reached its longest duration."""
    SERVER_TROUBLE = "server_trouble"
    """The provider's own failure, that of its recogniser, model or voice included."""
    REQUEST_REFUSED = "request_refused"
    """The provider did not take what we asked or configured."""
    NOT_INSTALLED = "not_installed"
    """A package or a kind of provider is missing here."""
    INTERNAL = "internal"
    """A bug of ours."""
    OTHER = OTHER
    """None of these, or no code at all."""


def _causes() -> dict[str, ErrorCause]:
    words = {
        ErrorCause.UNREACHABLE: "bad_proxy proxy_failed proxy_refused proxy_unsupported bad_url "
        "bad_handshake dns_failed tls_untrusted tls_failed connection_refused network_failed "
        "websocket_failed not_found unreachable no_descriptors",
        ErrorCause.CONNECTION_LOST: "asr_connection_closed server_going_away not_read",
        ErrorCause.TIMEOUT: "connect_timeout fall_back_timeout http_408 timeout asr_driver_timeout "
        "client_message_timeout",
        ErrorCause.KEY_REFUSED: "invalid_api_key permission_denied "
        "unsupported_country_region_territory",
        ErrorCause.ACCOUNT: "insufficient_quota billing_hard_limit_reached "
        "credit_balance_exhausted account_deactivated",
        ErrorCause.RATE_LIMITED: "rate_limit_exceeded rate_limit_error slow_down",
        ErrorCause.SESSION_EXPIRED: "session_expired maximum_session_length_reached "
        "maximum_session_length_approaching",
        ErrorCause.SERVER_TROUBLE: "server_error server_is_overloaded internal_server_error "
        "failed_to_start_listening failed_to_listen failed_to_speak failed_to_think "
        "think_request_failed speak_request_failed slow_think_request slow_speak_request "
        "gpt_4o_stream_end_error overloaded_error service_unavailable_error "
        "transcription_unavailable audio_unintelligible unknown_error function_call_failed "
        "non_existent_function_called",
        ErrorCause.REQUEST_REFUSED: "bad_request conversation_already_has_active_response "
        "input_audio_buffer_commit_empty item_truncate_invalid_item_id content_filter "
        "cannot_update_voice invalid_tool_call_id missing_model deploymentnotfound "
        "model_not_found beta_api_shape_disabled format_refused unparsable_client_message "
        "non_settings_message_before_settings settings_already_applied invalid_settings "
        "user_audio_format agent_id_not_supported invalid_agent_id prompt_too_long "
        "injection_refused inject_agent_message_during_user_speech "
        "inject_agent_message_during_agent_speech force_end_turn_unsupported unknown_parameter "
        "unknown_warning",
        ErrorCause.NOT_INSTALLED: "not_installed not_started provider_not_available "
        "provider_unknown",
        ErrorCause.INTERNAL: "internal stopped",
    }
    return {code: cause for cause, codes in words.items() for code in codes.split()}


_CAUSES: Mapping[str, ErrorCause] = MappingProxyType(_causes())
_PREFIXES = (
    ("close_", ErrorCause.CONNECTION_LOST),
    ("http_4", ErrorCause.REQUEST_REFUSED),
    ("http_5", ErrorCause.SERVER_TROUBLE),
    ("invalid_", ErrorCause.REQUEST_REFUSED),
    ("missing_", ErrorCause.REQUEST_REFUSED),
)


def cause_of(code: str | None) -> ErrorCause:
    """Return the cause that an error's code stands for; of a code that is not known, ``other``."""
    name = (code or "").lower()
    if name in _CAUSES:
        return _CAUSES[name]
    return next((cause for prefix, cause in _PREFIXES if name.startswith(prefix)), ErrorCause.OTHER)


_SAFE = re.compile(r"[a-z0-9_.]{1,60}")


class BoundedLabels:
    """Lets so many values through, and what comes after them as ``other``.

    Args:
        limit: Values that are let through.
    """

    def __init__(self, limit: int = 100) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def label(self, value: str) -> str:
        """Return a value, or ``other`` if it is no plain name or too many others came before."""
        if value in self._known:
            return value
        if not _SAFE.fullmatch(value) or len(self._known) >= self._limit:
            return OTHER
        self._known.add(value)
        return value
