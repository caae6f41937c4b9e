"""What a line that buffers has played of what was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.sent_timeline import MAX_LEAD_MS, SentTimeline


def sent(timeline: SentTimeline, item_id: str | None, slots: int, audio_ms: float = 20.0) -> None:
    """Send slots of one item."""
    for _ in range(slots):
        timeline.send_slot(item_id, audio_ms)


def test_line_without_lead_holds_nothing() -> None:
    """Where nothing buffers, sent is played."""
    timeline = SentTimeline()
    sent(timeline, "a", 5)
    assert timeline.unheard_ms("a") == 0
    assert timeline.unheard_items() == []


def test_lead_is_taken_from_the_newest_audio() -> None:
    """The line holds the end of what was sent, across items."""
    timeline = SentTimeline(lead_ms=50)
    sent(timeline, "a", 5)
    sent(timeline, "b", 2)
    assert timeline.lead_ms == 50
    assert timeline.unheard_ms("b") == 40
    assert timeline.unheard_ms("a") == 10
    assert timeline.unheard_items() == ["a", "b"]


def test_silence_sent_since_counts_as_time() -> None:
    """Audio sent before the lead was played, however long ago it was the last audio."""
    timeline = SentTimeline(lead_ms=50)
    sent(timeline, "a", 5)
    sent(timeline, None, 1)
    assert timeline.unheard_ms("a") == 30
    sent(timeline, None, 2)
    assert timeline.unheard_ms("a") == 0
    assert timeline.unheard_items() == []


def test_lead_is_corrected() -> None:
    """A mark of the line changes what is held, both ways; nonsense is held at the bounds."""
    timeline = SentTimeline()
    sent(timeline, "a", 10)
    timeline.set_lead_ms(120)
    assert timeline.unheard_ms("a") == 120
    timeline.set_lead_ms(-5)
    assert timeline.unheard_ms("a") == 0
    timeline.set_lead_ms(1e9)
    assert timeline.lead_ms == MAX_LEAD_MS
    assert timeline.unheard_ms("a") == 200


def test_padding_at_the_end_of_an_item_is_time_but_not_audio() -> None:
    """A last slot that is partly filled holds only its audio."""
    timeline = SentTimeline(lead_ms=30)
    sent(timeline, "a", 2)
    timeline.send_slot("a", 5.0)
    assert timeline.unheard_ms("a") == 10 + 5
    sent(timeline, "a", 1)
    assert timeline.unheard_ms("a") == 20
    timeline.set_lead_ms(35)
    assert timeline.unheard_ms("a") == 20
    timeline.set_lead_ms(37)
    assert timeline.unheard_ms("a") == 20 + 2
    timeline.set_lead_ms(45)
    assert timeline.unheard_ms("a") == 20 + 5 + 5


def test_pause_within_an_item_is_time_but_not_audio() -> None:
    """Silence within an item parts its audio."""
    timeline = SentTimeline(lead_ms=70)
    sent(timeline, "a", 2)
    sent(timeline, None, 2)
    sent(timeline, "a", 1)
    assert timeline.unheard_ms("a") == 20 + 10


def test_clear_forgets_what_was_sent() -> None:
    """After a flush of the line nothing is held, while the lead stays for what comes."""
    timeline = SentTimeline(lead_ms=100)
    sent(timeline, "a", 5)
    timeline.clear()
    assert timeline.unheard_items() == []
    sent(timeline, "b", 1)
    assert timeline.unheard_ms("b") == 20


def test_memory_is_bounded() -> None:
    """Runs older than the longest lead are forgotten."""
    timeline = SentTimeline(lead_ms=20)
    for slot in range(20_000):
        timeline.send_slot(f"item-{slot % 2}" if slot % 3 else None, 20.0)
    assert len(timeline._runs) <= MAX_LEAD_MS / 20 + 1


@given(st.lists(st.sampled_from(["a", "b", None]), max_size=40), st.floats(0, 900))
def test_never_more_is_held_than_lead_or_sent(slots, lead_ms) -> None:
    """What is unheard is within the lead, and within what was sent of each item."""
    timeline = SentTimeline(lead_ms)
    for item_id in slots:
        timeline.send_slot(item_id, 20.0)
    held = [timeline.unheard_ms(item_id) for item_id in ("a", "b")]
    assert sum(held) <= lead_ms + 1e-9
    assert all(h <= 20 * slots.count(item_id) for h, item_id in zip(held, "ab", strict=True))


@pytest.mark.parametrize("lead_ms", [-1.0, MAX_LEAD_MS + 1, float("nan")])
def test_impossible_lead_is_refused(lead_ms) -> None:
    """A lead out of range at construction is a mistake."""
    with pytest.raises(ValueError, match="lead_ms: "):
        SentTimeline(lead_ms)
