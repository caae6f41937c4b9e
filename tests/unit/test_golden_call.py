"""The golden call through every way into the gate: each decides as it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from support.golden_call import (
    CALLER_SPEECH,
    ERL_DB,
    PROVIDER,
    SLOT_MS,
    AgentFlush,
    AgentWrite,
    GoldenCall,
    golden_call,
)
from support.golden_trace import (
    GoldenTrace,
    TraceMaker,
    event_differences,
    golden_trace,
    run_alone,
)
from support.scripted_call import RecordingObserver
from support.virtual_time import in_virtual_time, virtual_ms
from voxgate import AudioGatingManager, GatedCall
from voxgate.call import CallSession
from voxgate.call_observer import Observers
from voxgate.core.gate_decision import GateEvent
from voxgate.lab.evaluate.recording import Recording
from voxgate.lab.evaluate.runner import run_gate
from voxgate.providers.base import CallAudio
from voxgate.providers.scripted import ScriptedProvider
from voxgate.transports.base import LineAudio, LineHangup
from voxgate.transports.scripted import ScriptedLine

Writes = Callable[[GoldenCall], tuple[AgentWrite | AgentFlush, ...]]


def _levels_db(frames: tuple[bytes, ...]) -> np.ndarray:
    samples = np.frombuffer(b"".join(frames), "<i2").astype(float).reshape(-1, 160)
    return 10 * np.log10(np.mean(samples**2, axis=1) + 1.0)


def _span_ms(at_ms: float) -> tuple[float, float] | None:
    """Return when the caller's speech began and ended that something happened in."""
    return next(((a, b) for a, b in CALLER_SPEECH if a <= at_ms <= b + 1000), None)


class TestGoldenCall:
    """What the call is, whatever a gate makes of it."""

    def test_its_echo_is_as_loud_as_it_says(self) -> None:
        """In the agent's first turn nobody else is heard: there the capture is the echo."""
        call = golden_call()
        heard = slice(32, 80)
        echo_db = _levels_db(call.capture)[heard].max()
        agent_db = _levels_db(call.far_end)[slice(25, 73)].max()
        assert agent_db - echo_db == pytest.approx(ERL_DB, abs=2.0)

    def test_it_has_what_a_gate_has_to_tell_apart(self) -> None:
        """Two interruptions, a word that is none, a caller who talks as the agent starts."""
        events = golden_trace().events
        times = {
            kind: [each["t_ms"] for each in events if each["event"] == kind]
            for kind in ("barge_in_committed", "interrupted", "resumed")
        }
        assert [len(each) for each in times.values()] == [3, 2, 1]
        assert all(
            (span := _span_ms(at_ms)) and at_ms - span[0] <= 200
            for at_ms in times["barge_in_committed"]
        )
        over_caller = [n for n, (a, b) in enumerate(CALLER_SPEECH) if a <= 1790 * SLOT_MS <= b]
        assert over_caller == [4]

    def test_its_writes_are_what_the_line_played(self) -> None:
        """Paced, each sample is written once; in bursts, what is too much is flushed."""
        call = golden_call()
        heard = b"".join(
            a for a, is_agent in zip(call.far_end, call.is_agent, strict=True) if is_agent
        )
        paced = b"".join(each.audio for each in call.paced_writes() if isinstance(each, AgentWrite))
        assert paced == heard
        bursts = call.burst_writes()
        assert sum(isinstance(each, AgentFlush) for each in bursts) * 2 == len(bursts)
        assert [each.now_ms for each in bursts] == sorted(each.now_ms for each in bursts)


def test_the_gate_by_itself_decides_as_stored() -> None:
    """Recording the trace anew would change nothing."""
    assert run_alone() == golden_trace()


def test_evaluate_decides_as_stored() -> None:
    """The call as a recording: the same events, and the same frames reach the provider."""
    call = golden_call()
    recording = Recording(
        capture=call.capture,
        capture_format=call.audio_format,
        far_end=call.far_end,
        far_end_format=call.audio_format,
        duration_ms=call.duration_ms,
        agent_speaking=_spans_ms(call.is_agent),
        caller_speech=CALLER_SPEECH,
    )
    run = run_gate(recording, provider=PROVIDER, gate=AudioGatingManager())
    assert event_differences(run.events) == []
    assert [slot for start, end in run.forwarded for slot in _slots(start, end)] == [
        slot for slot, sent in enumerate(_forwarded_slots(golden_trace())) if sent
    ]


@pytest.mark.parametrize(
    "writes", [GoldenCall.paced_writes, GoldenCall.burst_writes], ids=["paced", "burst"]
)
def test_a_gated_call_decides_as_stored(writes: Writes) -> None:
    """A foreign engine's call, frame by frame, to the byte of what goes to the provider."""
    call, maker = golden_call(), TraceMaker()
    gate = GatedCall(AudioGatingManager(), "golden", provider=PROVIDER)
    sent, events = _run_gated(gate, call, writes(call), maker)
    assert event_differences(events) == []
    assert maker.make().slots == golden_trace().slots
    assert sent == run_alone().sent
    assert gate.counters.failures == gate.counters.skipped_slots == 0
    assert gate.far_end.dropped_ms == 0


@in_virtual_time
async def test_the_older_face_decides_as_stored() -> None:
    """Told of the far end, it lets the same frames out at the same times."""
    call, manager = golden_call(), AudioGatingManager(clock=_clock_ms)
    answers = []
    for slot, frame in enumerate(call.capture):
        await _wait_until(slot * SLOT_MS)
        if slot == 0:
            await manager.should_forward_audio("golden", PROVIDER, b"")
        manager.receive_far_end(
            "golden", call.far_end[slot], _clock_ms(), is_agent_audio=call.is_agent[slot]
        )
        manager.advance("golden", _clock_ms())
        await _wait_until((slot + 1) * SLOT_MS)
        is_forwarded, _ = await manager.should_forward_audio("golden", PROVIDER, frame)
        answers.append((is_forwarded, manager.get_state("golden")))
    stored = [
        (run["action"] == "forward", run["state"])
        for run in golden_trace().slots
        for _ in range(run["n"])
    ]
    assert answers == stored


@in_virtual_time
async def test_the_engine_decides_as_stored() -> None:
    """A call of the engine's own: it plays what the provider generates, and stops where told."""
    call, maker = golden_call(), TraceMaker()
    session, line, provider, observer = _engine_call(call)
    running = asyncio.create_task(session.run())
    items = {item.slot: item for item in call.items}
    for slot, frame in enumerate(call.capture):
        await _wait_until((slot + 1) * SLOT_MS - 10)
        if item := items.get(slot + 1):
            provider.speak(item.audio, item.item_id)
        await _wait_until((slot + 1) * SLOT_MS - 0.01)
        line.receive(LineAudio(frame))
    await asyncio.sleep(0.001)
    line.receive(LineHangup("caller_hangup"))
    await running
    for frame, decision in observer.decisions:
        maker.receive(decision, frame)
    assert event_differences(observer.gate_events) == []
    assert maker.make().slots == golden_trace().slots
    assert b"".join(provider.sent) == run_alone().sent
    played = [each.audio for each in observer.playout]
    # One slot of the silence before is shorter: from there on slots are played as frames come.
    assert played[:-1] == list(call.far_end[1:])


def _run_gated(
    gate: GatedCall,
    call: GoldenCall,
    writes: tuple[AgentWrite | AgentFlush, ...],
    maker: TraceMaker,
) -> tuple[bytes, list[GateEvent]]:
    """Run a call through a gate; return what went to the provider, and what happened."""
    waiting = list(reversed(writes))
    sent, events = b"", []
    for now_ms, frame in call.arrivals():
        while waiting and waiting[-1].now_ms <= now_ms:
            each = waiting.pop()
            if isinstance(each, AgentWrite):
                gate.receive_agent_audio(each.audio, each.now_ms)
            else:
                gate.flush_agent_audio()
        sent += gate.receive_capture(frame, now_ms)
        events += gate.take_events()
        assert gate.last_decision is not None
        maker.receive(gate.last_decision, frame)
    return sent, events


def _engine_call(
    call: GoldenCall,
) -> tuple[CallSession, ScriptedLine, ScriptedProvider, RecordingObserver]:
    manager, observer, line = AudioGatingManager(), RecordingObserver(), ScriptedLine()
    audio = CallAudio(capture=call.audio_format, playout=call.audio_format)
    provider = ScriptedProvider(
        call_id=line.call_id, call_audio=audio, manager=manager, clock=_clock_ms
    )
    session = CallSession(
        line,
        provider,
        provider_name=PROVIDER,
        manager=manager,
        observer=Observers([observer]),
        clock=_clock_ms,
    )
    return session, line, provider, observer


def _clock_ms() -> float:
    """Return the time in whole ms: a frame that is there just before its time is on time."""
    return float(round(virtual_ms()))


async def _wait_until(now_ms: float) -> None:
    await asyncio.sleep((now_ms - virtual_ms()) / 1000)


def _spans_ms(flags: tuple[bool, ...]) -> tuple[tuple[float, float], ...]:
    spans = []
    for slot, is_on in enumerate(flags):
        if is_on:
            start = spans.pop()[0] if spans and spans[-1][1] == slot * SLOT_MS else slot * SLOT_MS
            spans.append((start, (slot + 1) * SLOT_MS))
    return tuple(spans)


def _slots(start_ms: float, end_ms: float) -> range:
    return range(int(start_ms // SLOT_MS), int(end_ms // SLOT_MS))


def _forwarded_slots(trace: GoldenTrace) -> list[bool]:
    """Return of each slot whether its frame went out, then or later."""
    is_out = [False] * trace.head["slots"]
    for run in trace.slots:
        if run["action"] == "forward":
            is_out[run["first"] : run["last"] + 1] = [True] * run["n"]
            n_released = run["sent"].count(",") if run["n"] == 1 else 0
            is_out[run["first"] - n_released : run["first"]] = [True] * n_released
    return is_out
