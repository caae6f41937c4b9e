"""The gates that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from support.signals import frames_of, speech_like
from voxgate.core.audio import AudioFormat
from voxgate.core.config import GatingConfig
from voxgate.core.gate_decision import GateEvent, GateEventType
from voxgate.lab.bench import gates
from voxgate.lab.bench.arrivals import draw_arrivals
from voxgate.lab.bench.gates import GATES, DeliveredCall, choose_gates
from voxgate.lab.evaluate.recording import Recording

CAPTURE = speech_like(2000, level_dbfs=-18.0)


def delivered(line: str = "steady", agent: tuple[tuple[float, float], ...] = ()) -> DeliveredCall:
    frames = tuple(frames_of(CAPTURE))
    recording = Recording(
        capture=frames,
        capture_format=AudioFormat(),
        far_end=(bytes(320),) * len(frames),
        far_end_format=AudioFormat(),
        duration_ms=2000.0,
        agent_speaking=agent,
        caller_speech=((0.0, 2000.0),),
    )
    times = draw_arrivals(line, CAPTURE, np.random.default_rng(2))
    return DeliveredCall(call=recording, arrivals_ms=times, line=line)


def test_a_mode_is_voxgates_own_gate_in_that_mode() -> None:
    """Under an agent, half duplex lets nothing through, and off everything."""
    call = delivered(agent=((0.0, 2000.0),))
    half_duplex = GATES["half_duplex"].run(call, GatingConfig())
    off = GATES["off"].run(call, GatingConfig())
    assert half_duplex.forwarded == ()
    assert off.forwarded == ((0.0, 2000.0),)


@pytest.mark.parametrize("gate", ["off", "vad", "usual_rule", "smoothed_vad", "time_based"])
def test_what_never_arrives_reaches_no_provider_twice(gate: str) -> None:
    """On a line with gaps every gate runs to the end, and forwards within the call."""
    run = GATES[gate].run(delivered("gaps"), GatingConfig())
    assert all(0 <= start < end <= 2000 for start, end in run.forwarded)


def test_lost_frames_are_silence_to_the_rules() -> None:
    """A caller of whom nothing arrives is not heard."""
    call = delivered(agent=((0.0, 2000.0),))
    nothing = replace(call, arrivals_ms=np.full(len(call.arrivals_ms), np.inf))
    assert GATES["usual_rule"].run(call, GatingConfig()).barge_in_ms
    assert GATES["usual_rule"].run(nothing, GatingConfig()).barge_in_ms == ()


class Followed(Recording):
    """A recording that keeps what it was told."""

    __slots__ = ()
    told: ClassVar[list[GateEventType]] = []

    def follow(self, events: Sequence[GateEvent]) -> None:
        self.told.extend(event.type for event in events)


@pytest.mark.parametrize("gate", ["vad", "usual_rule"])
def test_a_call_is_told_what_the_gate_says(gate: str) -> None:
    """All of it, in order, so that its agent can follow."""
    call = delivered("gaps", agent=((0.0, 2000.0),))
    assert isinstance(call.call, Recording)
    fields = {name: getattr(call.call, name) for name in Recording.__slots__}
    Followed.told.clear()
    run = GATES[gate].run(replace(call, call=Followed(**fields)), GatingConfig())
    assert Followed.told == [event.type for event in run.events]
    assert GateEventType.BARGE_IN_COMMITTED in Followed.told


def test_all_gates_are_chosen_but_those_that_lack_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What they lack is said; names are compared in the report's order, each once."""
    lacking = {**GATES, "silero": replace(GATES["silero"], missing=lambda: "needs a model")}
    monkeypatch.setattr(gates, "GATES", lacking)
    chosen, missing = choose_gates(["silero", "vad", "off", "vad"])
    assert chosen == ("vad", "off")
    assert missing == {"silero": "needs a model"}
    assert "silero" not in choose_gates(None)[0]


def test_an_unknown_gate_is_named() -> None:
    """With the nearest that exists."""
    with pytest.raises(gates.UnknownGateError, match="did you mean 'usual_rule'"):
        choose_gates(["vad", "usual-rul"])
