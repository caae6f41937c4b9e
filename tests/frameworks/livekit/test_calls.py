"""Whole calls: a real session, OpenAI's plugin, a WebSocket, a Realtime server, echo, a caller."""

from __future__ import annotations

import asyncio

from benchmarks.livekit_session import Setting, run_call
from benchmarks.telephone_calls import ScriptedCall, judge_turns

from voxgate import AudioGatingManager
from voxgate.lab.bench.sounds import gather_sounds

_SEED = 1001


async def test_with_the_gate_only_the_caller_interrupts() -> None:
    """The caller hears one answer out and interrupts the next; the echo is 12 dB weaker.

    Without the gate the agent hears itself in both; with it, its turns found by the server or by
    the gate, the answer that the caller hears out is whole and the other one is cut off.
    """
    sounds, manager = gather_sounds(None), AudioGatingManager()
    calls = {each: ScriptedCall(sounds.bank, sounds.split, _SEED, 2) for each in Setting}
    gates = await asyncio.gather(*(run_call(call, each, manager) for each, call in calls.items()))
    judged = {each: judge_turns(call.turns) for each, call in calls.items()}
    assert judged[Setting.PLAIN].n_false >= 1
    for each in (Setting.GATED, Setting.GATE_TURNS):
        heard_out, interrupted = calls[each].turns
        assert heard_out.cut_ms is None, each
        assert interrupted.onset_ms is not None, each
        assert interrupted.cut_ms is not None, each
        assert interrupted.cut_ms > interrupted.onset_ms, each
        assert judged[each].n_false == 0, each
    assert [gate.counters.failures for gate in gates if gate is not None] == [0, 0]
    assert len(manager) == 0
    turns_of_the_gate = gates[2]
    assert turns_of_the_gate is not None
    assert turns_of_the_gate.session_counters.interruptions >= 1
    assert turns_of_the_gate.session_counters.commits >= 2
