"""What errors and warnings of the server mean for the call."""

from __future__ import annotations

import pytest

from voxgate.providers.deepgram.error_table import (
    PEER,
    error_for_code,
    provider_error,
    warning_for_code,
)


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("INTERNAL_SERVER_ERROR", True),
        ("CLIENT_MESSAGE_TIMEOUT", True),
        ("UNPARSABLE_CLIENT_MESSAGE", False),
        ("NON_SETTINGS_MESSAGE_BEFORE_SETTINGS", False),
        ("SETTINGS_ALREADY_APPLIED", False),
        ("INVALID_SETTINGS", False),
        ("FAILED_TO_START_LISTENING", True),
        ("FAILED_TO_LISTEN", True),
        ("ASR_CONNECTION_CLOSED", True),
        ("ASR_DRIVER_TIMEOUT", True),
        ("USER_AUDIO_FORMAT", False),
        ("FAILED_TO_SPEAK", True),
        ("FAILED_TO_THINK", True),
        ("SERVER_GOING_AWAY", True),
        ("NON_EXISTENT_FUNCTION_CALLED", True),
        ("AGENT_ID_NOT_SUPPORTED", False),
        ("INVALID_AGENT_ID", False),
        ("MAXIMUM_SESSION_LENGTH_REACHED", True),
        ("SOMETHING_NEW", True),
    ],
)
def test_each_error_says_whether_another_session_may_do(code: str, retryable: bool) -> None:
    """The table, line by line. What is ours to mend is not tried again."""
    error = error_for_code(code)

    assert (error.peer, error.code, error.retryable) == (PEER, code, retryable)


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("INJECT_AGENT_MESSAGE_DURING_USER_SPEECH", True),
        ("INJECT_AGENT_MESSAGE_DURING_AGENT_SPEECH", True),
        ("PROMPT_TOO_LONG", False),
        ("THINK_REQUEST_FAILED", True),
        ("SPEAK_REQUEST_FAILED", True),
        ("FUNCTION_CALL_FAILED", True),
        ("SLOW_THINK_REQUEST", True),
        ("SLOW_SPEAK_REQUEST", True),
        ("FORCE_END_TURN_UNSUPPORTED", False),
        ("GPT_4O_STREAM_END_ERROR", True),
        ("injection_refused", True),
        ("SOMETHING_NEW", False),
    ],
)
def test_each_warning_says_whether_it_may_pass(code: str, retryable: bool) -> None:
    """The table, line by line."""
    warning = warning_for_code(code)

    assert (warning.peer, warning.code, warning.retryable) == (PEER, code, retryable)


@pytest.mark.parametrize("code", [None, "", "dg key 123", "x" * 81, "\u00dcBER", "A\n"])
def test_what_is_no_code_is_left_out(code: str | None) -> None:
    """A server may quote anybody there."""
    assert str(error_for_code(code)) == f"{PEER}: the server ended the session [unknown_error]"
    assert warning_for_code(code).code == "unknown_warning"


def test_an_error_of_our_own_names_the_peer() -> None:
    """As all of this provider do."""
    error = provider_error("no luck", code="luck", retryable=True)
    assert str(error) == "deepgram: no luck [luck]"
