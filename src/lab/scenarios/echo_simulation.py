"""How the far end comes back: path, level, delay, and what changes in mid-call.

Invariant: the echo is causal, and its level relative to the far end is the return loss drawn.
"""

from __future__ import annotations

__all__ = ["ECHO_PATHS", "EchoConditions", "EchoRanges", "draw_echo_conditions", "make_echo"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .line import apply_loss
from .paths import distort, make_handset_path, make_hybrid_path, make_room_path
from .signals import RATE_HZ, Audio, Rng, convolve

ECHO_PATHS = ("none", "hybrid", "handset", "room", "measured")
"""Kinds of echo path; measured takes a room response from a recording."""
_ACOUSTIC = ("room", "measured")

_USUAL_ERL_DB: Mapping[str, tuple[float, float]] = {"hybrid": (6.0, 36.0), "handset": (10.0, 40.0)}
_ROOM_ERL_MAX_DB = 30.0
_USUAL_DISTORTED_PROB: Mapping[bool, float] = {True: 0.5, False: 0.08}
"""Of acoustic paths, and of others."""
_DOWNLINK_LOSS_PROB = 0.25
"""Calls in which the far end itself loses packets on its way to the caller."""
_SUPPRESSION_DB = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoRanges:
    """What the conditions of a call's echo are drawn from."""

    paths: tuple[str, ...] | None = None
    """Of :data:`ECHO_PATHS`, as often as named; the usual mix if None."""
    minimum_erl_db: float = -10.0
    maximum_erl_db: float | None = None
    """None: what is usual for the path. Otherwise both bounds hold for every path."""
    minimum_delay_ms: float = 20.0
    maximum_delay_ms: float = 700.0
    distorted_prob: float | None = None
    """Of an overdriven loudspeaker; what is usual for the path if None."""
    moving_prob: float = 0.3
    """Of an acoustic path that changes."""
    delay_jump_prob: float = 0.12
    drift_prob: float = 0.15
    drift_ppm: float = 60.0
    """Standard deviation of the clock drift."""
    processed_prob: float = 0.2
    """Of an acoustic path behind a suppressor or level control of the caller's device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoConditions:
    """What was drawn for one call."""

    path: str
    """One of :data:`ECHO_PATHS`."""
    erl_db: float
    """Echo return loss over the whole call: positive when the echo is weaker."""
    delay_ms: float
    is_distorted: bool
    is_moving: bool
    has_delay_jump: bool
    drift_ppm: float
    is_processed: bool
    """The caller's device suppresses or levels the echo itself, in its own way."""

    def tags(self) -> dict[str, str]:
        """Return the conditions as tags."""
        return {
            "path": self.path,
            "erl_db": "none" if self.path == "none" else f"{int(self.erl_db // 6) * 6}",
            "delay_ms": f"{int(self.delay_ms // 140) * 140}",
            "distorted": str(self.is_distorted).lower(),
            "moving": str(self.is_moving).lower(),
            "delay_jump": str(self.has_delay_jump).lower(),
            "drift": str(self.drift_ppm != 0.0).lower(),
            "device_processing": str(self.is_processed).lower(),
        }


def draw_echo_conditions(rng: Rng, ranges: EchoRanges, measured_count: int) -> EchoConditions:
    """Draw the conditions of one call.

    Args:
        rng: Decides.
        ranges: What to draw from.
        measured_count: Measured responses there are; without any, the usual mix has no measured
            path.
    """
    path = str(rng.choice(ranges.paths or _usual_paths(measured_count)))
    is_acoustic = path in _ACOUSTIC
    distorted_prob = ranges.distorted_prob
    if distorted_prob is None:
        distorted_prob = _USUAL_DISTORTED_PROB[is_acoustic]
    return EchoConditions(
        path=path,
        erl_db=float(rng.uniform(*_erl_range_db(ranges, path))),
        delay_ms=float(rng.uniform(ranges.minimum_delay_ms, ranges.maximum_delay_ms)),
        is_distorted=bool(rng.random() < distorted_prob),
        is_moving=bool(is_acoustic and rng.random() < ranges.moving_prob),
        has_delay_jump=bool(rng.random() < ranges.delay_jump_prob),
        drift_ppm=float(rng.normal() * ranges.drift_ppm * (rng.random() < ranges.drift_prob)),
        is_processed=bool(is_acoustic and rng.random() < ranges.processed_prob),
    )


def _usual_paths(measured_count: int) -> list[str]:
    measured = ["measured"] * 2 if measured_count else []
    return ["none", "hybrid", "handset", "room", "room", *measured]


def _erl_range_db(ranges: EchoRanges, path: str) -> tuple[float, float]:
    if ranges.maximum_erl_db is not None:
        return ranges.minimum_erl_db, ranges.maximum_erl_db
    low_db, high_db = _USUAL_ERL_DB.get(path, (ranges.minimum_erl_db, _ROOM_ERL_MAX_DB))
    return max(low_db, ranges.minimum_erl_db), high_db


def make_echo(
    far_end: Audio, rng: Rng, conditions: EchoConditions, measured: Sequence[Audio]
) -> Audio:
    """Return the echo of the far end in the capture.

    Args:
        far_end: float [shape=(n,)], what the caller's device gets to play.
        rng: Decides what the conditions leave open.
        conditions: Of the call.
        measured: Responses to pick from for the path ``measured``.

    Returns:
        float32 [shape=(n,)].
    """
    if conditions.path == "none":
        return np.zeros(len(far_end), np.float32)
    loud = np.asarray(far_end, np.float32)
    if rng.random() < _DOWNLINK_LOSS_PROB:
        probability = float(rng.choice((0.005, 0.02)))
        loud = apply_loss(loud, rng, probability=probability, mode="repeat")
    if conditions.is_distorted:
        loud, _ = distort(loud, rng)
    echo = _respond(loud, rng, conditions, measured)
    delayed = _delay_and_drift(echo, rng, conditions)
    if conditions.is_processed:
        delayed = _suppress(delayed, rng)
    return _set_return_loss(delayed, far_end, conditions.erl_db)


def _delay_and_drift(echo: Audio, rng: Rng, conditions: EchoConditions) -> Audio:
    samples = int(conditions.delay_ms * RATE_HZ / 1000)
    if conditions.drift_ppm:
        clock = np.arange(len(echo)) * (1.0 + conditions.drift_ppm * 1e-6)
        # A fast clock reads ahead: without a delay of as much there would be echo before its cause.
        samples = max(samples, int(np.ceil(clock[-1])) - len(echo) + 1)
        echo = np.interp(clock, np.arange(len(echo)), echo).astype(np.float32)
    delayed = _delay(echo, samples)
    if conditions.has_delay_jump:
        jump = int(rng.uniform(-0.5, 1.0) * 0.2 * RATE_HZ)
        edge = int(rng.uniform(0.2, 0.9) * len(echo))
        delayed[edge:] = _delay(echo, max(80, samples + jump))[edge:]
    return delayed


def _respond(loud: Audio, rng: Rng, conditions: EchoConditions, measured: Sequence[Audio]) -> Audio:
    """Pass the loudspeaker's signal through the path, moving or not."""
    first = _draw_path(rng, conditions.path, measured)
    if not conditions.is_moving:
        return convolve(loud, first)
    amount = rng.uniform(0.2, 1.0)
    other = _draw_path(rng, conditions.path, measured)
    second: Audio = np.zeros(max(len(first), len(other)), np.float32)
    second[: len(first)] += (1 - amount) * first
    second[: len(other)] += amount * other
    second *= np.linalg.norm(first) / (np.linalg.norm(second) + 1e-9)
    t_s = np.arange(len(loud)) / RATE_HZ
    mix = 0.5 + 0.5 * np.sin(2 * np.pi * t_s / rng.uniform(2, 12) + rng.uniform(0, 6.3))
    if rng.random() < 0.4:
        mix = (t_s > rng.uniform(2, 20)).astype(float)
    moved = (1 - mix) * convolve(loud, first) + mix * convolve(loud, second)
    return np.asarray(moved, np.float32)


def _draw_path(rng: Rng, path: str, measured: Sequence[Audio]) -> Audio:
    if path == "measured":
        return measured[int(rng.integers(len(measured)))]
    return _MAKERS[path](rng)


_MAKERS: Mapping[str, Callable[[Rng], Audio]] = {
    "hybrid": make_hybrid_path,
    "handset": make_handset_path,
    "room": make_room_path,
}


def _delay(signal: Audio, samples: int) -> Audio:
    out = np.zeros_like(signal)
    out[samples:] = signal[: len(signal) - samples]
    return out


def _suppress(echo: Audio, rng: Rng) -> Audio:
    """Imitate a device's suppressor or level control: a gain that wanders over 25 dB."""
    knots = np.arange(0, len(echo), int(rng.uniform(0.04, 0.5) * RATE_HZ))
    gains_db = rng.uniform(-_SUPPRESSION_DB, 0, size=len(knots))
    gains_db = gains_db * (rng.random(len(knots)) < rng.uniform(0.2, 0.9))
    gain = 10 ** (np.interp(np.arange(len(echo)), knots, gains_db) / 20)
    return np.asarray(echo * gain, np.float32)


def _set_return_loss(echo: Audio, far_end: Audio, erl_db: float) -> Audio:
    power = float(np.mean(echo**2))
    if power <= 0.0:
        return echo
    target = float(np.mean(far_end**2)) * 10 ** (-erl_db / 10)
    return np.asarray(echo * np.sqrt(target / power), np.float32)
