"""How the far end comes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from voxgate.lab.scenarios.echo_simulation import (
    EchoConditions,
    EchoRanges,
    draw_echo_conditions,
    make_echo,
)
from voxgate.lab.scenarios.signals import Audio, Rng

PLAIN = EchoConditions(
    path="hybrid",
    erl_db=12.0,
    delay_ms=200.0,
    is_distorted=False,
    is_moving=False,
    has_delay_jump=False,
    drift_ppm=0.0,
    is_processed=False,
)


def rng(seed: int = 1) -> Rng:
    return np.random.default_rng(seed)


@pytest.fixture
def far_end() -> Audio:
    """Two seconds of noise between half a second of silence and a second of it."""
    wave = np.zeros(28000)
    wave[4000:20000] = 0.1 * rng(9).normal(size=16000)
    return wave


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"path": "handset"},
        {"path": "room", "is_moving": True, "is_processed": True},
        {"path": "measured"},
        {"is_distorted": True},
        {"has_delay_jump": True},
        {"drift_ppm": 150.0},
        {"drift_ppm": 150.0, "delay_ms": 0.0},
        {"drift_ppm": -150.0},
    ],
    ids=str,
)
def test_echo_is_causal_and_of_the_return_loss(changes: dict[str, object], far_end: Audio) -> None:
    """Nothing before the far end has begun; its energy is the far end's less the return loss."""
    conditions = replace(PLAIN, **changes)  # type: ignore[arg-type]
    echo = make_echo(far_end, rng(), conditions, [np.array([0.0, 1.0])])
    assert len(echo) == len(far_end)
    loss_db = 10 * np.log10(np.sum(far_end**2) / np.sum(echo**2))
    assert loss_db == pytest.approx(12.0, abs=0.1)
    if not conditions.is_distorted:  # overdriven, a loudspeaker's resting point moves
        assert np.sum(echo[:4000] ** 2) < 1e-4 * np.sum(echo**2)


def test_echo_comes_after_its_delay(far_end: Audio) -> None:
    """200 ms are 1,600 samples."""
    conditions = replace(PLAIN, path="measured")
    echo = make_echo(far_end, rng(3), conditions, [np.array([1.0])])
    assert np.argmax(np.correlate(echo[4000:16000], far_end[4000:8000])) == 1600


def test_no_path_is_no_echo(far_end: Audio) -> None:
    """A line without echo."""
    assert not np.any(make_echo(far_end, rng(), replace(PLAIN, path="none"), []))


def test_silence_has_no_echo() -> None:
    """No return loss can be set for it."""
    assert not np.any(make_echo(np.zeros(8000), rng(), PLAIN, []))


def test_conditions_are_drawn_within_the_ranges() -> None:
    """Narrow ranges hold for every path."""
    ranges = EchoRanges(
        paths=("room", "hybrid"),
        minimum_erl_db=-6.0,
        maximum_erl_db=0.0,
        minimum_delay_ms=0.0,
        maximum_delay_ms=10.0,
        distorted_prob=1.0,
        moving_prob=1.0,
        delay_jump_prob=0.0,
        drift_prob=0.0,
    )
    for seed in range(20):
        drawn = draw_echo_conditions(rng(seed), ranges, 0)
        assert -6.0 <= drawn.erl_db <= 0.0
        assert 0.0 <= drawn.delay_ms <= 10.0
        assert drawn.is_distorted
        assert drawn.is_moving == (drawn.path == "room")
        assert not drawn.has_delay_jump
        assert drawn.drift_ppm == 0.0


def test_the_usual_mix_has_measured_paths_only_where_there_are_some() -> None:
    """Lines are never better than usual for their kind."""
    without = {draw_echo_conditions(rng(seed), EchoRanges(), 0).path for seed in range(60)}
    drawn = [draw_echo_conditions(rng(seed), EchoRanges(), 3) for seed in range(60)]
    assert without == {"none", "hybrid", "handset", "room"}
    assert {conditions.path for conditions in drawn} == {*without, "measured"}
    assert all(6 <= c.erl_db <= 36 for c in drawn if c.path == "hybrid")


def test_tags_say_what_was_drawn() -> None:
    """In steps of 6 dB and 140 ms."""
    tags = replace(PLAIN, erl_db=13.0, delay_ms=290.0, drift_ppm=3.0).tags()
    assert (tags["erl_db"], tags["delay_ms"], tags["drift"]) == ("12", "280", "true")
    assert replace(PLAIN, path="none").tags()["erl_db"] == "none"
