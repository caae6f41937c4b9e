"""The sentences."""

from __future__ import annotations

from dataclasses import replace

from support.tuned_calls import prepared
from support.tunings import made_tuning
from voxgate.lab.tune.resampling import Gain
from voxgate.lab.tune.sufficiency import Shortage
from voxgate.lab.tune.summary import Gathered, labels_line, verdict_lines
from voxgate.lab.tune.tuned_keys import KeyGroup
from voxgate.lab.tune.tuning import Verdict


def said(verdict: Verdict, **changes: object) -> list[str]:
    return list(verdict_lines(made_tuning(verdict, **changes)))


def test_a_proposal_says_what_it_saves() -> None:
    """On calls that the search never saw."""
    (proposed,) = said(Verdict.PROPOSED)
    assert proposed == (
        "proposed: it saves +1.160 (+1.100 to +1.200) a call on the held-out calls, which the "
        "search never saw"
    )


def test_a_price_is_said() -> None:
    """What is surely worse, though less in all."""
    made = made_tuning()
    assert made.held_out is not None
    _, price = said(Verdict.PROPOSED, held_out=replace(made.held_out, worse=("missed", "lost")))
    assert price.startswith(
        "at a price: surely more interruptions that are not let in, caller speech lost; if"
    )


def test_a_mode_that_is_better_is_named() -> None:
    """It may save more than any threshold."""
    gain = Gain(mean=2.0, low=1.5, high=2.5, chance=0.001, calls=12)
    *_, line = said(Verdict.NOTHING_BETTER, saved_by_reference=gain)
    assert line.startswith("another mode: echo_aware saves +2.000 (+1.500 to +2.500) a call more")


def test_keeping_what_there_is_has_a_reason() -> None:
    """And the number of calls that might change it."""
    (nothing,) = said(Verdict.NOTHING_BETTER, calls_needed=240)
    assert nothing == (
        "keep what you have: of 57 settings none is surely better on the calls searched; if its "
        "gain is what it seems, about 240 calls would show it"
    )
    (unsure,) = said(Verdict.NOT_SURE)
    assert unsure.startswith("keep what you have: the best setting found is not surely better")
    assert unsure.endswith("it saves +1.160 (+1.100 to +1.200) a call there")


def test_too_little_is_said_with_what_would_do() -> None:
    """And so are keys that were left as they are."""
    few = Shortage(group=None, what="calls", have=4, need=20, calls_needed=20)
    guard = Shortage(group=KeyGroup.GUARD, what="s of speech", have=3, need=20, calls_needed=90)
    assert said(Verdict.TOO_FEW, shortages=(few,)) == [
        "can't tell: 4 calls, and 20 are needed; about 20 calls like these would do"
    ]
    _, left = said(Verdict.NOTHING_BETTER, shortages=(guard,))
    assert left == (
        "left as they are: guard keys: 3 s of speech, and 20 are needed; about 90 calls like "
        "these would do"
    )
    assert said(Verdict.TOO_FEW) == ["can't tell: there is no key to turn"]


def test_how_much_was_left_out_is_said() -> None:
    """Of the calls that were self-labelled."""
    given = prepared("a")
    found = prepared("b", unsure=((100.0, 600.0),), is_given=False)
    both = Gathered(calls=(given, found), set_aside=0, problems=())
    assert labels_line(both) == (
        "2 calls, 0.3 min: 1 labelled, 1 self-labelled, in which 1 of 1 agent turns and 5.0 % of "
        "the time were left out as unsure"
    )
    only = Gathered(calls=(given,), set_aside=0, problems=())
    assert labels_line(only) == "1 calls, 0.2 min: 1 labelled"
    assert both.agreement is None
