"""The older face's terms: implicit calls, format names, one answer a chunk."""

from __future__ import annotations

import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.config import AudioGuardConfig, GatingConfig, QuieterVoices
from voxgate.core.gate_decision import GateAction, GateDecision, GateReason, GateState
from voxgate.core.older_face import (
    EndedCalls,
    ImplicitCall,
    ImplicitCalls,
    answer_for_chunk,
    config_for_chunks,
    parse_audio_format,
)


def decide(
    action: GateAction,
    audio: tuple[bytes, ...] = (),
    n_released: int = 0,
    reason: GateReason = GateReason.BARGE_IN,
    start: int = 0,
) -> GateDecision:
    return GateDecision(
        action=action,
        state=GateState.OPEN,
        reason=reason,
        audio=audio,
        released=audio[start : start + n_released],
    )


def answer(
    decision: GateDecision,
    chunk: bytes,
    *,
    was_forwarding: bool = False,
    pending: int = 0,
    left: int = 0,
) -> tuple[bool, tuple[bytes, ...]]:
    return answer_for_chunk(
        decision,
        chunk,
        was_forwarding=was_forwarding,
        pending_bytes=pending,
        left_bytes=left,
        frame_bytes=4,
    )


FORWARD, WITHHOLD = GateAction.FORWARD, GateAction.WITHHOLD


# -- one answer a chunk ----------------------------------------------------------------------------


def test_a_frame_is_forwarded_or_not() -> None:
    """The plain case: 20 ms in, its verdict out."""
    assert answer(decide(FORWARD, (b"abcd",)), b"abcd") == (True, ())
    assert answer(decide(WITHHOLD, (bytes(4),)), b"abcd") == (False, ())


def test_released_frames_come_before_it() -> None:
    """Whole and in order."""
    decision = decide(FORWARD, (b"1111", b"2222", b"abcd"), 2)
    assert answer(decision, b"abcd") == (True, (b"1111", b"2222"))


def test_released_frames_of_the_chunk_itself_are_not_sent_twice() -> None:
    """A chunk of three frames is sent whole; only what was held before it comes before it."""
    decision = decide(FORWARD, (b"1111", b"aaaa", b"bbbb", b"cccc"), 3)
    assert answer(decision, b"aaaabbbbcccc") == (True, (b"1111",))


def test_fewer_released_than_the_chunk_holds() -> None:
    """A release that begins inside the chunk adds nothing."""
    decision = decide(FORWARD, (bytes(4), b"bbbb", b"cccc"), 1, start=1)
    assert answer(decision, b"aaaabbbbcccc") == (True, ())


def test_equal_frames_are_told_apart_by_place_not_by_content() -> None:
    """Silence held before the chunk is released though the chunk holds silence as well."""
    held, own = bytes(4), bytes(4)
    decision = decide(FORWARD, (held, own, b"cccc"), 2)
    assert answer(decision, own + b"cccc") == (True, (bytes(4),))


@pytest.mark.parametrize("was_forwarding", [True, False])
def test_less_than_a_frame_has_the_answer_of_what_was_before(was_forwarding) -> None:
    """Nothing was judged, so nothing changes."""
    decision = decide(WITHHOLD, reason=GateReason.INCOMPLETE_FRAME)
    assert answer(decision, b"ab", was_forwarding=was_forwarding) == (was_forwarding, ())


def test_what_waited_as_silence_is_sent_with_the_release() -> None:
    """The first half of a frame was answered with silence: it goes out before the second half."""
    decision = decide(FORWARD, (b"1111", b"abcd"), 1)
    assert answer(decision, b"cd", pending=2) == (True, (b"1111", b"ab"))


def test_what_waited_and_was_sent_is_not_sent_again() -> None:
    """The first half of a frame went out already with its own chunk."""
    decision = decide(FORWARD, (b"1111", b"abcd"), 1)
    assert answer(decision, b"cd", pending=2, was_forwarding=True) == (True, (b"1111",))


def test_what_is_left_over_of_a_chunk_goes_out_with_it() -> None:
    """The chunk is sent whole, its unjudged end included."""
    decision = decide(FORWARD, (b"1111", b"abcd"), 1)
    assert answer(decision, b"abcdef", left=2) == (True, (b"1111",))


# -- format names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rate_hz", "expected"),
    [
        ("pcm16", None, AudioFormat()),
        ("pcm16", 16_000, AudioFormat(Encoding.PCM16, 16_000)),
        ("pcm16_24k", None, AudioFormat(Encoding.PCM16, 24_000)),
        ("slin", None, AudioFormat()),
        ("slin16", None, AudioFormat(Encoding.PCM16, 16_000)),
        ("ulaw", None, AudioFormat(Encoding.MULAW)),
        ("g711_ulaw", 8000, AudioFormat(Encoding.MULAW)),
        ("alaw", None, AudioFormat(Encoding.ALAW)),
    ],
)
def test_usual_names_are_known(name, rate_hz, expected) -> None:
    """A name gives the encoding and, where it says one, the rate."""
    assert parse_audio_format(name, rate_hz) == expected


@pytest.mark.parametrize(
    ("name", "rate_hz", "message"),
    [("opus", None, "audio_format: 'opus'"), ("ulaw", 16_000, "rate_hz: 16000")],
)
def test_what_is_no_format_is_refused(name, rate_hz, message) -> None:
    """An unknown name lists the known ones; an impossible rate is named."""
    with pytest.raises(ValueError, match=message):
        parse_audio_format(name, rate_hz)


# -- implicit calls --------------------------------------------------------------------------------


def test_the_call_unused_for_longest_is_surplus() -> None:
    """Beyond 1,024 calls the least recently used one has to go, one at a time."""
    calls = ImplicitCalls()
    for number in range(1024):
        calls.use(str(number))
    assert calls.surplus() is None
    calls.use("0")
    calls.use("one more")
    assert calls.surplus() == "1"
    calls.take("1")
    assert calls.surplus() is None


def test_a_call_that_had_to_go_has_not_ended() -> None:
    """It may come back with its next chunk."""
    calls = ImplicitCalls()
    calls.use("a")
    calls.take("a")
    assert "a" not in calls
    assert not calls.has_ended("a")


def test_an_ended_call_is_remembered_but_not_for_ever() -> None:
    """Late events find it ended, until 256 others have ended after it."""
    calls = ImplicitCalls()
    calls.use("a")
    calls.end("a")
    assert calls.has_ended("a")
    assert "a" not in calls
    for number in range(255):
        calls.end(str(number))
    assert calls.has_ended("a")
    calls.end("255")
    assert not calls.has_ended("a")
    assert calls.has_ended("0")


def test_ending_twice_counts_once() -> None:
    """A call cleaned up again is the last one that ended, not a second one."""
    calls = ImplicitCalls()
    for number in range(256):
        calls.end(str(number))
    calls.end("0")
    assert calls.has_ended("1")
    calls.end("256")
    assert not calls.has_ended("1")
    assert calls.has_ended("0")


def test_a_call_of_an_ended_name_may_be_started() -> None:
    """Taking a call forgets that one of its name ended."""
    calls = ImplicitCalls()
    calls.end("a")
    calls.take("a")
    assert not calls.has_ended("a")


def test_iteration_is_from_the_least_recently_used() -> None:
    """Order of use, not of birth."""
    calls = ImplicitCalls()
    for call_id in "abca":
        calls.use(call_id)
    assert list(calls) == ["b", "c", "a"]


def test_words_on_the_agent_before_the_first_audio_add_up() -> None:
    """When the first and last came, how much was generated, and what was last said."""
    call = ImplicitCall()
    call.hear_agent(100.0, is_speaking=True, audio_ms=300.0)
    call.hear_agent(150.0, is_speaking=True, audio_ms=200.0)
    call.hear_agent(160.0, is_speaking=False, audio_ms=0.0)
    assert call == ImplicitCall(
        is_agent_speaking=False, agent_audio_ms=500.0, agent_since_ms=100.0, agent_word_ms=160.0
    )


def test_an_agent_said_to_be_silent_has_said_nothing() -> None:
    """The first word may be that it does not speak."""
    call = ImplicitCall()
    call.hear_agent(100.0, is_speaking=False, audio_ms=0.0)
    assert call.agent_since_ms is None


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        (QuieterVoices.ATTENUATE, QuieterVoices.PASS),
        (QuieterVoices.PASS, QuieterVoices.PASS),
        (QuieterVoices.WITHHOLD, QuieterVoices.WITHHOLD),
    ],
)
def test_whole_chunks_are_never_turned_down(asked, taken) -> None:
    """What can't act passes; all else stays as it was told."""
    config = GatingConfig(audio_guard=AudioGuardConfig(quieter_voices=asked, preroll_ms=200))
    guard = config_for_chunks(config).audio_guard
    assert (guard.quieter_voices, guard.preroll_ms) == (taken, 200)
    assert config.audio_guard.quieter_voices is asked


# -- calls that have ended -------------------------------------------------------------------------


def test_the_last_calls_that_ended_are_remembered() -> None:
    """As many as the bound says; the one that ended first goes first."""
    ended = EndedCalls()
    for number in range(257):
        ended.add(f"call-{number}")
    assert "call-0" not in ended
    assert "call-1" in ended
    assert "call-256" in ended


def test_a_call_that_ends_again_is_the_last_that_ended() -> None:
    """A name that is used anew counts from its last end."""
    ended = EndedCalls()
    for number in range(256):
        ended.add(f"call-{number}")
    ended.add("call-0")
    ended.add("call-256")
    assert "call-0" in ended
    assert "call-1" not in ended


def test_that_a_call_ended_can_be_forgotten() -> None:
    """Its id may begin another one; ids that are not known do no harm."""
    ended = EndedCalls()
    ended.add("call-1")
    ended.forget("call-1")
    ended.forget("call-2")
    assert "call-1" not in ended
