"""Simulated calls: an agent, its echo, a caller, a background, a line.

Invariant: the same bank, seed, profile and duration give the same samples.
"""

from __future__ import annotations

__all__ = ["Call", "SimulatedLine", "simulate_call", "simulate_line"]

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .backgrounds import make_background
from .bank import Bank
from .bursts import make_burst
from .device_gains import gain_control, noise_gate
from .echo_simulation import draw_echo_conditions, make_echo
from .line import apply_codec, apply_loss, limit_band
from .paths import make_room_path
from .profiles import Profile
from .signals import FRAME_SAMPLES, RATE_HZ, Audio, Rng, convolve, scale_to_dbfs
from .turns import Span, Timeline, draw_timeline

_LINE_NOISE_DBFS = (-80.0, -56.0)
_TAIL = RATE_HZ // 2
"""Longer than any path rings."""
_RINGING = 0.06 * RATE_HZ
"""Samples in which the ringing of a path falls to 1/e after the agent was stopped."""
_HOLE_S = (0.1, 0.6)
_MOST_HOLES = 3
_VOICES = ("tv", "babble")
"""Backgrounds of speech: 6 dB weaker than others, or nobody could tell who is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One simulated call."""

    capture: npt.NDArray[np.int16]
    """int16 [shape=(n,), mono, 8 kHz]."""
    far_end: npt.NDArray[np.int16]
    """int16 [shape=(n,)], what was sent in the slot of each capture sample."""
    agent_speaking: list[Span]
    """Without the tail."""
    caller_speech: list[Span]
    """Onset and end of each utterance."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The conditions drawn."""


def simulate_call(
    bank: Bank,
    seed: int,
    profile: Profile,
    *,
    duration_s: float = 28.0,
    responses: Sequence[Audio] | None = None,
) -> Call:
    """Simulate one call, in which the agent says all that it has to say.

    The arguments are those of :func:`simulate_line`.
    """
    line = simulate_line(bank, seed, profile, duration_s=duration_s, responses=responses)
    return line.render()


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedLine:
    """One call of which it is not yet settled when the agent is stopped."""

    far_end: Audio
    capture: Audio
    """All that the caller's side hears, before codec and loss."""
    echo: Audio
    """What of the capture is echo."""
    echo_delay_samples: int
    timeline: Timeline
    codec: str
    loss: float
    loss_mode: str
    loss_rng: Rng
    holes: Sequence[Span]
    """What never arrives, whatever the packet loss."""
    tags: Mapping[str, str]

    def render(self, cuts: Sequence[Span] = ()) -> Call:
        """Return the call.

        Args:
            cuts: What the agent did not come to say: from where it was stopped to the end of that
                turn. Up to the first, the call is the same as without it.
        """
        far_end, capture = self.far_end.copy(), self.capture.copy()
        agent_speaking = list(self.timeline.agent_speaking)
        for start, end in cuts:
            far_end[start:end] = 0.0
            heard = slice(start + self.echo_delay_samples, end + self.echo_delay_samples + _TAIL)
            unheard = self.echo[heard]
            ringing = np.exp(-np.arange(len(unheard)) / _RINGING)
            capture[heard] -= unheard * (1.0 - ringing)
            agent_speaking = [(a, start if b == end else b) for a, b in agent_speaking]
        capture = apply_codec(np.clip(capture, -1.0, 0.9999), self.codec)
        if self.loss:
            rng = deepcopy(self.loss_rng)
            capture = apply_loss(capture, rng, probability=self.loss, mode=self.loss_mode)
        for start, end in self.holes:
            capture[start:end] = 0.0
        return Call(
            capture=_to_pcm(capture),
            far_end=_to_pcm(far_end),
            agent_speaking=agent_speaking,
            caller_speech=sorted(self.timeline.caller_speech),
            tags=self.tags,
        )


def simulate_line(
    bank: Bank,
    seed: int,
    profile: Profile,
    *,
    duration_s: float = 28.0,
    responses: Sequence[Audio] | None = None,
) -> SimulatedLine:
    """Simulate one call.

    Args:
        bank: Clips to draw from, of the profile's split.
        seed: All of the call's chance.
        profile: Ranges to draw from.
        duration_s: Length of the call.
        responses: Measured echo paths (hybrids, rooms) to use beside the synthetic ones.

    Raises:
        ValueError: the bank lacks a kind of clip.
    """
    rng = np.random.default_rng(seed)
    line = draw_timeline(bank, rng, profile, duration_s)
    codec = str(rng.choice(profile.codecs))
    downlink = apply_codec(line.far_end * 10 ** (rng.uniform(-8, 8) / 20), codec)
    far_end = np.round(np.clip(downlink, -1, 0.9999) * 32768) / 32768
    heard, lead = _play_on_line(far_end, rng, profile, line)
    conditions = draw_echo_conditions(rng, profile.echo, len(responses or ()))
    echo = make_echo(heard, rng, conditions, responses or [])
    caller_dbfs = float(rng.uniform(*profile.caller_dbfs))
    caller = _colour_caller(rng, line.caller, conditions.path)
    spoken = scale_to_dbfs(caller, caller_dbfs) if line.caller_speech else caller * 0
    capture: Audio = np.asarray(spoken, np.float32) + echo
    kind, has_bursts = _add_background(bank, rng, profile, capture, line, caller_dbfs)
    loss = float(rng.choice(profile.losses))
    mode = str(rng.choice(("zeros", "repeat")))
    gain = _draw_device_gain(capture, rng, profile)
    tags = {
        "background": kind,
        "bursts": str(has_bursts).lower(),
        "codec": codec,
        "loss": f"{loss:g}",
        "caller_dbfs": f"{int(caller_dbfs // 5) * 5}",
        **conditions.tags(),
    }
    return SimulatedLine(
        far_end=far_end,
        capture=capture * gain,
        echo=echo * gain,
        echo_delay_samples=lead + int(conditions.delay_ms * RATE_HZ / 1000),
        timeline=line,
        codec=codec,
        loss=loss,
        loss_mode=mode,
        loss_rng=rng,
        holes=_draw_holes(len(capture), rng, profile),
        tags=tags,
    )


def _play_on_line(far_end: Audio, rng: Rng, profile: Profile, line: Timeline) -> tuple[Audio, int]:
    """Return what the caller's device gets of the far end, and by how many samples it is late.

    A line that is sent to ahead of what it plays makes the echo later by its lead. Cut off, it
    forgets what it has not played. ``far_end`` and the agent's turns are cut in place.
    """
    if profile.line_lead_ms == (0.0, 0.0) and not profile.clear_prob:
        return far_end, 0
    lead = int(rng.uniform(*profile.line_lead_ms) * RATE_HZ / 1000)
    heard = far_end.copy()
    for number, (start, end) in enumerate(line.agent_speaking):
        if rng.random() < profile.clear_prob:
            cleared = int(rng.uniform(start + 0.3 * (end - start), end))
            far_end[cleared:end] = 0.0
            heard[max(start, cleared - lead) : end] = 0.0
            line.agent_speaking[number] = (start, cleared)
    return np.concatenate([np.zeros(lead), heard])[: len(heard)], lead


def _colour_caller(rng: Rng, caller: Audio, path: str) -> Audio:
    """Give the caller a telephone, and often a room."""
    caller = limit_band(caller, rng)
    if rng.random() < (0.6 if path in ("room", "measured") else 0.15):
        room = make_room_path(rng)
        direct = int(np.argmax(np.abs(room)))
        room[:direct] = 0.0
        caller = 0.7 * caller + 0.5 * convolve(caller, np.roll(room, -direct))
    return caller


def _add_background(
    bank: Bank, rng: Rng, profile: Profile, capture: Audio, line: Timeline, caller_dbfs: float
) -> tuple[str, bool]:
    """Add line noise, a background and bursts to the capture, in place; return what was added."""
    length = len(capture)
    if not _happens(profile.silent_line_prob, rng):
        hiss = make_background(bank, rng, "steady", length, profile.split)
        capture += hiss * 10 ** (rng.uniform(*_LINE_NOISE_DBFS) / 20)
    kind = str(rng.choice(profile.backgrounds))
    snr_db = rng.uniform(*profile.background_snr_db) + (6.0 if kind in _VOICES else 0.0)
    background = make_background(bank, rng, kind, length, profile.split)
    if rng.random() < 0.3:  # starts or stops in mid-call
        edge = int(rng.integers(length))
        background[slice(0, edge) if rng.random() < 0.5 else slice(edge, length)] = 0.0
    capture += background * 10 ** ((caller_dbfs - snr_db) / 20)
    has_bursts = bool(rng.random() < profile.burst_prob)
    if has_bursts:
        for turn in line.agent_speaking:
            _add_bursts(bank, rng, profile.split, capture, turn, caller_dbfs)
    return kind, has_bursts


def _add_bursts(
    bank: Bank, rng: Rng, split: str, capture: Audio, turn: Span, caller_dbfs: float
) -> None:
    """Add one to three bursts to an agent turn, from 2 dB above the caller to 22 dB below."""
    for _ in range(int(rng.integers(1, 4))):
        burst = make_burst(bank, rng, split)
        burst = burst * 10 ** ((caller_dbfs - rng.uniform(-2, 22)) / 20)
        at = int(rng.integers(*turn))
        part = burst[: len(capture) - at]
        capture[at : at + len(part)] += part


def _happens(probability: float, rng: Rng) -> bool:
    """Say whether what a profile may leave out happens; left out, it draws nothing."""
    return bool(probability) and bool(rng.random() < probability)


def _draw_device_gain(capture: Audio, rng: Rng, profile: Profile) -> Audio:
    """Return the gain of the caller's device over the call, one factor a sample."""
    gain: Audio = np.ones(len(capture), np.float32)
    if _happens(profile.gain_control_prob, rng):
        gain = gain_control(capture, rng)
    if _happens(profile.noise_gate_prob, rng):
        gain = gain * noise_gate(np.asarray(capture * gain), rng)
    return gain


def _draw_holes(length: int, rng: Rng, profile: Profile) -> list[Span]:
    """Return the holes in the stream of a call."""
    if not _happens(profile.hole_prob, rng):
        return []
    holes = []
    room = max(1, length // FRAME_SAMPLES - int(_HOLE_S[1] * RATE_HZ) // FRAME_SAMPLES)
    for _ in range(int(rng.integers(1, _MOST_HOLES + 1))):
        start = int(rng.integers(room)) * FRAME_SAMPLES
        frames = int(rng.uniform(*_HOLE_S) * RATE_HZ) // FRAME_SAMPLES
        holes.append((start, start + frames * FRAME_SAMPLES))
    return holes


def _to_pcm(signal: Audio) -> npt.NDArray[np.int16]:
    return np.clip(np.round(signal * 32768), -32768, 32767).astype(np.int16)
