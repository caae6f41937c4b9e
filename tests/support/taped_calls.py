"""Calls taped in memory: what a recording holds, without a file."""

from __future__ import annotations

__all__ = [
    "ECHO_AWARE",
    "MULAW",
    "START_MS",
    "VAD",
    "WIDE",
    "MemoryCall",
    "Talk",
    "echo_of",
    "eventful_call",
    "memory_call",
    "reencoded",
    "speech",
    "taped_call",
]

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from itertools import zip_longest
from pathlib import Path

import numpy as np

from support.signals import at_level, frames_of, speech_like, white_noise
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.config import AudioGuardConfig, GatingConfig, GatingMode, ProviderGatingPolicy
from voxgate.core.g711 import decode, encode
from voxgate.core.gate_decision import GateDecision
from voxgate.core.gate_tape import FarEndPlayed, FrameCaptured, GateEnded, GateInput
from voxgate.core.taped_gating_manager import TapedGatingManager
from voxgate.core.vad_manager import EnhancedVADManager
from voxgate.recordings import (
    CallEvent,
    CallHeader,
    CallTracks,
    RecordedDecision,
    RecordedEnd,
    RecordedStep,
    RecordingError,
    TapedInput,
)

ID = "call-1"
START_MS = 5000.0
"""When taped calls begin, on their clock."""
SILENT = bytes(320)
ECHO_AWARE, VAD = "openai_realtime", "deepgram"
"""Kinds of provider with a policy of :func:`eventful_config`, by their modes."""


@dataclass
class MemoryCall:
    """A recorded call that was never written: the face of :class:`RecordedCall`."""

    header: CallHeader
    taped: list[TapedInput] = field(default_factory=list)
    end: RecordedEnd | None = None
    is_complete: bool = True
    damage: str | None = None
    folder: Path = Path("call-1")
    happened: tuple[CallEvent, ...] = ()

    @property
    def has_audio(self) -> bool:
        return self.header.has_audio

    def receive(self, given: GateInput, decision: GateDecision | None) -> None:
        """As a tap."""
        recorded = None if decision is None else RecordedDecision.of(decision)
        self.taped.append(TapedInput(given, recorded))

    def inputs(self) -> Iterator[TapedInput]:
        if not self.has_audio:
            raise RecordingError("no audio was recorded")
        yield from self.taped

    def steps(self) -> Iterator[RecordedStep]:
        for each in self.taped:
            audio = getattr(each.given, "audio", None)
            yield RecordedStep(
                kind="".join(
                    f"_{letter.lower()}" if letter.isupper() else letter
                    for letter in type(each.given).__name__
                ).lstrip("_"),
                now_ms=None if isinstance(each.given, GateEnded) else each.given.now_ms,
                n_bytes=None if audio is None else len(audio),
                provider=getattr(each.given, "provider", None),
                capture_format=getattr(each.given, "capture_format", None),
                config=getattr(each.given, "config", None),
                decision=each.decision,
            )

    def events(self) -> Iterator[CallEvent]:
        yield from self.happened

    def audio(self) -> CallTracks | None:
        if not self.has_audio:
            return None
        tracks = {kind: np.zeros(0, np.int16) for kind in (FarEndPlayed, FrameCaptured)}
        for kind in tracks:
            pieces = [
                np.frombuffer(each.given.audio[: len(each.given.audio) // 2 * 2], "<i2")
                for each in self.taped
                if isinstance(each.given, kind)
            ]
            tracks[kind] = np.concatenate([np.zeros(0, np.int16), *pieces])
        n = max(map(len, tracks.values()))
        far_end, capture = (np.pad(track, (0, n - len(track))) for track in tracks.values())
        return CallTracks(far_end=far_end, capture=capture, rate_hz=8000, origin_ms=START_MS)

    def without_audio(self) -> MemoryCall:
        """The same, of which only the trace was recorded."""
        return replace(self, header=replace(self.header, has_audio=False))


def memory_call(provider: str = ECHO_AWARE) -> MemoryCall:
    """Return a recording that has not begun."""
    return MemoryCall(
        CallHeader(
            call_id=ID,
            provider=provider,
            line="audiosocket",
            started_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
            started_ms=START_MS,
            has_audio=True,
            voxgate_version=metadata.version("voxgate"),
            numpy_version=np.__version__,
        )
    )


class Talk:
    """Tells a taped gate of a call, 20 ms slot by slot."""

    def __init__(
        self,
        recorded: MemoryCall,
        manager: TapedGatingManager,
        *,
        audio_format: AudioFormat | None = None,
    ) -> None:
        self.recorded = recorded
        self.manager = manager
        self.now_ms = START_MS
        self.audio_format = audio_format or AudioFormat()
        manager.tap_call(ID, recorded)

    def begin(self, provider: str) -> None:
        self.manager.start_call(
            ID,
            provider=provider,
            now_ms=self.now_ms,
            capture_format=self.audio_format,
            far_end_format=self.audio_format,
        )

    def slot(self, *chunks: bytes, agent: bytes | None = None) -> None:
        self.now_ms += 20.0
        silent = self.audio_format.silence(self.audio_format.frame_bytes)
        self.manager.receive_far_end(
            ID, agent or silent, self.now_ms, is_agent_audio=agent is not None
        )
        for chunk in chunks:
            self.manager.process(ID, chunk, self.now_ms)
        self.manager.advance(ID, self.now_ms)

    def play(self, captured: Iterable[bytes] = (), agent: Iterable[bytes] = ()) -> None:
        silent = self.audio_format.silence(self.audio_format.frame_bytes)
        for near, far in zip_longest(captured, agent):
            self.slot(silent if near is None else near, agent=far)

    def quiet(self, duration_ms: int) -> None:
        self.play([self.audio_format.silence(self.audio_format.frame_bytes)] * (duration_ms // 20))

    def end(self) -> MemoryCall:
        self.manager.cleanup_call(ID)
        return self.recorded


def taped_call(
    talk: Callable[[Talk], None],
    *,
    config: GatingConfig | None = None,
    provider: str = ECHO_AWARE,
    audio_format: AudioFormat | None = None,
    manager: TapedGatingManager | None = None,
) -> MemoryCall:
    """Tape one call."""
    config = config or GatingConfig()
    manager = manager or TapedGatingManager(EnhancedVADManager(config.vad), config)
    call = Talk(memory_call(provider), manager, audio_format=audio_format)
    call.begin(provider)
    talk(call)
    return call.end()


def eventful_config() -> GatingConfig:
    """Two gated kinds, so that a call can fall back from one mode to another."""
    return GatingConfig(
        providers={
            ECHO_AWARE: ProviderGatingPolicy(gating_enabled=True),
            VAD: ProviderGatingPolicy(gating_enabled=True, mode=GatingMode.VAD),
        }
    )


def speech(duration_ms: int, *, seed: int, level_dbfs: float = -18.0) -> list[bytes]:
    return frames_of(speech_like(duration_ms, level_dbfs=level_dbfs, seed=seed))


def echo_of(agent: Sequence[bytes], *, delay_frames: int = 5, erl_db: float = 12.0) -> list[bytes]:
    """What comes back of an agent's frames."""
    gain = 10 ** (-erl_db / 20)
    echo = [(np.frombuffer(each, "<i2") * gain).astype("<i2").tobytes() for each in agent]
    return [SILENT] * delay_frames + echo


def mixed(one: Iterable[bytes], other: Iterable[bytes]) -> list[bytes]:
    frames = zip_longest(one, other, fillvalue=SILENT)
    return [
        (np.frombuffer(a, "<i2").astype(int) + np.frombuffer(b, "<i2"))
        .clip(-32768, 32767)
        .astype("<i2")
        .tobytes()
        for a, b in frames
    ]


def notes(duration_ms: int) -> list[bytes]:
    """A held chord that swells slowly."""
    t = np.arange(duration_ms * 8) / 8000
    chord = sum(np.sin(2 * np.pi * hz * t) for hz in (220.0, 277.2, 329.6, 415.3, 554.4, 830.6))
    return frames_of(at_level(chord * (1 + 0.25 * np.sin(2 * np.pi * 0.8 * t)), -24.0))


@cache
def eventful_call() -> MemoryCall:
    """Return a call in which everything happens that can happen at a gate; treat it as frozen."""
    config = eventful_config()
    manager = TapedGatingManager(EnhancedVADManager(config.vad), config)
    call = Talk(memory_call(), manager)
    call.begin(ECHO_AWARE)
    _interrupted_agent(call)
    _noisy_line(call)
    _line_with_faults(call)
    manager.cleanup_call(ID)
    call.begin(VAD)
    _doubtful_barge_ins(call)
    return call.end()


def _interrupted_agent(call: Talk) -> None:
    """The caller asks, is answered, is the agent's echo, and interrupts it."""
    call.quiet(400)
    call.play(speech(1200, seed=1))
    call.quiet(1000)
    agent = speech(5000, seed=2, level_dbfs=-20.0)
    caller = [SILENT] * 150 + speech(900, seed=3)
    call.manager.set_agent_speaking(ID, True, call.now_ms, audio_ms=5000.0)
    call.play(mixed(echo_of(agent), caller)[: len(agent)], agent)
    call.manager.receive_provider_speech_started(ID, call.now_ms, capture_ms=call.now_ms - 500.0)
    call.manager.set_agent_speaking(ID, False, call.now_ms)
    call.quiet(1500)
    call.manager.receive_provider_speech_stopped(ID, call.now_ms)


def _noisy_line(call: Talk) -> None:
    """Noise, then music, that the guard keeps out; the operator turns something meanwhile."""
    turned = replace(call.manager.config, audio_guard=AudioGuardConfig(sensitivity=0.4))
    call.manager.reconfigure(turned, call.now_ms)
    call.play(frames_of(white_noise(6000, level_dbfs=-38.0, seed=5)))
    call.play(notes(8000))
    call.quiet(1500)


def _line_with_faults(call: Talk) -> None:
    """A line that delivers nothing, then all at once, then something that is no audio."""
    for _ in range(20):
        call.slot()
    call.slot(*speech(400, seed=12))
    call.slot(b"".join(speech(400, seed=13)))
    call.slot(b"\1" * 321)
    call.slot(b"")
    call.manager.place_capture(ID, call.now_ms - 40.0)
    call.slot(SILENT[:100])
    call.slot(SILENT[100:] + SILENT[:220])


def _doubtful_barge_ins(call: Talk) -> None:
    """By voice activity: a word that nothing confirms, one that is none, and the agent's end."""
    call.quiet(500)
    agent = speech(9000, seed=4)
    captured = [SILENT] * 50 + speech(240, seed=6) + [SILENT] * 150
    captured += speech(120, seed=7) + [SILENT] * 100
    call.play(captured, agent[: len(captured)])
    call.quiet(1500)


def reencoded(frames: Iterable[bytes], audio_format: AudioFormat) -> list[bytes]:
    """Return PCM16 frames at 8 kHz in another format: every sample is held where there are more."""
    repeats = audio_format.rate_hz // 8000
    return [
        encode(np.repeat(decode(each, AudioFormat()), repeats).astype(np.int16), audio_format)
        for each in frames
    ]


MULAW, WIDE = AudioFormat(Encoding.MULAW), AudioFormat(Encoding.PCM16, 16_000)
"""Formats of lines other than PCM16 at 8 kHz."""
