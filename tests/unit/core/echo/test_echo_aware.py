"""The echo-aware detector as the gate knows it."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from support.signals import frames_of, silence
from voxgate.core.echo import echo_aware
from voxgate.core.echo.echo_aware import EchoAwareNearEnd, packaged_near_end
from voxgate.core.echo.near_end import NullNearEndDetector
from voxgate.core.echo.recurrent_network import packaged_weights
from voxgate.core.g711 import decode
from voxgate.lab.echo_path import EchoPath
from voxgate.realtime_server.voice_library import VoiceLibrary, agent_voices


def samples_of(library: VoiceLibrary, line_id: str, n_frames: int) -> list[np.ndarray]:
    line = library[line_id]
    audio = decode(line.audio, line.audio_format)
    padded = np.concatenate([audio, np.zeros(160 * n_frames, np.int16)])[: 160 * n_frames]
    return list(padded.reshape(n_frames, 160))


def logits(captures: list[np.ndarray], far_ends: list[np.ndarray]) -> list[float | None]:
    detector = EchoAwareNearEnd(packaged_weights())
    result = []
    for number, (capture, far_end) in enumerate(zip(captures, far_ends, strict=True)):
        detector.receive_far_end(far_end, 20.0 * number)
        verdict = detector.process(capture, 20.0 * number, agent_audible=True)
        result.append(None if verdict is None else verdict.logit)
    return result


def test_without_a_far_end_there_is_no_verdict() -> None:
    """Voice activity and level decide where nobody shows what the line plays."""
    detector = EchoAwareNearEnd(packaged_weights())
    loud = np.full(160, 5000, np.int16)
    assert detector.process(loud, 0.0, agent_audible=True) is None


def test_while_the_agent_is_silent_there_is_no_verdict() -> None:
    """The guard decides then; the detector only listens."""
    detector = EchoAwareNearEnd(packaged_weights())
    detector.receive_far_end(np.zeros(160, np.int16), 0.0)
    assert detector.process(np.full(160, 900, np.int16), 0.0, agent_audible=False) is None


def test_a_caller_on_a_line_that_is_silent_to_the_last_bit_is_heard() -> None:
    """Digital silence is no loss of packets: it says that there is no echo."""
    n_frames = 250
    far_ends = samples_of(agent_voices(), "service_time", n_frames)
    caller = samples_of(VoiceLibrary.load(files("voxgate.lab") / "voices"), "interruption", 100)
    captures = [np.zeros(160, np.int16)] * 150 + caller
    heard = logits(captures, far_ends)
    assert all(logit is None or logit < 0 for logit in heard[:150])
    assert any(logit is not None and logit > 2 for logit in heard[150:165])


def test_echo_of_the_agent_is_not_the_caller() -> None:
    """At 12 dB of return loss and 180 ms, no frame of a long answer reaches a commitment."""
    n_frames = 600
    far_ends = samples_of(agent_voices(), "service_time", n_frames)
    path = EchoPath(delay_ms=180, erl_db=12)
    noise = np.random.default_rng(1)
    captures = [
        (path.process(far_end) + noise.normal(0, 15, 160)).astype(np.int16) for far_end in far_ends
    ]
    heard = [logit for logit in logits(captures, far_ends) if logit is not None]
    assert np.mean(np.array(heard) > 0) < 0.01


def test_without_weights_there_is_the_null_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package built without weights still works, by voice activity and level."""

    def missing() -> None:
        raise ValueError("no weights")

    monkeypatch.setattr(echo_aware, "packaged_weights", missing)
    assert isinstance(packaged_near_end(), NullNearEndDetector)


def test_reset_forgets_the_call() -> None:
    """After a reset the same input gives the same verdicts as at first."""
    detector = EchoAwareNearEnd(packaged_weights())
    frame = np.frombuffer(frames_of(silence(20))[0], "<i2")
    loud = (np.random.default_rng(2).normal(0, 2000, 160)).astype(np.int16)

    def run() -> list[object]:
        result = []
        for number in range(20):
            detector.receive_far_end(loud, 20.0 * number)
            result.append(detector.process(frame + 9, 20.0 * number, agent_audible=True))
        return result

    first = run()
    detector.reset()
    assert detector.process(loud, 0.0, agent_audible=True) is None, "the reference is forgotten too"
    assert run() == first
