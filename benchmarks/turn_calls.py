"""Turns of real calls, each step stamped: what :mod:`.turn_time` measures.

Calls over real AudioSocket and Twilio sockets, through the engine, its gate and a WebSocket, to the
embedded server; all in this process, the phones as well. Invariant: all stamps are of one clock.
"""

from __future__ import annotations

__all__ = ["N_LINES", "SILENCE_MS", "Turn", "measure_turns"]

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from voxgate.call_observer import CallObserver
from voxgate.clock import monotonic_ms
from voxgate.config.line_models import LinesConfig
from voxgate.config.models import AppConfig, EngineConfig, GatingSection
from voxgate.config.provider_models import OpenAIRealtimeConfig, TurnDetectionConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.config import GatingMode
from voxgate.core.g711 import decode, encode
from voxgate.core.levels import rms
from voxgate.core.units import dbfs_to_rms
from voxgate.engine import AIEngine
from voxgate.providers.base import AgentAudio, ProviderEvent
from voxgate.realtime_server import (
    AnswerRequest,
    RealtimeServer,
    SessionLog,
    SessionOptions,
    Speech,
    VoiceLibrary,
    agent_voices,
)
from voxgate.realtime_server.speech_scorer import FrameScore, SpeechScorer

from .turn_phones import TurnPhone, place_call

SILENCE_MS = TurnDetectionConfig().silence_duration_ms
"""The server's own silence time, which is not part of the turn time."""

_LINES = ("audiosocket", "twilio")
N_LINES = len(_LINES)
"""Lines that are measured, each alone and all together."""
_SENTENCES = ("hello", "stop")
_ANSWER_MS = 400
_PAUSE_MS = 900.0
"""Of the caller after an answer: longer than the gate takes to be sure that the agent is silent."""
_LEAD_IN_MS = 600.0
"""Noise of the line before the first word: the guard learns its floor."""
_NOISE_DBFS = -66.0
_SPEECH_RMS = dbfs_to_rms(-40.0)
_MULAW = AudioFormat(Encoding.MULAW)

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The stamps of one turn, in ms on one clock."""

    spoken_ms: float
    """The phone has written the last frame of speech."""
    arrived_ms: float | None
    """The server's turn detector got that frame; None where the gate did not let it through."""
    stopped_ms: float
    """The server found the end of the turn, and created a response."""
    began_ms: float
    """The server sent the first delta."""
    received_ms: float
    """The provider gave it to the call."""
    heard_ms: float
    """The first frame of the answer arrived at the phone."""

    @property
    def turn_ms(self) -> float:
        """End of speech to first agent audio, less the server's own silence time."""
        return self.heard_ms - self.spoken_ms - SILENCE_MS

    @property
    def out_ms(self) -> float:
        """First delta sent to first frame on the line."""
        return self.heard_ms - self.began_ms

    @property
    def engine_ms(self) -> float | None:
        """What the engine adds: line to server, and server to line, both sockets included."""
        return None if self.arrived_ms is None else self.arrived_ms - self.spoken_ms + self.out_ms


class _Arrivals:
    """When the server's turn detectors got each frame, known by its samples."""

    def __init__(self) -> None:
        self._at_ms: dict[bytes, float] = {}

    def new_scorer(self) -> _StampingScorer:
        return _StampingScorer(self._at_ms)

    def of(self, frame: bytes) -> float | None:
        return self._at_ms.get(decode(frame, _MULAW).tobytes())


class _StampingScorer(SpeechScorer):
    def __init__(self, at_ms: dict[bytes, float]) -> None:
        super().__init__()
        self._at_ms = at_ms

    def process(self, frame: Samples) -> FrameScore:
        self._at_ms[frame.tobytes()] = monotonic_ms()
        return super().process(frame)


class _Deltas(CallObserver):
    """When the agent's audio came out of the provider."""

    def __init__(self) -> None:
        self.at_ms: list[float] = []

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:  # noqa: ARG002
        if isinstance(event, AgentAudio):
            self.at_ms.append(now_ms)


class _Answerer:
    """Says the same word at once, every time."""

    async def answer(self, request: AnswerRequest) -> AsyncIterator[Speech]:  # noqa: ARG002
        yield Speech(text="Yes.", audio=_ANSWER, audio_format=_MULAW)


@dataclass(frozen=True, slots=True)
class _Bench:
    """One engine with its server, and what is stamped there."""

    engine: AIEngine
    server: RealtimeServer
    arrivals: _Arrivals
    deltas: _Deltas


async def measure_turns(
    n_rounds: int, n_turns: int, *, n_at_once: int, is_gated: bool
) -> tuple[list[list[Turn]], list[list[Turn]]]:
    """Return the turns of each round: of one call at a time, and of so many at once.

    Half of the calls are on each line. Each call has ``n_turns`` turns.
    """
    alone, together = [], []
    async with _bench(is_gated=is_gated) as bench:
        for number in range(n_rounds):
            rng = np.random.default_rng(number)
            calls = [await _calls(bench, [line], n_turns, rng) for line in _LINES]
            alone.append([turn for turns in calls for turn in turns])
            lines = list(_LINES) * (n_at_once // len(_LINES))
            together.append(await _calls(bench, lines, n_turns, rng))
    return alone, together


@asynccontextmanager
async def _bench(*, is_gated: bool) -> AsyncIterator[_Bench]:
    arrivals, deltas = _Arrivals(), _Deltas()
    options = SessionOptions(new_scorer=arrivals.new_scorer)
    async with RealtimeServer(answerer_factory=_Answerer, options=options) as server:
        config = _config(server.url, is_gated=is_gated)
        engine = AIEngine(config, observers=[deltas], environ={})
        await engine.start()
        try:
            yield _Bench(engine, server, arrivals, deltas)
        finally:
            await engine.stop()


async def _calls(
    bench: _Bench, lines: Sequence[str], n_turns: int, rng: np.random.Generator
) -> list[Turn]:
    """Place calls at once, and return the turns of all of them."""
    async with AsyncExitStack() as stack:
        pending = []
        async with asyncio.TaskGroup() as tasks:
            for line in lines:
                n_sessions = _n_sessions(bench)
                call = place_call(line, bench.engine.addresses[line], _idle_frames(rng))
                phone = await stack.enter_async_context(call)
                while _n_sessions(bench) == n_sessions:  # noqa: ASYNC110 - so that we know whose it is
                    await asyncio.sleep(0.01)
                caller = _Caller(bench, phone, bench.server.sessions[-1], rng)
                pending.append(tasks.create_task(caller.converse(n_turns)))
                await asyncio.sleep(rng.uniform(0.0, 0.2))
        return [turn for task in pending for turn in task.result()]


def _n_sessions(bench: _Bench) -> int:
    sessions = bench.server.sessions
    return hash(sessions[-1].session_id) if sessions else 0


class _Caller:
    """Asks over and over, and puts the stamps of each turn together."""

    def __init__(
        self, bench: _Bench, phone: TurnPhone, record: SessionLog, rng: np.random.Generator
    ) -> None:
        self._bench = bench
        self._phone = phone
        self._record = record
        self._rng = rng

    async def converse(self, n_turns: int) -> list[Turn]:
        await asyncio.sleep(_LEAD_IN_MS / 1000)
        turns = [await self._turn(_SENTENCES[n % len(_SENTENCES)]) for n in range(n_turns)]
        return [turn for turn in turns if turn is not None]

    async def _turn(self, sentence: str) -> Turn | None:
        """Ask once; None where nobody answers, or before the end."""
        frames, last = _utterance(sentence, self._rng)
        first = await self._phone.say(frames)
        spoken_ms = self._phone.sent_ms[first + last]
        try:
            heard_ms = await self._phone.wait_for_agent(spoken_ms)
        except TimeoutError:
            return None
        await self._phone.wait_for_quiet(_PAUSE_MS)
        stopped_ms = self._logged("response_created", spoken_ms)
        began_ms = self._logged("audio_began", spoken_ms)
        if stopped_ms is None or began_ms is None:
            return None  # what was heard was the answer to a part of the sentence
        return Turn(
            spoken_ms=spoken_ms,
            arrived_ms=self._bench.arrivals.of(frames[last]),
            stopped_ms=stopped_ms,
            began_ms=began_ms,
            received_ms=min(at_ms for at_ms in self._bench.deltas.at_ms if at_ms >= began_ms),
            heard_ms=heard_ms,
        )

    def _logged(self, event: str, since_ms: float) -> float | None:
        times_ms = (entry.now_ms for entry in self._record.events(event))
        return next((at_ms for at_ms in times_ms if at_ms >= since_ms), None)


def _config(url: str, *, is_gated: bool) -> AppConfig:
    config = AppConfig()
    policies = dict(config.gating.providers)
    mode = GatingMode.ECHO_AWARE if is_gated else GatingMode.OFF
    policy = replace(policies["openai_realtime"], gating_enabled=is_gated, mode=mode)
    agent = OpenAIRealtimeConfig(url=url, api_key_env=None, greeting=None)
    detection = replace(agent.turn_detection, silence_duration_ms=SILENCE_MS)
    twilio = replace(
        config.lines.twilio,
        enabled=True,
        port=0,
        public_url="wss://bench.example/twilio",
        validate_signature=False,
    )
    audiosocket = replace(config.lines.audiosocket, enabled=True, port=0)
    return replace(
        config,
        engine=EngineConfig(default_provider="agent"),
        lines=LinesConfig(audiosocket=audiosocket, twilio=twilio),
        providers={"agent": replace(agent, turn_detection=detection)},
        gating=GatingSection(providers={**policies, "openai_realtime": policy}),
    )


# -- sounds ----------------------------------------------------------------------------------------


def _utterance(sentence: str, rng: np.random.Generator) -> tuple[list[bytes], int]:
    """Return a sentence over the line's noise, no two alike, and which of its frames ends it."""
    line = VoiceLibrary.load(files("voxgate.lab") / "voices")[sentence]
    speech = decode(line.audio, line.audio_format)
    speech = speech[: len(speech) - len(speech) % _MULAW.frame_samples]
    loud = [n for n, frame in enumerate(_cut(speech)) if rms(frame) >= _SPEECH_RMS]
    noisy = np.clip(speech + _noise(len(speech), rng), -32768, 32767).astype(np.int16)
    return [encode(frame, _MULAW) for frame in _cut(noisy)], loud[-1]


def _idle_frames(rng: np.random.Generator) -> list[bytes]:
    return [encode(frame, _MULAW) for frame in _cut(_noise(8000, rng))]


def _noise(n_samples: int, rng: np.random.Generator) -> Samples:
    return np.round(rng.standard_normal(n_samples) * dbfs_to_rms(_NOISE_DBFS)).astype(np.int16)


def _cut(samples: Samples) -> list[Samples]:
    return list(samples.reshape(-1, _MULAW.frame_samples))


def _make_answer() -> bytes:
    """Return the first of a sentence of the agent, from its first sound on."""
    audio = agent_voices()["go_on"].audio
    loud = np.flatnonzero(np.abs(decode(audio, _MULAW)) >= _SPEECH_RMS)[0]
    return audio[loud : loud + _ANSWER_MS * _MULAW.rate_hz // 1000]


_ANSWER = _make_answer()
