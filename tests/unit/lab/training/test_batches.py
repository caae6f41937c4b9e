"""Batches of turns."""

from __future__ import annotations

import numpy as np

from support.signals import speech_like, white_noise
from support.training_turns import made_turn
from voxgate.core.echo.features import FEATURE_COUNT, SCALAR_COUNT
from voxgate.core.echo.near_end_detector import EchoAwareDetector
from voxgate.core.echo.recurrent_network import packaged_weights
from voxgate.lab.training.batches import BATCH_TURNS, gain_directions, iterate_batches
from voxgate.lab.training.labels import IGNORED

TURNS = [
    made_turn(20 + 7 * (i % 9), onset=12 if i % 2 else None, seed=i)
    for i in range(2 * BATCH_TURNS + 6)
]


def test_every_turn_is_in_one_batch() -> None:
    """An epoch sees all turns once, the last ones in a smaller batch."""
    batches = list(iterate_batches(TURNS, np.random.default_rng(1)))
    assert sorted(len(batch.labels) for batch in batches) == [6, BATCH_TURNS, BATCH_TURNS]
    taught = sum(int((batch.labels != IGNORED).sum()) for batch in batches)
    assert taught == sum(len(turn.labels) for turn in TURNS)


def test_padding_teaches_nothing() -> None:
    """Frames behind a turn's end are ignored, and belong to no utterance."""
    for batch in iterate_batches(TURNS, np.random.default_rng(1)):
        is_padding = ~batch.features.any(axis=2)
        assert (batch.labels[is_padding] == IGNORED).all()
        assert (batch.since_onset[is_padding] == -1).all()
        assert batch.features.shape == (*batch.labels.shape, FEATURE_COUNT)


def test_the_generator_decides() -> None:
    """The same seed gives the same epoch, another one another."""
    first, again, other = (
        next(iterate_batches(TURNS, np.random.default_rng(seed))).features for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_a_turn_is_moved_as_louder_lines_would_move_it() -> None:
    """What is added to a turn is some gain of its capture and some of its far end, no more."""
    turn = made_turn(30, onset=None, seed=1)
    (batch,) = iterate_batches([turn], np.random.default_rng(1))
    added = batch.features[0] - turn.features.astype(np.float32)
    np.testing.assert_allclose(added, np.broadcast_to(added[0], added.shape), atol=1e-5)
    gains_db, *_ = np.linalg.lstsq(gain_directions().T, added[0], rcond=None)
    np.testing.assert_allclose(gains_db @ gain_directions(), added[0], atol=1e-5)
    assert np.abs(gains_db).min() > 0.01


def test_directions_are_those_of_the_detector() -> None:
    """A capture 6 dB louder, after the trackers have settled, moves the features as foretold."""
    far_end = speech_like(4000, level_dbfs=-20.0, seed=1)
    capture = white_noise(4000, level_dbfs=-40.0, seed=2).astype(np.int32)
    soft, loud = (settled_features((capture * gain).astype(np.int16), far_end) for gain in (2, 4))
    expected = 20 * np.log10(2.0) * gain_directions()[0]
    moved = loud - soft
    scalars = FEATURE_COUNT - SCALAR_COUNT
    path_gain = scalars + 1  # there is no path here
    levels = np.setdiff1d(np.flatnonzero(gain_directions()[0]), path_gain)
    np.testing.assert_allclose(moved[levels], expected[levels], atol=0.12)


def settled_features(capture: np.ndarray, far_end: np.ndarray) -> np.ndarray:
    detector = EchoAwareDetector(packaged_weights())
    rows = []
    for at in range(0, len(capture), 160):
        detector.process(capture[at : at + 160], far_end[at : at + 160], agent_audible=True)
        assert detector.features is not None
        rows.append(detector.features.copy())
    return np.mean(rows[-50:], axis=0)
