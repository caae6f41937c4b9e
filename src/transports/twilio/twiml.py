"""The TwiML that voxgate serves: it connects a call to the stream, and says what comes after.

Invariant: what is served is what ``docs/lines/twilio.md`` tells people to paste.
"""

from __future__ import annotations

__all__ = ["CAN_TRANSFER", "connect_twiml", "dial_twiml", "hangup_twiml"]

import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

CAN_TRANSFER = "voxgate_transfer"
"""Name of the parameter by which TwiML says that voxgate is asked what comes after the stream, so
that a call can be transferred; its value is ``yes``."""

_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
_NOUNS = {"sip": "Sip", "sips": "Sip", "client": "Client"}
"""What is dialled by an address with a scheme."""
_ADDRESS = re.compile(r"(sips?:[^\s@]+@[^\s@]+|client:[^\s@]+)", re.IGNORECASE)
_MAX_ADDRESS_CHARS = 255
"""Twilio's limit for a SIP address."""


def connect_twiml(
    stream_url: str, parameters: Mapping[str, str], *, after_url: str | None = None
) -> str:
    """Return TwiML that connects the call to a stream in both directions, until we close it.

    Args:
        stream_url: Public ``wss://`` address of the WebSocket, without a query.
        parameters: Custom parameters by name; they come back in the stream's start.
        after_url: Public address that is asked what comes after the stream; None: the call ends.
    """
    response = ET.Element("Response")
    connect = ET.SubElement(response, "Connect", {} if after_url is None else {"action": after_url})
    stream = ET.SubElement(connect, "Stream", url=stream_url)
    if after_url is not None:
        parameters = {**parameters, CAN_TRANSFER: "yes"}
    for name, value in parameters.items():
        ET.SubElement(stream, "Parameter", name=name, value=value)
    return _document(response)


def dial_twiml(target: str) -> str:
    """Return TwiML that connects the caller to somebody else, and hangs up after that.

    Raises:
        ValueError: if the target is neither a number nor an address that Twilio dials.
    """
    response = ET.Element("Response")
    ET.SubElement(ET.SubElement(response, "Dial"), _noun(target)).text = _dialled(target)
    return _document(response)


def hangup_twiml() -> str:
    """Return TwiML that ends the call."""
    response = ET.Element("Response")
    ET.SubElement(response, "Hangup")
    return _document(response)


def _noun(target: str) -> str:
    if _NUMBER.fullmatch(target):
        return "Number"
    if len(target) > _MAX_ADDRESS_CHARS or not _ADDRESS.fullmatch(target):
        raise ValueError("is no number, sip: or client: address")
    return _NOUNS[target.partition(":")[0].lower()]


def _dialled(target: str) -> str:
    """Return what stands in the noun: a client by its name alone."""
    scheme, _, rest = target.partition(":")
    return rest if scheme.lower() == "client" else target


def _document(response: ET.Element) -> str:
    ET.indent(response)
    body = ET.tostring(response, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'
