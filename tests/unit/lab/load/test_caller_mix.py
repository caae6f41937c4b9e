"""Lines carry voice, noise and the echo of what was played, as mu-law can say it."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.core.g711 import decode_mulaw, encode_mulaw
from voxgate.core.levels import rms
from voxgate.core.units import rms_to_dbfs
from voxgate.lab.echo_path import EchoPath
from voxgate.lab.load.caller_mix import CallerMix

SILENCE = bytes(320)
QUIET = (np.zeros((3, 160), np.float32), np.zeros((5, 160), np.float32))


def noise(seed: int, scale: float = 2000.0) -> np.ndarray:
    """Return a frame of noise."""
    return (np.random.default_rng(seed).standard_normal(160) * scale).astype(np.int16)


def test_what_is_sent_survives_mulaw() -> None:
    """An engine that encodes it anew gets the bytes that are looked for."""
    mix = CallerMix(QUIET, [0, 1], echo_delay_ms=0, erl_db=None)
    mix.say(1, noise(1).astype(np.float32))
    frames, _ = mix.step([SILENCE, SILENCE])
    pcm = np.frombuffer(frames.pcm, "<i2")
    assert encode_mulaw(pcm.astype(np.int16)) == frames.mulaw
    assert frames.mulaw[:160] == b"\xff" * 160
    assert np.array_equal(pcm[160:], decode_mulaw(encode_mulaw(noise(1))))


@pytest.mark.parametrize("delay_ms", [0, 20, 160])
def test_echo_is_that_of_an_echo_path(delay_ms: int) -> None:
    """Delayed, weakened and filtered as the simulated telephone does it, frame by frame."""
    mix = CallerMix(QUIET, [0, 1], echo_delay_ms=delay_ms, erl_db=12.0)
    path = EchoPath(delay_ms=delay_ms, erl_db=12.0)
    for slot in range(20):
        played = noise(slot) if slot < 9 else np.zeros(160, np.int16)
        frames, heard = mix.step([SILENCE, played.tobytes()])
        expected = path.process(played)
        carried = decode_mulaw(frames.mulaw[160:])
        assert np.abs(carried - expected).max() <= np.abs(expected).max() / 15 + 4
        assert frames.mulaw[:160] == b"\xff" * 160
        assert heard == [False, slot < 9]


def test_a_telephone_without_echo_returns_nothing() -> None:
    """The line is silent whatever is played."""
    mix = CallerMix(QUIET, [0], echo_delay_ms=40, erl_db=None)
    for slot in range(5):
        frames, _ = mix.step([noise(slot).tobytes()])
        assert frames.mulaw == b"\xff" * 160


def test_noise_goes_on_where_it_was() -> None:
    """A group that gets another caller does not repeat itself."""
    rng = np.random.default_rng(3)
    hums = tuple(rng.standard_normal((n, 160)).astype(np.float32) * 50 for n in (7, 11))
    whole = CallerMix(hums, [4], echo_delay_ms=0, erl_db=None)
    frames = [whole.step([SILENCE])[0].mulaw for _ in range(8)]
    later = CallerMix(hums, [4], echo_delay_ms=0, erl_db=None, first_slot=5)
    assert later.step([SILENCE])[0].mulaw == frames[5]
    assert len(set(frames)) == 8


def test_a_voice_lasts_until_it_is_taken_away() -> None:
    """Nothing is said after it."""
    mix = CallerMix(QUIET, [0], echo_delay_ms=0, erl_db=None)
    mix.say(0, noise(1).astype(np.float32))
    assert rms_to_dbfs(rms(decode_mulaw(mix.step([SILENCE])[0].mulaw))) > -30
    mix.say(0, None)
    assert mix.step([SILENCE])[0].mulaw == b"\xff" * 160
