"""What a telephone plays of audio that was written to it at somebody else's pace."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.far_end_timeline import FarEndTimeline

MULAW = AudioFormat(Encoding.MULAW)
SILENCE = MULAW.silence(160)


def voice(duration_ms: int) -> bytes:
    """Return mu-law audio that is never silent, and whose milliseconds are told apart."""
    return b"".join(bytes((number % 100,)) * 8 for number in range(duration_ms))


def played(timeline: FarEndTimeline, n_slots: int, first_ms: float = 0.0) -> bytes:
    return b"".join(timeline.play_slot(first_ms + 20.0 * n).audio for n in range(n_slots))


def test_the_first_audio_is_played_a_lead_after_it_was_written_to_the_sample() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=20.0)
    timeline.write(voice(50), now_ms=13.0)
    assert played(timeline, 5) == MULAW.silence(33 * 8) + voice(50) + MULAW.silence(17 * 8)


def test_chunks_that_are_late_by_less_than_the_lead_leave_no_hole() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=20.0)
    heard = b""
    for slot_ms, late_ms in ((0.0, 0.0), (20.0, 19.0), (40.0, 3.0), (60.0, 15.0)):
        timeline.write(voice(80)[int(slot_ms) * 8 :][:160], now_ms=slot_ms + late_ms)
        heard += timeline.play_slot(slot_ms).audio
    heard += timeline.play_slot(80.0).audio
    assert heard == SILENCE + voice(80)


def test_a_chunk_that_is_later_is_played_when_it_comes() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=0.0)
    timeline.write(voice(20), now_ms=0.0)
    assert played(timeline, 3) == voice(20) + SILENCE * 2
    timeline.write(voice(20), now_ms=65.0)
    assert played(timeline, 2, 60.0) == MULAW.silence(40) + voice(20) + MULAW.silence(120)


def test_what_is_written_at_once_is_played_at_real_time() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=0.0)
    timeline.write(voice(100), now_ms=0.0)
    assert timeline.waiting_ms == 100.0
    assert played(timeline, 2) == voice(100)[:320]
    assert (timeline.waiting_ms, timeline.played_ms) == (60.0, 40.0)


def test_a_flush_forgets_what_was_not_played() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=0.0)
    timeline.write(voice(100), now_ms=0.0)
    timeline.play_slot(0.0)
    assert timeline.flush() == 80.0
    assert not timeline.play_slot(20.0).is_agent_audio
    timeline.write(voice(20), now_ms=40.0)
    assert timeline.play_slot(40.0) == (voice(20), True)


def test_silence_that_keeps_a_line_alive_is_no_agent_but_short_pauses_are() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=0.0)
    timeline.write(voice(20) + SILENCE * 20 + voice(20), now_ms=0.0)
    is_agent = [timeline.play_slot(20.0 * n).is_agent_audio for n in range(22)]
    assert is_agent == [True] * 15 + [False] * 6 + [True]


@pytest.mark.parametrize("encoding", list(Encoding))
def test_both_silences_of_each_encoding_are_known(encoding: Encoding) -> None:
    audio_format = AudioFormat(encoding)
    timeline = FarEndTimeline(audio_format, lead_ms=0.0)
    timeline.write(audio_format.silence(audio_format.frame_bytes), now_ms=0.0)
    assert not timeline.play_slot(0.0).is_agent_audio


def test_an_incomplete_sample_is_left_out_and_more_than_ten_minutes_are_counted() -> None:
    timeline = FarEndTimeline(AudioFormat(), lead_ms=0.0)
    timeline.write(b"\x01\x02\x03", now_ms=0.0)
    assert timeline.play_slot(0.0).audio == b"\x01\x02" + bytes(318)
    minute = bytes(60_000 * 16)
    for _ in range(12):
        timeline.write(minute, now_ms=20.0)
    assert (timeline.waiting_ms, timeline.dropped_ms) == (600_000.0, 120_000.0)


def test_a_negative_lead_is_refused() -> None:
    with pytest.raises(ValueError, match="lead_ms: -1"):
        FarEndTimeline(MULAW, lead_ms=-1.0)


def _slots(writes: Iterable[tuple[int, int]], n_slots: int) -> list[bytes]:
    timeline = FarEndTimeline(MULAW)
    waiting = sorted(writes)
    slots = []
    for number in range(n_slots):
        while waiting and waiting[0][0] <= number * 20:
            now_ms, duration_ms = waiting.pop(0)
            timeline.write(voice(duration_ms), float(now_ms))
        slots.append(timeline.play_slot(20.0 * number).audio)
    assert timeline.waiting_ms == 0.0
    return slots


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 100)), max_size=20))
def test_each_sample_is_played_once_in_order(writes: list[tuple[int, int]]) -> None:
    slots = _slots(writes, 300)
    assert {len(slot) for slot in slots} == {160}
    expected = b"".join(voice(duration_ms) for _, duration_ms in sorted(writes))
    assert b"".join(slots).replace(b"\xff", b"") == expected
    first = next((number for number, slot in enumerate(slots) if slot.strip(b"\xff")), 300)
    assert not writes or first * 20 >= min(writes)[0]


def test_a_pause_keeps_what_was_not_played_and_resumes_there() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=0.0)
    timeline.write(voice(60), now_ms=0.0)
    timeline.pause(20.0)
    assert played(timeline, 3) == voice(60)[:160] + SILENCE * 2
    timeline.resume(60.0)
    assert played(timeline, 3, 60.0) == voice(60)[160:] + SILENCE


def test_what_a_telephone_loses_over_a_pause_is_not_played_after_it() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=0.0)
    timeline.write(voice(80), now_ms=0.0)
    timeline.pause(20.0)
    played(timeline, 2)
    timeline.resume(40.0, lost_ms=20.0)
    assert played(timeline, 3, 40.0) == voice(80)[320:] + SILENCE


def test_resuming_what_was_not_paused_changes_nothing() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=0.0)
    timeline.write(voice(40), now_ms=0.0)
    timeline.resume(20.0, lost_ms=20.0)
    assert played(timeline, 2) == voice(40)


def test_time_that_nobody_asked_for_is_skipped_to_the_sample() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=20.0)
    timeline.write(voice(100), now_ms=13.0)
    timeline.skip_to(33.0)
    assert timeline.waiting_ms == 100.0
    timeline.skip_to(70.0)
    assert (timeline.played_ms, timeline.waiting_ms) == (37.0, 63.0)
    assert played(timeline, 4, 70.0) == voice(100)[37 * 8 :] + MULAW.silence(17 * 8)


def test_what_is_written_after_all_was_skipped_begins_anew() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=0.0)
    timeline.write(voice(50), now_ms=0.0)
    timeline.skip_to(200.0)
    assert (timeline.played_ms, timeline.waiting_ms) == (50.0, 0.0)
    timeline.write(voice(20), now_ms=210.0)
    assert played(timeline, 2, 200.0) == MULAW.silence(80) + voice(20) + MULAW.silence(80)


def test_nothing_is_skipped_of_what_is_paused() -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=0.0)
    timeline.write(voice(60), now_ms=0.0)
    timeline.pause(20.0)
    timeline.skip_to(500.0)
    timeline.resume(500.0)
    assert played(timeline, 2, 500.0) == voice(60)[160:]


@pytest.mark.parametrize(
    ("audio", "skipped_ms", "is_agent"),
    [
        (voice(100) + SILENCE * 20, 200.0, True),  # 100 ms of a pause so far
        (voice(100) + SILENCE * 20, 440.0, False),  # 340 ms
        (SILENCE * 20, 200.0, False),  # nothing was ever said
    ],
)
def test_a_pause_that_was_skipped_in_part_counts_from_its_beginning(
    audio: bytes, skipped_ms: float, is_agent: bool
) -> None:
    timeline = FarEndTimeline(MULAW, lead_ms=0.0)
    timeline.write(audio, now_ms=0.0)
    timeline.skip_to(skipped_ms)
    assert timeline.play_slot(skipped_ms).is_agent_audio is is_agent


def test_the_end_of_what_was_skipped_is_a_pause_too() -> None:
    """Silence that keeps the line alive 300 ms behind the last word is no agent."""
    timeline = FarEndTimeline(MULAW, lead_ms=0.0)
    timeline.write(voice(100), now_ms=0.0)
    timeline.skip_to(500.0)
    timeline.write(SILENCE, now_ms=500.0)
    assert not timeline.play_slot(500.0).is_agent_audio
