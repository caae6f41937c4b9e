"""The synthetic echo path."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.signals import white_noise
from voxgate.core.g711 import decode
from voxgate.core.units import ratio_to_db
from voxgate.lab.echo_path import EchoPath
from voxgate.realtime_server.voice_library import agent_voices


def rms(wave: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.asarray(wave, np.float64) ** 2)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("erl_db", [6.0, 24.0])
def test_the_echo_return_loss_of_speech_is_the_one_asked_for(erl_db: float, seed: int) -> None:
    """Within 2 dB for the agent that the demonstration call has, whatever the hybrid."""
    line = agent_voices()["greeting"]
    speech = decode(line.audio, line.audio_format)
    echo = EchoPath(delay_ms=0, erl_db=erl_db, seed=seed).process(speech)
    assert ratio_to_db(rms(speech) / rms(echo)) == pytest.approx(erl_db, abs=2.0)


def test_a_negative_echo_return_loss_is_an_echo_louder_than_the_far_end() -> None:
    """As on a line with gain."""
    noise = white_noise(500)
    quiet, loud = (EchoPath(delay_ms=0, erl_db=db).process(noise) for db in (6.0, -6.0))
    assert rms(loud) == pytest.approx(rms(quiet) * 10 ** (12 / 20))


@pytest.mark.parametrize("delay_ms", [0.0, 20.0, 33.5, 180.0])
def test_the_echo_comes_after_the_delay(delay_ms: float) -> None:
    """Nothing before it, and the hybrid's whole response of 8 ms right after it."""
    impulse = np.zeros(4000, np.int16)
    impulse[100] = 20_000
    echo = EchoPath(delay_ms=delay_ms, erl_db=0).process(impulse)
    first = 100 + round(delay_ms * 8)
    assert np.flatnonzero(echo)[0] == first
    assert rms(echo[first + 64 :]) == 0.0


@given(cuts=st.lists(st.integers(0, 3000), max_size=8))
def test_how_the_far_end_is_cut_does_not_show(cuts: list[int]) -> None:
    """Streaming equals offline, for pieces of any length and empty ones."""
    far_end = white_noise(375, level_dbfs=-20)
    path = EchoPath(delay_ms=45, erl_db=12, seed=1)
    pieces = [path.process(piece) for piece in np.split(far_end, sorted(cuts))]
    whole = EchoPath(delay_ms=45, erl_db=12, seed=1).process(far_end)
    assert np.concatenate(pieces) == pytest.approx(whole, abs=1e-6)


def test_the_same_seed_is_the_same_hybrid() -> None:
    """And another seed another one."""
    noise = white_noise(100)
    echoes = [EchoPath(delay_ms=0, erl_db=24, seed=seed).process(noise) for seed in (1, 1, 2)]
    assert np.array_equal(echoes[0], echoes[1])
    assert not np.allclose(echoes[0], echoes[2])


def test_an_echo_before_its_cause_is_refused() -> None:
    """The message names the number."""
    with pytest.raises(ValueError, match=r"delay_ms: -1 is not 0 or more"):
        EchoPath(delay_ms=-1, erl_db=24)
