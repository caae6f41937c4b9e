"""The gates that can be compared, by name.

Invariant: a gate's run depends on the recording and the way the line delivers it, on nothing else.
"""

from __future__ import annotations

__all__ = ["GATES", "BenchGate", "DeliveredCall", "choose_gates"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...config.suggestion import known_names
from ...core.audio import AudioFormat
from ...core.config import GatingConfig, GatingMode
from ...core.gate_decision import GateEvent
from ...errors import VoxgateError
from ..evaluate.evaluation import with_mode
from ..evaluate.recording import PlayedCall, Slot
from ..evaluate.runner import GateRun, make_gate, run_gate
from .arrivals import LINE_KINDS, LineGate, Times
from .peer_gates import SileroVad, VadAfterAec3, missing_for_aec3, missing_for_silero
from .rule_gates import MakeDetector, TimedVad, make_level_detector, make_smoothed_vad, run_rule

_PROVIDER = "openai_realtime"
"""A kind that is gated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredCall:
    """A call and how the line delivers it."""

    call: PlayedCall
    arrivals_ms: Times
    line: str
    """Level of the factor ``line``."""


@dataclass(frozen=True, slots=True)
class _HeardCall:
    """A call with silence for the frames that never arrive."""

    delivered: DeliveredCall
    capture_format: AudioFormat
    far_end_format: AudioFormat
    duration_ms: float

    def slots(self) -> Iterator[Slot]:
        """Yield what a gate hears that asks in even time."""
        silence = bytes(self.capture_format.frame_bytes)
        arrived = np.isfinite(self.delivered.arrivals_ms).tolist()
        for slot, has_arrived in zip(self.delivered.call.slots(), arrived, strict=True):
            yield slot if has_arrived else slot._replace(capture=silence)

    def follow(self, events: Sequence[GateEvent]) -> None:
        """Do what the gate says."""
        self.delivered.call.follow(events)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchGate:
    """One gate."""

    title: str
    run: Callable[[DeliveredCall, GatingConfig], GateRun]
    """Runs a call; the configuration is that of voxgate's own gates."""
    missing: Callable[[], str | None] = lambda: None
    """Returns what the gate needs and does not have."""
    stops_agent: bool = True
    """Its commitment ends the agent's turn. False: it pauses the agent first, and says when the
    turn is over."""


class UnknownGateError(VoxgateError):
    """A gate was named that does not exist."""


def _run_own(call: DeliveredCall, config: GatingConfig, *, mode: GatingMode) -> GateRun:
    """Run voxgate's own gate, fed as the engine feeds it."""
    manager = make_gate(with_mode(config, mode))
    if call.line not in LINE_KINDS:
        return run_gate(call.call, provider=_PROVIDER, gate=manager)
    gate = LineGate(manager, call.arrivals_ms)
    return run_gate(call.call, provider=_PROVIDER, gate=gate)


def _run_rule(call: DeliveredCall, config: GatingConfig, *, detector: MakeDetector) -> GateRun:
    del config
    inner = call.call
    heard = _HeardCall(call, inner.capture_format, inner.far_end_format, inner.duration_ms)
    return run_rule(heard, detector)


def _own(mode: GatingMode) -> BenchGate:
    run = partial(_run_own, mode=mode)
    return BenchGate(title=f"voxgate, {mode.value}", run=run, stops_agent=False)


def _rule(
    title: str, detector: MakeDetector, missing: Callable[[], str | None] = lambda: None
) -> BenchGate:
    return BenchGate(title=title, run=partial(_run_rule, detector=detector), missing=missing)


GATES: Mapping[str, BenchGate] = {
    **{mode.value: _own(mode) for mode in reversed(GatingMode)},
    "usual_rule": _rule("WebRTC VAD and RMS >= 1500", make_level_detector),
    "smoothed_vad": _rule("smoothed WebRTC VAD", make_smoothed_vad),
    "time_based": _rule("1 s protected, then VAD", TimedVad),
    "silero": _rule("Silero VAD", SileroVad, missing_for_silero),
    "aec3": _rule("WebRTC AEC3, then VAD", VadAfterAec3, missing_for_aec3),
}
"""Gates by name, in the order of the report."""


def choose_gates(names: Sequence[str] | None) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the gates to compare, and what those need that can't be.

    Args:
        names: Of :data:`GATES`; None for all.

    Raises:
        UnknownGateError: a name is none; the message lists all.
    """
    for name in names or ():
        if name not in GATES:
            raise UnknownGateError(f"--gates: {name!r} is no gate; {known_names(name, [*GATES])}")
    wanted = tuple(name for name in GATES if names is None or name in names)
    needs = {name: GATES[name].missing() for name in wanted}
    missing = {name: need for name, need in needs.items() if need is not None}
    return tuple(name for name in wanted if name not in missing), missing
