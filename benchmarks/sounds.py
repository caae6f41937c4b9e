"""What the benchmarked calls sound like: the demonstration's voices, as 20 ms frames at 8 kHz."""

from __future__ import annotations

__all__ = ["Sounds", "make_sounds"]

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from voxgate.core.audio import AudioFormat
from voxgate.core.g711 import decode
from voxgate.core.units import dbfs_to_rms
from voxgate.lab.echo_path import EchoPath
from voxgate.realtime_server.voice_library import VoiceLibrary, agent_voices

_FORMAT = AudioFormat()
_PAUSE_SAMPLES = _FORMAT.rate_hz
_LINE_NOISE_DBFS = -60.0
_SPEECH_RMS = dbfs_to_rms(-40.0)

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Sounds:
    """Equally many frames of PCM16 of each kind."""

    agent: list[bytes]
    """An agent that talks, with pauses of a second between its sentences."""
    caller: list[bytes]
    """A caller who talks so, on a line with some noise."""
    caller_speaks: list[bool]
    """Whether the caller says something in a frame, above -40 dBFS."""
    echo: list[bytes]
    """What comes back of the agent 180 ms later, 24 dB weaker, on the same line."""
    both: list[bytes]
    """The caller and the echo at once."""


def make_sounds(n_frames: int) -> Sounds:
    """Return the sounds; they are the same every time."""
    n_samples = n_frames * _FORMAT.frame_samples
    agent = _talk(agent_voices(), n_samples)
    caller = _talk(VoiceLibrary.load(files("voxgate.lab") / "voices"), n_samples)
    echo = EchoPath(delay_ms=180, erl_db=24).process(agent)
    generator = np.random.default_rng(1)
    noise = generator.standard_normal(n_samples) * dbfs_to_rms(_LINE_NOISE_DBFS)
    levels = np.sqrt(np.mean(caller.reshape(n_frames, -1).astype(np.float64) ** 2, axis=1))
    return Sounds(
        agent=_frames(agent),
        caller=_frames(caller + noise),
        caller_speaks=[bool(level >= _SPEECH_RMS) for level in levels],
        echo=_frames(echo + noise),
        both=_frames(caller + echo + noise),
    )


def _talk(voices: VoiceLibrary, n_samples: int) -> Samples:
    pieces: list[Samples] = []
    for line in voices.values():
        pieces += [np.zeros(_PAUSE_SAMPLES, np.int16), decode(line.audio, line.audio_format)]
    return np.resize(np.concatenate(pieces), n_samples)


def _frames(wave: npt.NDArray[np.float64] | Samples) -> list[bytes]:
    pcm = np.clip(np.round(wave), -32768, 32767).astype("<i2").tobytes()
    return [pcm[at : at + _FORMAT.frame_bytes] for at in range(0, len(pcm), _FORMAT.frame_bytes)]
