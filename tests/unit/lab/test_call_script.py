"""The caller who follows a script."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from support.signals import white_noise
from support.simulated_calls import LOUD, SILENT
from voxgate.lab.call_script import Say, ScriptedCaller, Step, WaitForAgent, demo_script
from voxgate.realtime_server.voice_library import agent_voices

SENTENCES = {"hello": white_noise(90, level_dbfs=-20), "nothing": np.zeros(0, np.int16)}


def caller_of(*script: Step) -> ScriptedCaller:
    return ScriptedCaller(script, SENTENCES)


def slots_until_done(caller: ScriptedCaller, heard: list[np.ndarray]) -> int:
    """Return how many slots of what is heard, the last one repeated, the script takes."""
    for n in range(2000):
        if caller.is_done:
            return n
        caller.step(heard[min(n, len(heard) - 1)])
    raise AssertionError("the script never ends")


def test_a_sentence_is_spoken_to_its_end() -> None:
    """Every sample, in order; the last frame is filled up with silence."""
    caller = caller_of(Say("hello"))
    spoken = []
    while not caller.is_done:
        spoken.append(caller.step(SILENT))
    assert np.array_equal(np.concatenate(spoken)[:720], SENTENCES["hello"])
    assert not np.concatenate(spoken)[720:].any()
    assert {len(frame) for frame in spoken} == {160}


def test_an_empty_sentence_takes_one_silent_slot() -> None:
    """A script with it still goes on."""
    caller = caller_of(Say("nothing"))
    assert np.array_equal(caller.step(SILENT), SILENT)
    assert caller.is_done


def test_waiting_for_talk_ends_when_the_agent_has_talked_for_long_enough() -> None:
    """Counted from its first sound, not from the start of the wait."""
    caller = caller_of(WaitForAgent(talking=True, for_ms=200, timeout_ms=60_000))
    assert slots_until_done(caller, [SILENT] * 100 + [LOUD]) == 110


def test_a_pause_between_sentences_does_not_end_a_talk() -> None:
    """620 ms count as talk, but the caller does not break in within them."""
    wait = WaitForAgent(talking=True, for_ms=1000, timeout_ms=60_000)
    heard = [LOUD] * 25 + [SILENT] * 31 + [LOUD]
    assert slots_until_done(caller_of(wait), heard) == 57


def test_an_agent_that_was_cut_off_begins_anew() -> None:
    """Short bits of talk with long silences between them never add up."""
    wait = WaitForAgent(talking=True, for_ms=1000, timeout_ms=8000)
    heard = ([LOUD] * 15 + [SILENT] * 45) * 10
    assert slots_until_done(caller_of(wait), heard) == 400


def test_an_agent_that_has_not_spoken_yet_is_not_talking() -> None:
    """The call begins in silence."""
    wait = WaitForAgent(talking=True, for_ms=20, timeout_ms=1000)
    assert slots_until_done(caller_of(wait), [SILENT]) == 50


def test_waiting_for_silence_ends_when_the_agent_has_been_silent_for_long_enough() -> None:
    """Its pauses up to there don't."""
    wait = WaitForAgent(talking=False, for_ms=900, timeout_ms=60_000)
    heard = [LOUD] * 20 + [SILENT] * 44 + [LOUD] * 20 + [SILENT]
    assert slots_until_done(caller_of(wait), heard) == 84 + 45


@pytest.mark.parametrize("talking", [True, False])
def test_nobody_waits_for_ever(talking: bool) -> None:
    """Whatever the agent does."""
    wait = WaitForAgent(talking=talking, for_ms=10_000, timeout_ms=3000)
    assert slots_until_done(caller_of(wait), [SILENT if talking else LOUD]) == 150


def test_what_the_caller_does_is_told_in_words() -> None:
    """With how much of the script is done."""
    wait = {"for_ms": 20, "timeout_ms": 20}
    caller = caller_of(
        WaitForAgent(talking=True, **wait),
        WaitForAgent(talking=False, **wait),
        Say("nothing"),
    )
    told = []
    for _ in range(4):
        told.append((caller.done_ratio, caller.doing))
        caller.step(SILENT)
    assert told == [
        (0.0, "listens to the agent"),
        (1 / 3, "lets the agent finish"),
        (2 / 3, "says: nothing"),
        (1.0, "hangs up"),
    ]


def test_a_script_of_nothing_is_done() -> None:
    """The caller keeps still on a line that is not hung up yet."""
    caller = caller_of()
    assert caller.is_done
    assert caller.done_ratio == 1.0
    assert not caller.step(LOUD).any()


def test_an_unknown_sentence_is_found_before_the_call() -> None:
    """Not in the middle of it."""
    with pytest.raises(KeyError, match="nonsense"):
        caller_of(Say("nonsense"))


def test_the_demonstration_has_what_it_is_to_show() -> None:
    """One interruption late in an answer, one early, and long and short answers heard out."""
    script = demo_script()
    said_after = [
        before
        for before, step in pairwise(script)
        if isinstance(step, Say) and isinstance(before, WaitForAgent)
    ]
    late, early = (wait.for_ms for wait in said_after if wait.talking)
    assert late >= 10_000
    assert early <= 2000
    heard_out = [
        step.timeout_ms for step in script if isinstance(step, WaitForAgent) and not step.talking
    ]
    assert len(heard_out) == 4
    longest_ms = agent_voices()["opening_hours"].duration_ms
    assert heard_out[-1] > longest_ms + 2000, "the last answer has time to come to its end"
