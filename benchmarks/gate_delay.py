"""Delay that the gate adds to the caller's speech while the agent is silent: deterministic."""

from __future__ import annotations

__all__ = ["delay_figures"]

import math
from statistics import median

import numpy as np

from voxgate.core.audio import FRAME_MS

from .figure import Figure
from .sounds import Sounds, make_sounds
from .subject import GATED, make_manager

_N_FRAMES = 2500
_TURN_PAUSE_FRAMES = 500 // FRAME_MS


def delay_figures() -> list[Figure]:
    """Measure when each frame of the caller's speech leaves, against when it came."""
    sounds = make_sounds(_N_FRAMES)
    delays_ms = _delays_ms(sounds)
    spoken = [n for n in range(1, _N_FRAMES) if sounds.caller_speaks[n]]
    lost = [n for n in spoken if n not in delays_ms]
    while_open = [delays_ms[n] for n in spoken if delays_ms.get(n - 1) == 0 and n in delays_ms]
    assert len(while_open) > len(spoken) / 2, "else it would say nothing of an open gate"
    pauses = np.diff(spoken, prepend=-_TURN_PAUSE_FRAMES)
    at_onset = [delays_ms.get(n, math.inf) for n in np.array(spoken)[pauses >= _TURN_PAUSE_FRAMES]]
    return [
        Figure(name="added delay while open, longest", value=max(while_open), unit="ms", limit=0),
        Figure(name="added delay at an onset, median", value=median(at_onset), unit="ms", limit=50),
        Figure(name="... and longest", value=max(at_onset), unit="ms"),
        Figure(name="caller's speech lost", value=100 * len(lost) / len(spoken), unit="%"),
    ]


def _delays_ms(sounds: Sounds) -> dict[int, float]:
    """Return the delay of each frame that left, by its number."""
    manager = make_manager()
    manager.start_call("call", provider=GATED, now_ms=0.0)
    number_of = {id(frame): n for n, frame in enumerate(sounds.caller)}
    delays_ms: dict[int, float] = {}
    for n, frame in enumerate(sounds.caller):
        now_ms = float(FRAME_MS * n)
        out = [*manager.process("call", frame, now_ms).audio_for(frame)]
        out += manager.advance("call", now_ms).audio
        for chunk in out:
            if id(chunk) in number_of:
                delays_ms[number_of[id(chunk)]] = now_ms - FRAME_MS * number_of[id(chunk)]
    return delays_ms
