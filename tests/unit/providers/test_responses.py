"""The provider's memory of answers and items."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from voxgate.providers.responses import Cut, LostSession, Reception, ResponseLedger, Truncation


def test_an_answer_starts_once_and_ends_once() -> None:
    """Repeated and reordered reports are no news."""
    ledger = ResponseLedger()

    assert ledger.start("r1")
    assert not ledger.start("r1")
    assert ledger.active == ("r1",)
    assert ledger.end("r1")
    assert not ledger.end("r1")
    assert ledger.active == ()
    assert not ledger.start("r1"), "over is over"


def test_an_end_without_a_start_is_news_once() -> None:
    """A server that leaves the start out still ends its answer."""
    ledger = ResponseLedger()

    assert ledger.end("r1")
    assert not ledger.end("r1")


def test_a_cut_clamps_what_was_heard_to_what_was_received() -> None:
    """More than was generated is an error at the server, and so is less than nothing."""
    ledger = ResponseLedger()
    ledger.start("r1")
    for item_id, received_ms in (("a", 1000.0), ("b", 500.5), ("c", 80.0), ("d", 90.0)):
        ledger.receive_audio("r1", item_id, received_ms)
        ledger.deliver(item_id)

    cut = ledger.cut({"a": 333.9, "b": 3760.0, "c": -5.0, "d": math.nan})
    assert cut.responses == ("r1",)
    assert cut.truncations[:3] == (
        Truncation("a", 333),
        Truncation("b", 500),
        Truncation("c", 0),
    )
    assert 0 <= cut.truncations[3].audio_end_ms <= 90


def test_after_a_cut_no_audio_of_the_answer_is_accepted() -> None:
    """Neither the rest of an item nor an item that the server had begun meanwhile."""
    ledger = ResponseLedger()
    ledger.start("r1")
    ledger.receive_audio("r1", "a", 100.0)
    ledger.deliver("a")
    ledger.cut({"a": 40.0})

    assert ledger.receive_audio("r1", "a", 100.0) is Reception.CUT
    assert ledger.receive_audio("r1", "b", 100.0) is Reception.CUT_UNHEARD
    assert ledger.receive_audio("r1", "b", 100.0) is Reception.CUT
    assert ledger.is_cut("a")
    assert ledger.is_cut("b")
    assert not ledger.finish_item("a"), "nobody waits for its end"


def test_the_next_answer_is_not_affected_by_the_cut() -> None:
    """An interruption ends one answer, not the conversation."""
    ledger = ResponseLedger()
    ledger.start("r1")
    ledger.receive_audio("r1", "a", 100.0)
    ledger.cut({"a": 50.0})
    ledger.start("r2")

    assert ledger.receive_audio("r2", "b", 100.0) is Reception.ACCEPTED


def test_a_second_cut_asks_for_nothing_twice() -> None:
    """The server would answer with errors."""
    ledger = ResponseLedger()
    ledger.start("r1")
    ledger.receive_audio("r1", "a", 100.0)
    ledger.deliver("a")
    ledger.cut({"a": 50.0})

    assert ledger.cut({"a": 60.0}) == Cut((), ())


def test_a_completed_answer_still_playing_is_truncated_but_not_cancelled() -> None:
    """Generation outruns playout: ``done`` often precedes the barge-in."""
    ledger = ResponseLedger()
    ledger.start("r1")
    ledger.receive_audio("r1", "a", 5000.0)
    ledger.deliver("a")
    ledger.end("r1")

    assert ledger.cut({"a": 1234.5}) == Cut((), (Truncation("a", 1234),))


def test_an_item_heard_to_its_end_is_left_alone() -> None:
    """Truncation deletes the transcript; what was heard is to be remembered."""
    ledger = ResponseLedger()
    ledger.start("r1")
    for item_id in ("first", "second"):
        ledger.receive_audio("r1", item_id, 500.0)
        ledger.deliver(item_id)

    assert ledger.cut({"second": 100.0}).truncations == (Truncation("second", 100),)
    assert not ledger.is_cut("first")


def test_audio_that_the_engine_never_got_is_cut_at_zero() -> None:
    """It waits in the queue when the caller interrupts; nobody heard any of it."""
    ledger = ResponseLedger()
    ledger.start("r1")
    ledger.receive_audio("r1", "a", 500.0)

    assert ledger.cut({}).truncations == (Truncation("a", 0),)


def test_unknown_items_are_left_out_of_a_cut() -> None:
    """The engine may speak of an item that is forgotten; the server is not asked about it."""
    ledger = ResponseLedger()

    assert ledger.cut({"never-seen": 100.0}) == Cut((), ())
    ledger.deliver("never-seen")
    assert not ledger.is_cut("never-seen")


def test_an_item_is_finished_once_and_stragglers_finish_it_again() -> None:
    """Audio after the end is played, and its playout must not wait for more."""
    ledger = ResponseLedger()
    ledger.start("r1")
    ledger.receive_audio("r1", "a", 100.0)

    assert ledger.finish_item("a")
    assert not ledger.finish_item("a")
    assert not ledger.finish_item("never-seen")
    assert ledger.receive_audio("r1", "a", 100.0) is Reception.STRAGGLED


def test_the_end_of_an_answer_finishes_its_items_and_no_others() -> None:
    """For servers that leave the end of the audio out."""
    ledger = ResponseLedger()
    for response_id, item_id in (("r1", "a"), ("r1", "b"), ("r2", "c")):
        ledger.start(response_id)
        ledger.receive_audio(response_id, item_id, 100.0)
    ledger.finish_item("a")

    assert ledger.finish_items("r1") == ("b",)
    assert ledger.finish_items("r1") == ()


def test_a_lost_session_leaves_what_was_unfinished() -> None:
    """Answers fail, items get no more audio, and the next server is not asked about them."""
    ledger = ResponseLedger()
    ledger.start("r1")
    ledger.end("r1")
    ledger.start("r2")
    ledger.receive_audio("r2", "a", 1000.0)
    ledger.deliver("a")

    assert ledger.end_session() == LostSession(("a",), ("r2",))
    assert ledger.end_session() == LostSession((), ())
    assert ledger.cut({"a": 500.0}) == Cut((), ())
    assert ledger.is_cut("a"), "what of it still waits is not played"


def test_a_server_may_use_the_ids_of_its_last_session_again() -> None:
    """An item of the new session is not the one that was cut off in the old."""
    ledger = ResponseLedger()
    ledger.start("r1")
    ledger.receive_audio("r1", "a", 1000.0)
    ledger.cut({"a": 10.0})
    ledger.end_session()

    assert ledger.start("r1")
    assert ledger.receive_audio("r1", "a", 100.0) is Reception.ACCEPTED
    assert not ledger.is_cut("a")
    assert ledger.cut({"a": 999.0}).truncations == (Truncation("a", 100),)


def test_memory_is_bounded() -> None:
    """A call of ten thousand answers remembers the last ones."""
    ledger = ResponseLedger()
    for number in range(10_000):
        ledger.start(f"r{number}")
        ledger.receive_audio(f"r{number}", f"i{number}", 100.0)
        ledger.end(f"r{number}")

    assert len(ledger._items) == 256
    assert len(ledger._responses) == 256
    assert not ledger.start("r9999")


@given(
    st.lists(st.floats(0.0, 60_000.0), min_size=1, max_size=8),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_no_truncation_ever_exceeds_what_was_received(
    received: list[float], heard_ms: float
) -> None:
    """Whatever the engine claims, the server gets a whole number that it can follow."""
    ledger = ResponseLedger()
    ledger.start("r")
    for piece_ms in received:
        ledger.receive_audio("r", "a", piece_ms)

    (truncation,) = ledger.cut({"a": heard_ms}).truncations
    assert isinstance(truncation.audio_end_ms, int)
    assert 0 <= truncation.audio_end_ms <= sum(received)


def test_an_answer_is_uncut_until_it_ends_or_is_interrupted() -> None:
    """What a lost session leaves behind is asked for again only if nobody interrupted it."""
    ledger = ResponseLedger()
    assert not ledger.has_uncut_answer
    ledger.start("r1")
    assert ledger.has_uncut_answer
    assert not ledger.has_items("r1")
    ledger.receive_audio("r1", "i1", 20.0)
    assert ledger.has_items("r1")
    assert not ledger.has_items("r2")
    ledger.cut({"i1": 0.0})
    assert not ledger.has_uncut_answer

    ledger.start("r2")
    ledger.end("r2")
    assert not ledger.has_uncut_answer
