"""The events are values: those of one message are equal, whatever wrote it."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from voxgate.transports.asterisk_websocket.events import (
    ChannelEvent,
    ControlFormat,
    DtmfReceived,
    MarkProcessed,
)


@pytest.mark.parametrize("event_type", get_args(ChannelEvent))
def test_an_event_is_a_value(event_type: type):
    """Frozen, and nothing beside its fields."""
    assert event_type.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert set(event_type.__slots__) == {field.name for field in dataclasses.fields(event_type)}


def test_events_are_told_apart_by_what_they_say():
    """And by their kind, where they say the same."""
    assert DtmfReceived("1") == DtmfReceived("1")
    assert DtmfReceived("1") != MarkProcessed("1")


def test_the_forms_have_asterisks_names():
    """As in ``f()`` of the dial string and in ``chan_websocket.conf``."""
    assert [str(form) for form in ControlFormat] == ["plain-text", "json"]
