"""The agent's own gate tells its echo from the caller, and follows what playout does."""

from __future__ import annotations

import numpy as np
import pytest

from support.echo_scenes import agent_frames, caller_frames, echo_of, mix
from support.scripted_gate import ScriptedGate, decision_of
from voxgate.config.local_models import LocalTurnsConfig
from voxgate.core.audio import AudioFormat
from voxgate.core.gate_decision import GateState
from voxgate.providers.base import CallAudio
from voxgate.providers.local.caller_turns import CallerTurns, TurnBegan, TurnEnded
from voxgate.providers.local.ears import GatedEars, OwnEars

LINE = AudioFormat()
AUDIO = CallAudio(capture=LINE, playout=LINE)
TURNS = LocalTurnsConfig()


def events_of(capture: np.ndarray, far_end: np.ndarray) -> list[TurnBegan | TurnEnded]:
    """Return the turns of a call in which the agent says ``far_end`` from its beginning on."""
    ears, turns = OwnEars(TURNS, AUDIO, 0.0), CallerTurns(TURNS)
    ears.enqueue("item-1", far_end.astype("<i2").tobytes())
    ears.finish("item-1")
    events = []
    for number, frame in enumerate(capture):
        now_ms = 20.0 * (number + 1)
        ears.advance(now_ms)
        decision = ears.process(frame.astype("<i2").tobytes(), now_ms)
        event = turns.process(decision, now_ms, is_agent_heard=ears.is_agent_heard)
        if isinstance(event, TurnBegan):
            ears.interrupt(now_ms)
        if event is not None:
            events.append(event)
    ears.close()
    return events


@pytest.mark.parametrize("erl_db", [12.0, 20.0, 30.0])
def test_echo_is_nobody_and_a_caller_over_it_is_heard(erl_db: float) -> None:
    """At every level of echo; the turn begins where the caller does."""
    far_end = agent_frames("service_time")[:450]
    echo = echo_of(far_end, erl_db=erl_db)
    assert events_of(echo, far_end) == []

    caller = np.zeros_like(far_end)
    spoken = caller_frames("interruption")
    caller[200 : 200 + len(spoken)] = spoken[: len(caller) - 200]
    began, *_ = events_of(mix(echo, caller), far_end)
    assert isinstance(began, TurnBegan)
    assert began.is_over_agent
    assert 3900.0 <= began.capture_ms <= 4800.0


def test_the_agent_is_heard_for_as_long_as_playout_has_something() -> None:
    """Slot by slot; an interruption ends it."""
    ears = OwnEars(TURNS, AUDIO, 0.0)
    ears.enqueue("item-1", b"\x10\x10" * 160 * 3)
    ears.finish("item-1")
    heard = []
    for number in range(5):
        ears.advance(20.0 * number)
        heard.append(ears.is_agent_heard)
    assert heard == [True, True, True, False, False]
    ears.enqueue("item-2", b"\x10\x10" * 1600)
    ears.advance(100.0)
    assert ears.is_agent_heard
    ears.interrupt(110.0)
    ears.advance(120.0)
    ears.advance(140.0)
    assert not ears.is_agent_heard


def test_a_line_on_which_nobody_speaks_plays_no_agent() -> None:
    """Paced silence is no agent's: nobody has to speak over it."""
    ears = OwnEars(TURNS, AUDIO, 0.0)
    states = []
    for number in range(50):
        ears.advance(20.0 * number)
        states.append(ears.process(bytes(AUDIO.capture.frame_bytes), 20.0 * number).state)
    assert set(states) == {GateState.OPEN}


def test_ears_behind_the_gate_ask_it_and_nothing_else() -> None:
    """It sees the line's playout itself, and knows of interruptions first."""
    gate = ScriptedGate()
    ears = GatedEars(gate, "call-1")
    decision = decision_of(b"\x11")
    gate.frame_decisions.append(decision)
    assert ears.process(b"\x00", 20.0) is decision
    idle = decision_of(b"\x22")
    gate.idle_decisions.append(idle)
    assert ears.advance(40.0) is idle
    ears.enqueue("item-1", b"\x00")
    ears.finish("item-1")
    ears.interrupt(60.0)
    ears.close()
    assert ears.is_agent_heard
    assert gate.heard == []
    assert gate.frames == [("call-1", b"\x00", 20.0)]
