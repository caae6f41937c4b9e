"""What the operator's desk costs with 50 calls watched: `python -m benchmarks.desk_cost`.

Decisions that a gate made of speech, echo and silence are told to the observers of an engine as
50 calls tell them, at real rate, while browsers (a process of their own) watch by the desk's own
socket, and while nobody does, in turns. CPU time of this process; the difference is the desk's.
"""

from __future__ import annotations

__all__ = ["N_CALLS", "desk_figures"]

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figure import Figure
from benchmarks.sounds import make_sounds
from benchmarks.subject import GATED, make_manager
from voxgate import GatingMode
from voxgate.call_observer import CallObserver, CallStarted, Observers
from voxgate.config.desk_model import DeskConfig
from voxgate.config.models import AppConfig
from voxgate.core.gate_decision import GateDecision
from voxgate.core.playout import PlayoutFrame
from voxgate.engine import AIEngine
from voxgate.observe.desk.desk import Desk

N_CALLS = 50
_LIMIT_PERCENT = 5.0
_SLOT_S = 0.02
_SLOTS_A_TURN = 150
_N_TURNS = 5
_N_RECORDED = 500
_CLIENT = """
import sys
from contextlib import ExitStack
from websockets.sync.client import connect
with ExitStack() as stack:
    sockets = [stack.enter_context(connect(sys.argv[1])) for _ in range(int(sys.argv[2]))]
    while True:
        for socket in sockets:
            socket.recv()
"""


@dataclass(frozen=True, slots=True)
class _Slot:
    """What observers are told of one slot of a call."""

    frame: bytes
    decision: GateDecision
    played: PlayoutFrame
    passed: GateDecision


class _FedEngine(AIEngine):
    """An engine whose observers can be told things."""

    @property
    def observers(self) -> Observers:
        return self._observer


def desk_figures() -> list[Figure]:
    """Return what the desk takes of a core, with one browser and with four."""
    return asyncio.run(_figures())


async def _figures() -> list[Figure]:
    slots = _recorded_slots()
    log = CallObserver()  # stands for the log, which every engine has
    engine = _FedEngine(AppConfig(desk=DeskConfig(port=0, phone=False)), observers=[log])
    desk = Desk(engine, token=None, keeper=None, metrics=None, environ={})
    bare = [await _share_percent(engine, slots) for _ in range(_N_TURNS)]
    await desk.start()
    try:
        for number in range(N_CALLS):
            started = CallStarted(call_id=f"call-{number}", provider="embedded", started_ms=0.0)
            engine.observers.on_call_started(started)
        none, one, four = [], [], []
        for _ in range(_N_TURNS):
            none.append(await _share_percent(engine, slots))
            async with _watched(desk, 1):
                one.append(await _share_percent(engine, slots) - none[-1])
            async with _watched(desk, 4):
                four.append(await _share_percent(engine, slots) - none[-1])
    finally:
        await desk.stop()
    return [
        Figure(
            name=f"desk, {N_CALLS} calls watched",
            value=median(one),
            unit="%",
            limit=_LIMIT_PERCENT,
            best=min(one),
        ),
        Figure(name="... in four windows", value=median(four), unit="%"),
        Figure(name="... unwatched", value=median(none) - median(bare), unit="%"),
    ]


def _recorded_slots() -> list[_Slot]:
    """Return what a gate makes of a call with the agent, its echo and a caller who interrupts."""
    sounds = make_sounds(_N_RECORDED)
    manager = make_manager(GatingMode.ECHO_AWARE)
    manager.start_call("call", provider=GATED, now_ms=0.0)
    slots = []
    for number, (agent, both) in enumerate(zip(sounds.agent, sounds.both, strict=True)):
        now_ms = number * 20.0
        is_agent = number % 250 < 150
        played = PlayoutFrame(
            audio=agent if is_agent else bytes(320), is_agent_audio=is_agent, item_id=None
        )
        manager.receive_far_end("call", played.audio, now_ms, is_agent_audio=is_agent)
        decision = manager.process("call", both if is_agent else sounds.caller[number], now_ms)
        slots.append(_Slot(both, decision, played, manager.advance("call", now_ms)))
    return slots


async def _share_percent(engine: _FedEngine, slots: list[_Slot]) -> float:
    """Return the share of a core while observers are told of some seconds of all calls."""
    loop, observers = asyncio.get_running_loop(), engine.observers
    start_s, start_cpu_s = loop.time(), time.process_time()
    for number in range(_SLOTS_A_TURN):
        for call in range(N_CALLS):
            _tell(observers, f"call-{call}", slots[(number + 10 * call) % len(slots)], loop.time())
        await asyncio.sleep(max(0.0, start_s + (number + 1) * _SLOT_S - loop.time()))
    return 100 * (time.process_time() - start_cpu_s) / (loop.time() - start_s)


def _tell(observers: Observers, call_id: str, slot: _Slot, now_s: float) -> None:
    now_ms = now_s * 1000
    observers.on_decision(call_id, now_ms, slot.frame, slot.decision)
    for event in (*slot.decision.events, *slot.passed.events):
        observers.on_gate_event(call_id, event)
    observers.on_playout(call_id, now_ms, slot.played)
    observers.on_decision(call_id, now_ms, None, slot.passed)


@asynccontextmanager
async def _watched(desk: Desk, n_windows: int) -> AsyncIterator[None]:
    """Let a process of its own watch."""
    assert desk.url is not None
    url = desk.url.replace("http", "ws") + "live"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLIENT, url, str(n_windows), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await _until_watched_by(desk, n_windows)
        yield
    finally:
        process.kill()
        await process.wait()
        await _until_watched_by(desk, 0)


async def _until_watched_by(desk: Desk, n_windows: int) -> None:
    async with asyncio.timeout(60):
        while desk.watchers != n_windows:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    for figure in desk_figures():
        print(f"{figure.name:40} {figure.value:8.2f} {figure.unit:3} {figure.verdict}")
