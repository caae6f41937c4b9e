"""What a load run is asked to do."""

from __future__ import annotations

__all__ = ["LoadPlan"]

from dataclasses import dataclass
from pathlib import Path

_LEAST_S = 2.0
"""Of which the last second is not counted: its frames may be on their way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """One run."""

    steps: tuple[int, ...] = (10,)
    """Calls at a time, one step after the other; the calls of a step stay for the next."""
    seconds: float = 20.0
    """Measured at each step."""
    warm_up_s: float = 5.0
    """Between the last call placed and the measurement."""
    stops_at_limit: bool = False
    """Whether a step at which the engine is over its limit is the last."""
    line: str = "audiosocket"
    """``audiosocket`` or ``twilio``."""
    path: str = "/twilio"
    """Of the engine's WebSocket."""
    corpus: Path | None = None
    erl_db: float | None = 20.0
    """Echo return loss of the callers' telephones; None: no echo."""
    echo_delay_ms: int = 160
    """From the playout of a frame at the telephone to its echo, in ms; a multiple of 20."""
    interrupting_ratio: float = 0.4
    """Share of answers that callers break into, 0..1."""
    server: str = "light"
    """``light`` or ``embedded``."""
    server_port: int = 0
    speed_ratio: float = 8.0
    """Of answers against real time."""
    load_core: int | None = None
    """The only core that callers and server run on."""
    pause_ms: float = 40.0
    """Between two calls that are placed."""

    def __post_init__(self) -> None:
        if not self.steps or min(self.steps) < 1:
            raise ValueError(f"steps: {self.steps} are not 1 or more, one at least")
        if self.echo_delay_ms < 0 or self.echo_delay_ms % 20:
            raise ValueError(f"echo_delay_ms: {self.echo_delay_ms} is not a multiple of 20")
        if self.seconds < _LEAST_S:
            raise ValueError(f"seconds: {self.seconds} is below {_LEAST_S}")
