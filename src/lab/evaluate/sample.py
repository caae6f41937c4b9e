"""Generates the sample manifest: a few short calls of two synthetic voices on a simulated line.

``python -m voxgate.lab.evaluate.sample FOLDER`` writes it. Invariant: the same version writes the
same bytes; every chance comes from a seed in the table.
"""

from __future__ import annotations

__all__ = ["main", "write_sample"]

import json
import sys
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.audio import G711_RATE_HZ
from ...core.g711 import decode, decode_mulaw, encode_mulaw
from ...core.units import db_to_ratio, dbfs_to_rms, ms_to_samples
from ...realtime_server.voice_library import VoiceLibrary, VoiceLine, agent_voices
from ..echo_path import EchoPath
from .activity import active_intervals
from .intervals import Interval

Samples = npt.NDArray[np.int16]

_DURATION_MS = 8000
_AGENT_START_MS = 500
_AGENT_MS = 6000
_FADE_MS = 40
_SPEECH_DBFS = -20.0
"""Active speech level at which the voices were rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """What a sample call is made of."""

    id: str
    agent: str | None = "opening_hours"
    """Sentence of the agent, which begins after 0.5 s and is cut off after 6 s."""
    caller: str | None = None
    """Sentence of the caller."""
    caller_start_ms: float = 3000.0
    caller_dbfs: float = -20.0
    erl_db: int | None = None
    delay_ms: float = 180.0
    noise_dbfs: float | None = None
    provider: str = "openai_realtime"
    seed: int = 1


_CALLS = (
    _Call(id="clean-interrupted", caller="interruption"),
    _Call(id="echo-24-interrupted", caller="stop", caller_start_ms=3480, erl_db=24, seed=2),
    _Call(id="echo-24-noise", agent="service_time", erl_db=24, noise_dbfs=-48.0, seed=3),
    _Call(
        id="echo-12-interrupted",
        agent="service_time",
        caller="card_question",
        caller_start_ms=2560,
        erl_db=12,
        delay_ms=260.0,
        seed=4,
    ),
    _Call(id="echo-12", erl_db=12, delay_ms=120.0, seed=5),
    _Call(
        id="noise-interrupted",
        agent="service_time",
        caller="interruption",
        caller_start_ms=4020,
        caller_dbfs=-24.0,
        noise_dbfs=-45.0,
        seed=6,
    ),
    _Call(
        id="noise-caller-first",
        agent=None,
        caller="hello",
        caller_start_ms=1500,
        noise_dbfs=-45.0,
        seed=7,
    ),
)


def write_sample(folder: Path) -> None:
    """Write ``manifest.jsonl`` and its WAV files into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for sentence in sorted({call.agent for call in _CALLS if call.agent is not None}):
        _write_wav(folder / f"agent-{sentence}.wav", _far_end(sentence))
    rows = []
    for call in _CALLS:
        _write_wav(folder / f"{call.id}.wav", _capture(call))
        rows.append(_row(call))
    rows.append({**rows[1], "id": "pass-through", "provider": "deepgram"})
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    (folder / "manifest.jsonl").write_text(text, encoding="utf-8", newline="\n")


def main(arguments: list[str]) -> int:
    """Write the sample into the folder that the arguments name; return the status."""
    if len(arguments) != 1:
        print("usage: python -m voxgate.lab.evaluate.sample FOLDER", file=sys.stderr)  # noqa: T201
        return 2
    write_sample(Path(arguments[0]))
    return 0


def _row(call: _Call) -> dict[str, object]:
    tags: dict[str, object] = {
        "erl_db": "none" if call.erl_db is None else call.erl_db,
        "noise": call.noise_dbfs is not None,
    }
    return {
        "id": call.id,
        "capture": f"{call.id}.wav",
        "far_end": None if call.agent is None else f"agent-{call.agent}.wav",
        "provider": call.provider,
        "agent_speaking": _agent_speaking(call),
        "caller_speech": [list(span) for span in _caller_speech(call)],
        "tags": tags,
    }


def _agent_speaking(call: _Call) -> list[list[float]]:
    return [] if call.agent is None else [[_AGENT_START_MS, _AGENT_START_MS + _AGENT_MS]]


def _caller_speech(call: _Call) -> tuple[Interval, ...]:
    """Return when the caller speaks, from the voice alone."""
    return active_intervals(_caller(call), G711_RATE_HZ, max_pause_ms=300.0)


@cache
def _far_end(sentence: str) -> Samples:
    """Return the agent's side of a call."""
    line = agent_voices()[sentence]
    spoken = decode(line.audio, line.audio_format)[: ms_to_samples(_AGENT_MS, G711_RATE_HZ)]
    faded = spoken.astype(np.float64)
    n_fade = ms_to_samples(_FADE_MS, G711_RATE_HZ)
    faded[-n_fade:] *= np.linspace(1.0, 0.0, n_fade)
    return _placed(faded, _AGENT_START_MS)


def _caller(call: _Call) -> Samples:
    if call.caller is None:
        return np.zeros(ms_to_samples(_DURATION_MS, G711_RATE_HZ), np.int16)
    line = _caller_voices()[call.caller]
    gain = db_to_ratio(call.caller_dbfs - _SPEECH_DBFS)
    spoken = decode(line.audio, line.audio_format).astype(np.float64) * gain
    return _placed(spoken, call.caller_start_ms)


@cache
def _caller_voices() -> Mapping[str, VoiceLine]:
    return VoiceLibrary.load(files("voxgate.lab") / "voices")


def _capture(call: _Call) -> Samples:
    """Return what the line delivers: caller, echo and noise through mu-law."""
    mixed = _caller(call).astype(np.float64)
    if call.agent is not None and call.erl_db is not None:
        path = EchoPath(delay_ms=call.delay_ms, erl_db=call.erl_db, seed=call.seed)
        mixed += path.process(_far_end(call.agent))
    if call.noise_dbfs is not None:
        noise = np.random.default_rng(call.seed).standard_normal(len(mixed))
        mixed += noise * dbfs_to_rms(call.noise_dbfs)
    limited = np.clip(np.round(mixed), -32768, 32767).astype(np.int16)
    return decode_mulaw(encode_mulaw(limited))


def _placed(audio: npt.NDArray[np.float64], start_ms: float) -> Samples:
    """Return a call's length of silence with a piece of audio in it."""
    call = np.zeros(ms_to_samples(_DURATION_MS, G711_RATE_HZ), np.int16)
    start = ms_to_samples(start_ms, G711_RATE_HZ)
    fitting = audio[: len(call) - start]
    call[start : start + len(fitting)] = np.round(fitting)
    return call


def _write_wav(path: Path, samples: Samples) -> None:
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(G711_RATE_HZ)
        wav.writeframes(samples.astype("<i2").tobytes())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
