"""The gates that can be compared, by name.

Invariant: a gate's run depends on the recording and the way the line delivers it, on nothing else.
"""

from __future__ import annotations

__all__ = ["GATES", "BenchGate", "DeliveredCall", "choose_gates"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ...config.suggestion import known_names
from ...core.config import GatingConfig, GatingMode
from ...errors import VoxgateError
from ..evaluate.evaluation import with_mode
from ..evaluate.recording import Recording
from ..evaluate.runner import GateRun, make_gate, run_gate
from .arrivals import LINE_KINDS, LineGate, Times
from .peer_gates import detect_after_aec3, detect_silero, missing_for_aec3, missing_for_silero
from .rule_gates import (
    Detector,
    detect_by_level,
    detect_by_time,
    detect_smoothed_vad,
    run_rule,
)

_PROVIDER = "openai_realtime"
"""A kind that is gated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredCall:
    """A call and how the line delivers it."""

    recording: Recording
    arrivals_ms: Times
    line: str
    """Level of the factor ``line``."""

    def heard(self) -> Recording:
        """Return the recording with silence for the frames that never arrive."""
        frames = self.recording.capture
        silence = bytes(self.recording.capture_format.frame_bytes)
        arrived = np.isfinite(self.arrivals_ms).tolist()
        kept = (frame if ok else silence for frame, ok in zip(frames, arrived, strict=True))
        return replace(self.recording, capture=tuple(kept))


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchGate:
    """One gate."""

    title: str
    run: Callable[[DeliveredCall, GatingConfig], GateRun]
    """Runs a call; the configuration is that of voxgate's own gates."""
    missing: Callable[[], str | None] = lambda: None
    """Returns what the gate needs and does not have."""


class UnknownGateError(VoxgateError):
    """A gate was named that does not exist."""


def _run_own(call: DeliveredCall, config: GatingConfig, *, mode: GatingMode) -> GateRun:
    """Run voxgate's own gate, fed as the engine feeds it."""
    manager = make_gate(with_mode(config, mode))
    if call.line not in LINE_KINDS:
        return run_gate(call.recording, provider=_PROVIDER, gate=manager)
    gate = LineGate(manager, call.arrivals_ms)
    return run_gate(call.recording, provider=_PROVIDER, gate=gate)


def _run_rule(call: DeliveredCall, config: GatingConfig, *, detect: Detector) -> GateRun:
    del config
    return run_rule(call.heard(), detect)


def _own(mode: GatingMode) -> BenchGate:
    return BenchGate(title=f"voxgate, {mode.value}", run=partial(_run_own, mode=mode))


def _rule(
    title: str, detect: Detector, missing: Callable[[], str | None] = lambda: None
) -> BenchGate:
    return BenchGate(title=title, run=partial(_run_rule, detect=detect), missing=missing)


GATES: Mapping[str, BenchGate] = {
    **{mode.value: _own(mode) for mode in reversed(GatingMode)},
    "usual_rule": _rule("WebRTC VAD and RMS >= 1500", detect_by_level),
    "smoothed_vad": _rule("smoothed WebRTC VAD", detect_smoothed_vad),
    "time_based": _rule("1 s protected, then VAD", detect_by_time),
    "silero": _rule("Silero VAD", detect_silero, missing_for_silero),
    "aec3": _rule("WebRTC AEC3, then VAD", detect_after_aec3, missing_for_aec3),
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
