"""One call of an Asterisk voice agent, driven by itself."""

from __future__ import annotations

import pytest

from support.gate_calls import agent_voice
from support.signals import frames_of, speech_like
from voxgate import AudioFormat, AudioGatingManager, Encoding, FailureMode
from voxgate.core.config import ForwardedAudio, GatingConfig, ProviderGatingPolicy
from voxgate.integrations.asterisk_call import AsteriskCall

SILENT = bytes(320)


def started(
    audio_format: AudioFormat | None = None, provider: str = "openai_realtime"
) -> AsteriskCall:
    policy = ProviderGatingPolicy(gating_enabled=True, forwarded_audio=ForwardedAudio.RAW)
    deepgram = ProviderGatingPolicy(gating_enabled=False)
    config = GatingConfig(providers={"openai_realtime": policy, "deepgram": deepgram})
    call = AsteriskCall("call", on_failure=FailureMode.OPEN)
    call.start(AudioGatingManager(config=config), provider, audio_format or AudioFormat(), 0.0)
    return call


def test_before_its_start_a_call_has_nothing_to_tell() -> None:
    """No counters, no events, and its end is none at the gate."""
    call = AsteriskCall("call", on_failure=FailureMode.CLOSED)
    assert not call.is_started
    assert call.stats is None
    assert call.take_events() == ()
    call.hear_speech(0.0, is_started=True)
    assert call.audio_for(b"\1" * 320, 20.0) == SILENT
    assert call.answer_for(SILENT, 20.0) == (False, None)
    assert call.close() == 0


def test_a_call_that_the_manager_has_already_is_a_counted_failure() -> None:
    """It goes on without a gate."""
    manager = AudioGatingManager()
    manager.start_call("call", provider="openai_realtime", now_ms=0.0)
    call = AsteriskCall("call", on_failure=FailureMode.OPEN)
    call.start(manager, "openai_realtime", AudioFormat(), 0.0)
    assert not call.is_started
    assert call.failures == 1
    assert call.audio_for(b"\1" * 320, 20.0) == b"\1" * 320


@pytest.mark.parametrize("encoding", [Encoding.MULAW, Encoding.PCM16])
def test_the_far_end_may_be_of_any_format(encoding: Encoding) -> None:
    """What a channel is written in, G.711 or wide."""
    name, rate_hz = ("ulaw", 8000) if encoding is Encoding.MULAW else ("pcm16", 16_000)
    n_bytes = AudioFormat(encoding, rate_hz).frame_bytes
    call = started()
    call.hear_far_end(b"\x11" * n_bytes * 20, name, rate_hz, 0.0)
    sent = [call.audio_for(SILENT, 20.0 * number) for number in range(1, 11)]
    assert all(audio == SILENT for audio in sent)
    assert call.stats is not None
    assert call.stats.malformed_far_end_frames == 0
    assert [event.type for event in call.take_events()] == ["gate_closed"]
    call.flush()


def test_a_flush_before_the_start_forgets_what_was_written() -> None:
    """The greeting was stopped before the caller was heard."""
    call = AsteriskCall("call", on_failure=FailureMode.OPEN)
    call.hear_far_end(bytes(range(256)) * 100, "pcm16_16k", None, 0.0)
    call.flush()
    call.start(AudioGatingManager(), "openai_realtime", AudioFormat(), 20.0)
    for number in range(2, 20):
        call.audio_for(SILENT, 20.0 * number)
    assert [event.type for event in call.take_events()] == []


def test_words_from_before_the_start_are_bounded() -> None:
    """The newest are kept: the last word is that the agent has ended."""
    call = AsteriskCall("call", on_failure=FailureMode.OPEN)
    for number in range(200):
        call.hear_agent(float(number), is_speaking=number < 199, audio_ms=0.0)
    call.start(AudioGatingManager(), "openai_realtime", AudioFormat(), 1000.0)
    call.audio_for(SILENT, 1020.0)
    assert [event.type for event in call.take_events()] == []


def test_a_chunk_let_out_in_part_is_sent_whole() -> None:
    """100 ms at once: an engine can send such a chunk or not, and the caller is in it."""
    call = started()
    call.hear_far_end(b"".join(agent_voice(4000)), "pcm16", None, 0.0)
    caller = [SILENT] * 50 + frames_of(speech_like(2000, level_dbfs=-14.0, seed=3))
    answers = [
        call.answer_for(b"".join(caller[number - 5 : number]), 20.0 * number)
        for number in range(5, len(caller) + 1, 5)
    ]
    forwarded = [is_forwarded for is_forwarded, _ in answers]
    first = forwarded.index(True)
    assert forwarded[first:] == [True] * (len(answers) - first)
    assert 10 <= first <= 13
    assert call.stats is not None
    assert call.stats.barge_ins == 1


def test_a_call_that_is_not_gated_is_answered_at_once() -> None:
    """Nothing is counted, and nothing held."""
    call = started(provider="deepgram")
    chunk = b"\1\2" * 160
    assert call.answer_for(chunk, 20.0) == (True, None)
    assert call.audio_for(chunk, 40.0) == chunk
    assert call.stats is None


def test_an_empty_chunk_brings_nothing_out_again() -> None:
    """Some resamplers give one now and then; the answer before it was given already."""
    call = started()
    call.hear_far_end(b"".join(agent_voice(4000)), "pcm16", None, 0.0)
    caller = [SILENT] * 50 + frames_of(speech_like(2000, level_dbfs=-14.0, seed=3))
    for number, chunk in enumerate(caller, 1):
        is_forwarded, released = call.answer_for(chunk, 20.0 * number)
        if released:
            break
    assert released
    assert call.answer_for(b"", 20.0 * number) == (is_forwarded, None)
