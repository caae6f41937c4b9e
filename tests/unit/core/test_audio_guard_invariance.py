"""The guard decides the same of the same sound: softer or louder, shifted, in other chunks.

Decisions are whether a 20 ms slot goes out; a slot is compared with the nearest one in time.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.signals import Signal, at_level, silence, tone, white_noise
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.config import AudioGuardConfig, GatingConfig, SpeechEvidenceKind
from voxgate.core.g711 import decode
from voxgate.lab.guard_bench.invariance import Variant, VariantGroup, hear_variant
from voxgate.lab.guard_bench.watched_line import WatchedFrame, watch_line
from voxgate.realtime_server.voice_library import VoiceLibrary

Flags = np.ndarray

CONFIG = GatingConfig(audio_guard=AudioGuardConfig(speech_evidence=SpeechEvidenceKind.LIGHT))
SEEDED = settings(max_examples=5, derandomize=True)
EDGE_SLOTS = 2
"""Slots to each side of where a run begins or ends that are not clear: it moves with the sound."""


def over_noise(sentence: str, *, level_dbfs: float, noise_dbfs: float) -> Signal:
    """Return a sentence of a packaged voice over noise that the guard has had 2 s to learn."""
    line = VoiceLibrary.load(files("voxgate.lab") / "voices")[sentence]
    words = at_level(decode(line.audio, line.audio_format).astype(np.float64), level_dbfs)
    spoken = np.concatenate([silence(2200), words, silence(1200)]).astype(np.int32)
    noise = white_noise(len(spoken) / 8, level_dbfs=noise_dbfs, seed=2)
    return np.clip(spoken[: len(noise)] + noise, -32768, 32767).astype(np.int16)


LINES = {
    "voice": over_noise("card_question", level_dbfs=-25.0, noise_dbfs=-50.0),
    "voice over noise": over_noise("card_question", level_dbfs=-22.0, noise_dbfs=-34.0),
    "digital silence": silence(1000),
    "hiss": white_noise(2600, level_dbfs=-40.0, seed=1),
    "dial tone": tone(2200, 425.0, level_dbfs=-20.0),
}
QUIET = ("digital silence", "hiss", "dial tone")


@cache
def frames_of_line(name: str) -> tuple[WatchedFrame, ...]:
    """Return what the guard makes of a line as it is."""
    return tuple(watch_line(LINES[name], CONFIG))


def decisions(name: str) -> Flags:
    return np.array([frame.verdict.passes for frame in frames_of_line(name)])


def heard_again(name: str, *, gain_db: float = 0.0, shift: int = 0) -> tuple[Flags, Flags]:
    """Return the decisions on a line, and those on it softer or louder, and shifted."""
    variant = Variant(name="drawn", group=VariantGroup.SHIFT, gain_db=gain_db, shift_samples=shift)
    again = np.array([frame.verdict.passes for frame in hear_variant(LINES[name], variant, CONFIG)])
    before = decisions(name)[variant.slots_later :]
    slots = min(len(before), len(again))
    return before[:slots], again[:slots]


def is_clear(flags: Flags) -> Flags:
    """Return which slots are not next to where a run of equal decisions begins or ends."""
    clear = np.ones(len(flags), bool)
    for place in np.flatnonzero(np.diff(flags)):
        clear[max(0, place + 1 - EDGE_SLOTS) : place + 1 + EDGE_SLOTS] = False
    return clear


# -- the lines are what they are meant to be -------------------------------------------------------


def test_a_clear_voice_goes_out_in_one_piece() -> None:
    """One run from the voice's beginning to its hangover's end, on both lines with a voice."""
    for name in ("voice", "voice over noise"):
        flags = decisions(name)
        begin, end = np.flatnonzero(np.diff(flags)) + 1
        assert 110 <= begin <= 120
        assert end - begin > 3400 / 20
        assert not flags[0]


@pytest.mark.parametrize("name", QUIET)
def test_what_is_no_voice_does_not_go_out(name: str) -> None:
    """Silence, hiss and a dial tone, from their first frame on."""
    assert not decisions(name).any()


# -- level and place -------------------------------------------------------------------------------


@SEEDED
@given(gain_db=st.floats(-6.0, 6.0), shift=st.integers(0, 159))
def test_of_a_clear_voice_nothing_flips(gain_db: float, shift: int) -> None:
    """25 dB over a quiet line: all but the 40 ms around beginning and end, within 6 dB."""
    before, again = heard_again("voice", gain_db=gain_db, shift=shift)
    clear = is_clear(before)
    assert clear.mean() > 0.9
    assert np.array_equal(before[clear], again[clear])


@pytest.mark.parametrize("name", QUIET)
@SEEDED
@given(gain_db=st.floats(-6.0, 6.0), shift=st.integers(0, 159))
def test_of_what_is_clearly_no_voice_nothing_flips(name: str, gain_db: float, shift: int) -> None:
    """Nothing of silence, hiss or a dial tone goes out, whatever its level and beginning."""
    before, again = heard_again(name, gain_db=gain_db, shift=shift)
    assert np.array_equal(before, again)


@SEEDED
@given(gain_db=st.floats(-3.0, 3.0), shift=st.integers(0, 8))
def test_over_noise_one_slot_in_a_hundred_flips_at_most(gain_db: float, shift: int) -> None:
    """12 dB over noise, 3 dB softer to louder and up to 1 ms later: edges included."""
    before, again = heard_again("voice over noise", gain_db=gain_db, shift=shift)
    assert np.mean(before != again) <= 0.01


# -- chunks and formats ----------------------------------------------------------------------------


@SEEDED
@given(chunk_samples=st.integers(40, 900))
@pytest.mark.parametrize("name", ["voice", "dial tone"])
def test_the_size_of_chunks_does_not_show(name: str, chunk_samples: int) -> None:
    """Measurements, evidence and verdicts are the very same, frame by frame."""
    again = watch_line(LINES[name], CONFIG, chunk_samples=chunk_samples)
    assert [_as_judged(frame) for frame in again] == [
        _as_judged(frame) for frame in frames_of_line(name)[: len(again)]
    ]
    assert len(again) >= len(frames_of_line(name)) - 1


def _as_judged(frame: WatchedFrame) -> WatchedFrame:
    return replace(frame, released_frames=0)


def test_mulaw_flips_nothing_clear() -> None:
    """The code's own noise, 37 dB below the voice, changes no decision but at edges."""
    mulaw = AudioFormat(Encoding.MULAW)
    again = np.array(
        [frame.verdict.passes for frame in watch_line(LINES["voice"], CONFIG, line_format=mulaw)]
    )
    clear = is_clear(decisions("voice"))
    assert np.array_equal(decisions("voice")[clear], again[clear])
