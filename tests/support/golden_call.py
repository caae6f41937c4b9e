"""The golden call: one recorded call that every way into the gate must judge alike.

A caller with 12 dB of echo hears an agent out, coughs, says a word that is no interruption,
interrupts it twice, and once is still talking when it starts. What was captured and what the line
played are as an engine recorded them: playout paused and flushed where the gate said so. All of it
is made of the packaged voices with whole numbers, so that it is the same on every machine.

Times: capture frame ``k`` comes at ``20 (k + 1)`` ms, what the line plays in slot ``k`` is heard
from ``20 k`` ms on.
"""

from __future__ import annotations

__all__ = [
    "CALLER_SPEECH",
    "ERL_DB",
    "PROVIDER",
    "SLOT_MS",
    "AgentFlush",
    "AgentItem",
    "AgentWrite",
    "GoldenCall",
    "golden_call",
]

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256, shake_256
from importlib.resources import files
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.g711 import decode, encode
from voxgate.core.gate_decision import GateEvent, GateEventType
from voxgate.core.playout import Playout, PlayoutFrame

Samples = NDArray[np.int64]

SLOT_MS = 20.0
PROVIDER = "openai_realtime"
ERL_DB = 12.0
"""Echo return loss of the call's path, for the agent's voice."""

_N_SLOTS = 2600
_FRAME_SAMPLES = 160
_FRAME_BYTES = 320
_PCM16 = AudioFormat()
_MULAW = AudioFormat(Encoding.MULAW)
_CALL_ID = "golden"

_AGENT = (
    (25, "greeting"),
    (560, "service_time"),
    (1010, "opening_hours"),
    (1790, "card_payment"),
    (2350, "goodbye"),
)
"""Slot in which the provider has generated an answer, and which."""

_CALLER = (
    (280, "question", 0, 250),
    (760, "interruption", 0, 165),
    (1180, "hello", 0, 12),
    (1400, "stop", 0, 55),
    (1650, "card_question", 0, 174),
    (2130, "thanks", 0, 195),
)
"""Slot in which the caller says something, what, and which 20 ms of it."""

_COUGHS = (90, 1110)
"""Slots in which a click and a breath of noise come over the line."""

CALLER_SPEECH = tuple((at * SLOT_MS, (at + end - start) * SLOT_MS) for at, _, start, end in _CALLER)
"""When the caller speaks, in ms: what the tests ask right and false barge-ins by."""

_DELAY_SAMPLES = 1100
"""Echo path delay, 137.5 ms: no whole number of slots."""
_TAPS = (
    0,
    430,
    -1650,
    5840,
    7745,
    -5040,
    -3215,
    2070,
    2560,
    -960,
    -1360,
    575,
    700,
    -320,
    -360,
    165,
)
"""Impulse response of the line's hybrid, in 1 / 32768: 12 dB below the agent's voice."""
_NOISE_PEAK = 60
"""Line noise, evenly distributed: -59 dBFS."""
_BREATH_PEAK = 8
"""Noise in the agent's audio, -76 dBFS: its pauses are not digital silence. Where they are, an
engine that only sees what is written can't tell a pause from silence that keeps a line alive."""


_PAUSING = (GateEventType.CANDIDATE_STARTED, GateEventType.BARGE_IN_COMMITTED)
_RESUMING = (GateEventType.CANDIDATE_DROPPED, GateEventType.RESUMED, GateEventType.GATE_OPENED)
"""What happens to the engine's playout at a gate's events; the rest flushes it or does nothing."""


@dataclass(frozen=True, slots=True)
class AgentItem:
    """An answer, as a provider generates it: at once, long before it has been played."""

    slot: int
    """It is there shortly before this slot begins."""
    item_id: str
    audio: bytes


@dataclass(frozen=True, slots=True)
class AgentWrite:
    """An engine writes agent audio to the telephone's line."""

    now_ms: float
    audio: bytes


@dataclass(frozen=True, slots=True)
class AgentFlush:
    """An engine makes the telephone forget what it has not played."""

    now_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCall:
    """A call as it was recorded. All audio is PCM16, mono, 8 kHz."""

    capture: tuple[bytes, ...]
    """20 ms frames; frame ``k`` comes at ``20 (k + 1)`` ms."""
    far_end: tuple[bytes, ...]
    """What the line played, slot by slot; slot ``k`` begins at ``20 k`` ms."""
    is_agent: tuple[bool, ...]
    """Whether that was agent audio."""
    items: tuple[AgentItem, ...]
    """What the provider generated."""

    @property
    def audio_format(self) -> AudioFormat:
        """Of capture and far end."""
        return _PCM16

    @property
    def duration_ms(self) -> float:
        """Length of the call."""
        return len(self.capture) * SLOT_MS

    @property
    def digest(self) -> str:
        """Tells this call from any other."""
        flags = bytes(self.is_agent)
        return sha256(b"".join((*self.capture, *self.far_end, flags))).hexdigest()

    def arrivals(self) -> Iterator[tuple[float, bytes]]:
        """Yield when each captured frame comes, and the frame."""
        for number, frame in enumerate(self.capture, 1):
            yield number * SLOT_MS, frame

    def paced_writes(self) -> tuple[AgentWrite | AgentFlush, ...]:
        """Return what an engine writes that paces its audio: each 20 ms a slot ahead."""
        return tuple(
            AgentWrite((slot - 1) * SLOT_MS, audio)
            for slot, (audio, is_agent) in enumerate(zip(self.far_end, self.is_agent, strict=True))
            if is_agent
        )

    def burst_writes(self) -> tuple[AgentWrite | AgentFlush, ...]:
        """Return what an engine writes that sends audio as fast as it is generated.

        Each turn is written at once, a slot ahead, with a second more than the caller came to hear
        where it was cut off: that is flushed within the slot in which playing ends.
        """
        writes: list[AgentWrite | AgentFlush] = []
        slots = range(len(self.far_end))
        for is_agent, run in groupby(slots, key=lambda slot: self.is_agent[slot]):
            if not is_agent:
                continue
            heard = list(run)
            audio = b"".join(self.far_end[slot] for slot in heard)
            surplus = self.far_end[heard[0]] * 50
            writes.append(AgentWrite((heard[0] - 1) * SLOT_MS, audio + surplus))
            writes.append(AgentFlush((heard[-1] + 1) * SLOT_MS + SLOT_MS / 4))
        return tuple(writes)


@cache
def golden_call() -> GoldenCall:
    """Return the golden call, made once a process."""
    return _Recorder().record()


class _Recorder:
    """Records the call as the engine would: what the line plays depends on the gate."""

    def __init__(self) -> None:
        self._manager = AudioGatingManager()
        self._playout = Playout(_PCM16)
        self._past = np.zeros(_DELAY_SAMPLES + len(_TAPS) - 1, np.int64)

    def record(self) -> GoldenCall:
        items, room = _agent_items(), _room()
        waiting = deque(items)
        captured: list[bytes] = []
        played: list[PlayoutFrame] = []
        self._manager.start_call(_CALL_ID, provider=PROVIDER, now_ms=0.0)
        for slot in range(_N_SLOTS):
            while waiting and waiting[0].slot == slot:
                item = waiting.popleft()
                self._playout.enqueue(item.item_id, item.audio)
                self._playout.finish(item.item_id)
            frame = self._play(slot)
            heard = room[slot * _FRAME_SAMPLES :][:_FRAME_SAMPLES] + self._echo(frame.audio)
            played.append(frame)
            captured.append(_over_the_line(heard))
            decision = self._manager.process(_CALL_ID, captured[-1], (slot + 1) * SLOT_MS)
            self._follow(decision.events)
        return GoldenCall(
            capture=tuple(captured),
            far_end=tuple(frame.audio for frame in played),
            is_agent=tuple(frame.is_agent_audio for frame in played),
            items=items,
        )

    def _play(self, slot: int) -> PlayoutFrame:
        frame = self._playout.next_frame()
        now_ms = slot * SLOT_MS
        self._manager.receive_far_end(
            _CALL_ID, frame.audio, now_ms, is_agent_audio=frame.is_agent_audio
        )
        self._follow(self._manager.advance(_CALL_ID, now_ms).events)
        return frame

    def _follow(self, events: Iterable[GateEvent]) -> None:
        for event in events:
            if event.type in _PAUSING:
                self._playout.pause()
            elif event.type in _RESUMING:
                self._playout.resume()
            elif event.type is GateEventType.INTERRUPTED:
                self._playout.flush()

    def _echo(self, played: bytes) -> Samples:
        """Return what comes back while a frame is played, in 1 / 1 of a sample's step."""
        history = np.concatenate([self._past, np.frombuffer(played, "<i2").astype(np.int64)])
        self._past = history[_FRAME_SAMPLES:]
        sums = np.convolve(history[: _FRAME_SAMPLES + len(_TAPS) - 1], _TAPS, mode="valid")
        return np.asarray(sums >> 15, np.int64)


def _agent_items() -> tuple[AgentItem, ...]:
    return tuple(AgentItem(slot, f"item-{line}", _agent_audio(line)) for slot, line in _AGENT)


def _agent_audio(line: str) -> bytes:
    voice = _voice("realtime_server", line)
    return _pcm((voice + _noise(len(voice), _BREATH_PEAK, line)).clip(-32768, 32767))


def _room() -> Samples:
    """Return all that the caller's telephone hears besides the echo."""
    room = _noise(_N_SLOTS * _FRAME_SAMPLES, _NOISE_PEAK, "line")
    for at, line, start, end in _CALLER:
        _lay(room, at, _voice("lab", line)[start * _FRAME_SAMPLES : end * _FRAME_SAMPLES])
    for at in _COUGHS:
        _lay(room, at, _noise(30, 12_000, "click"))
        _lay(room, at + 8, _noise(6 * _FRAME_SAMPLES, 2000, "breath"))
    return room


def _voice(package: str, line: str) -> Samples:
    """Return a packaged sentence, read as a file: the code beside it needs more than the core."""
    file = files("voxgate") / package / "voices" / f"{line}.ulaw"
    return decode(file.read_bytes(), _MULAW).astype(np.int64)


def _noise(n_samples: int, peak: int, name: str) -> Samples:
    """Return evenly distributed noise, the same for a name for ever."""
    values = np.frombuffer(shake_256(name.encode()).digest(2 * n_samples), "<u2").astype(np.int64)
    return np.asarray(values * (2 * peak + 1) // 65536 - peak, np.int64)


def _lay(room: Samples, slot: int, sound: Samples) -> None:
    at = slot * _FRAME_SAMPLES
    room[at : at + len(sound)] += sound


def _over_the_line(heard: Samples) -> bytes:
    """Return 20 ms as they come out of a mu-law line."""
    return _pcm(decode(encode(heard.clip(-32768, 32767).astype(np.int16), _MULAW), _MULAW))


def _pcm(samples: NDArray[np.integer]) -> bytes:
    return samples.astype("<i2").tobytes()
