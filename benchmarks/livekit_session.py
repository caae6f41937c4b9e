"""A LiveKit agent session without a room, on a simulated telephone: what plays and what captures.

Real are the session, OpenAI's realtime plugin, the WebSocket and the Realtime server behind it, and
the parts of the gate; the room is replaced by an audio input and an audio output of 20 ms steps.

Invariant: the telephone is stepped once in 20 ms of wall time, late steps are made good.
"""

from __future__ import annotations

__all__ = ["Setting", "TelephoneInput", "TelephoneOutput", "run_call"]

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from itertools import cycle

import aiohttp
import numpy as np
import numpy.typing as npt
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice import io
from livekit.plugins import openai

from voxgate import AudioFormat, AudioGatingManager
from voxgate.clock import Clock
from voxgate.core.byte_queue import ByteQueue
from voxgate.core.stream_converter import StreamConverter
from voxgate.integrations.livekit import SessionGate, TurnDetection
from voxgate.realtime_server import AnswerRequest, RealtimeServer, Speech

from .telephone_calls import ScriptedCall

_LINE = AudioFormat()
_WIDE = AudioFormat(rate_hz=24_000)
_SLOT_S = 0.02
_LONGEST_CALL_S = 150.0
_LONGEST_WAIT = 100
"""Rounds of the event loop that the session may leave a frame lying; not all of them take any."""


class Setting(StrEnum):
    """Who gates, and who finds the caller's turns."""

    PLAIN = "LiveKit, server VAD"
    """LiveKit as it comes."""
    GATED = "gate, server VAD"
    """The gate before it, nothing else changed."""
    GATE_TURNS = "gate, server VAD off"
    """The gate's verdict interrupts and commits."""


_TURNS = {
    Setting.PLAIN: None,
    Setting.GATED: TurnDetection.SERVER,
    Setting.GATE_TURNS: TurnDetection.GATE,
}


class TelephoneInput(io.AudioInput):
    """What the line captured, as frames of 20 ms."""

    def __init__(self) -> None:
        super().__init__(label="telephone")
        self._frames: asyncio.Queue[bytes] = asyncio.Queue()
        self._up = StreamConverter(_LINE, _WIDE)

    def put(self, capture: npt.NDArray[np.int16]) -> None:
        """Take 20 ms at 8 kHz."""
        self._frames.put_nowait(self._up.process(capture.tobytes()))

    async def wait_until_taken(self) -> None:
        """Let the session take what was put, before the telephone's time goes on."""
        for _ in range(_LONGEST_WAIT):
            if self._frames.empty():
                return
            await asyncio.sleep(0)

    async def __anext__(self) -> rtc.AudioFrame:
        """Return the next frame."""
        audio = await self._frames.get()
        return rtc.AudioFrame(audio, _WIDE.rate_hz, 1, len(audio) // 2)


class TelephoneOutput(io.AudioOutput):
    """Plays what the session gives it, 20 ms at a time, as a room's output does."""

    def __init__(self, on_cut_off: Callable[[], None]) -> None:
        super().__init__(
            label="telephone",
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=_WIDE.rate_hz,
        )
        self._on_cut_off = on_cut_off
        self._queue = ByteQueue()
        self._down = StreamConverter(_WIDE, _LINE)
        self._rest = b""
        self._played_s = 0.0
        self._is_open = self._is_ended = self._is_paused = False

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take audio of the agent's, faster than real time."""
        await super().capture_frame(frame)
        if not self._is_open:
            self._is_open, self._is_ended, self._played_s = True, False, 0.0
        self._queue.push(frame.data.tobytes())

    def flush(self) -> None:
        """Take the end of a segment."""
        super().flush()
        self._is_ended = True

    def clear_buffer(self) -> None:
        """Forget what was not played."""
        if self._is_open:
            if len(self._queue) > _WIDE.frame_bytes:
                self._on_cut_off()
            self._queue.clear()
            self._finish(interrupted=True)

    def pause(self) -> None:
        """Stop where it is."""
        super().pause()
        self._is_paused = True

    def resume(self) -> None:
        """Play on."""
        super().resume()
        self._is_paused = False

    def play(self) -> npt.NDArray[np.int16]:
        """Return the next 20 ms at 8 kHz."""
        taken = b"" if self._is_paused else self._queue.take(_WIDE.frame_bytes)
        if taken and self._played_s == 0.0 and hasattr(self, "on_playback_started"):
            self.on_playback_started(created_at=time.time())
        self._played_s += len(taken) / 2 / _WIDE.rate_hz
        if self._is_open and self._is_ended and not len(self._queue):
            self._finish(interrupted=False)
        audio = self._rest + self._down.process(taken.ljust(_WIDE.frame_bytes, b"\0"))
        audio = audio.rjust(_LINE.frame_bytes, b"\0")
        self._rest = audio[_LINE.frame_bytes :]
        return np.frombuffer(audio[: _LINE.frame_bytes], dtype="<i2")

    def _finish(self, *, interrupted: bool) -> None:
        self._is_open = False
        self.on_playback_finished(playback_position=self._played_s, interrupted=interrupted)


class _Answerer:
    """Says one of the call's answers after the other."""

    def __init__(self, call: ScriptedCall) -> None:
        self._answers = cycle(call.answers)

    async def answer(self, request: AnswerRequest) -> AsyncIterator[Speech]:  # noqa: ARG002
        yield Speech(text="An answer.", audio=next(self._answers).tobytes(), audio_format=_LINE)


async def run_call(
    call: ScriptedCall, setting: Setting, manager: AudioGatingManager, clock: Clock | None = None
) -> SessionGate | None:
    """Place a call and let it run to its end; the call's turns say what became of it.

    Args:
        call: The caller and the line.
        setting: Who gates.
        manager: Of all gates.
        clock: The gate's; the telephone's own time if left out, so that what the gate decides does
            not hang on how busy this machine is.

    Returns:
        The gate; None without one.
    """
    async with (
        RealtimeServer(answerer_factory=lambda: _Answerer(call)) as server,
        aiohttp.ClientSession() as http,
    ):
        turns = _TURNS[setting]
        gate = None
        if turns is not None:
            gate = SessionGate(manager, turn_detection=turns, clock=clock or call.clock)
        session: AgentSession[None] = AgentSession(
            llm=_model(server.base_url, http, has_turns=turns is not TurnDetection.GATE),
            **(gate.session_options() if gate else {}),
        )
        line_in, line_out = TelephoneInput(), TelephoneOutput(call.cut_off)
        session.output.audio = line_out
        session.input.audio = gate.gated_input(line_in) if gate else line_in
        if gate:
            gate.attach(session)
        await session.start(Agent(instructions="You answer the telephone."))
        try:
            await _telephone(call, line_in, line_out)
        finally:
            await session.aclose()
        return gate


async def _telephone(
    call: ScriptedCall, line_in: TelephoneInput, line_out: TelephoneOutput
) -> None:
    """Step the telephone once in 20 ms until the call is over."""
    began_s = time.monotonic()
    n_steps = 0
    while not call.is_over and call.now_ms < _LONGEST_CALL_S * 1000:
        line_in.put(call.step(line_out.play()))
        n_steps += 1
        await line_in.wait_until_taken()
        await asyncio.sleep(max(0.0, began_s + n_steps * _SLOT_S - time.monotonic()))


def _model(
    base_url: str, http: aiohttp.ClientSession, *, has_turns: bool
) -> openai.realtime.RealtimeModel:
    options = {} if has_turns else {"turn_detection": None}
    return openai.realtime.RealtimeModel(
        base_url=base_url, api_key="none", http_session=http, **options
    )
