"""Two parts, and whether they are enough."""

from __future__ import annotations

from support.tuned_calls import measures, prepared
from voxgate.lab.tune.measures import CallMeasures
from voxgate.lab.tune.sufficiency import shortages_of, split_calls
from voxgate.lab.tune.tuned_keys import KeyGroup

CALLS = [prepared(f"call-{n}") for n in range(30)]


def test_two_in_five_calls_are_held_out() -> None:
    """Each call is in one part, in the order that they came in."""
    parts = split_calls(CALLS, seed=1)
    assert (len(parts.search), len(parts.held_out)) == (18, 12)
    assert sorted([*parts.search, *parts.held_out], key=CALLS.index) == CALLS
    assert list(parts.search) == sorted(parts.search, key=CALLS.index)


def test_the_parts_depend_on_names_and_seed_alone() -> None:
    """Not on the order; another seed draws others."""
    names = {call.name for call in split_calls(CALLS, seed=1).held_out}
    assert {call.name for call in split_calls(CALLS[::-1], seed=1).held_out} == names
    assert {call.name for call in split_calls(CALLS, seed=2).held_out} != names


def test_few_calls_are_too_few() -> None:
    """Whatever is in them; the number that would do is said."""
    (shortage,) = shortages_of([measures()] * 11, [measures()] * 8)
    assert shortage.group is None
    assert str(shortage) == "19 calls, and 20 are needed; about 20 calls like these would do"


def test_what_is_not_there_cannot_be_judged() -> None:
    """Without interruptions the gate that never opens would be the best."""
    lonely = CallMeasures(agent_turns=5, speech_ms=8000.0, idle_ms=8000.0)
    (shortage,) = shortages_of([lonely] * 12, [lonely] * 8)
    assert shortage.group is KeyGroup.BARGE_IN
    assert str(shortage) == (
        "barge-in keys: 0 interruptions of the agent, and 8 are needed; none of the calls has any"
    )


def test_the_part_that_has_least_decides() -> None:
    """And the number of calls goes by what these calls hold."""
    short = CallMeasures(agent_turns=5, interruptions=2, speech_ms=1000.0, idle_ms=8000.0)
    found = shortages_of([measures()] * 12, [short] * 8)
    (shortage,) = found
    assert shortage.group is KeyGroup.GUARD
    assert (shortage.have, shortage.need, shortage.calls_needed) == (8, 20, 50)
    assert shortages_of([measures()] * 12, [measures()] * 8) == ()
