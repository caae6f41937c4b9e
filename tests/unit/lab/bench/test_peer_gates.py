"""Gates that need packages of others, here with stand-ins for these."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from support.signals import frames_of, silence, speech_like
from voxgate.core.audio import AudioFormat
from voxgate.lab.bench import peer_gates
from voxgate.lab.bench.peer_gates import (
    SileroVad,
    VadAfterAec3,
    missing_for_aec3,
    missing_for_silero,
)
from voxgate.lab.evaluate.recording import Recording


@pytest.fixture
def recording() -> Recording:
    """One second of silence, one of speech, one of silence."""
    capture = np.concatenate([silence(1000), speech_like(1000), silence(1000)])
    frames = tuple(frames_of(capture))
    return Recording(
        capture=frames,
        capture_format=AudioFormat(),
        far_end=frames,
        far_end_format=AudioFormat(),
        duration_ms=3000.0,
        agent_speaking=(),
        caller_speech=(),
    )


class LevelSession:
    """Stands in for Silero's model: loud windows are speech."""

    def run(self, outputs: None, inputs: dict[str, Any]) -> tuple[Any, Any]:
        assert inputs["input"].shape == (1, 288)
        assert inputs["sr"] == 8000
        is_loud = np.std(inputs["input"][0, 32:]) > 0.01
        return np.array([[float(is_loud)]], np.float32), inputs["state"]


def test_silero_starts_after_200_ms(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """The evidence begins with the frame in which seven windows of 32 ms have been speech."""
    monkeypatch.setattr(peer_gates, "_silero_session", LevelSession)
    detect = SileroVad()
    flags = [detect(slot) for slot in recording.slots()]
    started_ms = 20 * (flags.index(True) + 1)
    assert 1200 <= started_ms <= 1280
    assert not any(flags[103:])


class SilentProcessing:
    """Stands in for WebRTC's audio processing: removes everything, in place."""

    def __init__(self, *, echo_cancellation: bool) -> None:
        assert echo_cancellation

    def process_reverse_stream(self, frame: Any) -> None:
        assert len(frame.data) == 80

    def process_stream(self, frame: Any) -> None:
        frame.data[:] = memoryview(bytes(160)).cast("h")


def _frame(data: bytearray, rate_hz: int, channels: int, samples: int) -> Any:
    assert (rate_hz, channels, samples) == (8000, 1, 80)
    return SimpleNamespace(data=memoryview(data).cast("h"))


def test_what_the_canceller_removes_is_no_evidence(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Voice activity is judged on what is left."""
    rtc = SimpleNamespace(AudioProcessingModule=SilentProcessing, AudioFrame=_frame)
    monkeypatch.setattr(peer_gates, "import_module", lambda name: rtc)
    detect = VadAfterAec3()
    assert not any(detect(slot) for slot in recording.slots())


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that brings it; no package of theirs is imported for that."""

    def absent(name: str) -> None:
        if "." in name:
            raise ModuleNotFoundError(name)

    monkeypatch.setattr(peer_gates, "find_spec", absent)
    assert "pip install livekit" in (missing_for_aec3() or "")
    assert "silero-vad" in (missing_for_silero() or "")


def test_what_is_there_is_not_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Silero's model is found beside its package, which is not imported."""
    folder = tmp_path_factory.mktemp("silero")
    (folder / "data").mkdir()
    spec = SimpleNamespace(submodule_search_locations=[str(folder)])
    monkeypatch.setattr(peer_gates, "find_spec", lambda name: spec)
    assert missing_for_aec3() is None
    assert missing_for_silero() is not None
    (folder / "data" / "silero_vad.onnx").write_bytes(b"")
    assert missing_for_silero() is None
