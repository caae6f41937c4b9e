"""TwiML that connects a call."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import Connect, Dial, Stream, VoiceResponse

from voxgate.transports.twilio.twiml import connect_twiml, dial_twiml, hangup_twiml

URL = "wss://voice.example.com/twilio"
texts = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Cn"]), max_size=40)


def same(ours: str, theirs: VoiceResponse) -> bool:
    """Return whether our TwiML says what Twilio's own builder says."""
    return ET.canonicalize(ours, strip_text=True) == ET.canonicalize(
        theirs.to_xml(), strip_text=True
    )


def test_a_stream_without_parameters_is_one_element():
    """Connect, not Start: the call is to go both ways."""
    assert connect_twiml(URL, {}) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<Response>\n"
        "  <Connect>\n"
        f'    <Stream url="{URL}" />\n'
        "  </Connect>\n"
        "</Response>\n"
    )


@given(st.dictionaries(texts.filter(bool), texts, max_size=4))
def test_whatever_the_parameters_hold_it_is_xml_that_says_so(parameters):
    """Quotes, brackets and other alphabets come through."""
    root = ET.fromstring(connect_twiml(URL, parameters).encode())  # noqa: S314 - our own
    (stream,) = root.findall("./Connect/Stream")
    assert stream.get("url") == URL
    assert {each.get("name"): each.get("value") for each in stream} == parameters


def test_what_comes_after_the_stream_is_asked_for_and_the_stream_knows_it():
    """As Twilio's own builder writes it; the parameter is for streams of other people's TwiML."""
    after_url = "https://voice.example.com/twiml?after=stream"
    stream = Stream(url=URL)
    stream.parameter(name="language", value="en")
    stream.parameter(name="voxgate_transfer", value="yes")
    connect = Connect(action=after_url)
    connect.append(stream)
    response = VoiceResponse()
    response.append(connect)
    assert same(connect_twiml(URL, {"language": "en"}, after_url=after_url), response)


@pytest.mark.parametrize(
    ("target", "noun", "dialled"),
    [
        ("+15550100", "number", "+15550100"),
        ("0800123", "number", "0800123"),
        ("sip:desk@pbx.example;transport=tls", "sip", "sip:desk@pbx.example;transport=tls"),
        ("SIPS:desk@pbx.example", "sip", "SIPS:desk@pbx.example"),
        ("client:alice", "client", "alice"),
    ],
)
def test_a_caller_is_connected_with_whom_twilio_dials(target: str, noun: str, dialled: str):
    """A number, a SIP address, a client of Twilio's; the call ends when they have spoken."""
    dial = Dial()
    getattr(dial, noun)(dialled)
    response = VoiceResponse()
    response.append(dial)
    assert same(dial_twiml(target), response)


@pytest.mark.parametrize(
    "target", ["", "desk", "+1 555", "sip:pbx.example", "http://x", "tel:+1", "sip:a@" + "b" * 255]
)
def test_what_twilio_does_not_dial_is_no_target(target: str):
    """The error does not show it."""
    with pytest.raises(ValueError, match=r"^is no number, sip: or client: address$"):
        dial_twiml(target)


@given(st.text(max_size=40))
def test_any_target_is_xml_or_refused(target: str):
    """Nothing in it can become an element of its own."""
    try:
        text = dial_twiml(target)
    except ValueError:
        return
    root = ET.fromstring(text.encode())  # noqa: S314 - our own
    assert [each.tag for each in root.iter()][:2] == ["Response", "Dial"]
    assert len(list(root.iter())) == 3


def test_a_call_without_more_is_hung_up():
    """As it was before anything could come after the stream."""
    response = VoiceResponse()
    response.hangup()
    assert same(hangup_twiml(), response)
