"""Turns on lines that are never silent: real sockets, the engine's gate, the embedded server.

Time is that of the call's audio. Each call is placed twice, with the guard and without it, so that
the test proves the guard and not the server's patience.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import numpy as np
import pytest

from support.signals import Signal, at_level
from support.telephone import FRAME_BYTES, Telephone, mulaw_frames, spoken, until
from support.virtual_time import in_socket_time, virtual_ms
from support.voice_service import VoiceService, realtime_config
from voxgate import engine as engine_module
from voxgate.core.taped_gating_manager import TapedGatingManager
from voxgate.realtime_server import RealtimeServer, SessionLog

ANSWER = "service_time"
CALLER = "stop"
NOISE_DBFS = -34.0
"""Some 14 dB below the caller: well above what the server takes for silence."""
_LEAD_S = 4.0
_PATIENCE_S = 12.0
"""Audio that goes on after the caller's words: more than turn and answer take."""


class NoisyTelephone(Telephone):
    """A telephone in a place where a sound never ends."""

    noise = np.zeros(0, np.int16)
    """What is heard beside the caller, again and again: int16 [shape=(n,), mono, 8 kHz]."""
    _at = 0

    def _mixed(self) -> bytes:
        said = np.frombuffer(super()._mixed(), "<i2").astype(np.int32)
        places = (self._at + np.arange(FRAME_BYTES // 2)) % len(self.noise)
        self._at += FRAME_BYTES // 2
        return np.clip(said + self.noise[places], -32768, 32767).astype("<i2").tobytes()


def steady_noise() -> Signal:
    """Return noise of the telephone band that falls by 3 dB an octave, as of a fan."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(20 * 8000))
    frequencies_hz = np.fft.rfftfreq(20 * 8000, 1 / 8000)
    is_in_band = (frequencies_hz > 200) & (frequencies_hz < 3400)
    slope = np.sqrt(300 / np.maximum(frequencies_hz, 50))
    return at_level(np.fft.irfft(spectrum * is_in_band * slope), NOISE_DBFS)


def music() -> Signal:
    """Return high chords that are struck twice a second and ring on, as on a line on hold.

    Which part of one a call begins with depends on the machine. Chords as low as voices can pass
    for speech in the first frames of a call; how often is for the guard's bench to say.
    """
    at_s = np.arange(4000) / 8000
    chords = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7))
    return at_level(np.concatenate([_chord(semitones, at_s) for semitones in chords]), NOISE_DBFS)


def _chord(semitones: tuple[int, ...], at_s: np.ndarray) -> np.ndarray:
    partials = [
        (523 * 2 ** (tone / 12) * order, order) for tone in semitones for order in (1, 2, 3)
    ]
    waves = [np.sin(2 * np.pi * hz * at_s) / order for hz, order in partials]
    return np.sum(waves, axis=0) * np.exp(-at_s / 0.75)


@asynccontextmanager
async def noisy_call(noise: Signal) -> AsyncIterator[tuple[NoisyTelephone, SessionLog]]:
    """Place a call to an engine whose agent is the embedded server, and answers once."""
    async with (
        RealtimeServer(clock=virtual_ms, replies=(ANSWER,)) as server,
        VoiceService.running(realtime_config(server.url)) as service,
    ):
        line = type("_Line", (NoisyTelephone,), {"noise": noise})
        async with line.calling(service.address) as phone:
            await until(lambda: server.sessions)
            yield phone, server.sessions[-1]


def heard_whole(phone: Telephone) -> bool:
    """Return whether the answer was heard to its end."""
    answer = mulaw_frames(ANSWER)
    return phone.heard_of(answer) == len(answer)


both_noises = pytest.mark.parametrize("make_noise", [steady_noise, music])


@both_noises
@in_socket_time
async def test_a_turn_begins_ends_and_is_answered(make_noise: Callable[[], Signal]) -> None:
    """Noise before, in and after the caller's words is no turn: theirs is the only one."""
    async with noisy_call(make_noise()) as (phone, log):
        await asyncio.sleep(_LEAD_S)
        assert log.events("speech_started") == (), "the noise was taken for a caller"
        await phone.say_to_the_end(spoken(CALLER))
        await until(partial(heard_whole, phone))
        await asyncio.sleep(_PATIENCE_S)
    (started,) = log.events("speech_started")
    (stopped,) = log.events("speech_stopped")
    assert started.at_ms < stopped.at_ms
    assert [entry.detail for entry in log.events("response_done")] == ["completed"]


@both_noises
@in_socket_time
async def test_without_the_guard_nobody_is_answered(
    make_noise: Callable[[], Signal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above is no proof unless the noise would keep the agent from answering."""
    unguarded = partial(TapedGatingManager, audio_guard_enabled=False)
    monkeypatch.setattr(engine_module, "TapedGatingManager", unguarded)
    async with noisy_call(make_noise()) as (phone, log):
        await asyncio.sleep(_LEAD_S)
        assert log.events("speech_started"), "there was no noise to keep out"
        await phone.say_to_the_end(spoken(CALLER))
        await asyncio.sleep(_PATIENCE_S)
        assert not heard_whole(phone)
