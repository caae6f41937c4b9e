"""One session's life: welcome, settings, signs of life, its end."""

from __future__ import annotations

from collections import Counter

import pytest

from voxgate.errors import ProviderError
from voxgate.providers.deepgram.client_messages import KEEP_ALIVE
from voxgate.providers.deepgram.server_messages import (
    ErrorReported,
    InjectionRefused,
    MessageIgnored,
    MessageMalformed,
    MessageUnknown,
    SettingsApplied,
    WarningReported,
    Welcomed,
)
from voxgate.providers.deepgram.session import MAX_REQUESTS, AgentSession

SETTINGS = '{"type":"Settings"}'


def _session(counts: Counter[str] | None = None) -> AgentSession:
    return AgentSession(
        SETTINGS, keep_alive_ms=8000.0, counts=Counter() if counts is None else counts
    )


def _ready(now_ms: float = 0.0) -> AgentSession:
    session = _session()
    session.receive(Welcomed(), now_ms)
    session.next_request()
    session.receive(SettingsApplied(), now_ms)
    return session


def test_nothing_goes_out_before_the_welcome_and_nothing_but_settings_before_they_hold() -> None:
    """What was asked for before waits."""
    session = _session()
    session.request("later")
    assert session.next_request() is None
    session.receive(Welcomed(), 0.0)
    assert [session.next_request(), session.next_request()] == [SETTINGS, None]
    session.receive(SettingsApplied(), 0.0)

    assert session.is_ready
    assert [session.next_request(), session.next_request()] == ["later", None]


def test_a_second_welcome_asks_for_nothing() -> None:
    """Settings may be sent once a session."""
    session = _ready()
    session.receive(Welcomed(), 1.0)
    session.receive(SettingsApplied(), 1.0)

    assert session.is_ready
    assert session.next_request() is None


def test_settings_that_hold_before_they_were_sent_are_nobody_s() -> None:
    """A server that answers what it was not asked is not ready."""
    session = _session()
    session.receive(SettingsApplied(), 0.0)
    assert not session.is_ready


def test_a_sign_of_life_comes_where_no_audio_does() -> None:
    """8 s after the last of either, and not before."""
    session = _ready(100.0)
    session.keep_alive(8099.0)
    assert session.next_request() is None
    session.note_audio(5000.0)
    assert session.keep_alive_at_ms == 13_000.0
    session.keep_alive(13_000.0)
    assert session.next_request() == KEEP_ALIVE
    session.keep_alive(20_999.0)

    assert session.next_request() is None
    assert session.keep_alive_at_ms == 21_000.0


def test_a_session_that_is_not_ready_gives_no_sign() -> None:
    """The settings have to come first."""
    session = _session()
    session.keep_alive(1e9)
    assert session.keep_alive_at_ms is None
    session.receive(Welcomed(), 0.0)
    assert [session.next_request(), session.next_request()] == [SETTINGS, None]


@pytest.mark.parametrize(("code", "retryable"), [("FAILED_TO_THINK", True), (None, True)])
def test_every_error_ends_the_session(code: str | None, retryable: bool) -> None:
    """As the vendor says."""
    with pytest.raises(ProviderError) as caught:
        _ready().receive(ErrorReported(code), 0.0)
    assert caught.value.retryable is retryable


def test_warnings_and_refusals_are_told() -> None:
    """By their codes; the session goes on."""
    session = _ready()
    slow = session.receive(WarningReported("SLOW_THINK_REQUEST"), 0.0)
    refused = session.receive(InjectionRefused(), 0.0)

    assert slow is not None
    assert refused is not None
    assert (slow.code, refused.code) == ("SLOW_THINK_REQUEST", "injection_refused")


def test_a_session_that_expires_is_renewed_in_time() -> None:
    """That is no warning for anybody; the first word on it counts."""
    session = _ready()
    assert session.renew_by_ms is None
    assert session.receive(WarningReported("MAXIMUM_SESSION_LENGTH_APPROACHING"), 1000.0) is None
    session.receive(WarningReported("MAXIMUM_SESSION_LENGTH_APPROACHING"), 9000.0)

    assert session.renew_by_ms == 241_000.0


def test_what_has_no_meaning_is_counted() -> None:
    """What belongs to the protocol and is of no use is not."""
    counts: Counter[str] = Counter()
    session = _session(counts)
    for message in (MessageUnknown(), MessageMalformed("not_json"), MessageIgnored("History")):
        assert session.receive(message, 0.0) is None

    assert counts == {"events_unknown": 1, "events_malformed": 1}


def test_a_server_that_reads_nothing_does_not_fill_the_memory() -> None:
    """The newest messages are left out, and counted."""
    counts: Counter[str] = Counter()
    session = _session(counts)
    for number in range(MAX_REQUESTS + 2):
        session.request(str(number))
    assert counts["requests_dropped"] == 2
    session.receive(Welcomed(), 0.0)
    assert session.next_request() == SETTINGS, "the settings are always sent"
