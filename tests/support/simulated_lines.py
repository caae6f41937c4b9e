"""Simulated lines made by hand, of which it is known what every sample is."""

from __future__ import annotations

__all__ = ["simulated_line"]

import numpy as np

from voxgate.lab.scenarios.call_simulation import SimulatedLine
from voxgate.lab.scenarios.turns import Span, Timeline


def simulated_line(
    turns: list[Span],
    *,
    seconds: float = 6.0,
    delay_samples: int = 800,
    gain: float = 0.1,
    codec: str = "linear",
    loss: float = 0.0,
    tags: dict[str, str] | None = None,
) -> SimulatedLine:
    """Return a call with agent turns of noise, an echo that is a delay, and a caller of noise.

    Args:
        turns: Of the agent, in samples.
        seconds: Length of the call.
        delay_samples: Of the echo.
        gain: Of the echo.
        codec: Of the line.
        loss: Share of the packets that is lost.
        tags: Of the call.
    """
    rng = np.random.default_rng(11)
    count = int(seconds * 8000)
    far_end, echo = np.zeros(count, np.float32), np.zeros(count, np.float32)
    for start, end in turns:
        far_end[start:end] = rng.uniform(-0.3, 0.3, end - start)
    far_end = np.round(far_end * 32768) / np.float32(32768)
    echo[delay_samples:] = gain * far_end[: count - delay_samples]
    caller = rng.uniform(-0.01, 0.01, count).astype(np.float32)
    return SimulatedLine(
        far_end=far_end,
        capture=caller + echo,
        echo=echo,
        echo_delay_samples=delay_samples,
        timeline=Timeline(far_end, caller, list(turns), []),
        codec=codec,
        loss=loss,
        loss_mode="repeat",
        loss_rng=np.random.default_rng(3),
        holes=(),
        tags=tags or {},
    )
