"""Labels come from small sets, whatever peers send."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.observe.metrics_labels import (
    OTHER,
    BoundedLabels,
    ErrorCause,
    cause_of,
    end_reason,
)
from voxgate.providers.deepgram import error_table as deepgram
from voxgate.providers.openai_realtime import error_table as openai
from voxgate.providers.websocket import _FAILURES, _STATUSES

_EVENTS = Path(__file__).resolve().parents[3] / "docs/events.md"

_KNOWN_CODES = sorted(
    {
        *openai._RULES,
        *openai.RATE_LIMITED,
        *deepgram._ERRORS,
        *deepgram._WARNINGS,
        *(code for code, _ in _STATUSES.values()),
        *(code for _, code, _, _ in _FAILURES),
        *("connect_timeout", "fall_back_timeout", "stopped", "internal", "not_installed"),
    }
    - {"response_cancel_not_active"}  # never becomes an error
)


@pytest.mark.parametrize("code", _KNOWN_CODES)
def test_every_code_of_ours_has_a_cause(code: str) -> None:
    """The tables of the providers and this one are in step."""
    assert cause_of(code) is not ErrorCause.OTHER


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("invalid_api_key", ErrorCause.KEY_REFUSED),
        ("insufficient_quota", ErrorCause.ACCOUNT),
        ("rate_limit_exceeded", ErrorCause.RATE_LIMITED),
        ("FAILED_TO_SPEAK", ErrorCause.SERVER_TROUBLE),
        ("close_1006", ErrorCause.CONNECTION_LOST),
        ("http_503", ErrorCause.SERVER_TROUBLE),
        ("http_418", ErrorCause.REQUEST_REFUSED),
        ("invalid_value", ErrorCause.REQUEST_REFUSED),
        (None, ErrorCause.OTHER),
        ("a_code_of_2031", ErrorCause.OTHER),
    ],
)
def test_a_code_stands_for_its_cause(code: str | None, cause: ErrorCause) -> None:
    """Whatever its case; what nobody knows is other."""
    assert cause_of(code) is cause


def test_the_documented_reasons_are_labels() -> None:
    """Each reason of ``call.ended`` is told apart, and nothing else gets in."""
    text = _EVENTS.read_text(encoding="utf-8")
    sentence = text.partition("`reason` of `call.ended` is one of ")[2].partition(".\n")[0]
    reasons = re.findall(r"`([a-z]+_[a-z]+|drained)`", sentence)
    assert len(reasons) == 10
    assert [end_reason(reason) for reason in reasons] == reasons
    assert end_reason("+49 30 1234") == OTHER


@given(st.lists(st.text(max_size=80), max_size=40))
def test_the_number_of_values_is_bounded(values: list[str]) -> None:
    """The first ones keep their names for good; whatever comes later is other."""
    labels = BoundedLabels(limit=3)
    first = [labels.label(value) for value in values]
    assert len(set(first) - {OTHER}) <= 3
    assert [labels.label(value) for value in values if value in first] == [
        value for value in values if value in first
    ]


def test_what_is_no_name_is_other() -> None:
    """A label is a word of ours, not text of a peer."""
    labels = BoundedLabels()
    assert labels.label("audiosocket.odd_length") == "audiosocket.odd_length"
    assert [labels.label(odd) for odd in ("", "a b", "Ünic", "x" * 61, 'a"b')] == [OTHER] * 5
