"""Which calls there are and were."""

from __future__ import annotations

from support.desk_calls import NOON, ended, gate_event, roster_with, started
from voxgate.call_observer import ProviderSwitched
from voxgate.errors import ProviderError


def test_a_call_runs_until_it_is_over() -> None:
    """Then it stands among those that are over, the newest first."""
    roster = roster_with("one", "two", line="twilio")
    assert [(call.key, call.call_id, call.line) for call in roster.running] == [
        (1, "one", "twilio"),
        (2, "two", "twilio"),
    ]
    assert roster.running_call("one") is not None
    version = roster.version
    roster.on_call_ended(ended("one"))
    roster.on_call_ended(ended("two", "drained"))
    assert list(roster.running) == []
    assert roster.running_call("one") is None
    assert [call.call_id for call in roster.ended] == ["two", "one"]
    assert roster.reasons == {"caller_hangup": 1, "drained": 1}
    assert roster.version == version + 2


def test_a_key_is_never_used_twice() -> None:
    """A page that still draws the one call never takes the other for it."""
    roster = roster_with("one")
    roster.on_call_ended(ended("one"))
    roster.on_call_started(started("one"))
    running = roster.running_call("one")
    assert running is not None
    assert running.key == 2
    assert roster.find("one") is running
    assert running.started_at == NOON


def test_a_call_that_is_over_is_found_until_too_many_are() -> None:
    """Fifty are kept; what is not known is not found."""
    roster = roster_with(*(str(number) for number in range(51)))
    for number in range(51):
        roster.on_call_ended(ended(str(number)))
    assert roster.find("0") is None
    assert roster.find("1") is not None
    assert len(list(roster.ended)) == 50


def test_what_happened_at_the_gate_is_kept_within_a_bound() -> None:
    """Of calls that are known only."""
    roster = roster_with("one")
    for number in range(300):
        roster.on_gate_event("one", gate_event(float(number)))
    roster.on_gate_event("unknown", gate_event())
    call = roster.find("one")
    assert call is not None
    assert len(call.events) == 200
    assert call.events[0].t_ms == 100.0


def test_who_answers_is_who_answers_now() -> None:
    """With those that failed before."""
    roster = roster_with("one")
    version = roster.version
    for call_id in ("one", "unknown"):
        roster.on_provider_switched(
            ProviderSwitched(
                call_id=call_id,
                now_ms=0.0,
                previous="embedded",
                provider="local",
                error=ProviderError("peer", "gone", retryable=False),
                was_ready=True,
                held_frames=0,
                dropped_frames=0,
            )
        )
    call = roster.find("one")
    assert call is not None
    assert (call.provider, call.predecessors) == ("local", ["embedded"])
    assert roster.version == version + 1
