"""Where to ask about a call, and what is known of it beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.config.field_rules import broken_rule
from voxgate.config.hook_models import ActionUrl, CallHooksConfig, LookupUrl, check_known_calls


def test_nobody_is_asked_unless_an_address_is_given() -> None:
    """And without a token."""
    hooks = CallHooksConfig()
    assert (hooks.metadata_url, hooks.transfer_url, hooks.token_env) == (None, None, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/calls/{call_id}",
        "https://pbx.example/call?id={call_id}&full=1",
        "https://[2001:db8::1]:8000/{call_id}.json",
    ],
)
def test_a_lookup_names_the_call_in_path_or_query(url: str) -> None:
    """Wherever the operator's system wants it."""
    assert broken_rule(url, LookupUrl) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/calls",
        "http://{call_id}.example/",
        "http://user:secret@host/{call_id}",
        "ftp://host/{call_id}",
        "http://host/{id}/{call_id}",
        "http://host/{call_id}#part",
        "http://host/a b/{call_id}",
        "/calls/{call_id}",
    ],
)
def test_a_lookup_that_can_not_work_is_refused(url: str) -> None:
    """Without the id every call would get one answer; a password does not belong there."""
    assert broken_rule(url, LookupUrl).startswith("is not an http:// or https:// address with {")


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.0.0.1:8000/transfer", True),
        ("http://127.0.0.1:8000/calls/{call_id}/transfer", True),
        ("http://127.0.0.1:8000/{target}", False),
        ("http://user:secret@host/transfer", False),
        ("tcp://host", False),
        ("http://127.0.0.1:80800/transfer", False),
        ("http://[::1:8000/transfer", False),
    ],
)
def test_a_transfer_is_asked_of_any_web_address(url: str, is_good: bool) -> None:
    """The id stands in the body, and may stand in the address."""
    assert (broken_rule(url, ActionUrl) == "") is is_good


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"metadata_timeout_s": 2.0}, "^metadata_timeout_s: 2.0 is not in 0.1..1.5$"),
        ({"transfer_timeout_s": 0}, "^transfer_timeout_s: 0 is not in 0.1..30.0$"),
        ({"token_env": "a b"}, "^token_env: .* is not the name of an environment variable$"),
        ({"transfer_url": "x"}, "^transfer_url: 'x' is not an http://"),
        (
            {"metadata_url": "http://h:99999/{call_id}"},
            "^metadata_url: .* has a port that is not in",
        ),
        ({"metadata_url": "http://[::1/{call_id}"}, "^metadata_url: .* has brackets that hold no"),
    ],
)
def test_a_hook_out_of_bounds_is_refused(fields: dict[str, Any], rule: str) -> None:
    """Asterisk ends a call after 2 s without a frame, so that no answer may take so long."""
    with pytest.raises(ValueError, match=rule):
        CallHooksConfig(**fields)


def test_calls_are_known_by_their_id_or_its_end() -> None:
    """With any names of texts."""
    check_known_calls({})
    check_known_calls(
        {
            "c0ffee00-1234-4abc-8def-00112233aabb": {"called_number": "+15550100"},
            "*000000000700": {"called_number": "700", "note": ""},
        }
    )


@pytest.mark.parametrize(
    ("calls", "rule"),
    [
        ({"": {}}, "^calls.: is neither the UUID"),
        ({"*7*": {}}, r"^calls.\*7\*: is neither the UUID of a call nor \* and the end of one$"),
        ({"a b": {}}, "^calls.a b: is neither the UUID"),
        (
            {"000000000700": {}},
            r"^calls.000000000700: is not a whole UUID; write '\*000000000700' for calls whose",
        ),
        ({"*7": "700"}, r"^calls.\*7: is not a section with names and texts$"),
        ({"*7": {"called_number": 700}}, r"^calls.\*7.called_number: is not text$"),
        ({"*7": {"": "x"}}, r"^calls.\*7.: is empty$"),
        ({"*7": {"x": "y" * 501}}, r"^calls.\*7.x: is longer than 500 characters$"),
    ],
)
def test_what_is_no_known_call_is_refused(calls: Any, rule: str) -> None:
    """With the key; never with the text, which is personal."""
    with pytest.raises(ValueError, match=rule):
        check_known_calls(calls)
