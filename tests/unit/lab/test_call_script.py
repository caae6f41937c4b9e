"""The caller who follows a script."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import white_noise
from support.simulated_calls import LOUD, SILENT
from voxgate.core.levels import rms
from voxgate.core.units import rms_to_dbfs
from voxgate.lab.call_script import MakeNoise, Say, ScriptedCaller, Step, WaitForAgent, demo_script

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
        speech, noise = caller.step(SILENT)
        spoken.append(speech)
        assert not noise.any()
    assert np.array_equal(np.concatenate(spoken)[:720], SENTENCES["hello"])
    assert not np.concatenate(spoken)[720:].any()
    assert {len(frame) for frame in spoken} == {160}


def test_an_empty_sentence_takes_one_silent_slot() -> None:
    """A script with it still goes on."""
    caller = caller_of(Say("nothing"))
    speech, _ = caller.step(SILENT)
    assert np.array_equal(speech, SILENT)
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


def test_noise_has_its_level_and_clicks_once_a_second() -> None:
    """And the caller is silent meanwhile."""
    caller = caller_of(MakeNoise(duration_ms=3000, level_dbfs=-35))
    levels_dbfs = []
    while not caller.is_done:
        speech, noise = caller.step(SILENT)
        assert not speech.any()
        levels_dbfs.append(rms_to_dbfs(rms(noise)))
    assert len(levels_dbfs) == 150
    assert [n for n, level in enumerate(levels_dbfs) if level > -20] == [25, 75, 125]
    assert np.median(levels_dbfs) == pytest.approx(-35, abs=0.5)


def test_the_same_far_end_gives_the_same_caller() -> None:
    """To the sample, noise included."""
    script = (Say("hello"), MakeNoise(duration_ms=200, level_dbfs=-30))
    one, two = caller_of(*script), caller_of(*script)
    while not one.is_done:
        for ours, theirs in zip(one.step(SILENT), two.step(SILENT), strict=True):
            assert np.array_equal(ours, theirs)
    assert two.is_done


def test_what_the_caller_does_is_told_in_words() -> None:
    """With how much of the script is done."""
    wait = {"for_ms": 20, "timeout_ms": 20}
    caller = caller_of(
        WaitForAgent(talking=True, **wait),
        WaitForAgent(talking=False, **wait),
        MakeNoise(duration_ms=20, level_dbfs=-40),
        Say("nothing"),
    )
    told = []
    for _ in range(5):
        told.append((caller.done_ratio, caller.doing))
        caller.step(SILENT)
    assert told == [
        (0.0, "listens to the agent"),
        (0.25, "lets the agent finish"),
        (0.5, "is silent on a noisy line"),
        (0.75, "says the nothing"),
        (1.0, "hangs up"),
    ]


def test_a_script_of_nothing_is_done() -> None:
    """The caller keeps still on a line that is not hung up yet."""
    caller = caller_of()
    assert caller.is_done
    assert caller.done_ratio == 1.0
    speech, noise = caller.step(LOUD)
    assert not speech.any()
    assert not noise.any()


def test_an_unknown_sentence_is_found_before_the_call() -> None:
    """Not in the middle of it."""
    with pytest.raises(KeyError, match="nonsense"):
        caller_of(Say("nonsense"))


def test_the_demonstration_has_what_it_is_to_show() -> None:
    """A question, an interruption that waits for a long answer, a noisy pause, in this order."""
    script = demo_script()
    kinds = [step.line_id if isinstance(step, Say) else type(step).__name__ for step in script]
    order = ["question", "interruption", "MakeNoise"]
    assert [kind for kind in kinds if kind in order] == order
    before = script[kinds.index("interruption") - 1]
    assert isinstance(before, WaitForAgent)
    assert before.talking
    assert before.for_ms >= 3000
