"""What Twilio says of a call when it asks for TwiML: the fields of its request.

Invariant: a field that is no plain text, or too long for a parameter, is as if it were not there;
and a form that can't be read is an error that repeats nothing of it.
"""

from __future__ import annotations

__all__ = ["CallFields", "parse_call_fields", "parse_form"]

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from multidict import MultiDict

from ...errors import RemoteProtocolError
from ..base import CALLED_NUMBER, CALLER_NUMBER

_FORM_TYPE = "application/x-www-form-urlencoded"
"""The only one that Twilio posts."""
_MAX_FIELDS = 1000

_CALL_SID = re.compile(r"[A-Za-z0-9-]{1,64}")
_MAX_VALUE_CHARS = 400
"""Of a number or an address: name and value of a parameter have 500 together, by Twilio's limit."""
_NUMBERS = {CALLED_NUMBER: "To", CALLER_NUMBER: "From"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFields:
    """A call, as Twilio's request names it."""

    call_sid: str | None
    """The SID of the call; None where there is none."""
    numbers: Mapping[str, str]
    """Who was called and who calls, by the names that they have on every line; personal."""


def parse_form(content_type: str, body: bytes) -> MultiDict[str]:
    """Return the fields of a POST, each as often as it came; an empty body has none.

    Raises:
        RemoteProtocolError: if it is no form, not UTF-8, or has more than 1,000 fields.
    """
    if body and content_type != _FORM_TYPE:
        raise RemoteProtocolError(f"the body is not {_FORM_TYPE}")
    try:
        text = body.decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise RemoteProtocolError(
            f"the form is not UTF-8, or has more than {_MAX_FIELDS} fields"
        ) from None
    return MultiDict(pairs)


def parse_call_fields(fields: Mapping[str, object]) -> CallFields:
    """Return what a request says of its call: the fields of its form, or of its query."""
    call_sid = fields.get("CallSid")
    texts = ((name, fields.get(field)) for name, field in _NUMBERS.items())
    return CallFields(
        call_sid=call_sid if isinstance(call_sid, str) and _CALL_SID.fullmatch(call_sid) else None,
        numbers={
            name: text
            for name, text in texts
            if isinstance(text, str) and 0 < len(text) <= _MAX_VALUE_CHARS and text.isprintable()
        },
    )
