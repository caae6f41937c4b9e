"""The models of the lines."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from voxgate.config.browser_line_model import BrowserLineConfig
from voxgate.config.line_models import AudioSocketConfig, LinesConfig, TwilioConfig

PUBLIC_URL = "wss://voice.example.com/twilio"


def test_only_audiosocket_is_there_from_the_start() -> None:
    """Twilio needs an address that nobody can guess; a microphone is not for every machine."""
    lines = LinesConfig()
    assert (lines.audiosocket.enabled, lines.twilio.enabled) == (True, False)
    assert not lines.browser.enabled
    assert lines.twilio.host == "127.0.0.1"
    assert lines.twilio.validate_signature


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({}, ""),
        ({"public_url": PUBLIC_URL}, "https://voice.example.com/twiml"),
        ({"public_url": "wss://voice.example.com:8443/x"}, "https://voice.example.com:8443/twiml"),
        ({"public_url": PUBLIC_URL, "twiml_url": "https://a.example/b"}, "https://a.example/b"),
    ],
)
def test_the_twiml_is_on_the_host_of_the_stream_unless_told_otherwise(
    fields: dict[str, str], url: str
) -> None:
    """One address is enough for most."""
    assert TwilioConfig(**fields).public_twiml_url == url  # type: ignore[arg-type]
    assert TwilioConfig(**fields).public_after_url == url  # type: ignore[arg-type]
    own = TwilioConfig(**fields, after_url="https://a.example/one")  # type: ignore[arg-type]
    assert (own.public_twiml_url, own.public_after_url) == (url, "https://a.example/one")


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: TwilioConfig(enabled=True), "^public_url: null is no address"),
        (lambda: TwilioConfig(public_url="https://x/y"), "^public_url: 'https://x/y' is not a wss"),
        (lambda: TwilioConfig(public_url="wss://x/y?a=1"), "^public_url: .* without a query$"),
        (lambda: TwilioConfig(public_url="wss://[x/y"), "^public_url: .* has brackets"),
        (lambda: TwilioConfig(twiml_url="ftp://x"), "^twiml_url: 'ftp://x' is not an https://"),
        (lambda: TwilioConfig(path="/twiml"), "^path: '/twiml' is where the TwiML is served$"),
        (lambda: TwilioConfig(path="twilio"), "^path: 'twilio' is not a path such as /twilio"),
        (lambda: TwilioConfig(path="/{x}"), "^path: '/{x}' is not a path"),
        (lambda: TwilioConfig(host="999.1.1.1"), "^host: '999.1.1.1' is not a host"),
        (lambda: TwilioConfig(parameters={"a": "x" * 500}), "^parameters: .* 1 to 500 characters"),
        (lambda: TwilioConfig(parameters={"": "x"}), "^parameters: "),
        (lambda: TwilioConfig(parameters={"a": 1}), "^parameters: "),  # type: ignore[dict-item]
        (lambda: TwilioConfig(auth_token_env="a b"), "^auth_token_env: .* not the name"),  # noqa: S106
        (
            lambda: LinesConfig(
                twilio=TwilioConfig(enabled=True, port=8090, public_url=PUBLIC_URL)
            ),
            "^twilio.port: 8090 is the port of audiosocket already$",
        ),
        (
            lambda: LinesConfig(browser=BrowserLineConfig(enabled=True, port=8090)),
            "^browser.port: 8090 is the port of audiosocket already$",
        ),
    ],
)
def test_what_can_not_work_is_refused(make: Callable[[], object], rule: str) -> None:
    """With the key and the rule."""
    with pytest.raises(ValueError, match=rule):
        make()


def test_lines_that_do_not_meet_may_have_one_port() -> None:
    """One is off, or any free port is wanted, or they listen on other hosts."""
    twilio = TwilioConfig(enabled=True, port=8090, public_url=PUBLIC_URL, host="127.0.0.2")
    LinesConfig(twilio=twilio)
    LinesConfig(audiosocket=AudioSocketConfig(port=0), twilio=TwilioConfig(port=0))
    LinesConfig(audiosocket=AudioSocketConfig(enabled=False, port=8091), twilio=TwilioConfig())
