"""A caller who follows a script and listens: speaks, waits for the agent, breaks in.

Invariant: pure; one :meth:`ScriptedCaller.step` a 20 ms slot, and the same far end gives the same
caller.
"""

from __future__ import annotations

__all__ = ["Say", "ScriptedCaller", "Step", "WaitForAgent", "demo_script"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..core.audio import FRAME_MS, G711_RATE_HZ
from ..core.levels import rms
from ..core.units import ms_to_samples

_FRAME_SAMPLES = G711_RATE_HZ * FRAME_MS // 1000
_AGENT_RMS = 100.0
"""The agent is heard from this level on, RMS in int16 units."""
_AGENT_PAUSE_MS = 700
"""A pause of the agent shorter than this does not mean that the agent has finished: between the
sentences of the embedded agent's long answers lie up to 620 ms."""

Frame = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a sentence to its end."""

    line_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForAgent:
    """Keep still until the agent has talked, or been silent, for some time.

    Pauses between the agent's sentences count as talk, but the wait does not end in one.
    """

    talking: bool
    for_ms: int
    timeout_ms: int
    """Go on after so long in any case: people do not wait for ever."""


Step = Say | WaitForAgent


def demo_script() -> tuple[Step, ...]:
    """Return the call of ``make run``.

    The caller lets the agent greet, asks and interrupts a long answer late, asks again and
    interrupts that answer early, and at the end hears a long answer out.
    """
    begun = WaitForAgent(talking=True, for_ms=200, timeout_ms=4000)
    finished = WaitForAgent(talking=False, for_ms=900, timeout_ms=5500)
    return (
        begun,
        finished,
        Say("question"),
        WaitForAgent(talking=True, for_ms=15_000, timeout_ms=18_000),
        Say("interruption"),
        begun,
        finished,
        Say("card_question"),
        WaitForAgent(talking=True, for_ms=1800, timeout_ms=4000),
        Say("stop"),
        begun,
        finished,
        Say("thanks"),
        begun,
        WaitForAgent(talking=False, for_ms=900, timeout_ms=23_000),
    )


class ScriptedCaller:
    """Follows a script, slot by slot.

    Args:
        script: What to do, in order.
        sentences: int16 [shape=(n,), mono, 8 kHz] by the ids that the script names.

    Raises:
        KeyError: the script names a sentence that does not exist.
    """

    def __init__(self, script: Sequence[Step], sentences: Mapping[str, Frame]) -> None:
        self._script = tuple(script)
        self._audio = {
            step.line_id: _whole_frames(sentences[step.line_id])
            for step in script
            if isinstance(step, Say)
        }
        self._steps_done = 0
        self._step_ms = 0
        self._talking_ms = 0
        self._silent_ms: float = math.inf

    @property
    def is_done(self) -> bool:
        """The script has come to its end: time to hang up."""
        return self._steps_done == len(self._script)

    @property
    def done_ratio(self) -> float:
        """How much of the script is done, 0..1, by steps."""
        return self._steps_done / len(self._script) if self._script else 1.0

    @property
    def doing(self) -> str:
        """What the caller does now, in words."""
        step = self._step
        if isinstance(step, Say):
            return f"says: {step.line_id.replace('_', ' ')}"
        if isinstance(step, WaitForAgent):
            return "listens to the agent" if step.talking else "lets the agent finish"
        return "hangs up"

    def step(self, heard: Frame) -> Frame:
        """Live through one slot.

        Args:
            heard: What the line plays to the caller, int16 [shape=(160,)].

        Returns:
            What the caller says in this slot, int16 [shape=(160,)].
        """
        self._listen(heard)
        speech = np.zeros(_FRAME_SAMPLES, np.int16)
        step = self._step
        if isinstance(step, Say):
            start = ms_to_samples(self._step_ms, G711_RATE_HZ)
            speech = self._audio[step.line_id][start : start + _FRAME_SAMPLES]
        self._step_ms += FRAME_MS
        if step is not None and self._is_over(step):
            self._steps_done += 1
            self._step_ms = 0
        return speech

    @property
    def _step(self) -> Step | None:
        return None if self.is_done else self._script[self._steps_done]

    def _listen(self, heard: Frame) -> None:
        self._silent_ms = 0 if rms(heard) >= _AGENT_RMS else self._silent_ms + FRAME_MS
        is_talking = self._silent_ms < _AGENT_PAUSE_MS
        self._talking_ms = self._talking_ms + FRAME_MS if is_talking else 0

    def _is_over(self, step: Step) -> bool:
        if isinstance(step, Say):
            return ms_to_samples(self._step_ms, G711_RATE_HZ) >= len(self._audio[step.line_id])
        if step.talking:
            is_reached = self._silent_ms == 0 and self._talking_ms >= step.for_ms
        else:
            is_reached = self._silent_ms >= step.for_ms
        return is_reached or self._step_ms >= step.timeout_ms


def _whole_frames(audio: Frame) -> Frame:
    """Return the audio filled up with silence to whole frames, one at least."""
    n_frames = max(1, math.ceil(len(audio) / _FRAME_SAMPLES))
    return np.concatenate([audio, np.zeros(n_frames * _FRAME_SAMPLES - len(audio), np.int16)])
