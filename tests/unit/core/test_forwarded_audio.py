"""Echo is taken out of captured frames in their own format."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import speech_like
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.echo.near_end import NullNearEndDetector
from voxgate.core.forwarded_audio import EchoCanceller, EchoSubtractor
from voxgate.core.g711 import decode, encode
from voxgate.core.resample import Resampler

FORMATS_8K = [AudioFormat(encoding) for encoding in Encoding]
WIDE = [AudioFormat(rate_hz=rate_hz) for rate_hz in (16_000, 24_000, 44_100, 48_000)]


def residual_of(samples: np.ndarray, echo: np.ndarray) -> np.ndarray:
    return ((samples.astype(np.float64) - echo) / 32768.0).astype(np.float32)


def level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.asarray(samples, np.float64) ** 2)))


def frames_of(samples: np.ndarray, size: int) -> list[np.ndarray]:
    return [samples[at : at + size] for at in range(0, len(samples) - size + 1, size)]


@pytest.mark.parametrize("audio_format", FORMATS_8K, ids=str)
def test_a_frame_without_echo_is_the_very_same_object(audio_format: AudioFormat) -> None:
    """What the filter leaves as it is, what it lost and what it never saw, stay bit for bit."""
    subtractor = EchoSubtractor(audio_format)
    frame = encode(speech_like(20, seed=1), audio_format)
    samples = decode(frame, audio_format)
    assert subtractor.delay_samples == 0
    assert subtractor.process(frame, samples, residual_of(samples, np.zeros(160))) is frame
    assert subtractor.process(frame, samples, samples) is frame
    assert subtractor.process(frame, samples, None) is frame
    silence = np.zeros(160, np.int16)
    lost = audio_format.silence(audio_format.frame_bytes)
    anti_echo = residual_of(silence, speech_like(20, seed=2))
    assert subtractor.process(lost, silence, anti_echo) is lost


@pytest.mark.parametrize("audio_format", FORMATS_8K, ids=str)
def test_what_leaves_is_the_residual_in_the_format_of_the_line(audio_format: AudioFormat) -> None:
    """Exactly so for PCM, and as near as the companding of the line comes."""
    caller, echo = speech_like(20, seed=3) // 4, speech_like(20, seed=4) // 2
    samples = (caller + echo).astype(np.int16)
    frame = encode(samples, audio_format)
    left = EchoSubtractor(audio_format).process(frame, samples, residual_of(samples, echo))
    assert left == encode(caller.astype(np.int16), audio_format)


def test_a_residual_beyond_full_scale_is_clipped() -> None:
    """A filter that adds echo must not turn peaks into their opposite."""
    samples = np.full(160, 30_000, np.int16)
    residual = residual_of(samples, np.full(160, -9_000))
    left = EchoSubtractor(AudioFormat()).process(samples.tobytes(), samples, residual)
    assert np.frombuffer(left, np.int16).tolist() == [32_767] * 160


@pytest.mark.parametrize("audio_format", WIDE, ids=str)
def test_wide_audio_keeps_its_upper_band_and_loses_the_echo(audio_format: AudioFormat) -> None:
    """The echo found at 8 kHz is taken out 20 dB and more; 5 kHz of the caller stays in place."""
    rate_hz = audio_format.rate_hz
    n = audio_format.frame_samples * 50
    t_s = np.arange(n) / rate_hz
    caller = np.rint(3000 * np.sin(2 * np.pi * 5000 * t_s)).astype(np.int16)
    narrow = speech_like(1000, seed=5) // 4
    echo = Resampler(8000, rate_hz).process(narrow)[:n]
    capture = (caller + echo).astype(np.int16)
    seen, expected = Resampler(rate_hz, 8000), Resampler(rate_hz, 8000)
    subtractor = EchoSubtractor(audio_format)
    out = []
    for heard, its_echo in zip(
        frames_of(capture, audio_format.frame_samples),
        frames_of(echo, audio_format.frame_samples),
        strict=True,
    ):
        samples = seen.process(heard)
        residual = residual_of(samples, expected.process(its_echo))
        frame = subtractor.process(heard.tobytes(), samples, residual)
        assert len(frame) == audio_format.frame_bytes
        out.append(np.frombuffer(frame, np.int16))
    delay = subtractor.delay_samples
    assert delay == round(0.008 * rate_hz)
    kept = np.concatenate(out)[delay:]
    assert level(kept - caller[: len(kept)]) < 0.1 * level(echo)


@pytest.mark.parametrize("audio_format", WIDE, ids=str)
def test_wide_audio_is_only_late_from_the_first_filtered_frame_on(
    audio_format: AudioFormat,
) -> None:
    """Before it the very frames; after it each in its place, filtered, unfiltered or lost."""
    size = audio_format.frame_samples
    frames = frames_of(speech_like(400, seed=6, rate_hz=audio_format.rate_hz), size)
    subtractor = EchoSubtractor(audio_format)
    narrow = Resampler(audio_format.rate_hz, 8000)
    left = []
    for number, heard in enumerate(frames):
        samples = narrow.process(heard)
        is_filtered = number >= 5 and number % 4 != 0
        residual = residual_of(samples, np.zeros(160)) if is_filtered else None
        frame = heard.tobytes()
        left.append(subtractor.process(frame, samples, residual))
        assert number >= 5 or left[-1] is frame
    expected = np.concatenate([np.zeros(subtractor.delay_samples, np.int16), *frames[5:]])
    late = np.frombuffer(b"".join(left[5:]), np.int16)
    np.testing.assert_array_equal(late, expected[: len(late)])


@pytest.mark.parametrize("audio_format", WIDE, ids=str)
def test_the_end_of_an_echo_is_taken_out_in_the_frames_after_it(audio_format: AudioFormat) -> None:
    """Echo is resampled to its last sample, also that of a second one after a pause."""
    size = audio_format.frame_samples
    subtractor = EchoSubtractor(audio_format)
    reference = Resampler(8000, audio_format.rate_hz)
    samples = np.full(160, 500, np.int16)
    frame = np.full(size, 500, np.int16).tobytes()
    echoes = [np.full(160, 300 * (number in (2, 6)), np.int16) for number in range(10)]
    left = [subtractor.process(frame, samples, residual_of(samples, echo)) for echo in echoes]
    taken = np.concatenate([reference.process(echo) for echo in echoes])
    captured = np.full(len(taken), 500, np.int16)
    captured[: subtractor.delay_samples] = 0
    np.testing.assert_array_equal(np.frombuffer(b"".join(left), np.int16), captured - taken)


def test_nothing_is_resampled_where_there_is_nothing_to_subtract(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two frames with echo and the one that empties the filter are; the silent agent's are not."""
    resampled = []

    def counted(self: Resampler, echo: np.ndarray) -> np.ndarray:
        resampled.append(bool(echo.any()))
        return process(self, echo)

    process = Resampler.process
    monkeypatch.setattr(Resampler, "process", counted)
    samples, frame = np.full(160, 500, np.int16), np.full(320, 500, np.int16).tobytes()
    subtractor = EchoSubtractor(AudioFormat(rate_hz=16_000))
    for level_found in (0, 0, 300, 300, 0, 0, 0):
        subtractor.process(frame, samples, residual_of(samples, np.full(160, level_found)))
    subtractor.process(frame, samples, None)
    assert resampled == [True, True, False]


def test_a_detector_without_a_filter_is_no_canceller() -> None:
    """Then the frames stay as they came."""
    assert not isinstance(NullNearEndDetector(), EchoCanceller)
