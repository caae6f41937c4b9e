"""The process that speaks with Piper: text in, its sound out sentence by sentence.

Piper is under the GPL, version 3; it runs only here, in a program of its own that is told by
messages what to say. Invariant: sound comes in pieces small enough to be converted in no time.
"""

from __future__ import annotations

__all__ = ["PiperWorker", "make_worker"]

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from .worker_program import WorkerUnfitError, run_worker
from .worker_wire import Message, MessageKind

_PIECE_BYTES = 8192
"""Longest piece of sound, some 0.2 s."""


class PiperWorker:
    """Speaks, one text at a time.

    Args:
        voice: A ``piper.PiperVoice``.
        synthesis: A ``piper.SynthesisConfig``.
    """

    def __init__(self, voice: Any, synthesis: Any) -> None:
        self._voice = voice
        self._synthesis = synthesis

    def describe(self) -> Mapping[str, Any]:
        """Return the sample rate of the voice."""
        return {"rate_hz": self._voice.config.sample_rate}

    def receive(self, message: Message) -> Iterator[Message]:
        """Speak a text."""
        if message.kind is not MessageKind.TEXT:
            return
        for sentence in self._voice.synthesize(message.text, self._synthesis):
            pcm = sentence.audio_int16_bytes
            for start in range(0, len(pcm), _PIECE_BYTES):
                yield Message(MessageKind.AUDIO, message.job, pcm[start : start + _PIECE_BYTES])
        yield Message(MessageKind.DONE, message.job)


def make_worker(options: Mapping[str, Any]) -> PiperWorker:
    """Return a worker for the voice at ``options["model"]``, at ``options["speed"]``.

    Raises:
        WorkerUnfitError: the package is not installed, or there is no voice.
    """
    try:
        piper = import_module("piper")
    except ImportError as exc:
        raise WorkerUnfitError(f"can't be loaded ({exc})") from exc
    voice = _load_voice(piper, Path(options["model"]))
    speed = float(options["speed"])
    return PiperWorker(voice, piper.SynthesisConfig(length_scale=voice.config.length_scale / speed))


def _load_voice(piper: Any, model: Path) -> Any:
    """Load a voice with one thread: sentences run in parallel, not their parts."""
    onnx = import_module("onnxruntime")
    options = onnx.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        described = json.loads(Path(f"{model}.json").read_text(encoding="utf-8"))
        return piper.PiperVoice(
            config=piper.PiperConfig.from_dict(described),
            session=onnx.InferenceSession(
                str(model), sess_options=options, providers=["CPUExecutionProvider"]
            ),
        )
    except Exception as exc:  # onnxruntime's errors have no base of their own
        raise WorkerUnfitError(f"{model}: is not a Piper voice ({type(exc).__name__})") from exc


if __name__ == "__main__":
    run_worker(make_worker)
