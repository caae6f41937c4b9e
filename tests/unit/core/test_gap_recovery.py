"""What stands in for frames that a line lost, and where nothing does."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import frames_of, speech_like
from voxgate.core.audio import AudioFormat
from voxgate.core.call_stats import CallStats
from voxgate.core.config import WithheldAudio
from voxgate.core.gap_recovery import GapRecovery
from voxgate.core.gate_decision import GateAction, GateReason
from voxgate.core.gate_output import GateOutput, Outlet
from voxgate.core.line_clock import LineClock

FRAMES = frames_of(speech_like(400, level_dbfs=-18.0, seed=3))


class Stream:
    """A call without a guard whose frames come and are let out, or not."""

    def __init__(self, withheld_audio: WithheldAudio = WithheldAudio.SILENCE) -> None:
        self.stats = CallStats()
        self.line = LineClock(0.0, 120)
        self.outlet = Outlet(withheld_audio, AudioFormat(), 0.0, self.stats)
        self.gaps = GapRecovery(self.outlet, self.stats, AudioFormat())
        self.now_ms = 0.0

    def receive(self, *frames: bytes, is_open: bool = True, chunk_ms: float = 20.0) -> list[bytes]:
        """Let frames come 20 ms after what was before; return what goes out before them."""
        self.now_ms += chunk_ms
        output = GateOutput(self.now_ms, GateReason.AGENT_SILENT)
        self.gaps.recover(self.line, frames, output, is_open=is_open)
        put_in = list(output.audio)
        self.line.receive(self.now_ms, chunk_ms)
        for frame in frames:
            if is_open:
                self.outlet.forward(frame, GateReason.AGENT_SILENT, output)
            else:
                output.action = GateAction.WITHHOLD
            self.gaps.follow(output)
        return put_in

    def lose(self, n_frames: int) -> None:
        self.now_ms += 20.0 * n_frames


def test_a_gap_is_filled_with_sound_and_counted() -> None:
    """As many frames as are missing go out before the one that ends the gap."""
    stream = Stream()
    for frame in FRAMES[:5]:
        assert stream.receive(frame) == []
    stream.lose(3)
    put_in = stream.receive(FRAMES[8])
    assert len(put_in) == 3
    levels = [np.abs(np.frombuffer(frame, np.int16).astype(int)).max() for frame in put_in]
    assert min(levels) > 500
    assert stream.stats.gap_recovery_frames == 3
    assert stream.stats.silence_frames == 0
    assert stream.outlet.feed.surplus_ms(stream.now_ms) == 0.0


@pytest.mark.parametrize("n_lost", [1, 7, 50])
def test_jitter_and_pauses_are_no_gaps(n_lost: int) -> None:
    """One late frame is jitter, more than six are a line that was silent."""
    stream = Stream()
    for frame in FRAMES[:5]:
        stream.receive(frame)
    stream.lose(n_lost)
    assert stream.receive(FRAMES[8]) == []


def test_behind_a_closed_gate_a_gap_is_silence() -> None:
    """What nobody hears is not made up: the provider gets as much silence."""
    stream = Stream()
    for frame in FRAMES[:5]:
        stream.receive(frame, is_open=False)
    stream.lose(2)
    assert stream.receive(FRAMES[8], is_open=False) == [bytes(320)] * 2
    assert stream.stats.gap_recovery_frames == 0
    assert stream.stats.silence_frames == 2


def test_a_gate_that_has_just_opened_has_nothing_to_go_on_from() -> None:
    """What was withheld does not come back as the filling of a gap."""
    stream = Stream()
    for frame in FRAMES[:5]:
        stream.receive(frame, is_open=False)
    stream.lose(2)
    assert stream.receive(FRAMES[8]) == [bytes(320)] * 2


def test_after_an_idle_slot_nothing_is_made_up() -> None:
    """Silence was sent by then: the voice from before it has ended."""
    stream = Stream()
    for frame in FRAMES[:5]:
        stream.receive(frame)
    stream.gaps.pass_slot()
    stream.lose(2)
    assert stream.receive(FRAMES[8]) == [bytes(320)] * 2


def test_a_chunk_below_a_frame_ends_a_gap_too() -> None:
    """The filling goes on from before the gap alone."""
    stream = Stream()
    for frame in FRAMES[:5]:
        stream.receive(frame)
    stream.lose(2)
    put_in = stream.receive(chunk_ms=10.0)
    assert len(put_in) == 2
    assert any(put_in[0])


def test_a_provider_that_gets_no_silence_gets_none_for_gaps() -> None:
    """Mode ``drop`` holds for gaps behind a closed gate."""
    stream = Stream(WithheldAudio.DROP)
    for frame in FRAMES[:5]:
        stream.receive(frame, is_open=False)
    stream.lose(2)
    assert stream.receive(FRAMES[8], is_open=False) == []
