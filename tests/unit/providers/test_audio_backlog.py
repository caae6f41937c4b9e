"""The caller's audio that waits for a session."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.providers.audio_backlog import AudioBacklog, OutgoingAudio


def _audio(number: int, duration_ms: float = 20.0, n_frames: int = 1) -> OutgoingAudio:
    return OutgoingAudio(
        wire=str(number).encode(),
        duration_ms=duration_ms,
        capture_end_ms=number * 20.0,
        n_frames=n_frames,
    )


def _drain(backlog: AudioBacklog) -> list[bytes]:
    drained = []
    while (audio := backlog.pop()) is not None:
        drained.append(audio.wire)
    return drained


def test_audio_comes_out_in_the_order_of_the_line() -> None:
    """What waits is not shuffled, and what is empty says so."""
    backlog = AudioBacklog(hold_ms=1000.0)
    for number in range(3):
        backlog.push(_audio(number))

    assert (backlog.held_ms, backlog.held_frames) == (60.0, 3)
    assert _drain(backlog) == [b"0", b"1", b"2"]
    assert (backlog.held_ms, backlog.held_frames) == (0.0, 0)


def test_the_oldest_makes_room_and_is_counted_in_frames() -> None:
    """What the caller said last is worth more than what they said first."""
    backlog = AudioBacklog(hold_ms=100.0)
    backlog.push(_audio(0, duration_ms=60.0, n_frames=3))
    backlog.push(_audio(1, duration_ms=60.0, n_frames=3))

    assert backlog.dropped_frames == 3
    assert backlog.held_frames == 3
    assert _drain(backlog) == [b"1"]


def test_the_newest_piece_always_waits() -> None:
    """A released onset longer than the bound is held, not lost."""
    backlog = AudioBacklog(hold_ms=0.0)
    backlog.push(_audio(0, duration_ms=500.0, n_frames=25))

    assert backlog.dropped_frames == 0
    assert _drain(backlog) == [b"0"]


def test_audio_that_could_not_be_sent_is_the_next_again() -> None:
    """A connection that breaks during a send costs nothing."""
    backlog = AudioBacklog(hold_ms=1000.0)
    backlog.push(_audio(0))
    backlog.push(_audio(1))
    first = backlog.pop()
    assert first is not None
    backlog.push_back(first)

    assert _drain(backlog) == [b"0", b"1"]


def test_audio_that_comes_back_is_the_oldest_and_goes_first_if_there_is_no_room() -> None:
    """The bound holds for it too."""
    backlog = AudioBacklog(hold_ms=40.0)
    backlog.push(_audio(0))
    first = backlog.pop()
    assert first is not None
    backlog.push(_audio(1))
    backlog.push(_audio(2))
    backlog.push_back(first)

    assert _drain(backlog) == [b"1", b"2"]
    assert backlog.dropped_frames == 1


def test_a_negative_bound_is_refused() -> None:
    """It could only be a mistake."""
    with pytest.raises(ValueError, match="hold_ms: -1"):
        AudioBacklog(hold_ms=-1.0)


@given(
    st.lists(st.one_of(st.none(), st.integers(1, 30)), max_size=60),
    st.integers(0, 400),
)
def test_no_frame_is_lost_uncounted(steps: list[int | None], hold_ms: int) -> None:
    """Every frame pushed was taken, waits, or was counted as dropped; the bound holds."""
    backlog = AudioBacklog(hold_ms=hold_ms)
    pushed = taken = newest_ms = 0
    for number, n_frames in enumerate(steps):
        if n_frames is None:
            audio = backlog.pop()
            taken += audio.n_frames if audio else 0
        else:
            newest_ms = n_frames * 20
            backlog.push(_audio(number, duration_ms=newest_ms, n_frames=n_frames))
            pushed += n_frames
        assert backlog.held_ms <= max(hold_ms, newest_ms)

    assert pushed == taken + backlog.held_frames + backlog.dropped_frames
