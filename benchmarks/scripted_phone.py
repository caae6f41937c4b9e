"""Scripted calls over Twilio's protocol: what is said when, a phone that says it, and a verdict.

A script is the same for every engine: the caller asks, the agent answers at length, and in half of
the turns the caller speaks over it. The phone plays what the engine writes at real time, with an
echo of it in the microphone. Times are slots of 20 ms of its own stream, however late it is.

Invariant: a turn is judged by when the engine told the phone to stop playing, and by nothing else.
"""

from __future__ import annotations

__all__ = ["Script", "ScriptedPhone", "ScriptedTurn", "TurnResult", "Verdict", "make_scripts"]

import asyncio
import contextlib
import json
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from voxgate.core.g711 import decode, decode_mulaw, encode_mulaw
from voxgate.core.units import db_to_ratio
from voxgate.lab.scenarios.corpus_folder import find_clips
from voxgate.lab.scenarios.paths import make_handset_path, make_hybrid_path, make_room_path
from voxgate.lab.scenarios.signals import scale_to_dbfs
from voxgate.realtime_server import VoiceLibrary, agent_voices

_FRAME = 160
_RATE_HZ = 8000
_ERL_DB = 12.0
_DELAYS_MS = (60, 300)
_PATHS = {"hybrid": make_hybrid_path, "handset": make_handset_path, "room": make_room_path}
_ANSWER_S = 5.5
_SLOTS_PER_S = 50
_TAIL_SLOTS = 35
"""A turn of the agent ends 700 ms after its last audio."""
_LATEST_SLOTS = 50
_EARLIEST_SLOTS = -1
"""A right barge-in comes from 20 ms before to 1,000 ms after the caller's onset."""
_PATIENCE_SLOTS = 250
_QUIET_SLOTS = 75
_MAX_QUESTIONS = 3
_MAX_LATE_S = 0.1
"""What comes later than that at the phone is heard at another time than the engine can know."""
_SILENCE = np.zeros(_FRAME, np.int16)
_PEAK = 32767.0

Signal = npt.NDArray[np.int16]
Audio = npt.NDArray[np.floating[Any]]


class Verdict(StrEnum):
    """What became of one turn of the agent."""

    HEARD_OUT = "heard_out"
    """Nobody spoke, and the agent spoke to its end: right."""
    FALSE = "false"
    """The agent was stopped though nobody spoke, or before the caller did."""
    RIGHT = "right"
    """The caller spoke, and the agent was stopped in time."""
    MISSED = "missed"
    """The caller spoke, and the agent was not stopped within a second."""
    UNANSWERED = "unanswered"
    """The question was not answered: there was no turn to judge."""
    DISTURBED = "disturbed"
    """The phone itself was late, as no phone is: this machine was too busy for a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedTurn:
    """One question and its answer."""

    question: Signal
    answer: Signal
    interruption: Signal | None
    """What the caller says over the answer; None: nothing."""
    onset_slot: int
    """After the start of the answer, where there is an interruption."""


@dataclass(slots=True, kw_only=True)
class Script:
    """One call."""

    number: int
    path: str
    """Kind of echo path."""
    response: Audio
    """Impulse response of the path, with its delay and its loss."""
    noise_dbfs: float
    turns: list[ScriptedTurn]
    current: int = 0
    """Turn that is being played."""
    is_settling: bool = True
    """Between turns: what is answered now is not judged, and best short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult:
    """What one turn came to."""

    script: int
    path: str
    with_caller: bool
    verdict: Verdict
    latency_ms: float | None = None
    """From the caller's onset to the agent being stopped."""


# -- scripts ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Voices:
    agents: list[list[Audio]] = field(default_factory=list)
    """Sentences by agent."""
    callers: list[list[Audio]] = field(default_factory=list)


def make_scripts(n_scripts: int, n_turns: int, corpus: Path | None, seed: int = 1) -> list[Script]:
    """Return calls, the same each time; half of the turns have an interruption.

    Args:
        n_scripts: Calls.
        n_turns: Turns of each.
        corpus: Folder with recordings of speech; None: the packaged voices.
        seed: Another one makes other calls.
    """
    rng = np.random.default_rng(seed)
    voices = _packaged() if corpus is None else _recorded(corpus, rng)
    return [_script(number, n_turns, voices, rng) for number in range(n_scripts)]


def _packaged() -> _Voices:
    libraries = (agent_voices(), VoiceLibrary.load(files("voxgate.lab") / "voices"))
    agent, caller = (
        [_as_audio(decode(line.audio, line.audio_format)) for line in library.values()]
        for library in libraries
    )
    return _Voices([agent], [caller])


def _as_audio(samples: Signal) -> Audio:
    return samples / _PEAK


def _recorded(corpus: Path, rng: np.random.Generator) -> _Voices:
    """Return agents and callers that are not the same people, of a handful of recordings each."""
    found = [clip for clip in find_clips(corpus) if clip.kind == "speech"]
    by_speaker: dict[tuple[str, str], list[Audio]] = {}
    for at in rng.permutation(len(found)):
        clip = found[int(at)]
        clips = by_speaker.setdefault((clip.source, clip.speaker), [])
        if len(clips) < 8 and (audio := clip.read()) is not None and _is_usable(audio):
            clips.append(audio)
        n_ready = sum(len(each) >= 4 for each in by_speaker.values())
        if n_ready >= 24:
            break
    ready = [clips for clips in by_speaker.values() if len(clips) >= 4]
    return _Voices(ready[::2], ready[1::2])


def _is_usable(audio: Audio) -> bool:
    return len(audio) >= _RATE_HZ


def _script(number: int, n_turns: int, voices: _Voices, rng: np.random.Generator) -> Script:
    agent = voices.agents[number % len(voices.agents)]
    caller = voices.callers[number % len(voices.callers)]
    path = list(_PATHS)[number % len(_PATHS)]
    delay = np.zeros(int(rng.uniform(*_DELAYS_MS) * _RATE_HZ / 1000))
    response = _PATHS[path](rng)
    caller_dbfs = rng.uniform(-30, -22)
    turns = [_turn(agent, caller, caller_dbfs, rng, n % 2 == 1) for n in range(n_turns)]
    spoken = np.concatenate([turn.answer for turn in turns]).astype(np.float64)
    heard = np.convolve(spoken, response)[: len(spoken)]
    loss = db_to_ratio(-_ERL_DB) * np.sqrt(np.mean(spoken**2) / np.mean(heard**2))
    return Script(
        number=number,
        path=path,
        response=np.concatenate([delay, response * loss]),
        noise_dbfs=float(rng.choice([-70.0, -60.0, -50.0])),
        turns=turns,
    )


def _turn(
    agent: list[Audio],
    caller: list[Audio],
    caller_dbfs: float,
    rng: np.random.Generator,
    is_interrupted: bool,  # noqa: FBT001 - private
) -> ScriptedTurn:
    return ScriptedTurn(
        question=_said(caller, caller_dbfs, rng, 1.6),
        answer=_said(agent, -20.0, rng, _ANSWER_S),
        interruption=_said(caller, caller_dbfs, rng, 2.0) if is_interrupted else None,
        onset_slot=int(rng.uniform(1.2, 3.5) * _SLOTS_PER_S),
    )


def _said(clips: Sequence[Audio], level_dbfs: float, rng: np.random.Generator, s: float) -> Signal:
    """Return so many seconds of clips, one after the other, from the start of speech on."""
    pause = np.zeros(_RATE_HZ // 5)
    parts: list[Audio] = []
    while sum(map(len, parts)) < s * _RATE_HZ:
        parts += [_from_onset(clips[int(rng.integers(len(clips)))]), pause]
    audio = np.concatenate(parts)[: int(s * _RATE_HZ)]
    fade = min(len(audio), _RATE_HZ // 50)
    audio[-fade:] *= np.linspace(1, 0, fade)
    scaled = scale_to_dbfs(np.asarray(audio, np.float32), level_dbfs)
    return np.asarray(np.clip(scaled * _PEAK, -_PEAK, _PEAK), np.int16)


def _from_onset(audio: Audio) -> Audio:
    whole = audio[: len(audio) // _FRAME * _FRAME].reshape(-1, _FRAME)
    levels = np.sqrt(np.mean(whole.astype(np.float64) ** 2, axis=1))
    first = int(np.argmax(levels > 0.1 * levels.max()))
    return np.array(audio[first * _FRAME :], np.float64)


# -- the phone -------------------------------------------------------------------------------------


class ScriptedPhone:
    """Plays one script on one call; :meth:`play` places it.

    Args:
        script: What is said.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._rng = np.random.default_rng(script.number)
        self._stream_sid = f"MZ{uuid4().hex}"
        self._buffer = bytearray()
        self._to_say: deque[Signal] = deque()
        self._past = np.zeros(len(script.response) - 1)
        self._has_echo = True
        self._slot = 0
        self._played_slot = 0
        self._said_slot = 0
        self._clear_slots: list[int] = []
        self._due_s = 0.0
        self._latest_s = 0.0
        self._connection: ClientConnection | None = None

    async def play(self, url: str) -> list[TurnResult]:
        """Place the call at an engine's WebSocket, and return what the turns came to."""
        async with connect(url, compression=None, proxy=None) as connection:
            self._connection = connection
            await self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
            start = {"streamSid": self._stream_sid, "callSid": f"CA{uuid4().hex}"}
            await self._send({"event": "start", "streamSid": self._stream_sid, "start": start})
            listening = asyncio.create_task(self._listen(), name="scripted phone")
            try:
                self._due_s = asyncio.get_running_loop().time()
                results = []
                for number, turn in enumerate(self._script.turns):
                    self._script.current = number
                    results.append(await self._turn(turn))
                return results
            finally:
                listening.cancel()
                await asyncio.wait({listening})

    async def _turn(self, turn: ScriptedTurn) -> TurnResult:
        await self._wait_for_quiet()
        began = await self._ask(turn.question)
        verdict, latency_ms = Verdict.UNANSWERED, None
        self._latest_s = 0.0
        if began is not None:
            verdict, latency_ms = await self._listen_to_answer(turn, began)
        if self._latest_s > _MAX_LATE_S:
            verdict, latency_ms = Verdict.DISTURBED, None
        return TurnResult(
            script=self._script.number,
            path=self._script.path,
            with_caller=turn.interruption is not None,
            verdict=verdict,
            latency_ms=latency_ms,
        )

    async def _wait_for_quiet(self) -> None:
        """Let the agent end without an echo: what was interrupted is answered, too."""
        self._has_echo = False
        self._script.is_settling = True
        while self._slot - max(self._played_slot, self._said_slot) < _QUIET_SLOTS:
            await self._pass_slot()
        self._has_echo = True
        self._script.is_settling = False

    async def _ask(self, question: Signal) -> int | None:
        """Return the slot in which the answer begins, or None."""
        for _ in range(_MAX_QUESTIONS):
            self._say(question)
            asked = self._slot + len(self._to_say)
            while self._slot < asked + _PATIENCE_SLOTS:
                await self._pass_slot()
                if self._slot > asked and self._played_slot >= asked:
                    return self._slot
        return None

    async def _listen_to_answer(
        self, turn: ScriptedTurn, began: int
    ) -> tuple[Verdict, float | None]:
        n_clears = len(self._clear_slots)
        onset = None if turn.interruption is None else began + turn.onset_slot
        end = began + len(turn.answer) // _FRAME + 10 * _SLOTS_PER_S
        while self._slot < end and self._slot - self._played_slot < _TAIL_SLOTS:
            if self._slot == onset and turn.interruption is not None:
                self._say(turn.interruption)
            await self._pass_slot()
            if len(self._clear_slots) > n_clears:
                return _judged(self._clear_slots[n_clears], onset)
            if onset is not None and self._slot > onset + _LATEST_SLOTS:
                return Verdict.MISSED, None
        return (Verdict.HEARD_OUT if onset is None else Verdict.MISSED), None

    def _say(self, audio: Signal) -> None:
        filled = np.concatenate([audio, np.zeros(-len(audio) % _FRAME, np.int16)])
        self._to_say.extend(filled.reshape(-1, _FRAME))

    async def _pass_slot(self) -> None:
        played = bytes(self._buffer[:_FRAME])
        del self._buffer[:_FRAME]
        heard = decode_mulaw(played) if played else _SILENCE[:0]
        if np.any(np.abs(heard) > 8):
            self._played_slot = self._slot
        history = np.concatenate([self._past, heard, np.zeros(_FRAME - len(heard))])
        self._past = history[_FRAME:]
        mixed = self._rng.standard_normal(_FRAME) * _PEAK * db_to_ratio(self._script.noise_dbfs)
        if self._has_echo:
            mixed += np.convolve(history, self._script.response, mode="valid")
        if self._to_say:
            mixed += self._to_say.popleft()
            self._said_slot = self._slot
        capture = encode_mulaw(np.clip(mixed, -_PEAK, _PEAK).astype(np.int16))
        media = {
            "track": "inbound",
            "chunk": str(self._slot + 1),
            "timestamp": str(self._slot * 20),
            "payload": b64encode(capture).decode("ascii"),
        }
        await self._send({"event": "media", "streamSid": self._stream_sid, "media": media})
        self._slot += 1
        self._due_s += 0.02
        ahead_s = self._due_s - asyncio.get_running_loop().time()
        self._latest_s = max(self._latest_s, -ahead_s)
        await asyncio.sleep(max(0.0, ahead_s))

    async def _send(self, message: dict[str, object]) -> None:
        assert self._connection is not None, "the call has been placed"
        await self._connection.send(json.dumps(message))

    async def _listen(self) -> None:
        assert self._connection is not None, "the call has been placed"
        with contextlib.suppress(ConnectionClosed):
            async for text in self._connection:
                message = json.loads(text)
                if message["event"] == "media":
                    self._buffer += b64decode(message["media"]["payload"])
                elif message["event"] == "clear":
                    self._buffer.clear()
                    self._clear_slots.append(self._slot)


def _judged(clear: int, onset: int | None) -> tuple[Verdict, float | None]:
    if onset is None or clear < onset + _EARLIEST_SLOTS:
        return Verdict.FALSE, None
    return Verdict.RIGHT, (clear - onset) * 20.0
