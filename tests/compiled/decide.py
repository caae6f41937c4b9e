"""Everything that the gate decides on many calls, a line a decision: `python decide.py`.

Prints first whether the modules are compiled, then one line for each call, with the hash of every
decision's `repr` (measurements in full), of all audio that went out and of the counters, also where
a detector breaks down; and last, where in the sources an error comes from.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.golden_call import PROVIDER, SLOT_MS, golden_call
from voxgate import (
    AudioFormat,
    AudioGatingManager,
    Encoding,
    EnhancedVADManager,
    ForwardedAudio,
    GatedCall,
    GatingConfig,
    GatingMode,
    VADResult,
    WithheldAudio,
)
from voxgate.core.compiled import is_compiled
from voxgate.core.config import AudioGuardConfig, QuieterVoices, SpeechEvidenceKind
from voxgate.core.echo.near_end import NearEndVerdict
from voxgate.core.g711 import decode, encode
from voxgate.core.resample import Resampler

_PCM16 = AudioFormat()


@dataclass(frozen=True)
class Sounds:
    """Frames of the golden call in another format."""

    audio_format: AudioFormat
    capture: tuple[bytes, ...]
    far_end: tuple[bytes, ...]


def sounds_as(audio_format: AudioFormat) -> Sounds:
    """Return the golden call in a format."""
    call = golden_call()

    def converted(frames: tuple[bytes, ...]) -> tuple[bytes, ...]:
        resampler = Resampler(8000, audio_format.rate_hz)
        made = (resampler.process(decode(frame, _PCM16)) for frame in frames)
        audio = b"".join(encode(samples, audio_format) for samples in made)
        size = audio_format.frame_bytes
        return tuple(audio[at : at + size] for at in range(0, len(audio) - size + 1, size))

    if audio_format == _PCM16:
        return Sounds(audio_format, call.capture, call.far_end)
    return Sounds(audio_format, converted(call.capture), converted(call.far_end))


class BreakingVad(EnhancedVADManager):
    """Raises from its 200th frame on, inside a function of its own."""

    asked = 0

    def process(self, call_id: str, frame: bytes, *, energy: float | None = None) -> VADResult:
        self.asked += 1
        if self.asked > 200:
            raise RuntimeError("no voice activity any more")
        return super().process(call_id, frame, energy=energy)


class BreakingDetector:
    """A near-end detector that raises from its 300th frame on."""

    def __init__(self) -> None:
        self.asked = 0

    def receive_far_end(self, far_end: object, now_ms: float) -> None:
        pass

    def process(
        self, capture: object, now_ms: float, *, agent_audible: bool = True
    ) -> NearEndVerdict | None:
        self.asked += 1
        if self.asked > 300:
            raise ZeroDivisionError("no verdict")
        return None

    def pass_slot(self, *, agent_audible: bool) -> None:
        pass

    def reset(self) -> None:
        pass


def config_of(mode: GatingMode, **guard: object) -> GatingConfig:
    """Return the default configuration, but for the mode and what is said of the guard."""
    config = GatingConfig()
    policy = replace(config.providers[PROVIDER], gating_enabled=True, mode=mode)
    return replace(
        config,
        providers={**config.providers, PROVIDER: policy},
        audio_guard=replace(AudioGuardConfig(), **guard),
    )


def decisions(
    manager: AudioGatingManager, sounds: Sounds, *, lost: Callable[[int], bool] = lambda _: False
) -> Iterator[str]:
    """Run a call, told of it as ``voxgate evaluate`` tells it; return what there is to compare."""
    call, audio_format = golden_call(), sounds.audio_format
    manager.start_call("one", provider=PROVIDER, now_ms=0.0, capture_format=audio_format)
    for slot, (frame, played) in enumerate(zip(sounds.capture, sounds.far_end, strict=True)):
        now_ms = slot * SLOT_MS
        manager.receive_far_end("one", played, now_ms, is_agent_audio=call.is_agent[slot])
        yield repr(manager.advance("one", now_ms))
        if slot % 997 == 500:
            yield repr(manager.receive_provider_speech_started("one", now_ms))
        if slot % 997 == 700:
            manager.receive_provider_speech_stopped("one", now_ms)
        if not lost(slot):
            decision = manager.process("one", frame, now_ms + SLOT_MS)
            yield repr(decision)
            yield sha256(b"".join(decision.audio_for(frame))).hexdigest()
        yield str(manager.get_state("one"))
    yield repr(manager.get_stats("one"))
    manager.cleanup_call("one")
    yield repr(manager.counters)


def gated_call(config: GatingConfig, chunk_bytes: int) -> Iterator[str]:
    """Run the golden call through a foreign engine's gate, in chunks of any size."""
    call = golden_call()
    gate = GatedCall(AudioGatingManager(config=config), "one", provider=PROVIDER)
    audio = b"".join(call.capture)
    writes = list(call.burst_writes())[::-1]
    for at in range(0, len(audio), chunk_bytes):
        now_ms = (at + chunk_bytes) / 16.0
        while writes and writes[-1].now_ms <= now_ms:
            write = writes.pop()
            if hasattr(write, "audio"):
                gate.receive_agent_audio(write.audio, write.now_ms)
            else:
                gate.flush_agent_audio()
        yield sha256(gate.receive_capture(audio[at : at + chunk_bytes], now_ms)).hexdigest()
        yield repr(gate.take_events())
    yield repr(gate.counters)


def calls() -> Iterator[tuple[str, Iterator[str]]]:
    """Yield calls by name: all modes, formats, guards, lost frames, and what breaks down."""
    formats = (_PCM16, AudioFormat(Encoding.MULAW), AudioFormat(rate_hz=16000))
    for mode, audio_format in product(GatingMode, formats):
        manager = AudioGatingManager(config=config_of(mode))
        yield f"{mode} {audio_format}", decisions(manager, sounds_as(audio_format))
    narrow = sounds_as(_PCM16)
    for mode in (GatingMode.VAD, GatingMode.ECHO_AWARE):
        config = config_of(mode)
        unguarded = AudioGatingManager(config=config, audio_guard_enabled=False)
        yield f"{mode} no guard", decisions(unguarded, narrow)
        lossy = AudioGatingManager(config=config)
        yield f"{mode} lossy", decisions(lossy, narrow, lost=lambda slot: slot * 7919 % 13 < 3)
        yield f"{mode} chunks", gated_call(config, 1000)
        for evidence in SpeechEvidenceKind:
            other = config_of(mode, speech_evidence=evidence, quieter_voices=QuieterVoices.WITHHOLD)
            yield f"{mode} {evidence}", decisions(AudioGatingManager(config=other), narrow)
    for withheld, forwarded in product(WithheldAudio, ForwardedAudio):
        config = config_of(GatingMode.ECHO_AWARE)
        policy = replace(
            config.providers[PROVIDER], withheld_audio=withheld, forwarded_audio=forwarded
        )
        other = replace(config, providers={**config.providers, PROVIDER: policy})
        yield f"{withheld} {forwarded}", decisions(AudioGatingManager(config=other), narrow)
    broken = AudioGatingManager(BreakingVad(), config_of(GatingMode.VAD))
    yield "no voice activity", decisions(broken, narrow)
    deaf = AudioGatingManager(
        config=config_of(GatingMode.ECHO_AWARE), near_end_factory=BreakingDetector
    )
    yield "no verdict", decisions(deaf, narrow)


def traceback_lines() -> list[str]:
    """Return where the error about half a sample comes from, by function and line."""
    try:
        encode(decode(b"\0", _PCM16), _PCM16)
    except ValueError as exc:
        found = traceback.extract_tb(exc.__traceback__)
        return [f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in found]
    return []


def main() -> None:
    """Write all of it."""
    _say({"compiled": is_compiled()})
    for name, lines in calls():
        digest, count = sha256(), 0
        for count, line in enumerate(lines, 1):  # noqa: B007 - how many there were
            digest.update(line.encode())
        _say({"call": name, "lines": count, "sha256": digest.hexdigest()})
    _say({"traceback": traceback_lines()})


def _say(values: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")


if __name__ == "__main__":
    main()
