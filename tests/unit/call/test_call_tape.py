"""What is kept for the next provider."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxgate.call.call_tape import CallTape, TapedFrame, TapedSlot
from voxgate.core.audio import AudioFormat
from voxgate.core.playout import PlayoutFrame

_PLAYED = PlayoutFrame(audio=bytes(320), is_agent_audio=False, item_id=None)


def frame(now_ms: float) -> TapedFrame:
    return TapedFrame(audio=bytes(320), now_ms=now_ms)


def slot(now_ms: float) -> TapedSlot:
    return TapedSlot(played=_PLAYED, now_ms=now_ms)


def tape_of(hold_ms: float) -> CallTape:
    return CallTape(AudioFormat(), hold_ms=hold_ms)


def taken(tape: CallTape) -> list[TapedFrame | TapedSlot]:
    entries = []
    while (entry := tape.take()) is not None:
        entries.append(entry)
    return entries


@given(st.lists(st.booleans(), max_size=300), st.sampled_from([0, 100, 1000, 10_000]))
def test_all_comes_back_in_the_order_in_which_it_happened(
    is_frame: list[bool], hold_ms: int
) -> None:
    """Of the frames those within the bound, of the slots those whose echo may be in them."""
    tape = tape_of(hold_ms=hold_ms)
    frames = []
    for number, each in enumerate(is_frame):
        if each:
            frames.append(frame(20.0 * number))
            tape.record_frame(frames[-1])
        else:
            tape.record_slot(slot(20.0 * number))
    kept = [each for each in frames if frames[-1].now_ms - each.now_ms < hold_ms]
    assert tape.held_frames == len(kept)
    assert tape.dropped_frames == len(frames) - len(kept)
    start_ms = tape.start_ms
    entries = taken(tape)
    assert [entry for entry in entries if isinstance(entry, TapedFrame)] == kept
    times = [entry.now_ms for entry in entries]
    assert times == sorted(times)
    assert start_ms == (times[0] if times else None)
    assert tape.take() is None


def test_slots_are_kept_for_the_echo_that_may_come() -> None:
    """A second before the oldest frame; without a frame, the last second."""
    tape = tape_of(hold_ms=10_000)
    for number in range(500):
        tape.record_slot(slot(20.0 * number))
    assert len(taken(tape)) == 51
    for number in range(100):
        tape.record_slot(slot(20.0 * number))
    tape.record_frame(frame(1990.0))
    for number in range(100, 500):
        tape.record_slot(slot(20.0 * number))
    assert tape.start_ms == 1000.0


def test_what_the_provider_has_is_not_kept_for_another() -> None:
    """While it is there nothing of the caller is; the line's slots are."""
    tape = tape_of(hold_ms=10_000)
    tape.record_frame(frame(0.0))
    tape.record_slot(slot(10.0))
    tape.release()
    tape.record_frame(frame(20.0))
    assert tape.held_frames == 0
    tape.hold()
    tape.record_frame(frame(40.0))
    assert [entry.now_ms for entry in taken(tape)] == [10.0, 40.0]


def test_a_peer_that_sends_faster_than_anybody_speaks_fills_no_memory() -> None:
    """The bound is one of audio too, not only of the time in which it came."""
    tape = tape_of(hold_ms=1000)
    for number in range(500):
        tape.record_frame(TapedFrame(audio=bytes([number % 250]) * 3200, now_ms=number / 100))
    assert tape.held_frames == 5
    assert tape.dropped_frames == 495
    kept = [entry.audio[0] for entry in taken(tape) if isinstance(entry, TapedFrame)]
    assert kept == [245, 246, 247, 248, 249]
    tape.record_frame(TapedFrame(audio=bytes(16_000), now_ms=6.0))
    assert tape.held_frames == 1
    tape.release()
    tape.hold()
    tape.record_frame(TapedFrame(audio=bytes(16_000), now_ms=7.0))
    assert tape.held_frames == 1


def test_what_was_dropped_is_forgotten_with_the_outage() -> None:
    """The next one counts anew."""
    tape = tape_of(hold_ms=0)
    tape.record_frame(frame(0.0))
    assert tape.dropped_frames == 1
    tape.release()
    assert tape.dropped_frames == 0
