"""What errors of a server mean for the call."""

from __future__ import annotations

import pytest

from voxgate.providers.openai_realtime.error_table import (
    PEER,
    Consequence,
    classify_error,
    error_for_close,
    error_for_event,
    error_for_status,
    provider_error,
)
from voxgate.providers.openai_realtime.server_events import ErrorReported


def _error(
    code: str | None = None, type_: str | None = "invalid_request_error", param: str | None = None
) -> ErrorReported:
    return ErrorReported(code=code, type=type_, param=param, event_id=None)


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
    ],
)
def test_each_code_has_its_consequence(
    code: str, consequence: Consequence, retryable: bool
) -> None:
    """The table, line by line; an unknown code costs one request, not the call."""
    error = error_for_event(_error(code))

    assert classify_error(_error(code)) is consequence
    assert (error.peer, error.code, error.retryable) == (PEER, code, retryable)


@pytest.mark.parametrize("type_", ["server_error", "rate_limit_error", "overloaded_error"])
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


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (401, "invalid_api_key", False),
        (403, "permission_denied", False),
        (404, "not_found", False),
        (400, "bad_request", False),
        (302, "http_302", False),
        (408, "http_408", True),
        (425, "http_425", True),
        (429, "rate_limit_exceeded", True),
        (500, "http_500", True),
        (503, "http_503", True),
    ],
)
def test_each_status_has_a_code_and_a_hint(status: int, code: str, retryable: bool) -> None:
    """What is refused stays refused; what is overloaded may work in a moment."""
    error = error_for_status(status)

    assert (error.code, error.retryable) == (code, retryable)


@pytest.mark.parametrize(
    ("close_code", "retryable"),
    [
        (1000, True),
        (1001, True),
        (1006, True),
        (1011, True),
        (1012, True),
        (1013, True),
        (1002, False),
        (1003, False),
        (1007, False),
        (1008, False),
        (1009, False),
        (3000, False),
        (4000, False),
    ],
)
def test_each_close_code_has_a_hint(close_code: int, retryable: bool) -> None:
    """The session cap closes with 1001, the beta's refusal with 4000."""
    error = error_for_close(close_code)

    assert (error.code, error.retryable) == (f"close_{close_code}", retryable)


def test_a_broken_connection_is_not_said_to_be_closed_by_the_server() -> None:
    """1006 never travels; it means that nobody said goodbye."""
    assert "lost" in str(error_for_close(1006))
    assert "server closed" in str(error_for_close(1000))


def test_an_error_of_our_own_names_the_peer() -> None:
    """All errors of this provider read alike."""
    assert str(provider_error("is odd", code=None, retryable=True)) == f"{PEER}: is odd"
