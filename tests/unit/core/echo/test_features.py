"""The feature vector: complete, finite, and learnt only from frames that teach."""

from __future__ import annotations

import numpy as np
import pytest

from support.echo_scenes import echo_of, frame_rows, mix
from support.signals import speech_like, white_noise
from voxgate.core.echo.bands import BAND_COUNT
from voxgate.core.echo.features import FEATURE_COUNT, SCALAR_COUNT, FeatureExtractor
from voxgate.core.echo.kalman_filter import KalmanEchoFilter

SCALE = np.float32(1.0 / 32768.0)
BAND_SLOTS = FEATURE_COUNT - SCALAR_COUNT


def _unit(frames: np.ndarray) -> np.ndarray:
    return frames.astype(np.float32) * SCALE


class Listener:
    """A filter and an extractor, fed frame by frame."""

    def __init__(self) -> None:
        self.filter = KalmanEchoFilter()
        self.features = FeatureExtractor()

    def hear(self, far_end: np.ndarray, capture: np.ndarray) -> np.ndarray:
        """Return the features of all frames [shape=(n, features)]."""
        rows = []
        for sent, heard in zip(_unit(far_end), _unit(capture), strict=True):
            self.filter.receive_far_end(sent)
            estimate = self.filter.process(heard)
            rows.append(self.features.process(estimate, self.filter).copy())
        return np.array(rows)


def _turn(duration_ms: int = 3_000) -> tuple[np.ndarray, np.ndarray]:
    far_end = frame_rows(speech_like(duration_ms, level_dbfs=-18.0, seed=1))
    noise = frame_rows(white_noise(duration_ms, level_dbfs=-60.0))
    return far_end, mix(echo_of(far_end), noise)


def test_every_frame_has_all_values_and_they_are_finite_and_small() -> None:
    """115 of them: seven groups of bands within -5..5, and scalars of the same order."""
    rows = Listener().hear(*_turn())
    assert rows.shape == (150, FEATURE_COUNT)
    assert FEATURE_COUNT == 7 * BAND_COUNT + SCALAR_COUNT
    assert np.isfinite(rows).all()
    assert np.abs(rows[:, :BAND_SLOTS]).max() <= 5.0
    assert np.abs(rows[:, BAND_SLOTS:]).max() < 12.0
    assert (rows.std(axis=0) > 0).mean() > 0.95


@pytest.mark.parametrize("far_level", [0, 1, -32768, 32767])
@pytest.mark.parametrize("near_level", [1, -32768, 32767])
def test_constants_give_finite_values(far_level: int, near_level: int) -> None:
    """Frames without any variation, at every extreme."""
    far_end = np.full((30, 160), far_level, np.int16)
    capture = np.full((30, 160), near_level, np.int16)
    assert np.isfinite(Listener().hear(far_end, capture)).all()


def test_the_noise_floor_is_learnt_also_while_the_agent_is_silent() -> None:
    """A second of a line at -50 dBFS lifts the floor to it, band by band."""
    listener = Listener()
    before = listener.features.trackers.as_powers()[0]
    for block in _unit(frame_rows(white_noise(1_000, level_dbfs=-40.0))).reshape(-1, 320):
        listener.features.listen(listener.filter.listen(block), 2)
    after = listener.features.trackers.as_powers()[0]
    assert (10 * np.log10(after / before) > 5.0).all()
    assert listener.features.near_end_dbfs == pytest.approx(-40.0, abs=1.0)


def test_leakage_is_not_learnt_while_the_filter_does_not_adapt() -> None:
    """Without far end there is nothing to leak: the tracker is frozen, the floor is not."""
    listener = Listener()
    listener.hear(*_turn())
    listener.hear(np.zeros((60, 160), np.int16), frame_rows(white_noise(1_200)))
    assert listener.filter.is_idle
    trackers = listener.features.trackers
    floor, leakage = trackers.as_powers()
    listener.hear(np.zeros((50, 160), np.int16), frame_rows(white_noise(1_000, level_dbfs=-10.0)))
    np.testing.assert_array_equal(trackers.as_powers()[1], leakage)
    assert (trackers.as_powers()[0] > floor).all()


def test_frames_without_far_end_do_not_use_up_the_quick_start() -> None:
    """The envelope predictor learns quickly at first; frames that can't teach it do not count.

    It learns from every second of the others.
    """
    listener = Listener()
    listener.hear(np.zeros((100, 160), np.int16), frame_rows(white_noise(2_000)))
    assert listener.features._predictor._learned_frames == 0
    listener.hear(*_turn(400))
    assert listener.features._predictor._learned_frames == 10


def test_leakage_is_learnt_from_echo() -> None:
    """With the path learnt, less comes through than the start assumes in the loud bands."""
    listener = Listener()
    before = listener.features.trackers.as_powers()[1]
    listener.hear(*_turn(6_000))
    after = listener.features.trackers.as_powers()[1]
    assert 10 * np.log10(after / before).mean() < -2.0
    assert listener.features.erle_db > 3.0


def test_a_lost_capture_moves_no_tracker() -> None:
    """The far end goes on, nothing is learnt and the values of the frame before stay."""
    listener = Listener()
    far_end, capture = _turn()
    listener.hear(far_end, capture)
    trackers, values = listener.features.trackers, listener.features.values.copy()
    before = trackers.as_powers()
    for sent in _unit(far_end[:10]):
        listener.filter.receive_far_end(sent)
        listener.features.skip(listener.filter)
    np.testing.assert_array_equal(trackers.as_powers(), before)
    np.testing.assert_array_equal(listener.features.values, values)


def test_a_new_turn_keeps_what_was_learnt_and_forgets_what_was_sent() -> None:
    """Floor and leakage stay; the far end of long ago predicts no echo."""
    listener = Listener()
    listener.hear(*_turn())
    before = listener.features.trackers.as_powers()
    listener.features.start_turn()
    np.testing.assert_array_equal(listener.features.trackers.as_powers(), before)
    assert not listener.features._predictor.predict(np.zeros(BAND_COUNT, np.float32)).any()


def test_reset_makes_it_new() -> None:
    """The same frames after a reset give the same values as a new extractor."""
    far_end, capture = _turn(1_000)
    listener = Listener()
    first = listener.hear(far_end, capture)
    listener.filter.reset()
    listener.features.reset()
    assert not listener.features.values.any()
    np.testing.assert_array_equal(listener.hear(far_end, capture), first)
