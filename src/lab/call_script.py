"""A caller who follows a script and listens: speaks, waits for the agent, breaks in.

Invariant: pure; one :meth:`ScriptedCaller.step` a 20 ms slot, and the same far end gives the same
caller.
"""

from __future__ import annotations

__all__ = ["MakeNoise", "Say", "ScriptedCaller", "Step", "WaitForAgent", "demo_script"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..core.audio import FRAME_MS, G711_RATE_HZ
from ..core.levels import rms
from ..core.units import dbfs_to_rms, ms_to_samples

_FRAME_SAMPLES = G711_RATE_HZ * FRAME_MS // 1000
_AGENT_RMS = 100.0
"""The agent is heard from this level on, RMS in int16 units."""
_AGENT_PAUSE_MS = 400
"""A pause of the agent up to this length does not mean that the agent has finished."""

Frame = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a sentence to its end."""

    line_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForAgent:
    """Keep still until the agent has talked, or been silent, for some time."""

    talking: bool
    for_ms: int
    timeout_ms: int
    """Go on after so long in any case: people do not wait for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeNoise:
    """Keep still while the line hisses and clicks."""

    duration_ms: int
    level_dbfs: float


Step = Say | WaitForAgent | MakeNoise


def demo_script() -> tuple[Step, ...]:
    """Return the call of ``make run``: greeting, question, long answer interrupted, noisy pause."""
    finished = WaitForAgent(talking=False, for_ms=900, timeout_ms=9000)
    return (
        WaitForAgent(talking=True, for_ms=500, timeout_ms=5000),
        finished,
        Say("question"),
        WaitForAgent(talking=True, for_ms=4600, timeout_ms=8000),
        Say("interruption"),
        WaitForAgent(talking=True, for_ms=500, timeout_ms=4000),
        finished,
        Say("card_question"),
        WaitForAgent(talking=True, for_ms=500, timeout_ms=4000),
        finished,
        MakeNoise(duration_ms=6000, level_dbfs=-35.0),
        Say("thanks"),
        WaitForAgent(talking=True, for_ms=1500, timeout_ms=4000),
    )


class ScriptedCaller:
    """Follows a script, slot by slot.

    Args:
        script: What to do, in order.
        sentences: int16 [shape=(n,), mono, 8 kHz] by the ids that the script names.
        seed: Of the noise.

    Raises:
        KeyError: the script names a sentence that does not exist.
    """

    def __init__(
        self, script: Sequence[Step], sentences: Mapping[str, Frame], *, seed: int = 0
    ) -> None:
        self._steps = list(script)
        self._audio = {
            step.line_id: _whole_frames(sentences[step.line_id])
            for step in script
            if isinstance(step, Say)
        }
        self._generator = np.random.default_rng(seed)
        self._step_ms = 0
        self._talking_ms = 0
        self._silent_ms = 0

    @property
    def is_done(self) -> bool:
        """The script has come to its end: time to hang up."""
        return not self._steps

    @property
    def doing(self) -> str:
        """What the caller does now, in words."""
        step = self._steps[0] if self._steps else None
        if isinstance(step, Say):
            return f"says “{step.line_id.replace('_', ' ')}”"
        if isinstance(step, MakeNoise):
            return "is silent on a noisy line"
        if isinstance(step, WaitForAgent):
            return "listens to the agent" if step.talking else "lets the agent finish"
        return "hangs up"

    def step(self, heard: Frame) -> tuple[Frame, Frame]:
        """Live through one slot.

        Args:
            heard: What the line plays to the caller, int16 [shape=(160,)].

        Returns:
            The caller's speech and the line's noise in this slot, each int16 [shape=(160,)].
        """
        self._listen(heard)
        speech = noise = np.zeros(_FRAME_SAMPLES, np.int16)
        step = self._steps[0] if self._steps else None
        if isinstance(step, Say):
            start = ms_to_samples(self._step_ms, G711_RATE_HZ)
            speech = self._audio[step.line_id][start : start + _FRAME_SAMPLES]
        elif isinstance(step, MakeNoise):
            noise = self._noise(step)
        self._step_ms += FRAME_MS
        if step is not None and self._is_over(step):
            self._steps.pop(0)
            self._step_ms = 0
        return speech, noise

    def _listen(self, heard: Frame) -> None:
        if rms(heard) >= _AGENT_RMS:
            self._silent_ms = 0
        else:
            self._silent_ms += FRAME_MS
        is_talking = self._silent_ms < _AGENT_PAUSE_MS
        self._talking_ms = self._talking_ms + FRAME_MS if is_talking else 0

    def _is_over(self, step: Step) -> bool:
        if isinstance(step, Say):
            return ms_to_samples(self._step_ms, G711_RATE_HZ) >= len(self._audio[step.line_id])
        if isinstance(step, MakeNoise):
            return self._step_ms >= step.duration_ms
        waited_ms = self._talking_ms if step.talking else self._silent_ms
        return waited_ms >= step.for_ms or self._step_ms >= step.timeout_ms

    def _noise(self, step: MakeNoise) -> Frame:
        """Return a frame of hiss, with a click of 20 ms and 20 dB more every second."""
        is_click = self._step_ms % 1000 == 500
        level = dbfs_to_rms(step.level_dbfs + (20.0 if is_click else 0.0))
        wave = self._generator.standard_normal(_FRAME_SAMPLES) * level
        return np.clip(wave, -32768, 32767).astype(np.int16)


def _whole_frames(audio: Frame) -> Frame:
    missing = -len(audio) % _FRAME_SAMPLES
    return np.concatenate([audio, np.zeros(missing, np.int16)])
