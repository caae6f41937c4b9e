"""The golden call through the plug-in: it decides as the gate by itself, as stored."""

from __future__ import annotations

import pytest

from frameworks.pipecat.plugin_call import PluginCall
from support.golden_call import AgentFlush, AgentWrite, GoldenCall, golden_call
from support.golden_trace import event_differences, run_alone
from voxgate import GateEventType
from voxgate.integrations.pipecat import TurnFinder


async def _run(
    plugged: PluginCall, writes: tuple[AgentWrite | AgentFlush, ...], call: GoldenCall
) -> bytes:
    """Play the call; return what went on to the provider."""
    waiting = list(reversed(writes))
    sent = b""
    await plugged.start()
    for now_ms, frame in call.arrivals():
        while waiting and waiting[-1].now_ms <= now_ms:
            each = waiting.pop()
            if isinstance(each, AgentWrite):
                await plugged.written(each.audio, each.now_ms)
            else:
                await plugged.interrupted(each.now_ms)
        sent += await plugged.capture(frame, now_ms)
    return sent


@pytest.mark.parametrize(
    "writes", [GoldenCall.paced_writes, GoldenCall.burst_writes], ids=["paced", "burst"]
)
async def test_the_plug_in_decides_as_stored(writes: object) -> None:
    """Filter and tap, told when Pipecat would tell them: the same events, the same bytes."""
    call, plugged = golden_call(), PluginCall()
    sent = await _run(plugged, writes(call), call)  # type: ignore[operator]
    assert event_differences(plugged.events) == []
    assert sent == run_alone().sent
    assert plugged.gate.counters.failures == 0


async def test_only_the_onset_waits_where_the_pipeline_finds_the_turns() -> None:
    """The same events; the same sound, each onset a frame later behind 20 ms of silence."""
    call, plugged = golden_call(), PluginCall(finder=TurnFinder.LOCAL)
    sent = await _run(plugged, call.paced_writes(), call)
    assert event_differences(plugged.events) == []
    committed = sum(e.type is GateEventType.BARGE_IN_COMMITTED for e in plugged.events)
    assert len(sent) == len(run_alone().sent) + committed * 320
