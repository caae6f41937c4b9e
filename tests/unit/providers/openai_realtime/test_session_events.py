"""What a session tells its conversation."""

from __future__ import annotations

from typing import get_args

from voxgate.providers.base import ProviderEvent
from voxgate.providers.openai_realtime.session_events import (
    CallerHeard,
    SessionEvent,
    SessionReady,
    VoiceReceived,
)


def test_all_but_what_needs_gate_and_line_are_events_of_the_engine() -> None:
    """The conversation passes those on as they are."""
    made_over = {SessionReady, VoiceReceived, CallerHeard}

    assert set(get_args(SessionEvent)) - set(get_args(ProviderEvent)) == made_over
