"""What a gate made of the golden call, in a form that can be stored and compared.

One JSON object a line: what it is of, then runs of slots with the same decision, then the events.
Audio is named by the captured frame that it is (``=`` for the slot's own, ``12`` for another), as
silence (``-``) or as something made of a frame (``~``): what an echo filter makes of a frame may
differ in its last bit from machine to machine, and only on one machine is it compared.
"""

from __future__ import annotations

__all__ = [
    "GOLDEN_FILE",
    "GoldenTrace",
    "TraceMaker",
    "event_differences",
    "golden_trace",
    "run_alone",
]

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from support.golden_call import PROVIDER, SLOT_MS, GoldenCall, golden_call
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.gate_decision import GateDecision, GateEvent

GOLDEN_FILE = Path(__file__).parents[1] / "golden" / "golden_call.jsonl"
"""Made by ``python tests/golden/record_golden_call.py``."""


@dataclass(frozen=True)
class GoldenTrace:
    """Comparable: the lines of the file."""

    head: dict[str, Any]
    """Which call it is of."""
    slots: list[dict[str, Any]]
    """Runs of slots in which the gate decided alike."""
    events: list[dict[str, Any]]
    """What happened, in order."""
    sent: bytes = field(default=b"", compare=False, repr=False)
    """All audio that went to the provider; not stored."""

    def to_text(self) -> str:
        """Return the file's content."""
        lines = (self.head, *self.slots, *self.events)
        return "".join(json.dumps(line) + "\n" for line in lines)


@cache
def golden_trace() -> GoldenTrace:
    """Return what is stored."""
    head, *lines = map(json.loads, GOLDEN_FILE.read_text(encoding="utf-8").splitlines())
    slots = [line for line in lines if "event" not in line]
    return GoldenTrace(head, slots, [line for line in lines if "event" in line])


@dataclass
class TraceMaker:
    """Takes a gate's decisions on the golden call, in order, and makes a trace of them."""

    call: GoldenCall = field(default_factory=golden_call)
    _slots: list[tuple[str, str, str, str]] = field(default_factory=list)
    _events: list[GateEvent] = field(default_factory=list)
    _sent: list[bytes] = field(default_factory=list)

    def receive(self, decision: GateDecision, frame: bytes | None) -> None:
        """Take the decision on the next captured frame, or (None) on a slot that passes."""
        self._events += decision.events
        audio = decision.audio if frame is None else decision.audio_for(frame)
        self._sent += audio
        if frame is not None:
            named = self._named(audio, len(self._slots))
            self._slots.append((decision.state, decision.action, decision.reason, named))

    def make(self) -> GoldenTrace:
        """Return the trace."""
        head = {"call_sha256": self.call.digest, "slots": len(self._slots)}
        events = [_event_line(event) for event in self._events]
        return GoldenTrace(head, self._runs(), events, b"".join(self._sent))

    def _named(self, audio: Iterable[bytes], slot: int) -> str:
        return ",".join(self._name(chunk, slot) for chunk in audio)

    def _name(self, chunk: bytes, slot: int) -> str:
        if not any(chunk):
            return "-"
        if chunk == self.call.capture[slot]:
            return "="
        recent = range(max(0, slot - 50), slot)
        return next((str(n) for n in recent if self.call.capture[n] == chunk), "~")

    def _runs(self) -> list[dict[str, Any]]:
        runs = []
        for values, run in groupby(range(len(self._slots)), key=self._slots.__getitem__):
            first, *_, last = (at := list(run)) * 2
            keys = dict(zip(("state", "action", "reason", "sent"), values, strict=True))
            runs.append({"first": first, "last": last, "n": len(at), **keys})
        return runs


@cache
def run_alone() -> GoldenTrace:
    """Run the call through a gating manager alone, once a process."""
    return run_call_alone(TraceMaker())


def run_call_alone(maker: TraceMaker, *, n_slots: int | None = None) -> GoldenTrace:
    """Run the call through a gating manager alone, told of it as ``voxgate evaluate`` tells it.

    Args:
        maker: Takes the decisions.
        n_slots: How much of the call; all if left out.
    """
    call, manager = maker.call, AudioGatingManager()
    manager.start_call("golden", provider=PROVIDER, now_ms=0.0)
    for slot, frame in enumerate(call.capture[:n_slots]):
        now_ms, played, is_agent = slot * SLOT_MS, call.far_end[slot], call.is_agent[slot]
        manager.receive_far_end("golden", played, now_ms, is_agent_audio=is_agent)
        maker.receive(manager.advance("golden", now_ms), None)
        maker.receive(manager.process("golden", frame, now_ms + SLOT_MS), frame)
    return maker.make()


def event_differences(
    events: Iterable[GateEvent], *, by_ms: float = 0.0, start_ms: float = 0.0
) -> list[str]:
    """Compare events with those of the golden trace; return what differs, in words.

    Args:
        events: Of the same call through some other way into the gate.
        by_ms: How much sooner or later an event may come.
        start_ms: What that way's clock showed when the call began.
    """
    found = [_event_line(event, start_ms) for event in events]
    stored = golden_trace().events
    names, stored_names = [each["event"] for each in found], [each["event"] for each in stored]
    if names != stored_names:
        return [f"{names} in place of {stored_names}"]
    return [
        f"{one['event']} at {one['t_ms']} ms in place of {other['t_ms']} ms"
        for one, other in zip(found, stored, strict=True)
        if abs(one["t_ms"] - other["t_ms"]) > by_ms
    ]


def _event_line(event: GateEvent, start_ms: float = 0.0) -> dict[str, Any]:
    return {
        "event": str(event.type),
        "t_ms": round(event.t_ms - start_ms),
        "reason": str(event.reason),
        "count": event.count,
    }
