"""Recorded calls made from simulated ones: a caller, an agent, an echo, and what goes wrong.

``make_recorded_call(root)`` is one call with every kind of event that a replay can bring about
again; ``record_call`` records what a test tells the gate itself.
"""

from __future__ import annotations

__all__ = [
    "BY_VOICE",
    "STARTED_AT",
    "Tape",
    "header_of",
    "make_recorded_call",
    "record_call",
    "simulate_call",
    "taped_call",
    "write_call",
]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from support.signals import Signal, frames_of, speech_like, tone, white_noise
from voxgate.core.audio import AudioFormat
from voxgate.core.config import GatingConfig, GatingMode, ProviderGatingPolicy
from voxgate.core.g711 import decode, encode
from voxgate.core.gate_decision import GateDecision
from voxgate.core.gate_tape import GateInput, GateReconfigured
from voxgate.core.taped_gating_manager import TapedGatingManager, apply_input
from voxgate.realtime_server.voice_library import VoiceLibrary
from voxgate.recordings import CallEvent, CallHeader, RecordedEnd
from voxgate.recordings.audio_tracks import Side
from voxgate.recordings.call_folders import folder_name
from voxgate.recordings.call_writer import CallWriter

STARTED_AT = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
"""When the first of the calls began."""

BY_VOICE = GatingConfig(
    providers={
        "openai_realtime": ProviderGatingPolicy(gating_enabled=True, mode=GatingMode.VAD),
    }
)
"""Voice and level decide, with candidates; the echo-aware detector commits at once."""

Taped = tuple[GateInput, GateDecision | None]
"""One entry of a tape."""

_START_MS = 5000.0
_SLOT_MS = 20.0
_SILENCE = np.zeros(160, np.int16)
_ECHO_DELAY_SLOTS = 5
_ECHO_GAIN = 10 ** (-20 / 20)


@dataclass
class Tape:
    """Keeps everything that a gate is told, with the decisions."""

    entries: list[Taped] = field(default_factory=list)

    def receive(self, given: GateInput, decision: GateDecision | None) -> None:
        self.entries.append((given, decision))


def header_of(
    *,
    call_id: str = "call",
    started_at: datetime = STARTED_AT,
    started_ms: float = _START_MS,
    has_audio: bool = True,
) -> CallHeader:
    """Return the header of a call."""
    return CallHeader(
        call_id=call_id,
        provider="openai_realtime",
        line="audiosocket",
        started_at=started_at,
        started_ms=started_ms,
        has_audio=has_audio,
        voxgate_version="0.1.0",
        numpy_version=np.__version__,
    )


def write_call(
    root: Path,
    header: CallHeader,
    entries: Iterable[Taped],
    *,
    events: Iterable[CallEvent] = (),
    line_audio: Iterable[tuple[Side, bytes, float]] = (),
    is_ended: bool = True,
) -> Path:
    """Write a recorded call and return its folder.

    Args:
        root: Where recorded calls are.
        header: Of the call.
        entries: What its gate was told, and what it decided.
        events: What happened besides.
        line_audio: What the line told of, each piece before the first input at or after its time.
        is_ended: The call has an end; else it was killed.
    """
    folder = root / folder_name(header.started_at, header.call_id)
    folder.mkdir(parents=True)
    writer = CallWriter(header)
    pieces = sorted(line_audio, key=lambda piece: piece[2])
    for n, (given, decision) in enumerate(entries):
        now_ms = getattr(given, "now_ms", float("inf"))
        while n and pieces and pieces[0][2] <= now_ms:
            writer.receive_line_audio(*pieces.pop(0))
        writer.receive_input(given, decision)
        if n % 100 == 0:
            _append(folder, writer)
    for event in events:
        writer.receive_event(event)
    if is_ended:
        writer.end(_end_of(header, entries))
    _append(folder, writer)
    return folder


def _append(folder: Path, writer: CallWriter) -> None:
    for name, data in writer.take().items():
        with (folder / name).open("ab") as file:
            file.write(data)


def _end_of(header: CallHeader, entries: Iterable[Taped]) -> RecordedEnd:
    last_ms = max((getattr(given, "now_ms", 0.0) for given, _ in entries), default=0.0)
    return RecordedEnd(
        reason="caller_hangup",
        duration_ms=max(0.0, last_ms - header.started_ms),
        provider=header.provider,
    )


def record_call(
    root: Path,
    entries: Sequence[Taped],
    *,
    call_id: str = "call",
    started_at: datetime = STARTED_AT,
    has_audio: bool = True,
) -> Path:
    """Record what a tape holds and return the call's folder."""
    header = header_of(call_id=call_id, started_at=started_at, has_audio=has_audio)
    return write_call(root, header, entries)


def make_recorded_call(
    root: Path,
    *,
    call_id: str = "call",
    number: int = 0,
    config: GatingConfig | None = None,
    capture_format: AudioFormat | None = None,
    far_end_format: AudioFormat | None = None,
    reconfigured: GatingConfig | None = None,
    manager: TapedGatingManager | None = None,
    has_audio: bool = True,
) -> Path:
    """Record a call of a minute with everything in it and return its folder; see simulate_call.

    Args:
        root: Where recorded calls are.
        call_id: Of the call.
        number: How many minutes after :data:`STARTED_AT` it began.
        config: Of its gate; the defaults if left out.
        capture_format: PCM16 at 8 kHz if left out.
        far_end_format: That of the capture if left out.
        reconfigured: What the operator turns in the middle of the call.
        manager: Its gate, instead of a new one with the configuration.
        has_audio: Its audio is recorded too.
    """
    entries = simulate_call(
        manager or TapedGatingManager(config=config),
        call_id=call_id,
        capture_format=capture_format or AudioFormat(),
        far_end_format=far_end_format,
        reconfigured=reconfigured,
    )
    return record_call(
        root,
        entries,
        call_id=call_id,
        started_at=STARTED_AT + timedelta(minutes=number),
        has_audio=has_audio,
    )


def taped_call() -> list[Taped]:
    """Return the tape of a call with the default gate, made once."""
    return list(_default_tape())


@cache
def _default_tape() -> tuple[Taped, ...]:
    return tuple(simulate_call(TapedGatingManager()))


def simulate_call(
    manager: TapedGatingManager,
    *,
    call_id: str = "call",
    capture_format: AudioFormat | None = None,
    far_end_format: AudioFormat | None = None,
    reconfigured: GatingConfig | None = None,
) -> list[Taped]:
    """Place a call and return its tape.

    The caller asks; interrupts the agent, once so shortly that the agent goes on; a click, a
    push-button's tone, music and noise come over the line; it falls silent, stalls, delivers late,
    in odd pieces and what is no audio; the provider speaks of the caller; another one takes over
    and is shown the last second once more.
    """
    tape = Tape()
    manager.tap_call(call_id, tape)
    capture = capture_format or AudioFormat()
    call = _Call(manager, call_id, capture, far_end_format or capture)
    call.begin()
    for n, (captured, agent) in enumerate(_script()):
        if n == _RECONFIGURED_AT and reconfigured is not None:
            apply_input(manager, call_id, GateReconfigured(now_ms=call.now_ms, config=reconfigured))
        call.slot(n, captured, agent)
    call.end()
    manager.untap_call(call_id)
    return tape.entries


# -- the script, in slots of 20 ms -----------------------------------------------------------------

_LENGTH = 2950
_ODD_PIECES = range(150, 200)
_STALL = range(700, 750)
_DTX = range(1200, 1260)
_LATE_FROM = 1300
_BROKEN_AT = (210, 215)
_FALL_BACK_AT = 1500
_RECONFIGURED_AT = 900
_PROVIDER_SPEECH_AT = 640


class _Call:
    """Tells the gate of a call slot by slot."""

    def __init__(
        self,
        manager: TapedGatingManager,
        call_id: str,
        capture_format: AudioFormat,
        far_end_format: AudioFormat,
    ) -> None:
        self.now_ms = _START_MS
        self._manager = manager
        self._call_id = call_id
        self._capture_format = capture_format
        self._far_end_format = far_end_format
        self._echo = [_SILENCE] * _ECHO_DELAY_SLOTS
        self._stalled: list[bytes] = []
        self._past: list[tuple[bytes, bool, float, bytes]] = []
        self._was_speaking = False

    def begin(self, provider: str = "openai_realtime", now_ms: float | None = None) -> None:
        self._manager.start_call(
            self._call_id,
            provider=provider,
            now_ms=self.now_ms if now_ms is None else now_ms,
            capture_format=self._capture_format,
            far_end_format=self._far_end_format,
        )

    def end(self) -> None:
        self._manager.receive_provider_speech_stopped(self._call_id, self.now_ms)
        self._manager.cleanup_call(self._call_id)

    def slot(self, n: int, captured: Signal, agent: Signal | None) -> None:
        self.now_ms += _SLOT_MS
        played = _encoded(_SILENCE if agent is None else agent, self._far_end_format)
        self._speak(agent)
        self._manager.receive_far_end(
            self._call_id, played, self.now_ms, is_agent_audio=agent is not None
        )
        self._manager.advance(self._call_id, self.now_ms)
        self._echo.append(_SILENCE if agent is None else agent)
        heard = captured + (self._echo.pop(0) * _ECHO_GAIN).astype(np.int16)
        frame = _encoded(heard, self._capture_format)
        self._past.append((played, agent is not None, self.now_ms, frame))
        self._deliver(n, frame)
        if n == _PROVIDER_SPEECH_AT:
            self._manager.receive_provider_speech_started(
                self._call_id, self.now_ms + 1.5, capture_ms=self.now_ms - 300.1
            )
        if n == _FALL_BACK_AT:
            self._fall_back()

    def _speak(self, agent: Signal | None) -> None:
        if (agent is not None) != self._was_speaking:
            self._was_speaking = agent is not None
            self._manager.set_agent_speaking(
                self._call_id, self._was_speaking, self.now_ms, audio_ms=1000 / 3
            )

    def _deliver(self, n: int, frame: bytes) -> None:
        """Deliver a frame as lines do: whole, late, in pieces, at once after a stall, or not."""
        now_ms = self.now_ms + 0.1 * (n % 37)
        if n in _STALL:
            self._stalled.append(frame)
        elif n in _ODD_PIECES:
            at = frame_bytes = len(frame) // 3 // 2 * 2
            for piece in (frame[:at], frame[at : at + frame_bytes], frame[at + frame_bytes :]):
                self._process(piece, now_ms)
        elif n not in _DTX:
            for held in self._stalled:
                self._process(held, now_ms)
            self._stalled.clear()
            if n >= _LATE_FROM and n % 5 == 0:
                self._manager.place_capture(self._call_id, self.now_ms - 40.25)
            self._process(frame, now_ms)
        if n in _BROKEN_AT:
            for broken in (b"", frame[:-1] if self._capture_format.sample_bytes == 2 else b""):
                self._process(broken, now_ms)
            self._process(frame * 60, now_ms)

    def _process(self, audio: bytes, now_ms: float) -> None:
        self._manager.process(self._call_id, audio, now_ms)

    def _fall_back(self) -> None:
        """Let another provider take over, whose gate is shown the last second."""
        past = self._past[-50:]
        self._manager.cleanup_call(self._call_id)
        self.begin("openai_realtime_2", past[0][2])
        for played, is_agent, now_ms, frame in past:
            self._manager.receive_far_end(self._call_id, played, now_ms, is_agent_audio=is_agent)
            self._manager.advance(self._call_id, now_ms)
            self._process(frame, now_ms)


def _encoded(samples: Signal, audio_format: AudioFormat) -> bytes:
    """Return 20 ms at 8 kHz in a format; a higher rate repeats samples."""
    return encode(np.repeat(samples, audio_format.rate_hz // 8000), audio_format)


def _script() -> Iterator[tuple[Signal, Signal | None]]:
    """Yield what the caller's end sounds like and what the agent says, slot by slot."""
    caller, agent = _caller(), _agent()
    for n in range(max(len(caller), len(agent))):
        yield (
            caller[n] if n < len(caller) else _SILENCE,
            agent[n] if n < len(agent) else None,
        )


@cache
def _caller() -> tuple[Signal, ...]:
    """Return the caller's sound over the whole call."""
    noise = white_noise(_LENGTH * _SLOT_MS, level_dbfs=-66.0, seed=21)
    slots = [samples.copy() for samples in _slots(noise)]
    _lay(slots, 40, _spoken("card_question"))
    _lay(slots, 330, tone(20, frequency_hz=1000.0, level_dbfs=-10.0))
    _lay(slots, 400, _spoken("stop")[:1600])
    _lay(slots, 600, _spoken("interruption"))
    _lay(slots, 1000, tone(600, frequency_hz=425.0, level_dbfs=-15.0))
    _lay(slots, 1050, _music(2500))
    _lay(slots, 1400, _spoken("stop"))
    _lay(slots, 1650, speech_like(400, level_dbfs=-14.0, seed=6))
    _lay(slots, 1850, _spoken("question"))
    _lay(slots, 2250, white_noise(1500, level_dbfs=-30.0, seed=5))
    _lay(slots, 2400, _music(9000))
    return tuple(slots)


@cache
def _agent() -> tuple[Signal | None, ...]:
    """Return what the agent says over the whole call."""
    slots: list[Signal | None] = [None] * _LENGTH
    for at, length, seed in ((250, 240, 4), (530, 160, 8), (1330, 260, 9), (1630, 420, 13)):
        voice = speech_like(length * _SLOT_MS, level_dbfs=-18.0, seed=seed)
        slots[at : at + length] = list(_slots(voice))[:length]
    return tuple(slots)


def _slots(samples: Signal) -> Iterator[Signal]:
    for frame in frames_of(samples):
        yield np.frombuffer(frame, "<i2").astype(np.int16)


def _lay(slots: list[Signal], at: int, samples: Signal) -> None:
    for n, frame in enumerate(_slots(samples), at):
        if n < len(slots):
            slots[n] = slots[n] + frame


@cache
def _spoken(line_id: str) -> Signal:
    line = VoiceLibrary.load(files("voxgate.lab") / "voices")[line_id]
    return decode(line.audio, line.audio_format)


def _music(duration_ms: float) -> Signal:
    """Return a chord that swells and sinks, as music on hold."""
    chord = [tone(duration_ms, frequency_hz=hz, level_dbfs=-26.0) for hz in (262.0, 330.0, 392.0)]
    mixed = np.sum(chord, axis=0)
    swell = 1.0 + 0.25 * np.sin(2 * np.pi * 1.3 / 8000 * np.arange(len(mixed)))
    return np.asarray(mixed * swell, np.int16)
