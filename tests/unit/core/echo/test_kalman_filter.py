"""The echo filter: how much it takes away, that it adds nothing, and that nothing breaks it."""

from __future__ import annotations

import numpy as np
import pytest

from support.echo_scenes import caller_frames, echo_of, frame_rows, mix
from support.signals import silence, speech_like, white_noise
from voxgate.core.echo.echo_estimate import EchoEstimate, PowerRow
from voxgate.core.echo.kalman_filter import FilterScratch, KalmanEchoFilter

LOUD = np.float32(1.0 / 32768.0)


def _unit(frames: np.ndarray) -> np.ndarray:
    return frames.astype(np.float32) * LOUD


def _run(
    echo_filter: KalmanEchoFilter, far_end: np.ndarray, capture: np.ndarray
) -> list[EchoEstimate]:
    estimates = []
    for sent, heard in zip(_unit(far_end), _unit(capture), strict=True):
        echo_filter.receive_far_end(sent)
        estimates.append(echo_filter.process(heard))
    return estimates


def _erle_db(capture: np.ndarray, estimates: list[EchoEstimate]) -> float:
    residual = np.array([estimate.residual for estimate in estimates])
    return float(10 * np.log10(np.sum(_unit(capture) ** 2) / np.sum(residual**2)))


def _speech(duration_ms: int, seed: int = 1) -> np.ndarray:
    return frame_rows(speech_like(duration_ms, level_dbfs=-18.0, seed=seed))


@pytest.mark.parametrize("delay_ms", [40, 160, 640])
def test_a_steady_echo_is_reduced_by_more_than_10_db(delay_ms: int) -> None:
    """Within 6 s, at any delay inside the span, without being told the delay."""
    far_end = _speech(8_000)
    capture = mix(
        echo_of(far_end, delay_ms=delay_ms),
        frame_rows(white_noise(8_000, level_dbfs=-65.0)),
    )
    estimates = _run(KalmanEchoFilter(), far_end, capture)
    assert _erle_db(capture[300:], estimates[300:]) > 10.0


@pytest.mark.parametrize("delay_ms", [60, 160, 500])
def test_the_delay_of_the_echo_is_found(delay_ms: int) -> None:
    """To within a frame, as the strongest part of the path lies behind its beginning."""
    far_end = _speech(4_000)
    echo_filter = KalmanEchoFilter()
    assert echo_filter.delay_ms is None
    _run(echo_filter, far_end, echo_of(far_end, delay_ms=delay_ms))
    assert echo_filter.delay_ms == pytest.approx(delay_ms, abs=20)


@pytest.mark.parametrize("seed", range(3))
def test_echo_is_not_added_while_the_path_is_learnt(seed: int) -> None:
    """From the first second on, no second has more energy after the filter than before."""
    far_end = _speech(6_000, seed)
    capture = echo_of(far_end, seed=seed)
    estimates = _run(KalmanEchoFilter(), far_end, capture)
    for at in range(0, 300, 50):
        assert _erle_db(capture[at : at + 50], estimates[at : at + 50]) > -0.5


def test_a_caller_without_echo_passes_unharmed() -> None:
    """Speech unrelated to the far end loses and gains less than 1.5 dB."""
    caller = caller_frames("question")[:200]
    far_end = _speech(20 * len(caller))
    noise = frame_rows(white_noise(20 * len(caller), level_dbfs=-60.0))
    capture = mix(caller, noise)
    estimates = _run(KalmanEchoFilter(), far_end, capture)
    assert abs(_erle_db(capture, estimates)) < 1.5


def test_without_far_end_the_capture_passes_as_it_is() -> None:
    """Silent for longer than its span, the filter is idle: no echo, no learning; then it wakes."""
    echo_filter = KalmanEchoFilter()
    capture = frame_rows(white_noise(200))
    for estimate, heard in zip(
        _run(echo_filter, np.zeros_like(capture), capture), _unit(capture), strict=True
    ):
        assert not estimate.is_adapting
        np.testing.assert_array_equal(estimate.residual, heard)
    far_end = np.concatenate([_speech(400), np.zeros((60, 160), np.int16)])
    estimates = _run(echo_filter, far_end, echo_of(far_end))
    is_adapting = [estimate.is_adapting for estimate in estimates]
    assert all(is_adapting[1:60])
    assert not any(is_adapting[70:])
    assert echo_filter.is_idle


def test_far_end_that_was_long_ago_leaves_no_echo_behind() -> None:
    """After a pause longer than the span, a new turn begins with an empty history."""
    echo_filter = KalmanEchoFilter()
    far_end = _speech(3_000)
    _run(echo_filter, far_end, echo_of(far_end))
    _run(echo_filter, frame_rows(silence(2_000)), frame_rows(white_noise(2_000)))
    assert not echo_filter._ring_rows[echo_filter._position :][:45].any()
    assert not echo_filter.far_end_power.any()


def _hostile(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """60 s in spells of up to 2 s: full-scale noise, clipping, path jumps, silence, constants."""
    generator = np.random.default_rng(seed)
    far_end, capture = [], []
    while sum(map(len, far_end)) < 3_000:
        n_frames = int(generator.integers(1, 100))
        noise = generator.uniform(-32768, 32767, (2, n_frames, 160)).astype(np.int16)
        square = np.where(noise > 0, 32767, -32768).astype(np.int16)
        constant = np.full_like(noise, -32768)
        sent = (noise[0], square[0], constant[0], 0 * noise[0], noise[0] // 300)
        far_end.append(sent[generator.integers(len(sent))])
        gain, shift = generator.choice([-30.0, -1.0, 0.1, 1.0, 30.0]), generator.integers(0, 8000)
        jumped = mix(np.roll(far_end[-1].ravel(), shift).reshape(-1, 160) * gain)
        heard = (noise[1], square[1], constant[1], 0 * noise[1], jumped, jumped)
        capture.append(heard[generator.integers(len(heard))])
    return np.concatenate(far_end)[:3_000], np.concatenate(capture)[:3_000]


@pytest.mark.parametrize("seed", range(2))
def test_a_minute_of_hostile_input_leaves_it_finite_and_able_to_learn(seed: int) -> None:
    """No overflow, no NaN, no runaway path; a real echo afterwards is reduced again."""
    far_end, capture = _hostile(seed)
    echo_filter = KalmanEchoFilter()
    for estimate in _run(echo_filter, far_end, capture):
        assert np.isfinite(estimate.residual).all()
        assert np.isfinite(estimate.powers).all()
        assert (estimate.powers >= 0).all()
        assert np.abs(estimate.residual).max() < 100.0
    assert np.isfinite(echo_filter._energy).all()
    assert (echo_filter._variance >= 0).all()
    far_end = _speech(12_000)
    capture = echo_of(far_end)
    estimates = _run(echo_filter, far_end, capture)
    assert _erle_db(capture[500:], estimates[500:]) > 3.0


def test_the_same_frames_give_the_same_estimates_also_after_a_reset() -> None:
    """To the bit: state is in the filter and reset clears all of it."""
    far_end = _speech(1_500)
    capture = mix(echo_of(far_end), frame_rows(white_noise(1_500)))
    used = KalmanEchoFilter()
    first = _run(used, far_end, capture)
    used.reset()
    again, fresh = _run(used, far_end, capture), _run(KalmanEchoFilter(), far_end, capture)
    for one, two, three in zip(first, again, fresh, strict=True):
        np.testing.assert_array_equal(one.residual, two.residual)
        np.testing.assert_array_equal(one.residual, three.residual)
    assert used.delay_ms == pytest.approx(160, abs=20)


def test_reported_spectrum_is_that_of_the_last_two_far_end_frames() -> None:
    """Parseval: its sum is the energy of 320 samples."""
    echo_filter = KalmanEchoFilter()
    far_end = _unit(_speech(200))
    for sent in far_end:
        echo_filter.receive_far_end(sent)
    power = echo_filter.far_end_power
    energy = (2 * power.sum() - power[0] - power[-1]) / 320
    assert energy == pytest.approx(float(np.sum(far_end[-2:] ** 2)), rel=1e-3)


def test_powers_are_those_of_a_frame_or_two_on_one_scale() -> None:
    """By Parseval: capture and far end of two frames, the error of one, residual and echo apart."""
    far_end = _unit(_speech(2_000))
    capture = _unit(mix(echo_of(_speech(2_000)), frame_rows(white_noise(2_000, level_dbfs=-50.0))))
    window = np.hanning(321)[:-1]
    echo_filter, residuals = KalmanEchoFilter(), [np.zeros(160, np.float32)]
    for n, (sent, heard) in enumerate(zip(far_end, capture, strict=True)):
        echo_filter.receive_far_end(sent)
        estimate = echo_filter.process(heard)
        residuals.append(estimate.residual)
        if n == 0:
            continue
        two = np.concatenate([residuals[-2], residuals[-1]])
        both = capture[n - 1 : n + 1].ravel()
        scale = 320 / np.sum(window**2)
        for row, block in (
            (PowerRow.ERROR, 2 * np.concatenate([np.zeros(160), residuals[-1]])),
            (PowerRow.RESIDUAL, np.sqrt(scale) * window * two),
            (PowerRow.ECHO, np.sqrt(scale) * window * (both - two)),
            (PowerRow.CAPTURE, np.sqrt(scale) * window * both),
            (PowerRow.FAR_END, far_end[n - 1 : n + 1].ravel()),
        ):
            expected = np.abs(np.fft.rfft(block)) ** 2
            tolerance = 1e-4 * expected.max() + 1e-7
            np.testing.assert_allclose(estimate.powers[row], expected, rtol=2e-3, atol=tolerance)


def test_a_pair_of_frames_without_echo_reads_as_the_filter_would_read_it() -> None:
    """Before the far end begins residual and capture are one; int16 and float give the same."""
    frames = frame_rows(white_noise(40))
    echo_filter = KalmanEchoFilter()
    powers = [echo_filter.process(heard).powers.copy() for heard in _unit(frames)][-1]
    for block in (frames.ravel(), _unit(frames).ravel()):
        power = echo_filter.listen(block)
        np.testing.assert_allclose(power, powers[PowerRow.RESIDUAL], rtol=1e-4, atol=1e-9)
    np.testing.assert_array_equal(powers[PowerRow.RESIDUAL], powers[PowerRow.CAPTURE])
    assert not powers[[PowerRow.UNCERTAINTY, PowerRow.ECHO, PowerRow.FAR_END]].any()


def test_the_autocorrelation_is_that_of_the_residual_a_frame_before() -> None:
    """While the filter works, and while it has nothing to do."""
    far_end, noise = _speech(400), frame_rows(white_noise(400))
    for sent in (far_end, np.zeros_like(far_end)):
        echo_filter = KalmanEchoFilter()
        before = np.zeros(161, np.float32)
        for far, heard in zip(_unit(sent), _unit(noise), strict=True):
            echo_filter.receive_far_end(far)
            estimate = echo_filter.process(heard)
            expected = np.fft.irfft(before)
            np.testing.assert_allclose(estimate.autocorrelation, expected, atol=1e-4)
            before = estimate.powers[PowerRow.RESIDUAL].copy()


def test_a_stretch_begins_with_the_frame_before_it() -> None:
    """It is half of the first block, and what was sent stays known."""
    frames = frame_rows(white_noise(40))
    far_end = _unit(_speech(40))
    echo_filter = KalmanEchoFilter()
    _run(echo_filter, _speech(400), echo_of(_speech(400)))
    echo_filter.receive_far_end(far_end[0])
    sent = echo_filter.far_end_power.copy()
    echo_filter.begin(_unit(frames)[0])
    np.testing.assert_array_equal(echo_filter.far_end_power, sent)
    capture = echo_filter.process(_unit(frames)[1]).powers[PowerRow.CAPTURE]
    expected = echo_filter.listen(frames.ravel())
    np.testing.assert_allclose(capture, expected, rtol=1e-2, atol=1e-3 * expected.max())


def test_silence_is_far_end_too() -> None:
    """Frames of zeros, told without a frame, are what such frames are."""
    far_end, capture = _speech(600), echo_of(_speech(600))
    one, other = KalmanEchoFilter(), KalmanEchoFilter()
    for echo_filter in (one, other):
        _run(echo_filter, far_end, capture)
    for _ in range(60):
        one.receive_far_end(np.zeros(160, np.float32))
        other.receive_silence()
        assert one.is_idle == other.is_idle
        assert one.far_end_energy == other.far_end_energy == 0.0
    np.testing.assert_array_equal(one._ring_rows, other._ring_rows)
    for one_estimate, other_estimate in zip(
        _run(one, far_end, capture), _run(other, far_end, capture), strict=True
    ):
        np.testing.assert_array_equal(one_estimate.residual, other_estimate.residual)


@pytest.mark.parametrize("pause_frames", [1, 10, 44, 45, 46, 60])
def test_what_holds_nothing_is_left_out_without_a_trace(
    monkeypatch: pytest.MonkeyPatch, pause_frames: int
) -> None:
    """Through pauses of any length: as if all partitions took part in every frame, to the bit."""
    far_end = _unit(_speech(3_000))
    for begin in (50, 100 + pause_frames):
        far_end[begin : begin + pause_frames] = 0.0
    capture = np.roll(far_end, 4, axis=0) / 4 + _unit(frame_rows(white_noise(3_000)))
    thrifty, whole = KalmanEchoFilter(), KalmanEchoFilter()
    whole._take_span(0, 45)
    monkeypatch.setattr(whole, "_follow_sound", lambda *, is_silent: None)
    for sent, heard in zip(far_end, capture, strict=True):
        for echo_filter in (thrifty, whole):
            echo_filter.receive_far_end(sent)
        one, other = thrifty.process(heard), whole.process(heard)
        assert one.residual.tobytes() == other.residual.tobytes()
        np.testing.assert_array_equal(one.powers, other.powers)
    np.testing.assert_array_equal(thrifty._weights, whole._weights)
    np.testing.assert_array_equal(thrifty._variance, whole._variance)


def test_filters_that_share_a_scratch_do_not_disturb_each_other() -> None:
    """Nothing is kept in it from frame to frame: each filter is as it would be alone."""
    generator = np.random.default_rng(5)
    far_ends = generator.standard_normal((2, 40, 160)).astype(np.float32) / 10
    captures = np.roll(far_ends, 3, axis=1) / 4
    scratch = FilterScratch()
    sharing = [KalmanEchoFilter(scratch), KalmanEchoFilter(scratch)]
    alone = [KalmanEchoFilter(), KalmanEchoFilter()]
    for number in range(40):
        for call in range(2):
            residuals = []
            for echo_filter in (sharing[call], alone[call]):
                echo_filter.receive_far_end(far_ends[call, number])
                residuals.append(echo_filter.process(captures[call, number]).residual.tobytes())
            assert residuals[0] == residuals[1]
