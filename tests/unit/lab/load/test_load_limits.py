"""The engine is over its limit, or the rig is, and then nothing is said of the engine."""

from __future__ import annotations

from typing import Any

import pytest

from support.load_sides import figures
from voxgate.lab.load.load_figures import Percentiles
from voxgate.lab.load.load_limits import engine_limits, rig_limits, verdict


def late(p99_ms: float) -> Percentiles:
    """Return times of which one in a hundred is so long."""
    return Percentiles(count=100, p50_ms=1.0, p99_ms=p99_ms, max_ms=p99_ms + 5)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"line_to_provider": late(20.5)}, "20.5 ms"),
        ({"lost_frames": 3}, "3 frames were lost"),
        ({"lost_calls": 1}, "1 call was lost"),
        ({"lost_calls": 2}, "2 calls were lost"),
        ({"core_share": 0.98}, "core is full"),
    ],
)
def test_each_limit_of_the_engine_is_named(changes: dict[str, Any], word: str) -> None:
    """One is enough."""
    assert [word in text for text in engine_limits(figures(**changes))] == [True]
    assert "10 calls are too many" in verdict([figures(**changes)])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"load_share": 0.95}, "callers and server took 95 %"),
        ({"caller_lag": late(12.0)}, "the callers ran 12.0 ms late"),
        ({"server_lag": late(11.0)}, "the server ran 11.0 ms late"),
        ({"waited_share": 0.2}, "others had the engine's core for 20 %"),
    ],
)
def test_each_limit_of_the_rig_is_named(changes: dict[str, Any], word: str) -> None:
    """The result is none then, even if the engine was late."""
    step = figures(**changes, lost_frames=5)
    assert [word in text for text in rig_limits(step)] == [True]
    assert "no result" in verdict([step])
    assert "lost" not in verdict([step])


def test_calls_that_were_lost_are_told_without_a_result_too() -> None:
    """No busy machine makes an engine hang up unheard of."""
    text = verdict([figures(waited_share=0.2, lost_calls=2)])
    assert "10 calls are no result" in text
    assert "2 calls were lost." in text


def test_an_engine_that_talks_to_another_server_has_no_result() -> None:
    """Its provider was not pointed at the server of the run; of calls lost that is not said."""
    unheard: dict[str, Any] = {
        "line_to_provider": Percentiles(count=0),
        "uncertain_frames": 0,
        "released_frames": 0,
    }
    text = verdict([figures(**unheard)])
    assert "10 calls are no result: no audio of the calls reached the url" in text
    assert "no audio" not in verdict([figures(**unheard, lost_calls=10)])
    assert "no audio" not in verdict([figures(**unheard, lost_frames=9)])


def test_a_load_that_is_held_is_said_to_be() -> None:
    """At the bounds too."""
    held = figures(line_to_provider=late(20.0), load_share=0.9, waited_share=0.03)
    assert not engine_limits(held)
    assert not rig_limits(held)
    assert verdict([held, figures(20)]) == "20 calls were held."


def test_what_was_not_measured_is_no_limit() -> None:
    """An engine elsewhere has no process here."""
    unknown = figures(
        line_to_provider=Percentiles(count=0), core_share=None, waited_share=None, load_share=None
    )
    assert (engine_limits(unknown), rig_limits(unknown)) == ((), ())


def test_the_limit_is_between_two_steps() -> None:
    """The last that was held, and the first that was not."""
    text = verdict([figures(10), figures(20), figures(30, lost_frames=1), figures(40)])
    assert text.startswith("20 calls were held. 30 calls are too many")
    assert verdict([figures(10, lost_frames=1)]).startswith("No number of calls was held.")


def test_an_engine_that_waits_for_its_own_threads_is_not_disturbed() -> None:
    """It has its core to itself; where others had it as well, the figures are not the engine's."""
    assert not rig_limits(figures(waited_share=0.2, others_share=0.01))
    assert rig_limits(figures(waited_share=0.2, others_share=0.1))
    assert rig_limits(figures(waited_share=0.2, others_share=None))
