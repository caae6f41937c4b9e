"""The echo-aware detector with the packaged weights: what it must and must not call a caller."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from support.echo_scenes import (
    agent_frames,
    caller_frames,
    detector_trace,
    echo_of,
    echo_scene,
    frame_rows,
    mix,
    random_arrays,
)
from support.signals import white_noise
from voxgate.core.echo.near_end import NearEndVerdict
from voxgate.core.echo.near_end_detector import NO_EVIDENCE_LOGIT, EchoAwareDetector
from voxgate.core.echo.recurrent_network import NetworkWeights, packaged_weights

GOLDEN = json.loads(
    (Path(__file__).parents[3] / "golden" / "echo_detector.json").read_text(encoding="utf-8")
)
AGENT_LINES = ("greeting", "opening_hours", "service_time", "card_payment", "repeat")
ZERO = np.zeros(160, np.int16)


def _judge(
    capture: np.ndarray,
    far_end: np.ndarray,
    *,
    agent_audible: bool = True,
    detector: EchoAwareDetector | None = None,
) -> list[NearEndVerdict]:
    detector = detector or EchoAwareDetector(packaged_weights())
    return [
        detector.process(heard, sent, agent_audible=agent_audible)
        for heard, sent in zip(capture, far_end, strict=True)
    ]


def _logits(verdicts: list[NearEndVerdict]) -> np.ndarray:
    return np.array([verdict.logit for verdict in verdicts])


def _line_noise(n_frames: int) -> np.ndarray:
    return frame_rows(white_noise(20 * n_frames, level_dbfs=-62.0, seed=9))


def test_verdicts_are_as_recorded() -> None:
    """Filter, features and inference compute what they computed when the weights were trained.

    Rounding differs between processors, and a level on an edge may turn a voice detector's bit:
    hence a tolerance, and a frame in a hundred that may be out of it.
    """
    for name, values in detector_trace().items():
        recorded = np.array(GOLDEN[name], np.float64)
        error = np.abs(np.array(values, np.float64) - recorded)
        np.testing.assert_array_equal(np.isnan(error), np.isnan(recorded))
        error = error[~np.isnan(error)]
        assert np.quantile(error, 0.99) < 0.02, name
        assert np.median(error) < 0.003, name


def test_echo_at_erl_12_db_is_not_a_caller() -> None:
    """From 2 s on, more than 99 % of the frames of the agent's own echo stay below zero."""
    far_end = agent_frames(*AGENT_LINES)
    capture = mix(echo_of(far_end, delay_ms=160, erl_db=12.0), _line_noise(len(far_end)))
    verdicts = _judge(capture, far_end)
    assert np.mean(_logits(verdicts)[100:] < 0.0) > 0.99
    assert verdicts[-1].echo_delay_ms == pytest.approx(160, abs=20)
    assert verdicts[-1].erl_db == pytest.approx(12.0, abs=5.0)
    assert verdicts[-1].erle_db is not None
    assert verdicts[-1].erle_db > 5.0


@pytest.mark.parametrize("line_id", ["interruption", "stop", "question"])
def test_a_caller_at_minus_20_dbfs_is_heard_within_200_ms(line_id: str) -> None:
    """On a line without echo, the logit passes 1 soon after the caller's first sound."""
    far_end = agent_frames(*AGENT_LINES)[:450]
    caller = caller_frames(line_id, level_dbfs=-20.0)
    levels = np.sqrt(np.mean(caller.astype(np.float64) ** 2, axis=1))
    caller = caller[int(np.argmax(levels > 0.1 * levels.max())) :][:100]
    capture = _line_noise(len(far_end)).copy()
    capture[250 : 250 + len(caller)] = mix(capture[250 : 250 + len(caller)], caller)
    logits = _logits(_judge(capture, far_end))
    assert logits[250:260].max() > 1.0
    assert np.mean(logits[100:250] < 0.0) > 0.98


def test_nothing_is_judged_while_the_agent_is_silent() -> None:
    """The verdict says so, though the noise floor is learnt."""
    caller = caller_frames("question")
    detector = EchoAwareDetector(packaged_weights())
    verdicts = _judge(caller, np.zeros_like(caller), agent_audible=False, detector=detector)
    assert set(_logits(verdicts)) == {NO_EVIDENCE_LOGIT}
    assert not detector.has_judged
    assert detector.features is None
    assert verdicts[-1].erl_db is None
    assert verdicts[-1].echo_delay_ms is None
    np.testing.assert_allclose(detector.residual, caller[-1] / np.float32(32768), atol=1e-6)
    floor = detector._features.trackers.as_powers()[0]
    silent, noise = np.zeros((50, 160), np.int16), frame_rows(white_noise(1_000, level_dbfs=-40.0))
    _judge(noise, silent, agent_audible=False, detector=detector)
    assert (detector._features.trackers.as_powers()[0] > floor).all()


def test_a_lost_frame_keeps_the_logit_and_says_that_it_was_not_judged() -> None:
    """An all-zero capture is not evidence of anything."""
    far_end = agent_frames("greeting")[:50]
    detector = EchoAwareDetector(packaged_weights())
    before = _judge(echo_of(far_end), far_end, detector=detector)[-1]
    assert detector.has_judged
    lost = detector.process(ZERO, far_end[0], agent_audible=True)
    assert lost.logit == before.logit
    assert not detector.has_judged
    assert detector.features is None


@pytest.mark.parametrize("sent", ["zero", "constant", "clipped", "noise"])
@pytest.mark.parametrize("heard", ["constant", "one", "clipped", "noise"])
def test_degenerate_input_gives_finite_verdicts(sent: str, heard: str) -> None:
    """Constants, squares at full scale and noise at full scale, in any pair."""
    noise = np.random.default_rng(1).integers(-32768, 32768, (2, 60, 160)).astype(np.int16)
    shapes = {
        "zero": np.zeros_like(noise),
        "one": np.ones_like(noise),
        "constant": np.full_like(noise, -32768),
        "clipped": np.where(noise > 0, 32767, -32768).astype(np.int16),
        "noise": noise,
    }
    for verdict in _judge(shapes[heard][0], shapes[sent][1]):
        assert verdict.near_end_dbfs is not None
        assert verdict.erle_db is not None
        assert np.isfinite([verdict.logit, verdict.erle_db, verdict.near_end_dbfs]).all()
        assert verdict.erl_db is None or np.isfinite(verdict.erl_db)


def test_int16_and_float_frames_are_judged_alike_and_reset_forgets_the_call() -> None:
    """One scale of full scale in both formats; a used detector is a new one after reset."""
    scene = echo_scene()
    detector = EchoAwareDetector(packaged_weights())
    n_frames = 100
    first = _judge(scene.capture[:n_frames], scene.far_end[:n_frames], detector=detector)
    detector.reset()
    assert not detector.residual.any()
    assert not detector.has_judged
    as_float = [
        (frames[:n_frames] / 32768).astype(np.float32) for frames in (scene.capture, scene.far_end)
    ]
    assert _judge(*as_float, detector=detector) == first


def test_a_pause_of_the_agent_starts_the_network_anew() -> None:
    """The first frames of two turns are judged alike but for what was learnt of the line."""
    weights = NetworkWeights(random_arrays())
    far_end = agent_frames("hello")[:40]
    silent = np.zeros_like(far_end)
    capture = _line_noise(40)
    reference, interrupted = EchoAwareDetector(weights), EchoAwareDetector(weights)
    for detector, audible in ((reference, False), (interrupted, True)):
        _judge(capture, silent, agent_audible=audible, detector=detector)
        _judge(capture[:1], silent[:1], agent_audible=False, detector=detector)
    heard = mix(echo_of(far_end), capture)
    one, two = (_judge(heard, far_end, detector=d) for d in (reference, interrupted))
    np.testing.assert_allclose(_logits(one), _logits(two), atol=0.5)


@pytest.mark.parametrize(
    ("capture", "message"),
    [
        (np.zeros(80, np.int16), "shape"),
        (np.zeros((1, 160), np.int16), "shape"),
        (np.zeros(160, np.int32), "int32"),
        (np.zeros(160, np.float64), "float64"),
    ],
)
def test_a_frame_of_another_kind_is_refused(capture: np.ndarray, message: str) -> None:
    """A wrong length or scale is an error rather than a wrong verdict, in either place."""
    detector = EchoAwareDetector(packaged_weights())
    with pytest.raises(ValueError, match=message):
        detector.process(capture, ZERO, agent_audible=True)
    with pytest.raises(ValueError, match=message):
        detector.process(ZERO, capture, agent_audible=True)
