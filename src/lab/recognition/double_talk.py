"""Double-talk with known words: the caller speaks up while the agent talks, and the agent stops.

Invariant: the same clips and the same seed give the same samples, whenever the agent stops.
"""

from __future__ import annotations

__all__ = ["DoubleTalk", "Interruption", "simulate_interruption"]

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..scenarios.backgrounds import coloured_noise, pick_clip
from ..scenarios.bank import Bank
from ..scenarios.call_simulation import SimulatedLine
from ..scenarios.echo_simulation import EchoRanges, draw_echo_conditions, make_echo
from ..scenarios.line import apply_codec, limit_band
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ, Audio, Rng, scale_to_dbfs
from ..scenarios.turns import Span, Timeline
from .spoken_clips import SpokenClip

_PATHS = ("hybrid", "handset", "room", "room")
_CODECS = ("mulaw", "mulaw", "alaw")
_MAXIMUM_DELAY_MS = 560.0
_AGENT_DBFS = (-26.0, -16.0)
_CALLER_DBFS = (-28.0, -16.0)
_LINE_NOISE_DBFS = (-75.0, -56.0)
_LEAD_S = (1.0, 8.0)
"""How long the agent has talked when the caller speaks up."""
_AFTER_S = 1.2
"""What the call goes on for after the caller's last word."""
_ENOUGH_S = 2.4
"""Clips are said one after the other until they last so long."""
_PAUSE_S = (0.05, 0.2)
"""Between two clips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleTalk:
    """An interruption as it was captured."""

    capture: npt.NDArray[np.int16]
    """int16 [shape=(n,), mono, 8 kHz]."""
    far_end: npt.NDArray[np.int16]
    """int16 [shape=(n,)], what was sent in the slot of each sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """The caller speaks up while the agent talks."""

    line: SimulatedLine
    words: tuple[str, ...]
    """What the caller says."""
    speech: Span
    """From the first word to the end of the last."""
    agent_end: int
    """Where the agent would have ended."""

    def stopped_after(self, stop_ms: float | None) -> DoubleTalk:
        """Return the call in which the agent stops so long after the onset; None: never."""
        cuts: list[Span] = []
        if stop_ms is not None:
            stop = self.speech[0] + int(stop_ms * RATE_HZ / 1000)
            stop += -stop % FRAME_SAMPLES
            if stop < self.agent_end:
                cuts = [(stop, self.agent_end)]
        call = self.line.render(cuts)
        return DoubleTalk(capture=call.capture, far_end=call.far_end)

    def without_echo(self) -> DoubleTalk:
        """Return the call as if the agent had been silent: what no echo canceller can surpass."""
        line = self.line
        silent = replace(
            line,
            capture=line.capture - line.echo,
            echo=np.zeros_like(line.echo),
            far_end=np.zeros_like(line.far_end),
        )
        call = silent.render()
        return DoubleTalk(capture=call.capture, far_end=call.far_end)


def simulate_interruption(
    bank: Bank, split: str, spoken: Sequence[SpokenClip], *, seed: int, erl_db: float
) -> Interruption:
    """Simulate one interruption on a line with an echo of a given return loss.

    Args:
        bank: Speech of the agent.
        split: Of the bank.
        spoken: What the caller may say.
        seed: Of all chance.
        erl_db: Echo return loss over the call.
    """
    rng = np.random.default_rng(seed)
    words, speech = _say(spoken, rng)
    onset = int(rng.uniform(*_LEAD_S) * RATE_HZ)
    length = onset + len(speech) + int(_AFTER_S * RATE_HZ)
    length += -length % FRAME_SAMPLES
    codec = str(rng.choice(_CODECS))
    agent = scale_to_dbfs(_talk(bank, split, rng, length), float(rng.uniform(*_AGENT_DBFS)))
    far_end = apply_codec(np.clip(agent, -1.0, 0.9999), codec)
    ranges = EchoRanges(
        paths=_PATHS,
        minimum_erl_db=erl_db,
        maximum_erl_db=erl_db,
        maximum_delay_ms=_MAXIMUM_DELAY_MS,
    )
    conditions = draw_echo_conditions(rng, ranges, 0)
    echo = make_echo(far_end, rng, conditions, [])
    caller: Audio = np.zeros(length, np.float32)
    caller[onset : onset + len(speech)] = speech
    caller = scale_to_dbfs(limit_band(caller, rng), float(rng.uniform(*_CALLER_DBFS)))
    noise = scale_to_dbfs(coloured_noise(rng, length), float(rng.uniform(*_LINE_NOISE_DBFS)))
    span = (onset, onset + len(speech))
    line = SimulatedLine(
        far_end=far_end,
        capture=caller + echo + noise,
        echo=echo,
        echo_delay_samples=int(conditions.delay_ms * RATE_HZ / 1000),
        timeline=Timeline(far_end, caller, [(0, length)], [span]),
        codec=codec,
        loss=0.0,
        loss_mode="zeros",
        loss_rng=rng,
        holes=(),
        tags={"codec": codec, **conditions.tags()},
    )
    return Interruption(line=line, words=words, speech=span, agent_end=length)


def _say(spoken: Sequence[SpokenClip], rng: Rng) -> tuple[tuple[str, ...], Audio]:
    """Return words of one speaker and their sound, with short pauses between clips."""
    speakers = sorted({clip.speaker for clip in spoken})
    speaker = speakers[int(rng.integers(len(speakers)))]
    clips = [clip for clip in spoken if clip.speaker == speaker]
    words: list[str] = []
    parts: list[Audio] = []
    while sum(map(len, parts)) < _ENOUGH_S * RATE_HZ:
        clip = clips[int(rng.integers(len(clips)))]
        words += clip.words
        parts += [
            scale_to_dbfs(_trimmed(clip.audio), -20.0),
            np.zeros(int(rng.uniform(*_PAUSE_S) * RATE_HZ)),
        ]
    return tuple(words), np.concatenate(parts[:-1]).astype(np.float32)


def _trimmed(audio: Audio) -> Audio:
    """Return a clip without the silence at both ends, 40 dB below its peak."""
    loud = np.flatnonzero(np.abs(audio) > 0.01 * np.max(np.abs(audio)))
    return audio[loud[0] : loud[-1] + 1]


def _talk(bank: Bank, split: str, rng: Rng, length: int) -> Audio:
    """Return speech of one agent, with short pauses."""
    clip = pick_clip(bank, rng, "speech", split)
    clips = bank.spoken_by(f"{clip.source}/{clip.speaker}", split)
    out: Audio = np.zeros(length, np.float32)
    at = 0
    while at < length:
        words = bank.audio(clips[int(rng.integers(len(clips)))])
        words = scale_to_dbfs(words, -20.0)[: length - at]
        out[at : at + len(words)] = words
        at += len(words) + int(rng.uniform(*_PAUSE_S) * RATE_HZ)
    return out
