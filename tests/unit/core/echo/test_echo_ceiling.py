"""How loud the echo can be, by what the line has shown."""

from __future__ import annotations

import pytest

from voxgate.core.echo.echo_ceiling import EchoCeiling

AGENT_DBFS = -20.0


def heard(frames: int, capture_dbfs: float, far_end_dbfs: float = AGENT_DBFS) -> EchoCeiling:
    """Return what some frames of echo, or of a line without any, have taught."""
    ceiling = EchoCeiling()
    for _ in range(frames):
        ceiling.receive_far_end(far_end_dbfs)
        ceiling.learn(capture_dbfs)
    return ceiling


def test_a_caller_on_a_line_without_echo_is_too_loud_for_one() -> None:
    """After more than a second of agent audio that did not come back."""
    ceiling = heard(61, -75.0)
    assert ceiling.is_exceeded(-40.0)
    assert not ceiling.is_exceeded(-46.0)


@pytest.mark.parametrize("frames", [0, 1, 60])
def test_at_first_nothing_is_known(frames) -> None:
    """An echo may still be on its way."""
    assert not heard(frames, -75.0).is_exceeded(-10.0)


def test_without_agent_audio_nothing_is_learnt() -> None:
    """However long the far end is silent."""
    assert not heard(500, -75.0, far_end_dbfs=-100.0).is_exceeded(-10.0)


@pytest.mark.parametrize("return_loss_db", [6.0, 12.0, 24.0])
def test_echo_is_not_too_loud_for_itself(return_loss_db) -> None:
    """Up to 16 dB above what was heard before, as speech goes up and down."""
    ceiling = heard(200, AGENT_DBFS - return_loss_db)
    assert not ceiling.is_exceeded(AGENT_DBFS - return_loss_db + 15.0)
    assert ceiling.is_exceeded(AGENT_DBFS - return_loss_db + 17.0)


def test_one_sound_does_not_lift_it_and_a_path_that_stays_does() -> None:
    """Half a dB a frame: a second of louder echo is the line's echo."""
    ceiling = heard(200, -60.0)
    ceiling.learn(-20.0)
    assert ceiling.is_exceeded(-35.0)
    for _ in range(60):
        ceiling.learn(-20.0)
    assert not ceiling.is_exceeded(-20.0)


def test_a_reset_forgets_the_line() -> None:
    """The next call may have another path."""
    ceiling = heard(200, -75.0)
    ceiling.reset()
    ceiling.receive_far_end(AGENT_DBFS)
    assert not ceiling.is_exceeded(-20.0)
