"""What Twilio says of a call when it asks for TwiML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.twilio_messages import CALL_SID
from voxgate.errors import RemoteProtocolError
from voxgate.transports.twilio.webhook import CallFields, parse_call_fields, parse_form


def test_a_call_has_two_numbers_and_a_sid():
    """By the names that they have on every line; the other fields are left."""
    form = {"CallSid": CALL_SID, "From": "+15550199", "To": "+15550100", "CallerCity": "ROME"}
    assert parse_call_fields(form) == CallFields(
        call_sid=CALL_SID,
        numbers={"called_number": "+15550100", "caller_number": "+15550199"},
    )


def test_a_caller_may_be_an_address_or_nobody():
    """As SIP and withheld numbers are."""
    assert parse_call_fields({"From": "sip:alice@example.com", "To": "client:bob"}).numbers == {
        "called_number": "client:bob",
        "caller_number": "sip:alice@example.com",
    }
    assert parse_call_fields({"From": "anonymous"}).numbers == {"caller_number": "anonymous"}


@pytest.mark.parametrize("value", ["", "x" * 401, "a\nb", b"+15550100", None, ["+1"]])
def test_a_field_that_is_no_plain_text_is_not_there(value: object):
    """Nor is one that no parameter has room for."""
    assert parse_call_fields({"From": value, "To": value, "CallSid": value}) == CallFields(
        call_sid=None, numbers={}
    )


@given(st.dictionaries(st.sampled_from(["From", "To", "CallSid", "x"]), st.text(max_size=500)))
def test_any_request_is_a_call(fields: dict[str, str]):
    """Whatever somebody writes who can't sign it."""
    call = parse_call_fields(fields)
    assert set(call.numbers) <= {"called_number", "caller_number"}
    assert all(len(text) <= 400 and text.isprintable() for text in call.numbers.values())


FORM = "application/x-www-form-urlencoded"


def test_a_form_has_its_fields_as_often_as_they_came():
    """Empty ones too: the signature is over all of them."""
    form = parse_form(FORM, b"To=%2B15550100&From=&Digits=1&Digits=2")
    assert list(form.items()) == [
        ("To", "+15550100"),
        ("From", ""),
        ("Digits", "1"),
        ("Digits", "2"),
    ]
    assert not parse_form("application/octet-stream", b"")


@pytest.mark.parametrize(
    ("content_type", "body", "rule"),
    [
        ("multipart/form-data", b"--b", "is not application/x-www-form-urlencoded"),
        ("application/json", b"{}", "is not application/x-www-form-urlencoded"),
        (FORM, b"From=\xff", "is not UTF-8"),
        (FORM, b"From=%ff", "is not UTF-8"),
        (FORM, b"&".join([b"a=1"] * 1001), "more than 1000 fields"),
    ],
)
def test_a_body_that_is_no_form_is_refused(content_type: str, body: bytes, rule: str):
    """By a rule, without a word of what was in it."""
    with pytest.raises(RemoteProtocolError, match=rule):
        parse_form(content_type, body)


@given(st.text(max_size=40), st.binary(max_size=300))
def test_any_body_is_a_form_or_refused(content_type: str, body: bytes):
    """Nothing else is raised, whatever a stranger posts."""
    for each in (content_type, FORM):
        try:
            fields = parse_form(each, body)
        except RemoteProtocolError:
            continue
        assert all(isinstance(text, str) for text in fields.values())
