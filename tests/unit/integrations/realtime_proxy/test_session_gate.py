"""A gate is fed in pieces of whole frames, and time goes forward only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.gated_call import GatedCall
from voxgate.integrations.realtime_proxy.session_gate import SessionGate

MULAW = AudioFormat(Encoding.MULAW)


def _gate(now_ms: float = 1000.0) -> SessionGate:
    call = GatedCall(AudioGatingManager(), "c", capture_format=MULAW, fills_idle=False)
    return SessionGate(call, MULAW, MULAW, now_ms)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=8))
def test_pieces_are_whole_frames_but_for_the_first_and_last(lengths: list[int]) -> None:
    """Nothing is left out, and each piece ends where its audio does."""
    gate, now_ms = _gate(), 1000.0
    pieces: list[bytes] = []
    audio = b""
    for length in lengths:
        chunk = bytes(n % 251 for n in range(length))
        now_ms += length / 8
        ends_ms = [now_ms - length / 8]
        for piece, end_ms in gate.pieces(chunk, now_ms):
            assert end_ms == pytest.approx(ends_ms[-1] + len(piece) / 8)
            ends_ms.append(end_ms)
            pieces.append(piece)
            gate.judge(piece, end_ms)
        assert ends_ms[-1] == now_ms
        audio += chunk
    assert b"".join(pieces) == audio
    assert all(len(piece) <= 160 for piece in pieces)


def test_time_goes_forward_only() -> None:
    """Audio that comes in a burst was captured before what the gate knows already."""
    gate = _gate(1000.0)
    gate.pass_time(1500.0)
    gate.judge(bytes(160), 1200.0)
    assert gate.fed_ms == 1500.0
    gate.pass_time(1400.0)
    assert gate.fed_ms == 1500.0


def test_catching_up_stops_short_of_a_time_and_never_behind_it() -> None:
    """What is left is less than a slice, and passes with the next audio."""
    gate = _gate(1000.0)
    assert len(list(gate.catch_up(1300.0))) == 4
    assert gate.fed_ms == 1300.0
    assert list(gate.catch_up(1379.0)) == []
    assert list(gate.catch_up(500.0)) == []


def test_a_rest_is_filled_up_with_silence_once() -> None:
    """To a frame, as the gate judges no less; nothing waits behind it."""
    gate = _gate()
    assert gate.judge(b"\x01" * 40, 1005.0) == b""
    assert len(gate.take_rest(1010.0)) == 160
    assert gate.take_rest(1010.0) == b""
