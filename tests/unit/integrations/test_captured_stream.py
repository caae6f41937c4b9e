"""Captured audio lies where the line captured it, however late and in what pieces it comes."""

from __future__ import annotations

import pytest

from voxgate.integrations.captured_stream import CapturedStream


def _piece(number: int) -> bytes:
    return bytes((number % 256, number // 256)) * 160


def test_audio_that_comes_late_lies_where_it_was_captured() -> None:
    """A stall of 400 ms and the burst after it do not move the audio in it."""
    stream, pieces = CapturedStream(), [_piece(n) for n in range(100)]
    for number, piece in enumerate(pieces):
        stream.announce(piece, 20.0, 20.0 * number, 20.0)
    arrivals = [1000.0 + 20 * (n + 1) + (400 if 50 <= n < 70 else 0) for n in range(100)]
    placed = [stream.place(piece, at) for piece, at in zip(pieces, arrivals, strict=True)]
    assert placed == pytest.approx([1000.0 + 20 * (n + 1) for n in range(100)])


def test_pieces_of_a_resampler_lie_by_their_length() -> None:
    """Seven messages in, nothing, nothing, 140 ms at once: no time is that of one message."""
    stream, placed = CapturedStream(), []
    for number in range(70):
        comes = number % 7 == 6
        piece = bytes(number + 1) if comes else b""
        stream.announce(piece, 140.0 if comes else 0.0, 20.0 * number, 20.0)
        if comes:
            placed.append(stream.place(piece, 500.0 + 20 * (number + 1)))
    assert placed == pytest.approx([500.0 + 140 * (n + 1) for n in range(10)])


def test_what_the_line_left_out_is_time() -> None:
    """A second that was not sent is a second between two pieces, without any stall."""
    stream, first, second = CapturedStream(), _piece(1), _piece(2)
    stream.announce(first, 20.0, 0.0, 20.0)
    stream.announce(second, 20.0, 1020.0, 20.0)
    assert stream.place(first, 20.0) == 20.0
    assert stream.place(second, 1040.0) == 1040.0


def test_a_piece_that_got_lost_is_passed_over() -> None:
    """A paused transport drops what it got: the next one is known all the same."""
    stream, pieces = CapturedStream(), [_piece(n) for n in range(3)]
    for number, piece in enumerate(pieces):
        stream.announce(piece, 20.0, 20.0 * number, 20.0)
    assert stream.place(pieces[0], 20.0) == 20.0
    assert stream.place(pieces[2], 160.0) == pytest.approx(60.0)
    assert stream.place(pieces[1], 170.0) == 170.0


def test_time_does_not_go_back() -> None:
    """What was told to have passed has passed, for late audio too."""
    stream, piece = CapturedStream(), _piece(1)
    stream.announce(_piece(0), 20.0, 0.0, 20.0)
    stream.announce(piece, 20.0, 20.0, 20.0)
    stream.pass_time(300.0)
    assert stream.place(piece, 250.0) == 300.0
    assert stream.place(b"unknown", 280.0) == 300.0


def test_times_of_the_line_that_jitter_do_not_add_up() -> None:
    """Plivo's are of a clock that messages are stamped by: 0, 15 and 30 ms late by turns."""
    stream, placed = CapturedStream(), []
    for number in range(1500):
        piece = _piece(number)
        stream.announce(piece, 20.0, 1.7e12 + 20.0 * number + 15.0 * (number % 3), 20.0)
        placed.append(stream.place(piece, 20.0 * (number + 1)) - 20.0 * (number + 1))
    assert min(placed) >= -40.0


def test_a_line_that_stamps_by_a_faster_clock_is_followed() -> None:
    """By 0.5 %, ten times what clocks are off by: it adds up to no more than a frame."""
    stream, placed = CapturedStream(), []
    for number in range(1500):
        piece = _piece(number)
        stream.announce(piece, 20.0, 20.1 * number, 20.0)
        placed.append(stream.place(piece, 20.1 * (number + 1)) - 20.1 * (number + 1))
    assert min(placed) >= -21.0


def test_a_stream_that_begins_anew_is_another_one() -> None:
    """A client that is back after some seconds numbers from 0: its audio is of now, not of then."""
    stream = CapturedStream()
    for number in range(400):
        piece = _piece(number)
        stream.announce(piece, 20.0, 20.0 * number, 20.0)
        stream.place(piece, 20.0 * (number + 1))
    for number in range(50):
        piece = _piece(number)
        stream.announce(piece, 20.0, 20.0 * number, 20.0)
        now_ms = 9000.0 + 20.0 * (number + 1)
        assert stream.place(piece, now_ms) == pytest.approx(now_ms)
