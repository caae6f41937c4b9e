"""TwiML that connects a call."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from voxgate.transports.twilio.twiml import connect_twiml

URL = "wss://voice.example.com/twilio"
texts = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Cn"]), max_size=40)


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
