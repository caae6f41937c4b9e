"""Errors read as the cloud writes them."""

from __future__ import annotations

import pytest

from voxgate.errors import RemoteProtocolError
from voxgate.realtime_server.request_error import (
    RequestError,
    invalid_type,
    invalid_value,
    missing_parameter,
    unknown_parameter,
    unsupported_value,
)


def test_a_request_error_is_the_peers_fault() -> None:
    """It stands where errors of peers stand in the tree, and reads as its message."""
    error = RequestError("No.", code="nope", param="a.b", event_id="e1")
    assert isinstance(error, RemoteProtocolError)
    assert (str(error), error.code, error.param, error.event_id) == ("No.", "nope", "a.b", "e1")


def test_the_event_id_is_added_without_losing_the_rest() -> None:
    """Where an error is found, the id of the event is not always known yet."""
    error = unknown_parameter("session.foo").with_event_id("e7")
    assert (error.code, error.param, error.event_id) == ("unknown_parameter", "session.foo", "e7")
    assert error.message == "Unknown parameter: 'session.foo'."


def test_builders_give_the_code_and_the_words_of_the_api() -> None:
    """Clients match on codes and people read messages; both are the API's."""
    missing = missing_parameter("session.type")
    assert missing.code == "missing_required_parameter"
    assert missing.message == "Missing required parameter: 'session.type'."
    wrong = invalid_type("audio_end_ms", expected="an integer", got="a decimal number")
    assert wrong.code == "invalid_type"
    assert wrong.message == (
        "Invalid type for 'audio_end_ms': expected an integer, but got a decimal number instead."
    )
    assert (invalid_value(None, "x").code, invalid_value(None, "x").param) == (
        "invalid_value",
        None,
    )


@pytest.mark.parametrize(
    ("supported", "listed"),
    [
        (["a"], "'a'"),
        (["a", "b"], "'a' and 'b'"),
        (["a", "b", "c"], "'a', 'b', and 'c'"),
    ],
)
def test_a_closed_set_is_listed_in_english(supported: list[str], listed: str) -> None:
    """The message names every value that would have been right."""
    error = unsupported_value("p", "x", supported)
    assert error.message == f"Invalid value: 'x'. Supported values are: {listed}."
