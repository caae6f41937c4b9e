"""Calls that go on for hours: nothing grows, and the far-end reference does not drift.

The caller's telephone has a clock of its own, which is slow. A call of a day has code for its line
and its provider; one of some hours has sockets, and a provider whose session ends every hour and is
renewed. All of it is real but the time. ``SOAK_HOURS`` and ``SOAK_SOCKET_HOURS`` say how long.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import asdict

import numpy as np
import pytest

from soak.soak_table import show_table
from soak.soaked_engine import run_in_made_up_time, soaked_engine
from support.audiosocket_peer import AUDIO, HANGUP, AudioSocketPeer
from support.growth import PROCESS_NOISE, assert_no_growth
from support.process_use import ProcessUse
from support.telephone import mulaw_frames, spoken
from support.virtual_time import virtual_ms
from voxgate.call.session import CallSession
from voxgate.call_observer import CallEnded, CallObserver
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.gate_decision import GateEvent, GateEventType
from voxgate.core.playout import PlayoutFrame
from voxgate.providers.base import CallAudio
from voxgate.providers.scripted import ScriptedProvider
from voxgate.transports.base import LineAudio
from voxgate.transports.scripted import ScriptedLine

_HOURS = float(os.environ.get("SOAK_HOURS", "24"))
_SOCKET_HOURS = float(os.environ.get("SOAK_SOCKET_HOURS", "3"))
_CHECKPOINTS = 12
_CLOCK_PPM = 100.0
"""By how much the telephone's clock is slow: what cheap crystals are off."""
_SLOT_S = 0.02 * (1 + _CLOCK_PPM / 1e6)
_ECHO_SLOTS = 6
_ECHO_GAIN = 10 ** (-12 / 20)
_ASKS_EVERY = 600
"""Slots between two questions: some end the agent's answer, some come after it."""
_DRIFT_SLOTS = 5
"""What frames on their way and jitter may make of the distance between both directions: without
following the telephone's clock it would be 430 slots after a day."""

pytestmark = pytest.mark.timeout(6 * 3600)

_Rows = list[dict[str, float]]


class _Watch(CallObserver):
    """Compares what the gate is shown as far end with what the telephone gets, frame by frame."""

    def __init__(self) -> None:
        self.n_shown = self.n_interrupted = 0
        self.ended: CallEnded | None = None
        self._unheard: deque[bytes] = deque()
        self._unshown: deque[bytes] = deque()

    def on_playout(self, call_id: str, now_ms: float, frame: PlayoutFrame) -> None:
        self.n_shown += 1
        self._unheard.append(frame.audio)
        self._compare()

    def on_gate_event(self, call_id: str, event: GateEvent) -> None:
        self.n_interrupted += event.type is GateEventType.INTERRUPTED

    def on_call_ended(self, event: CallEnded) -> None:
        self.ended = event

    def hear(self, frame: bytes) -> None:
        """Take the next frame that the telephone got."""
        self._unshown.append(frame)
        self._compare()

    def _compare(self) -> None:
        while self._unheard and self._unshown:
            assert self._unheard.popleft() == self._unshown.popleft()
        assert len(self._unheard) < 10
        assert len(self._unshown) < 10


class _Caller:
    """A telephone that says something now and then; its own clock gives the pace.

    Args:
        watch: Told of what is heard.
        send: Delivers a frame.
        between: Called after each frame.
    """

    def __init__(
        self,
        watch: _Watch,
        send: Callable[[bytes], Awaitable[None]],
        between: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.n_said = 0
        self._watch = watch
        self._send = send
        self._between = between
        self._echoes = deque([bytes(320)] * _ECHO_SLOTS, maxlen=50)
        question = spoken("question")
        self._question = [question[at : at + 160] for at in range(0, len(question) - 160, 160)]

    def hear(self, frame: bytes) -> None:
        self._watch.hear(frame)
        self._echoes.append(frame)

    async def talk(self, hours: float) -> _Rows:
        """Say something for so long; return what the process held at a number of times."""
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        rows: _Rows = []
        for number in range(1, _CHECKPOINTS + 1):
            end_s = start_s + number * hours * 3600 / _CHECKPOINTS
            while loop.time() < end_s:
                await self._send(self._slot())
                self.n_said += 1
                self._between(self.n_said)
                await asyncio.sleep(max(0.0, start_s + self.n_said * _SLOT_S - loop.time()))
            row = {
                "hours": round(hours * number / _CHECKPOINTS, 2),
                "drift_slots": self._watch.n_shown - self.n_said,
                "interrupted": self._watch.n_interrupted,
            }
            rows.append({**row, **asdict(ProcessUse.measured())})
        return rows

    def _slot(self) -> bytes:
        echo = self._echoes.popleft() if self._echoes else bytes(320)
        heard = np.frombuffer(echo, "<i2") * _ECHO_GAIN
        # Two of three questions come early, while the agent still answers the one before.
        turn, place = divmod(self.n_said, _ASKS_EVERY)
        place -= 0 if turn % 3 else 300
        if 0 <= place < len(self._question):
            heard = heard + self._question[place]
        return np.clip(heard, -32768, 32767).astype("<i2").tobytes()


class _SpokenLine(ScriptedLine):
    """A line that keeps nothing of what it is sent."""

    caller: _Caller

    def send_audio(self, frame: bytes) -> None:
        self.caller.hear(frame)


async def _day() -> _Rows:
    watch, manager = _Watch(), AudioGatingManager()
    line = _SpokenLine()
    provider = ScriptedProvider(
        call_id=line.call_id,
        call_audio=CallAudio(capture=line.capture_format, playout=line.playout_format),
        manager=manager,
        clock=virtual_ms,
    )
    answer = b"".join(mulaw_frames("go_on"))

    async def send(frame: bytes) -> None:
        line.receive(LineAudio(frame))

    def between(n_said: int) -> None:
        provider.frames.clear()
        provider.sent.clear()
        provider.truncations.clear()
        provider.cancelled.clear()
        if n_said % _ASKS_EVERY == 200:
            provider.speak(answer * 2)

    caller = line.caller = _Caller(watch, send, between)
    session = CallSession(
        line,
        provider,
        provider_name="openai_realtime",
        manager=manager,
        observer=watch,
        clock=virtual_ms,
    )
    call = asyncio.create_task(session.run())
    rows = await caller.talk(_HOURS)
    assert not call.done()
    await line.hangup()
    ended = await call
    assert (ended.reason, ended.skipped_slots) == ("local_hangup", 0)
    assert len(manager) == 0
    return rows


async def _hours_of_sockets() -> _Rows:
    watch = _Watch()
    async with soaked_engine(watch) as engine:
        peer = await AudioSocketPeer.connect(engine.addresses["audiosocket"])

        async def send(frame: bytes) -> None:
            await peer.send(AUDIO, frame)

        async def listen() -> None:
            while (frame := await peer.read_frame()) is not None and frame[0] != HANGUP:
                caller.hear(frame[1])

        caller = _Caller(watch, send)
        listening = asyncio.create_task(listen())
        rows = await caller.talk(_SOCKET_HOURS)
        assert not listening.done(), listening.exception()
        peer.finish_sending()
        await listening
        while watch.ended is None:  # noqa: ASYNC110 - nothing tells of it but the observer
            await asyncio.sleep(0.02)
        peer.hang_up()
        assert watch.ended.reason == "caller_hangup"
        assert len(engine.manager) == 0
    return rows


@pytest.mark.parametrize("soak", [_day, _hours_of_sockets], ids=["day", "hours of sockets"])
def test_long_calls_neither_grow_nor_drift(
    soak: Callable[[], Awaitable[_Rows]],
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As much at the end as after a third; each slot of the far end is what was heard."""
    rows = run_in_made_up_time(soak())
    with capsys.disabled():
        show_table(f"a call, {request.node.callspec.id}", rows)
    # What a call keeps of its last 256 answers is full by then.
    first, last = rows[_CHECKPOINTS // 3 - 1], rows[-1]
    assert abs(last["drift_slots"] - first["drift_slots"]) <= _DRIFT_SLOTS
    assert last["interrupted"] > first["interrupted"] > 0
    assert last["tasks"] == first["tasks"]
    assert last["descriptors"] == first["descriptors"]
    assert last["threads"] == first["threads"]
    assert_no_growth(rows, PROCESS_NOISE)
