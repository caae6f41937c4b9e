"""Long audio comes in pieces, and nothing is lost over it."""

from __future__ import annotations

import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.transports.audio_pieces import audio_pieces
from voxgate.transports.base import LineAudio


@pytest.mark.parametrize(
    ("audio_format", "piece_bytes"),
    [
        (AudioFormat(Encoding.MULAW), 4000),
        (AudioFormat(Encoding.PCM16, 16_000), 16_000),
        (AudioFormat(Encoding.PCM16, 44_100), 44_100),
    ],
)
def test_a_piece_is_half_a_second_at_most(audio_format: AudioFormat, piece_bytes: int):
    """Whatever the format; the pieces laid end to end are the audio."""
    audio = b"\x01\x02" * piece_bytes + b"rest"
    pieces = audio_pieces(audio, audio_format, 100)
    assert [len(piece.audio) for piece in pieces][:2] == [piece_bytes] * 2
    assert b"".join(piece.audio for piece in pieces) == audio
    assert [piece.timestamp_ms for piece in pieces][:3] == [100, 600, 1100][: len(pieces)]


def test_a_line_without_a_clock_has_pieces_without_times():
    """They lie where they arrive."""
    assert audio_pieces(b"ab", AudioFormat()) == [LineAudio(b"ab", None)]
    assert audio_pieces(b"", AudioFormat()) == []
