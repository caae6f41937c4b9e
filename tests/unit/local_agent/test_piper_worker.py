"""Tests of the process that speaks, with a voice that reads one byte a letter."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from voxgate.local_agent.piper_worker import PiperWorker, make_worker
from voxgate.local_agent.worker_program import WorkerUnfitError
from voxgate.local_agent.worker_wire import Message, MessageKind


class PiperDouble:
    """Speaks 5,000 samples a sentence."""

    config = SimpleNamespace(sample_rate=22_050)

    def synthesize(self, text: str, synthesis: Any) -> Iterator[SimpleNamespace]:
        for number, _ in enumerate(text.split(".")[:-1]):
            yield SimpleNamespace(audio_int16_bytes=bytes([number]) * 10_000)


def test_sentences_come_in_pieces_of_at_most_200_ms() -> None:
    """All of the sound, in order, and then the word that this was it."""
    said = list(PiperWorker(PiperDouble(), None).receive(Message(MessageKind.TEXT, 7, b"A. B.")))
    assert [message.job for message in said] == [7] * 5
    assert [message.kind.name for message in said] == ["AUDIO"] * 4 + ["DONE"]
    assert max(len(message.payload) for message in said) <= 22_050 * 2 // 5
    assert b"".join(message.payload for message in said) == bytes(10_000) + b"\x01" * 10_000


def test_a_text_without_words_has_no_sound() -> None:
    """It is done at once."""
    said = list(PiperWorker(PiperDouble(), None).receive(Message(MessageKind.TEXT, 1, b"")))
    assert [message.kind for message in said] == [MessageKind.DONE]


def test_a_cancellation_needs_no_answer() -> None:
    """The text was left already when it comes by."""
    assert list(PiperWorker(PiperDouble(), None).receive(Message(MessageKind.CANCEL, 1))) == []


def test_it_tells_the_rate_of_its_voice() -> None:
    """Voices differ."""
    assert PiperWorker(PiperDouble(), None).describe() == {"rate_hz": 22_050}


def test_a_missing_package_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason reaches the operator through the process that asked."""
    monkeypatch.setitem(sys.modules, "piper", None)
    with pytest.raises(WorkerUnfitError, match="can't be loaded"):
        make_worker({"model": "voice.onnx", "speed": 1.0})


@pytest.mark.parametrize("description", ["", "{}", "[]", '{"audio": {"sample_rate": 8000}}'])
def test_a_file_that_is_no_voice_is_named(tmp_path: Path, description: str) -> None:
    """Whatever is wrong with it, the operator learns which file."""
    pytest.importorskip("piper", reason="needs voxgate[local]")
    model = tmp_path / "voice.onnx"
    model.write_bytes(b"no network")
    Path(f"{model}.json").write_text(description, encoding="utf-8")
    with pytest.raises(WorkerUnfitError, match=r"voice\.onnx: is not a Piper voice"):
        make_worker({"model": str(model), "speed": 1.0})
