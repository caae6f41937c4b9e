"""What happened on every call since the last message."""

from __future__ import annotations

import random

import numpy as np
import pytest

from support.desk_calls import decided, ended, gate_event, played, roster_with
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import encode
from voxgate.core.gate_decision import PASS_THROUGH, GateAction, GateReason, GateState
from voxgate.observe.desk.live_feed import EVENTS, REASONS, STATES, LiveFeed, Row

FRAME = bytes(320)
LOUD = (16_384).to_bytes(2, "little", signed=True) * 160
"""-6 dBFS, every sample."""


def number(reason: GateReason) -> int:
    return REASONS.index(reason)


def runs_of(row: Row) -> list[tuple[int, ...]]:
    flat = row[5]
    return [tuple(flat[at : at + 4]) for at in range(0, len(flat), 4)]


def test_equal_decisions_are_one_run() -> None:
    """With the numbers of state and reason, and whether the frame was forwarded."""
    feed = LiveFeed(roster_with("one"))
    for _ in range(3):
        feed.on_decision("one", 0.0, FRAME, decided())
    withheld = decided(GateReason.AGENT_AUDIBLE, state=GateState.CLOSED, action=GateAction.WITHHOLD)
    feed.on_decision("one", 0.0, FRAME, withheld)
    (row,) = feed.take_rows(0.0)
    assert row[0] == 1
    assert runs_of(row) == [
        (3, STATES.index(GateState.OPEN), number(GateReason.CALLER_SPEECH), 1),
        (1, STATES.index(GateState.CLOSED), number(GateReason.AGENT_AUDIBLE), 0),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_every_decision_of_fifty_calls_is_counted_once_and_in_order(seed: int) -> None:
    """Whenever the messages are made, and also those from just before a call's end."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    roster = roster_with(*(f"call {number}" for number in range(50)))
    feed = LiveFeed(roster)
    told: dict[int, list[int]] = {}
    heard: dict[int, list[int]] = {}
    ids = [call.call_id for call in roster.running]
    for step in range(4000):
        call_id = chance.choice(ids)
        call = roster.running_call(call_id)
        assert call is not None
        reason = chance.choice((GateReason.HANGOVER, GateReason.LINE_NOISE))
        feed.on_decision(call_id, float(step), FRAME, decided(reason))
        told.setdefault(call.key, []).append(number(reason))
        if step == 3000:
            roster.on_call_ended(ended(call_id))
            feed.on_call_ended(ended(call_id))
            ids.remove(call_id)
        if chance.random() < 0.02 or step == 3999:
            for row in feed.take_rows(float(step)):
                for n_same, _, why, _ in runs_of(row):
                    heard.setdefault(row[0], []).extend([why] * n_same)
    assert heard == told
    assert feed.take_rows(4000.0) == []


def test_time_that_passed_is_no_decision_unless_something_was_sent() -> None:
    """Idle slots go by on every call; silence in place of a frame is shown."""
    feed = LiveFeed(roster_with("one"))
    feed.on_decision("one", 0.0, None, decided(GateReason.IDLE_FILL))
    assert feed.take_rows(0.0) == []
    feed.on_decision("one", 0.0, None, decided(GateReason.IDLE_FILL, audio=(FRAME,)))
    assert runs_of(feed.take_rows(0.0)[0]) == [(1, 0, number(GateReason.IDLE_FILL), 1)]


def test_levels_are_those_of_the_loudest_frame() -> None:
    """The noise floor is the newest; what was not measured is not there."""
    feed = LiveFeed(roster_with("one"))
    for rms, near in ((327.68, -30.0), (3276.8, None), (32.768, -50.0)):
        measured = decided(capture_rms=rms, near_end_dbfs=near, noise_floor=rms / 10)
        feed.on_decision("one", 0.0, FRAME, measured)
    feed.on_playout("one", 0.0, played(LOUD))
    feed.on_playout("one", 0.0, played(LOUD, is_agent_audio=False))
    (row,) = feed.take_rows(0.0)
    assert row[1:5] == [-20, -6, -30, -80]
    feed.on_decision("one", 0.0, FRAME, decided(capture_rms=0.0))
    (row,) = feed.take_rows(0.0)
    assert row[1:5] == [-90, -90, None, -90]


def test_a_call_that_passes_through_shows_what_it_captures() -> None:
    """Nobody has measured it, so the feed does, in the line's own encoding."""
    mulaw = AudioFormat(Encoding.MULAW)
    loud = encode(np.full(160, 16_384, np.int16), mulaw)
    feed = LiveFeed(roster_with("one", capture_format=mulaw, playout_format=mulaw))
    feed.on_decision("one", 0.0, loud, PASS_THROUGH)
    feed.on_playout("one", 0.0, played(loud))
    (row,) = feed.take_rows(0.0)
    assert row[1:5] == [-6, -6, None, None]


def test_audio_of_a_broken_length_is_no_error() -> None:
    """The gate counts it; a meter shows silence."""
    feed = LiveFeed(roster_with("one"))
    feed.on_decision("one", 0.0, b"\x00", PASS_THROUGH)
    assert feed.take_rows(0.0)[0][1] == -90


def test_events_say_how_long_ago_they_were() -> None:
    """With their kind, reason and count."""
    feed = LiveFeed(roster_with("one"))
    event = gate_event(1500.0)
    feed.on_gate_event("one", event)
    (row,) = feed.take_rows(1540.0)
    assert row[6] == [40, EVENTS.index(event.type), number(event.reason), 3]
    assert feed.take_rows(1600.0) == []


def test_what_is_not_in_the_list_of_calls_is_not_shown() -> None:
    """As what an ended call is still told of."""
    feed = LiveFeed(roster_with())
    feed.on_decision("gone", 0.0, FRAME, decided())
    feed.on_playout("gone", 0.0, played(LOUD))
    feed.on_gate_event("gone", gate_event())
    feed.on_call_ended(ended("gone"))
    assert feed.take_rows(0.0) == []


def test_waiting_audio_is_bounded() -> None:
    """A message that is late makes nobody remember more."""
    feed = LiveFeed(roster_with("one"))
    for _ in range(1000):
        feed.on_playout("one", 0.0, played(LOUD))
    assert len(feed._gathered["one"].far_end_frames) == 8


def test_a_call_that_is_looked_at_shows_each_decision() -> None:
    """Finely, with what was measured last; of one call and no other."""
    feed = LiveFeed(roster_with("one", "two"))
    feed.look_closely(["one", "unknown"])
    feed.on_playout("one", 0.0, played(LOUD))
    measured = decided(
        capture_rms=3276.8,
        noise_floor=32.768,
        vad_confidence=0.25,
        near_end_logit=-1.26,
        near_end_dbfs=-31.26,
        evidence_ms=40.0,
        erl_db=17.04,
        agent_audible=True,
    )
    feed.on_decision("one", 0.0, FRAME, measured)
    feed.on_decision("one", 0.0, FRAME, decided(GateReason.INCOMPLETE_FRAME))
    feed.on_decision("two", 0.0, FRAME, measured)
    detail = feed.take_detail("one", 1234.4)
    assert detail is not None
    assert (detail["k"], detail["t"]) == (1, 1234)
    assert detail["frames"] == [
        [-20.0, -6.0, -31.3, -60.0, 25, -1.3, None, 40],
        [None, -6.0, None, None, None, None, None, None],
    ]
    assert detail["now"]["erl_db"] == 17.0
    assert detail["now"]["agent_audible"] is True
    assert detail["now"]["echo_delay_ms"] is None
    assert feed.take_detail("two", 0.0) is None
    again = feed.take_detail("one", 0.0)
    assert again is not None
    assert (again["frames"], again["now"]) == ([], None)
    feed.look_closely([])
    assert feed.take_detail("one", 0.0) is None


def test_nothing_is_left_when_nobody_watches() -> None:
    """The next watcher begins anew."""
    feed = LiveFeed(roster_with("one"))
    feed.on_decision("one", 0.0, FRAME, decided())
    feed.clear()
    assert feed.take_rows(0.0) == []
