"""Wide calls end to end: what stands above 4 kHz, which a telephone's 8 kHz can't carry.

A call of ``Dial(AudioSocket/.../c(slin16))``, the engine, and a Realtime server that speaks
``audio/pcm`` at 24 kHz. Everything is real but the time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from support.audiosocket_peer import AUDIO, AudioSocketPeer
from support.gate_calls import GateCall
from support.realtime_peer import PeerSession, RealtimePeer
from support.signals import frames_of, speech_like, tone, white_noise
from support.telephone import spoken
from support.virtual_time import in_socket_time
from support.voice_service import VoiceService, realtime_config
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.g711 import decode
from voxgate.core.gate_decision import GateDecision, GateEvent, GateEventType
from voxgate.core.resample import Resampler
from voxgate.realtime_server import agent_voices
from voxgate.transports.audiosocket.protocol import AUDIO_RATES_HZ

Signal = NDArray[np.int16]

PROVIDER_HZ = 24_000
WIDE_HZ = 5_000.0
"""A tone that 12 kHz and all wider kinds carry, and 8 kHz does not."""
KINDS = [(AUDIO + n, rate_hz) for n, rate_hz in enumerate(AUDIO_RATES_HZ)]
WIDE_KINDS = [each for each in KINDS if each[1] > 8000]

WIDE = AudioFormat(Encoding.PCM16, 16_000)
SLOT_MS = 20.0


def level_at(samples: Signal, frequency_hz: float, rate_hz: int) -> float:
    """Return the amplitude of a tone in a signal, in int16 units."""
    phase = 2j * np.pi * frequency_hz * np.arange(len(samples)) / rate_hz
    return float(2 * np.abs(np.mean(samples * np.exp(-phase))))


def pcm(audio: bytes) -> Signal:
    return np.frombuffer(audio, "<i2")


class WideCall:
    """A call of one kind of audio, and the agent's session."""

    def __init__(self, peer: AudioSocketPeer, session: PeerSession, kind: int) -> None:
        self.peer = peer
        self.session = session
        self.kind = kind

    async def say(self, frames: Sequence[bytes]) -> None:
        """Deliver frames at the pace of a call."""
        await self.peer.send_paced(frames, kind=self.kind)

    async def hear(self, n_frames: int) -> list[bytes]:
        """Return so many frames from the first sound on; each is of the call's own kind."""
        heard: list[bytes] = []
        while len(heard) < n_frames:
            frame = await self.peer.read_frame()
            assert frame is not None
            assert frame[0] == self.kind
            if heard or any(frame[1]):
                heard.append(frame[1])
        return heard


@asynccontextmanager
async def wide_call(kind: int, rate_hz: int) -> AsyncIterator[WideCall]:
    """Run an engine whose gate lets everything pass, and a call to it."""
    async with (
        RealtimePeer() as server,
        VoiceService.running(realtime_config(server.url), is_gated=False) as service,
        await AudioSocketPeer.connect(service.address) as peer,
    ):
        await peer.send(kind, bytes(rate_hz // 50 * 2))
        session = await server.accept()
        asked = await session.configure()
        wide = {"type": "audio/pcm", "rate": PROVIDER_HZ}
        assert (asked["audio"]["input"]["format"], asked["audio"]["output"]["format"]) == (
            wide,
            wide,
        )
        yield WideCall(peer, session, kind)
        peer.finish_sending()
        await session.wait_closed()


@pytest.mark.parametrize(("kind", "rate_hz"), WIDE_KINDS)
@in_socket_time
async def test_the_provider_hears_what_stands_above_4_khz(kind: int, rate_hz: int) -> None:
    """By one conversion, to the bit: nothing on the way is narrower, or converted twice."""
    said = tone(600, WIDE_HZ, level_dbfs=-20, rate_hz=rate_hz)
    async with wide_call(kind, rate_hz) as call:
        await call.say(frames_of(said, rate_hz=rate_hz))
        n_bytes = PROVIDER_HZ * 500 // 1000 * 2
        received = await call.session.receive_audio(n_bytes)
    stream = np.concatenate([np.zeros(rate_hz // 50, np.int16), said])
    expected = stream if rate_hz == PROVIDER_HZ else Resampler(rate_hz, PROVIDER_HZ).process(stream)
    assert received[:n_bytes] == expected.astype("<i2").tobytes()[:n_bytes]
    steady = pcm(received[:n_bytes])[PROVIDER_HZ // 10 :]
    assert level_at(steady, WIDE_HZ, PROVIDER_HZ) == pytest.approx(
        level_at(said, WIDE_HZ, rate_hz), rel=0.02
    )


@pytest.mark.parametrize(("kind", "rate_hz"), WIDE_KINDS)
@in_socket_time
async def test_the_caller_hears_what_stands_above_4_khz(kind: int, rate_hz: int) -> None:
    """At the rate at which the call began."""
    voice = tone(600, WIDE_HZ, level_dbfs=-20, rate_hz=PROVIDER_HZ)
    async with wide_call(kind, rate_hz) as call:
        await call.session.start_response("r")
        await call.session.send_voice("r", "i", voice.astype("<i2").tobytes())
        await call.session.finish_voice("r", "i")
        await call.session.end_response("r")
        heard = await call.hear(20)
    assert {len(frame) for frame in heard} == {rate_hz // 50 * 2}
    steady = pcm(b"".join(heard))[rate_hz // 10 :]
    assert level_at(steady, WIDE_HZ, rate_hz) == pytest.approx(
        level_at(voice, WIDE_HZ, PROVIDER_HZ), rel=0.02
    )


@in_socket_time
async def test_a_gated_wide_call_forwards_wide_audio() -> None:
    """The gate judges at its own rate; what it lets pass is what was captured."""
    said = speech_like(1500, level_dbfs=-22, rate_hz=16_000)
    said = np.concatenate([white_noise(400, level_dbfs=-70, rate_hz=16_000), said])
    async with (
        RealtimePeer() as server,
        VoiceService.running(realtime_config(server.url)) as service,
        await AudioSocketPeer.connect(service.address) as peer,
    ):
        await peer.send_paced(frames_of(said[:640], rate_hz=16_000), kind=0x12)
        session = await server.accept()
        await session.configure()
        await peer.send_paced(frames_of(said[640:], rate_hz=16_000), kind=0x12)
        received = await session.receive_audio(PROVIDER_HZ * 1800 // 1000 * 2)
        peer.finish_sending()
        await session.wait_closed()
    expected = Resampler(16_000, PROVIDER_HZ).process(said).astype("<i2").tobytes()
    speech = expected[PROVIDER_HZ * 900 // 1000 * 2 : PROVIDER_HZ * 1500 // 1000 * 2]
    assert speech in received


# -- the gate's verdicts at 16 kHz -----------------------------------------------------------------


def twin_call(*, is_wide: bool, agent: Signal, captured: Signal) -> GateCall:
    """Put one call through the gate as it is packaged; both signals are of 8 kHz.

    The wide twin hears the very same sound at 16 kHz, and with what noise there is above 4 kHz.
    """
    call = GateCall(
        AudioGatingManager(), capture_format=WIDE if is_wide else AudioFormat(), start_ms=0.0
    )
    frames = frames_of(captured)
    if is_wide:
        above = np.diff(white_noise(len(captured) / 8, level_dbfs=-75, rate_hz=16_000), prepend=0)
        widened = Resampler(8000, 16_000).process(captured).astype(np.int32)
        wide = np.clip(widened + above[: len(widened)], -32768, 32767).astype(np.int16)
        frames = frames_of(wide, rate_hz=16_000)
    far_end = frames_of(agent)
    for number, frame in enumerate(frames):
        call.slot(frame, agent=far_end[number] if number < len(far_end) else None)
    return call


def scene(words: Signal, *, talks_over: bool) -> tuple[Signal, Signal]:
    """Return agent and capture of a call: echo, noise, and a caller who answers or talks over.

    An agent that is talked over stops half a second later.
    """
    agent = _agent_voice()[: 3 * 8000]
    onset = 2 * 8000 if talks_over else len(agent) + 8000
    agent = agent[: onset + 4000]
    captured = white_noise(1000 * (len(agent) + len(words) + 24_000) / 8000, level_dbfs=-58).astype(
        np.float64
    )
    captured[960 : 960 + len(agent)] += 0.1 * agent
    captured[onset : onset + len(words)] += words
    whole = len(captured) // 160 * 160
    return agent, np.clip(captured[:whole], -32768, 32767).astype(np.int16)


def _agent_voice() -> Signal:
    voice = agent_voices()["service_time"]
    return decode(voice.audio, voice.audio_format)


_STEPS = {
    GateEventType.CANDIDATE_STARTED,  # of evidence that is complete a frame later, or at once
    GateEventType.ONSET_RELEASED,
    GateEventType.HELD_DISCARDED,
    GateEventType.GUARD_SUMMARY,
}
"""What comes with the verdicts, and is none."""


def told(call: GateCall) -> list[GateEvent]:
    """Return the verdicts of the gate."""
    return [event for event in call.events if event.type not in _STEPS]


def forwards(decision: GateDecision) -> bool:
    return any(any(chunk) for chunk in decision.audio)


@pytest.mark.parametrize("words", ["question", "stop", "hello"])
@pytest.mark.parametrize("talks_over", [True, False])
def test_the_gate_decides_at_16_khz_as_at_8(words: str, talks_over: bool) -> None:
    """The same events, a frame or two apart, and nearly the same frames forwarded."""
    agent, captured = scene(spoken(words), talks_over=talks_over)
    narrow = twin_call(is_wide=False, agent=agent, captured=captured)
    wide = twin_call(is_wide=True, agent=agent, captured=captured)
    assert [event.type for event in told(wide)] == [event.type for event in told(narrow)]
    assert (GateEventType.BARGE_IN_COMMITTED in narrow.event_types) is talks_over
    apart = [abs(a.t_ms - b.t_ms) for a, b in zip(told(wide), told(narrow), strict=True)]
    assert max(apart) <= 2 * SLOT_MS
    forwarded = [[forwards(each) for each in call.decisions] for call in (narrow, wide)]
    assert np.mean(np.not_equal(*forwarded)) < 0.02
    assert sum(forwarded[0]) > 20
