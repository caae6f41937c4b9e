"""The TwiML that connects a call to the stream.

Invariant: what is served is what ``docs/lines/twilio.md`` tells people to paste.
"""

from __future__ import annotations

__all__ = ["connect_twiml"]

from collections.abc import Mapping
from xml.etree import ElementTree as ET


def connect_twiml(stream_url: str, parameters: Mapping[str, str]) -> str:
    """Return TwiML that connects the call to a stream in both directions, until we close it.

    Args:
        stream_url: Public ``wss://`` address of the WebSocket, without a query.
        parameters: Custom parameters by name; they come back in the stream's start.
    """
    response = ET.Element("Response")
    stream = ET.SubElement(ET.SubElement(response, "Connect"), "Stream", url=stream_url)
    for name, value in parameters.items():
        ET.SubElement(stream, "Parameter", name=name, value=value)
    ET.indent(response)
    body = ET.tostring(response, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'
