"""Who speaks when on a simulated call: agent turns, barge-ins and answers, as clean tracks.

Invariant: the marks of the caller's speech come from the clean clips alone.
"""

from __future__ import annotations

__all__ = ["TAIL_SAMPLES", "Span", "Timeline", "draw_timeline", "mark_speech"]

from dataclasses import dataclass

import numpy as np

from .backgrounds import pick_clip
from .bank import Bank
from .profiles import Profile
from .signals import FRAME_SAMPLES, RATE_HZ, Audio, Rng, scale_to_dbfs

Span = tuple[int, int]
"""Samples [start, end)."""

TAIL_SAMPLES = 5600
"""700 ms after the last far-end frame in which the agent counts as audible still."""
_ACTIVE_BELOW_DB = 20.0
"""Caller frames within 20 dB of the utterance's active level are speech; the first is the onset."""
_CLOSE_FRAMES = 12
"""Pauses of up to 240 ms belong to the utterance."""
_SHORTEST_FRAMES = 3
_LEVEL_DBFS = -20.0
"""Of every utterance, before the call's own levels."""


@dataclass(slots=True)
class Timeline:
    """Clean tracks of one call."""

    far_end: Audio
    """float32 [shape=(n,)]."""
    caller: Audio
    """float32 [shape=(n,)]."""
    agent_speaking: list[Span]
    """Without the tail."""
    caller_speech: list[Span]


def mark_speech(audio: Audio, offset: int) -> list[Span]:
    """Return the utterances in a clean clip that begins at sample ``offset`` of a call."""
    count = len(audio) // FRAME_SAMPLES
    if count == 0:
        return []
    frames = audio[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
    power = np.mean(frames**2, axis=1) + 1e-12
    loud = power[power > power.max() * 10**-2.5]
    active = np.flatnonzero(power > np.mean(loud) * 10 ** (-_ACTIVE_BELOW_DB / 10))
    if len(active) == 0:
        return []
    groups = np.split(active, np.flatnonzero(np.diff(active) > _CLOSE_FRAMES) + 1)
    spans = [(int(g[0]), int(g[-1]) + 1) for g in groups if len(g) >= _SHORTEST_FRAMES]
    return [(offset + a * FRAME_SAMPLES, offset + b * FRAME_SAMPLES) for a, b in spans]


def draw_timeline(bank: Bank, rng: Rng, profile: Profile, duration_s: float) -> Timeline:
    """Place agent turns of 1.5 to 8.5 s, interrupted, answered or neither."""
    return _TimelineMaker(bank, rng, profile, duration_s).make()


class _TimelineMaker:
    """Draws one timeline."""

    def __init__(self, bank: Bank, rng: Rng, profile: Profile, duration_s: float) -> None:
        self._bank, self._rng, self._profile = bank, rng, profile
        self._length = int(duration_s * RATE_HZ) // FRAME_SAMPLES * FRAME_SAMPLES
        self._agent, self._caller = self._draw_speaker(), self._draw_speaker()
        # Voices are resampled: pitch and formants move together.
        self._agent_rate, self._caller_rate = rng.uniform(0.87, 1.15), rng.uniform(0.84, 1.2)
        silence = np.zeros(self._length, np.float32)
        self._line = Timeline(silence, silence.copy(), [], [])

    def make(self) -> Timeline:
        at = self._samples(0.1, 1.5)
        while at < self._length - 2 * RATE_HZ:
            at = self._add_turn(at) + self._samples(0.2, 1.5)
        return self._line

    def _add_turn(self, at: int) -> int:
        """Add an agent turn and what the caller makes of it; return where both have ended."""
        spoken = self._add_agent(at)
        free = spoken + TAIL_SAMPLES
        if self._rng.random() < self._profile.barge_in_prob:
            onset = int(self._rng.uniform(at + 0.1 * RATE_HZ, spoken + 0.2 * RATE_HZ))
            end = self._add_caller(onset, float(self._rng.uniform(0.4, 3.5)))
            return max(free, end + int(0.3 * RATE_HZ))
        if self._rng.random() < 0.4:
            return self._add_answer(free + self._samples(0.0, 1.0))
        return free

    def _add_answer(self, at: int) -> int:
        """Let the caller answer from ``at`` on; return when the agent takes the turn."""
        end = self._add_caller(at, 2.5)
        if self._profile.talk_over_prob and self._rng.random() < self._profile.talk_over_prob:
            # The pause between turns is added to this.
            return max(at, int(self._rng.uniform(at, end)) - int(0.5 * RATE_HZ))
        return end + int(0.3 * RATE_HZ)

    def _add_agent(self, at: int) -> int:
        """Let the agent speak from ``at`` on; return where its turn ends."""
        end = min(self._length - RATE_HZ, at + self._samples(1.5, 8.5))
        position = spoken = at
        while position < end:
            words = self._utterance(self._agent, self._agent_rate, 8.0)[: end - position]
            self._line.far_end[position : position + len(words)] = words
            spoken = position + len(words)
            position = spoken + self._samples(0.05, 0.5)
        self._line.agent_speaking.append((at, spoken))
        return spoken

    def _add_caller(self, at: int, longest_s: float) -> int:
        """Let the caller speak once; return where it ends."""
        words = self._utterance(self._caller, self._caller_rate, longest_s)
        words = words[: max(0, self._length - at)]
        self._line.caller[at : at + len(words)] += words
        self._line.caller_speech.extend(mark_speech(words, at))
        return at + len(words)

    def _utterance(self, speaker: str, rate: float, longest_s: float) -> Audio:
        rng = self._rng
        clips = self._bank.spoken_by(speaker, self._profile.split)
        audio = self._bank.audio(clips[int(rng.integers(len(clips)))])
        longest = int(longest_s * RATE_HZ)
        if len(audio) > longest:
            start = int(rng.integers(len(audio) - longest)) if rng.random() < 0.5 else 0
            audio = audio[start : start + longest]
        places = np.arange(0, len(audio) - 1, rate)
        audio = np.interp(places, np.arange(len(audio)), audio)
        fade = min(80, len(audio) // 4)
        audio[:fade] *= np.linspace(0, 1, fade)
        audio[-fade:] *= np.linspace(1, 0, fade)
        return scale_to_dbfs(audio.astype(np.float32), _LEVEL_DBFS)

    def _draw_speaker(self) -> str:
        clip = pick_clip(self._bank, self._rng, "speech", self._profile.split)
        return f"{clip.source}/{clip.speaker}"

    def _samples(self, low_s: float, high_s: float) -> int:
        return int(self._rng.uniform(low_s, high_s) * RATE_HZ)
