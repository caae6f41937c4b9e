"""What the engine tells those who watch calls: logs, metrics, traces, the tools that measure.

Invariant: observers are told, never asked; one that raises is logged once, told nothing
more, and changes nothing on the line.
"""

from __future__ import annotations

__all__ = ["CallEnded", "CallObserver", "CallStarted", "Observers", "ProviderSwitched"]

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from .core.audio import AudioFormat
from .core.call_stats import CallStats
from .core.gate_decision import GateDecision, GateEvent
from .core.playout import PlayoutFrame
from .errors import ProviderError
from .providers.base import ProviderEvent, TokenUsage
from .transports.base import LineAudio, LineEvent

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted:
    """A line was accepted."""

    call_id: str
    """As in every event of the call, and in the log."""
    provider: str
    """Instance name of the provider."""
    line: str = ""
    """Kind of line, by its name under ``lines``; empty where nobody says."""
    started_ms: float
    """When, on the engine's clock, in ms."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the line's peer said of the call; personal data, never logged."""
    route: int | None = None
    """Position of the route that it took, from 0; None where none fitted."""
    capture_format: AudioFormat = AudioFormat()
    """Format of the audio that the line delivers."""
    playout_format: AudioFormat = AudioFormat()
    """Format of what the line plays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSwitched:
    """A provider has failed, and another one takes over the call; it is not yet reached."""

    call_id: str
    """As in :class:`CallStarted`."""
    now_ms: float
    """When, on the engine's clock, in ms."""
    previous: str
    """Instance name of the one that failed."""
    provider: str
    """Instance name of the one that takes over."""
    error: ProviderError
    """Why the other failed."""
    was_ready: bool
    """It was lost in mid-call; else it could not be reached."""
    held_frames: int
    """Frames of the caller from the time without a provider that the next one was given."""
    dropped_frames: int
    """Frames of that time that no provider will hear, as more came than the bound allows."""
    gate: CallStats | None = None
    """The gate's counters until then, over all providers that failed; None if none was gated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """A call is over: its summary."""

    call_id: str
    """As in :class:`CallStarted`."""
    provider: str
    """Instance name of the provider that answered, or was tried last."""
    predecessors: tuple[str, ...] = ()
    """Instance names of those that failed before it, in order."""
    reason: str
    """``caller_hangup``, ``local_hangup``, ``agent_hangup``, ``protocol_error``,
    ``transport_error``, ``provider_ended`` (in good order), ``provider_lost``,
    ``provider_unreachable``, ``drained`` or ``internal_error``."""
    detail: str = ""
    """What the line or the provider's error adds to that; the class of an internal error."""
    duration_ms: float
    """From the line's acceptance to the end of the call, without the time that closing took."""
    gate: CallStats | None
    """The gate's counters, over all providers; None if none of them is gated."""
    playout_underruns: int
    """Times that the agent's audio ran out in the middle of an answer."""
    skipped_slots: int
    """Slots of 20 ms in which nothing could be sent in time."""
    usage: TokenUsage | None = None
    """Tokens that all answers took; None where the provider counts none."""
    playout_dropped_ms: float = 0.0
    """Audio of the agent that was left out, as too much of it waited to be played, in ms."""
    line_counts: Mapping[str, int] = field(default_factory=dict)
    """What the line counted by itself, such as ``dropped_sent_frames``; what is 0 is left out."""
    provider_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """What providers counted by themselves, by instance name, likewise."""


class CallObserver:
    """Watches calls; override what is of interest. Called in the engine's loop: be quick."""

    hears_line_audio: bool = True
    """Whether :meth:`on_line_event` is called with audio too, 50 times a second of a call."""

    def on_call_started(self, event: CallStarted) -> None:
        """A line was accepted."""

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:
        """The line said something; audio included."""

    def on_decision(
        self, call_id: str, now_ms: float, frame: bytes | None, decision: GateDecision
    ) -> None:
        """The gate decided about a captured frame, or (frame None) about time that passed."""

    def on_frame_processed(self, call_id: str, duration_ms: float) -> None:
        """What the line delivered at a time was judged and given to the provider, in so long."""

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:
        """Something happened at the gate."""

    def on_playout(self, call_id: str, now_ms: float, frame: PlayoutFrame) -> None:
        """What the line plays in a 20 ms slot."""

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        """The provider said something; audio included."""

    def on_provider_switched(self, event: ProviderSwitched) -> None:
        """A provider has failed, and another one takes over."""

    def on_call_ended(self, event: CallEnded) -> None:
        """The call is over."""


_Told = tuple[tuple[CallObserver, Callable[..., Any]], ...]


class Observers(CallObserver):
    """Tells several observers; the one place where their mistakes stop.

    What an observer does not override costs nothing: nobody is called for it. What is told in every
    slot is told without a detour.

    Args:
        observers: Told in this order.
    """

    def __init__(self, observers: Iterable[CallObserver] = ()) -> None:
        self._observers: list[CallObserver] = []
        self._told: dict[str, _Told] = {}
        """Who is told, and by what, by the name of the method."""
        self._told_of_audio: _Told = ()
        self.failures = 0
        """Observers that raised, and are told nothing more, so far."""
        self._follow()
        for observer in observers:
            self.add(observer)

    def add(self, observer: CallObserver) -> None:
        """Tell another one from now on, of running calls too: it may miss their start."""
        self._observers.append(observer)
        self._follow()

    def remove(self, observer: CallObserver) -> None:
        """Tell one nothing more; nothing happens where it is not there."""
        if observer in self._observers:
            self._observers.remove(observer)
            self._follow()

    def on_call_started(self, event: CallStarted) -> None:  # noqa: D102 - as in the base
        self._tell("on_call_started", event)

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:  # noqa: D102
        is_audio = isinstance(event, LineAudio)
        for observer, tell in self._told_of_audio if is_audio else self._told["on_line_event"]:
            try:
                tell(call_id, now_ms, event)
            except Exception:  # noqa: BLE001 - as in _tell
                self._give_up(observer, "on_line_event")

    def on_decision(  # noqa: D102
        self, call_id: str, now_ms: float, frame: bytes | None, decision: GateDecision
    ) -> None:
        for observer, tell in self._told["on_decision"]:
            try:
                tell(call_id, now_ms, frame, decision)
            except Exception:  # noqa: BLE001 - as in _tell
                self._give_up(observer, "on_decision")

    def on_frame_processed(self, call_id: str, duration_ms: float) -> None:  # noqa: D102
        for observer, tell in self._told["on_frame_processed"]:
            try:
                tell(call_id, duration_ms)
            except Exception:  # noqa: BLE001 - as in _tell
                self._give_up(observer, "on_frame_processed")

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:  # noqa: D102
        self._tell("on_gate_event", call_id, event)

    def on_playout(self, call_id: str, now_ms: float, frame: PlayoutFrame) -> None:  # noqa: D102
        for observer, tell in self._told["on_playout"]:
            try:
                tell(call_id, now_ms, frame)
            except Exception:  # noqa: BLE001 - as in _tell
                self._give_up(observer, "on_playout")

    def on_provider_event(  # noqa: D102
        self, call_id: str, now_ms: float, event: ProviderEvent
    ) -> None:
        self._tell("on_provider_event", call_id, now_ms, event)

    def on_provider_switched(self, event: ProviderSwitched) -> None:  # noqa: D102
        self._tell("on_provider_switched", event)

    def on_call_ended(self, event: CallEnded) -> None:  # noqa: D102
        self._tell("on_call_ended", event)

    def _follow(self) -> None:
        self._told = {
            method: tuple(
                (each, _bound(each, method)) for each in self._observers if _overrides(each, method)
            )
            for method in vars(CallObserver)
            if method.startswith("on_")
        }
        self._told_of_audio = tuple(
            (each, tell)
            for each, tell in self._told["on_line_event"]
            if getattr(each, "hears_line_audio", True)
        )

    def _tell(self, method: str, *args: object) -> None:
        for observer, tell in self._told[method]:
            try:
                tell(*args)
            except Exception:  # noqa: BLE001 - an observer's mistake is not the call's
                self._give_up(observer, method)

    def _give_up(self, observer: CallObserver, method: str) -> None:
        """Tell an observer that has just raised nothing more."""
        self.remove(observer)
        self.failures += 1
        _log.exception("observer.failed", observer=type(observer).__name__, method=method)


def _bound(observer: CallObserver, method: str) -> Callable[..., Any]:
    """Return an observer's method; one that can't be had raises when it is called."""
    try:
        bound: Callable[..., Any] = getattr(observer, method)
    except Exception:  # noqa: BLE001 - an observer's mistake is told where it is called
        return lambda *_: getattr(observer, method)
    return bound


def _overrides(observer: CallObserver, method: str) -> bool:
    own = getattr(type(observer), method)
    return method in vars(observer) or own is not getattr(CallObserver, method)
