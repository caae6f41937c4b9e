"""Scripted calls through the gate, and what the gate made of them as comparable traces.

A trace names audio by the captured frame that it is (``12``), as silence (``-``) or as made up for
a gap (``~``), so that it does not depend on a sample's last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from support.signals import frames_of, silence, speech_like, tone, white_noise
from voxgate.core.audio import AudioFormat
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.gate_decision import GateDecision

SILENT = bytes(320)


@dataclass(frozen=True, slots=True)
class Slot:
    """One 20 ms slot of a scripted call."""

    captured: tuple[bytes, ...] = ()
    """Chunks that arrive in this slot."""
    agent: bytes | None = None
    """Agent audio that the line plays in this slot."""
    provider_speech: bool = False
    """The provider reports ``speech_started`` in this slot."""


def run_call(
    manager: AudioGatingManager,
    slots: list[Slot],
    *,
    call_id: str = "call",
    provider: str = "openai_realtime",
    capture_format: AudioFormat | None = None,
) -> Iterator[tuple[int, GateDecision]]:
    """Play a scripted call and yield (slot number, decision), in order."""
    audio_format = capture_format or AudioFormat()
    manager.start_call(
        call_id,
        provider=provider,
        now_ms=0,
        capture_format=audio_format,
        far_end_format=AudioFormat(),
    )
    for number, slot in enumerate(slots, 1):
        now_ms = number * 20.0
        manager.receive_far_end(
            call_id, slot.agent or SILENT, now_ms, is_agent_audio=slot.agent is not None
        )
        if slot.provider_speech:
            yield number, manager.receive_provider_speech_started(call_id, now_ms)
        for chunk in slot.captured:
            yield number, manager.process(call_id, chunk, now_ms)
        yield number, manager.advance(call_id, now_ms)


def trace(manager: AudioGatingManager, slots: list[Slot]) -> list[str]:
    """Return one line per slot in which the gate said something, equal lines counted."""
    names = {
        chunk: str(number)
        for number, slot in enumerate(slots, 1)
        for chunk in slot.captured
        if any(chunk)
    }
    lines = []
    for number, decision in run_call(manager, slots):
        audio = ",".join(
            "-" if not any(chunk) else names.get(chunk, "~") for chunk in decision.audio
        )
        events = " ".join(f"{event.type}({event.count})" for event in decision.events)
        if decision.audio or events or decision.measurements is not None:
            same = audio.replace(str(number), "=")
            lines.append(f"{decision.state} {decision.action} {decision.reason} [{same}] {events}")
    return [f"{line.rstrip()} x{len(list(group))}" for line, group in groupby(lines)]


def _slots(captured: list[bytes], agent: list[bytes | None] | None = None) -> list[Slot]:
    return [
        Slot((chunk,), agent[i] if agent is not None and i < len(agent) else None)
        for i, chunk in enumerate(captured)
    ]


def _quiet(duration_ms: int) -> list[bytes]:
    return frames_of(silence(duration_ms))


def _speech(duration_ms: int, *, level_dbfs: float = -18.0, seed: int = 1) -> list[bytes]:
    return frames_of(speech_like(duration_ms, level_dbfs=level_dbfs, seed=seed))


def _pause(duration_ms: int) -> list[bytes | None]:
    return [None] * (duration_ms // 20)


def caller_then_agent() -> list[Slot]:
    captured = _quiet(400) + _speech(1600) + _quiet(5000)
    return _slots(captured, [*_pause(3000), *_speech(2000, seed=2)])


def noise_only() -> list[Slot]:
    return _slots(frames_of(white_noise(3000, level_dbfs=-35.0, seed=5)))


def barge_in_confirmed_by_speech() -> list[Slot]:
    captured = _quiet(2000) + _speech(2400, seed=3) + _quiet(3000)
    return _slots(captured, [*_pause(500), *_speech(6000, seed=4)])


def barge_in_confirmed_by_provider() -> list[Slot]:
    slots = barge_in_confirmed_by_speech()
    slots[113] = Slot(slots[113].captured, slots[113].agent, provider_speech=True)
    return slots


def false_barge_in_resumes() -> list[Slot]:
    captured = _quiet(2000) + _speech(240, seed=6) + _quiet(4000)
    return _slots(captured, [*_pause(500), *_speech(5000, seed=4)])


def click_during_agent() -> list[Slot]:
    click = frames_of(tone(20, frequency_hz=1000.0, level_dbfs=-12.0))
    captured = _quiet(2000) + click + _quiet(2000)
    return _slots(captured, [*_pause(500), *_speech(3000, seed=4)])


def agent_starts_over_caller() -> list[Slot]:
    captured = _quiet(500) + _speech(3000, seed=7) + _quiet(3000)
    return _slots(captured, [*_pause(1500), *_speech(4000, seed=8)])


def caller_starts_as_agent_ends() -> list[Slot]:
    captured = _quiet(2200) + _speech(1500, seed=9) + _quiet(1000)
    return _slots(captured, [*_pause(500), *_speech(1600, seed=8)])


def line_goes_silent() -> list[Slot]:
    captured = _quiet(500) + _speech(1000, seed=3)
    silent = [Slot()] * 250
    return [*_slots(captured), *silent, *_slots(_speech(1000, seed=10) + _quiet(2000))]


def small_gaps() -> list[Slot]:
    slots = _slots(_quiet(200) + _speech(2000, seed=11) + _quiet(1000))
    for start, length in ((30, 2), (60, 3), (90, 4), (140, 1)):
        slots[start : start + length] = [Slot()] * length
    return slots


def burst_after_stall() -> list[Slot]:
    captured = _quiet(1000) + _speech(3000, seed=12)
    slots = [*_slots(captured[:50]), *([Slot()] * 149), Slot(tuple(captured[50:200]))]
    agent = _speech(8000, seed=13)
    return [
        *slots,
        *_slots(_quiet(2000)),
        *[Slot((SILENT,), agent[i]) for i in range(100)],
        *_slots(_quiet(3000)),
    ]


SCENARIOS: dict[str, Callable[[], list[Slot]]] = {
    scenario.__name__: scenario
    for scenario in (
        caller_then_agent,
        noise_only,
        barge_in_confirmed_by_speech,
        barge_in_confirmed_by_provider,
        false_barge_in_resumes,
        click_during_agent,
        agent_starts_over_caller,
        caller_starts_as_agent_ends,
        line_goes_silent,
        small_gaps,
        burst_after_stall,
    )
}
