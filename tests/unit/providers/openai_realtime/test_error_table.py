"""What errors of a server mean for the call."""

from __future__ import annotations

import pytest

from voxgate.providers.openai_realtime.error_table import (
    _RULES,
    PEER,
    Consequence,
    classify_error,
    error_for_event,
    provider_error,
)
from voxgate.providers.openai_realtime.server_events import ErrorReported


def _error(
    code: str | None = None, type_: str | None = "invalid_request_error", param: str | None = None
) -> ErrorReported:
    return ErrorReported(code=code, type=type_, param=param, event_id=None)


OF_ONE_REQUEST = (
    "invalid_value",
    "invalid_type",
    "unknown_parameter",
    "missing_required_parameter",
    "string_above_max_length",
    "decimal_above_max_value",
    "integer_below_min_value",
    "invalid_request_error",
    "invalid_event",
    "item_create_invalid_item_id",
    "item_retrieve_invalid_item_id",
    "item_delete_invalid_item_id",
    "context_length_exceeded",
)
"""Codes of requests that the server did not take, and that it would not take a second time."""


@pytest.mark.parametrize(
    ("code", "consequence", "retryable"),
    [
        ("response_cancel_not_active", Consequence.IGNORE, False),
        ("session_expired", Consequence.RECONNECT, True),
        ("rate_limit_exceeded", Consequence.WARN, True),
        ("conversation_already_has_active_response", Consequence.WARN, True),
        ("input_audio_buffer_commit_empty", Consequence.WARN, False),
        ("invalid_api_key", Consequence.END, False),
        ("insufficient_quota", Consequence.END, False),
        ("model_not_found", Consequence.END, False),
        ("beta_api_shape_disabled", Consequence.END, False),
        ("slow_down", Consequence.WARN, True),
        ("server_is_overloaded", Consequence.WARN, True),
        ("invalid_tool_call_id", Consequence.WARN, False),
        ("server_error", Consequence.WARN, True),
        ("item_truncate_invalid_item_id", Consequence.WARN, False),
        ("content_filter", Consequence.WARN, False),
        ("transcription_unavailable", Consequence.WARN, False),
        ("audio_unintelligible", Consequence.WARN, True),
        ("cannot_update_voice", Consequence.WARN, False),
        ("missing_model", Consequence.END, False),
        ("DeploymentNotFound", Consequence.END, False),
        ("billing_hard_limit_reached", Consequence.END, False),
        ("credit_balance_exhausted", Consequence.END, False),
        ("account_deactivated", Consequence.END, False),
        ("unsupported_country_region_territory", Consequence.END, False),
        ("something_new", Consequence.WARN, False),
        *((code, Consequence.WARN, False) for code in OF_ONE_REQUEST),
    ],
)
def test_each_code_has_its_consequence(
    code: str, consequence: Consequence, retryable: bool
) -> None:
    """The table, line by line; an unknown code costs one request, not the call."""
    error = error_for_event(_error(code))

    assert classify_error(_error(code)) is consequence
    assert (error.peer, error.code, error.retryable) == (PEER, code, retryable)


def test_the_table_of_this_test_is_whole() -> None:
    """A code that is added to the rules is added here, with what is expected of it."""
    (mark,) = test_each_code_has_its_consequence.pytestmark  # type: ignore[attr-defined]
    assert set(_RULES) <= {row[0] for row in mark.args[1]}


@pytest.mark.parametrize(
    "type_",
    ["server_error", "rate_limit_error", "overloaded_error", "service_unavailable_error"],
)
def test_trouble_of_the_server_is_worth_another_try(type_: str) -> None:
    """Without a code, the type decides."""
    error = error_for_event(_error(None, type_))

    assert classify_error(_error(None, type_)) is Consequence.WARN
    assert (error.code, error.retryable) == (type_, True)


def test_a_type_may_hold_what_is_usually_a_code() -> None:
    """Servers differ in which of both they fill."""
    assert classify_error(_error(None, "insufficient_quota")) is Consequence.END


def test_an_error_without_any_name_is_still_an_error() -> None:
    """Nothing to go by: one request was refused."""
    error = error_for_event(_error(None, None))

    assert str(error) == f"{PEER}: a request was refused [unknown_error]"


def test_the_parameter_is_named() -> None:
    """It is what an operator looks for."""
    error = error_for_event(_error("invalid_value", param="session.audio.input.turn_detection"))

    assert str(error) == (
        f"{PEER}: a request was refused (session.audio.input.turn_detection) [invalid_value]"
    )


@pytest.mark.parametrize("name", ["sk-abc def", "a\nb", "", "x" * 200, "Your key is wrong!"])
def test_what_does_not_look_like_a_name_is_left_out(name: str) -> None:
    """A server that writes prose, or a key, into a code does not get it into our log."""
    error = error_for_event(_error(name, name, param=name))

    assert str(error) == f"{PEER}: a request was refused [unknown_error]"


def test_an_error_of_our_own_names_the_peer() -> None:
    """All errors of this provider read alike."""
    assert str(provider_error("is odd", code=None, retryable=True)) == f"{PEER}: is odd"
