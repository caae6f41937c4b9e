"""What is said of a name that does not exist."""

from __future__ import annotations

from voxgate.config.suggestion import known_names, likely_keys


def test_a_close_name_is_suggested() -> None:
    """A typo is answered with the name that was meant."""
    assert known_names("min_mss", ["min_ms", "turn_end_ms"]) == "did you mean 'min_ms'?"


def test_another_spelling_is_suggested() -> None:
    """Case and hyphens are habits of other tools, not other names."""
    assert known_names("Barge-In", ["barge_in", "vad"]) == "did you mean 'barge_in'?"


def test_the_first_word_counts_most() -> None:
    """Who writes of the agent does not mean the caller."""
    names = ["caller_speech", "agent_speaking", "tags"]
    assert known_names("agent_speech", names) == "did you mean 'agent_speaking'?"
    assert known_names("callers_speech", names) == "did you mean 'caller_speech'?"


def test_a_name_like_no_other_lists_all() -> None:
    """Where nothing is close, everything there is helps."""
    assert known_names("twilio", ["audiosocket", "vad"]) == "known: audiosocket, vad"


def test_a_part_of_a_name_is_completed() -> None:
    """By its end before its beginning: the last word says what it is, as ``provider`` does."""
    names = ["default_provider", "fall_back_provider", "provider_hold_ms"]
    assert known_names("provider", names) == (
        "did you mean 'default_provider' or 'fall_back_provider'?"
    )
    assert known_names("openai", ["openai_realtime", "deepgram"]) == (
        "did you mean 'openai_realtime'?"
    )


def test_a_part_of_many_names_says_nothing() -> None:
    """Nor does a unit, or a name that is complete."""
    names = ["wait_for_agent", "wait_for_caller", "wait_for_line"]
    assert known_names("wait", names) == f"known: {', '.join(names)}"
    assert known_names("wa", names[:1]) == "known: wait_for_agent"
    assert known_names("Vad", ["vad", "old_vad"]) == "did you mean 'vad'?"


def test_nothing_to_choose_from_is_said() -> None:
    """An empty section has no names to list."""
    assert known_names("x", []) == "there are none"


def test_a_key_is_found_by_its_last_name() -> None:
    """One of each section first, then more of them, three at most."""
    keys = ["a.one.level", "a.two.level", "a.three.level", "b.level", "b.mode"]
    assert likely_keys("level", keys) == ["a.one.level", "b.level", "a.two.level"]
    assert likely_keys("c.mode", keys) == ["b.mode"]
    assert likely_keys("b.levle", keys) == ["b.level"]
    assert likely_keys("zz", keys) == []
