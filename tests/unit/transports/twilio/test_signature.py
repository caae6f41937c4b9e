"""Who is Twilio, by the signature."""

from __future__ import annotations

import sys

import pytest
from twilio.request_validator import RequestValidator

from voxgate.config.line_models import TwilioConfig
from voxgate.errors import ConfigError
from voxgate.transports.twilio.signature import SignatureCheck, make_signature_check

STREAM_URL = "wss://voice.example.com/twilio"
TWIML_URL = "https://voice.example.com/twiml"
TOKEN = "t0ken-of-nobody"  # noqa: S105 - nobody's
CONFIG = TwilioConfig(enabled=True, public_url=STREAM_URL)


def made(environ: dict[str, str] | None = None) -> SignatureCheck:
    check = make_signature_check(CONFIG, environ or {"TWILIO_AUTH_TOKEN": TOKEN})
    assert check is not None
    return check


def signed(url: str, token: str = TOKEN, **fields: str) -> str:
    return str(RequestValidator(token).compute_signature(url, fields))


def test_a_stream_is_signed_by_its_public_address_alone():
    """To the letter, and with this token."""
    check = made()
    assert check.is_stream_signed(signed(STREAM_URL))
    for wrong in (None, "", "x", signed(STREAM_URL + "/"), signed(STREAM_URL, token="other")):  # noqa: S106
        assert not check.is_stream_signed(wrong)


def test_twiml_is_signed_by_its_address_query_and_fields():
    """Whatever of them is changed, the signature is another."""
    check = made()
    form = {"To": "+15550100", "CallSid": "CA1"}
    signature = signed(TWIML_URL, **form)
    assert check.is_twiml_signed(signature, query="", form=form)
    assert not check.is_twiml_signed(signature, query="", form={**form, "To": "+15550199"})
    assert not check.is_twiml_signed(signature, query="a=1", form=form)
    assert check.is_twiml_signed(signed(f"{TWIML_URL}?a=1"), query="a=1", form={})
    assert not check.is_twiml_signed(None, query="", form=form)


def test_what_comes_after_a_stream_is_asked_at_an_address_of_its_own() -> None:
    """One engine's, where several are asked for the TwiML that connects a call."""
    after_url, query = "https://voice.example.com/engine1/twiml", "after=stream"
    config = TwilioConfig(public_url=STREAM_URL, after_url=after_url)
    check = make_signature_check(config, {"TWILIO_AUTH_TOKEN": TOKEN})
    assert check is not None
    own, shared = signed(f"{after_url}?{query}"), signed(f"{TWIML_URL}?{query}")
    assert check.is_twiml_signed(own, query=query, form={}, is_after=True)
    assert not check.is_twiml_signed(shared, query=query, form={}, is_after=True)
    assert check.is_twiml_signed(signed(TWIML_URL), query="", form={})
    assert made().is_twiml_signed(shared, query=query, form={}, is_after=True)


def test_the_variable_is_the_one_that_the_section_names():
    """And the space around a pasted token does no harm."""
    config = TwilioConfig(public_url=STREAM_URL, auth_token_env="MY_TOKEN")  # noqa: S106 - a name
    check = make_signature_check(config, {"MY_TOKEN": f" {TOKEN}\n"})
    assert check is not None
    assert check.is_stream_signed(signed(STREAM_URL))


def test_who_checks_nothing_needs_nothing():
    """No token, no package."""
    config = TwilioConfig(public_url=STREAM_URL, validate_signature=False)
    assert make_signature_check(config, {}) is None


def test_a_missing_token_is_named_and_never_shown():
    """As is what it is for."""
    with pytest.raises(ConfigError, match=r"^TWILIO_AUTH_TOKEN: is not set; lines.twilio checks"):
        make_signature_check(CONFIG, {})


def test_a_missing_package_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch):
    """An operator can paste it."""
    monkeypatch.setitem(sys.modules, "twilio.request_validator", None)
    with pytest.raises(ConfigError, match=r"pip install 'voxgate\[twilio\]'") as caught:
        made()
    assert TOKEN not in str(caught.value)
