"""A provider that may answer a call, and what is made of it when its turn comes.

Invariant: a candidate costs nothing until it is asked.
"""

from __future__ import annotations

__all__ = ["Agent", "Candidate", "FallBackPolicy"]

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ..clock import Clock
from ..providers.base import Provider
from ..providers.call_control import CallControl
from ..providers.setup import DEFAULT_HOLD_MS


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent's side of a call, by one provider."""

    provider: Provider
    """Not yet started."""
    control: CallControl | None = None
    """What the agent wants done to the call; None if it may do nothing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider that takes over where those before it failed."""

    name: str
    """Instance name: the gate's policy goes by its kind."""
    make: Callable[[Clock], Agent]
    """Makes the agent; its provider asks the call's manager, and reads this clock only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FallBackPolicy:
    """When the next provider is tried, and what it gets of the time before."""

    after_s: float = 5.0
    """Time in s without a provider after which the next one is tried."""
    hold_ms: float = DEFAULT_HOLD_MS
    """Caller's audio in ms that the next one gets of that time, the newest."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False, compare=False)
    """Held while a provider is shown that time. Calls that share it do so one after the other: many
    that lose a provider at once would hold the loop for a slice each, and other calls' frames."""
