"""Who gets a session, and what the others are told."""

from __future__ import annotations

import pytest

from support.openai_events import validated
from voxgate.realtime_server.admission import Admitted, Refused, admit

TARGET = "/v1/realtime?model=gpt-realtime"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer anything"}])
def test_any_key_will_do_by_default(headers: dict[str, str]) -> None:
    """Or none: the server is on this machine."""
    assert admit(TARGET, headers) == Admitted("gpt-realtime")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_expected_key_is_let_in(scheme: str) -> None:
    """The name of the scheme has no case (RFC 9110)."""
    headers = {"authorization": f"{scheme} sesame"}
    assert admit(TARGET, headers, expected_api_key="sesame") == Admitted("gpt-realtime")


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer other", "Basic sesame", "sesame", "Bearer é"]
)
def test_another_key_is_refused_and_not_repeated(value: str) -> None:
    """One error event, then close 3000, as the cloud does it."""
    refused = admit(TARGET, {"authorization": value}, expected_api_key="sesame")
    assert isinstance(refused, Refused)
    assert (refused.close_code, refused.close_reason) == (
        3000,
        "invalid_request_error.invalid_api_key",
    )
    assert refused.event["error"]["code"] == "invalid_api_key"
    assert "sesame" not in str(refused.event)
    assert "other" not in str(refused.event)
    validated(refused.event)


@pytest.mark.parametrize("value", ["realtime=v1", "realtime = v1", "assistants=v2,realtime=v1"])
def test_the_beta_header_is_refused(value: str) -> None:
    """Before anything else is looked at."""
    refused = admit("/v1/realtime", {"openai-beta": value}, expected_api_key="sesame")
    assert isinstance(refused, Refused)
    assert refused.close_code == 4000
    assert refused.close_reason == "invalid_request_error.beta_api_shape_disabled"
    assert refused.event["error"]["code"] == "beta_api_shape_disabled"
    validated(refused.event)


@pytest.mark.parametrize("target", ["/v1/realtime", "/v1/realtime?model=", "/v1/realtime?x=y"])
def test_a_model_must_be_named(target: str) -> None:
    """Any name will do, but there must be one."""
    refused = admit(target, {})
    assert isinstance(refused, Refused)
    assert (refused.close_code, refused.event["error"]["code"]) == (4000, "missing_model")
    validated(refused.event)


def test_the_model_is_unquoted() -> None:
    """As any query is."""
    assert admit("/v1/realtime?model=my%20model&x=1", {}) == Admitted("my model")


def test_a_key_may_be_shown_as_azure_s_clients_do() -> None:
    """In a header of its own; a wrong one is refused there too."""
    target = "/v1/realtime?api-version=1&deployment=mine"

    assert admit(target, {"api-key": "right"}, expected_api_key="right") == Admitted("mine")
    assert isinstance(admit(target, {"api-key": "wrong"}, expected_api_key="right"), Refused)
    assert isinstance(admit(target, {}, expected_api_key="right"), Refused)


def test_a_key_that_is_no_text_is_a_wrong_one() -> None:
    """Headers may hold any bytes; the library gives them as half characters."""
    shown = {"authorization": "Bearer \udcff\udcfe"}
    refused = admit("/v1/realtime?model=m", shown, expected_api_key="right")
    assert isinstance(refused, Refused)
    assert refused.event["error"]["code"] == "invalid_api_key"
