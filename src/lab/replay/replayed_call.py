"""Runs a recorded call's inputs through a gate anew.

With the recorded configuration the gate decides to the bit as it did then. With another one the
replay is *open loop*: the sounds are those of the recorded call. Its agent was paused and flushed
when the recorded gate said so, and its provider answered what it was given then. Up to the first
decision that differs a replay is what would have been; from there on it tells what the gate makes
of the same sounds.

Invariant: a replay reads no clock and tells no provider; the same inputs and configuration give the
same decisions.
"""

from __future__ import annotations

__all__ = [
    "OPEN_LOOP",
    "ReplayedCall",
    "compare",
    "recorded_run",
    "replay_call",
    "replayed_decisions",
    "replayed_run",
]

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ...blas_threads import one_blas_thread
from ...core.audio_gating_manager import AudioGatingManager
from ...core.config import GatingConfig
from ...core.gate_decision import GateDecision
from ...core.gate_tape import FrameCaptured, GateBegun, GateEnded, GateInput, GateReconfigured
from ...core.taped_gating_manager import TapedGatingManager, apply_input
from ...core.vad_manager import EnhancedVADManager
from ...recordings import CallHeader, RecordedCall, RecordedDecision
from .comparison import Comparison, RunDecision, compare_runs

OPEN_LOOP = (
    "open loop: the sounds are those of the recorded call, whose agent was paused and cut off by "
    "the gate of then; after the first decision that differs this is what the gate makes of the "
    "same sounds, not what the call would have become"
)
"""What a replay with another configuration can't tell, in a sentence for people."""

_CALL = "replayed"
"""The only call of its gate."""

MakeManager = Callable[[GatingConfig], AudioGatingManager]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedCall:
    """What a gate made of a recorded call's inputs."""

    header: CallHeader
    """Of the recording."""
    config: GatingConfig | None
    """The configuration asked for; None: the recorded one, with every change made in the call."""
    run: tuple[RunDecision, ...] = field(repr=False)
    """What it made of each input that it decides about, in their order."""


def replay_call(
    recorded: RecordedCall,
    config: GatingConfig | None = None,
    *,
    until_ms: float | None = None,
    make_manager: MakeManager | None = None,
) -> ReplayedCall:
    """Run a recorded call's inputs through a fresh gate.

    Matrix products take one thread, as in ``voxgate serve``: on several the last bit may differ.

    Args:
        recorded: The call, with its audio.
        config: Another configuration than the recorded one; it holds for all of the call.
        until_ms: Stop at the first input from there on, in the time of the inputs.
        make_manager: Makes the gate; that of the package if left out.

    Raises:
        RecordingError: the call has no audio, or can't be read.
        ModuleNotFoundError: threadpoolctl is not installed (extra ``server``).
    """
    run = replayed_run(recorded, config, until_ms=until_ms, make_manager=make_manager)
    return ReplayedCall(header=recorded.header, config=config, run=tuple(run))


def replayed_run(
    recorded: RecordedCall,
    config: GatingConfig | None = None,
    *,
    until_ms: float | None = None,
    make_manager: MakeManager | None = None,
) -> Iterator[RunDecision]:
    """Yield what a fresh gate makes of each input, as it comes to it; see :func:`replay_call`."""
    for given, decision in replayed_decisions(
        recorded, config, until_ms=until_ms, make_manager=make_manager
    ):
        yield _run_decision(given, RecordedDecision.of(decision))


def replayed_decisions(
    recorded: RecordedCall,
    config: GatingConfig | None = None,
    *,
    until_ms: float | None = None,
    make_manager: MakeManager | None = None,
) -> Iterator[tuple[GateInput, GateDecision]]:
    """Yield what a fresh gate decides about each input that it decides about, audio included.

    As :func:`replay_call` otherwise, of which this is the greater part.
    """
    inputs = (taped.given for taped in recorded.inputs())
    with one_blas_thread():
        yield from _decided(_until(inputs, until_ms), config, make_manager or _make_manager)


def recorded_run(recorded: RecordedCall, *, until_ms: float | None = None) -> Iterator[RunDecision]:
    """Yield what the gate made of each input when the call was recorded.

    Raises:
        RecordingError: the call can't be read.
    """
    for taped in recorded.inputs():
        if until_ms is not None and _time_of(taped.given, 0.0) >= until_ms:
            return
        if taped.decision is not None:
            yield _run_decision(taped.given, taped.decision)


def compare(
    first: RecordedCall | ReplayedCall, second: ReplayedCall, *, until_ms: float | None = None
) -> Comparison:
    """Compare a recorded or replayed call with a replay of the same recording.

    Args:
        first: What to compare with.
        second: The replay.
        until_ms: Where the replay was stopped, if ``first`` is the whole recording.

    Raises:
        RecordingError: the recorded call can't be read.
    """
    if isinstance(first, ReplayedCall):
        return compare_runs(first.run, second.run)
    return compare_runs(recorded_run(first, until_ms=until_ms), second.run)


def _make_manager(config: GatingConfig) -> AudioGatingManager:
    return TapedGatingManager(EnhancedVADManager(config.vad), config)


def _until(inputs: Iterable[GateInput], until_ms: float | None) -> Iterator[GateInput]:
    for given in inputs:
        if until_ms is not None and _time_of(given, 0.0) >= until_ms:
            return
        yield given


def _time_of(given: GateInput, otherwise_ms: float) -> float:
    return otherwise_ms if isinstance(given, GateEnded) else given.now_ms


def _decided(
    inputs: Iterable[GateInput], config: GatingConfig | None, make_manager: MakeManager
) -> Iterator[tuple[GateInput, GateDecision]]:
    """Yield what a gate decides; each beginning of the call has a gate of its own."""
    manager = make_manager(config or GatingConfig())
    for given in inputs:
        if isinstance(given, GateBegun) and config is None:
            manager = make_manager(given.config)
        elif isinstance(given, GateReconfigured) and config is not None:
            continue  # what is asked for holds for all of the call
        decision = apply_input(manager, _CALL, given)
        if decision is not None:
            yield given, decision


def _run_decision(given: GateInput, decision: RecordedDecision) -> RunDecision:
    return RunDecision(_time_of(given, 0.0), isinstance(given, FrameCaptured), decision)
