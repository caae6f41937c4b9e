"""What a report draws over time."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from support.signals import silence, white_noise
from support.taped_calls import START_MS, MemoryCall, eventful_call, speech, taped_call
from voxgate.lab.report.call_data import CallData, Sent, gather_call
from voxgate.lab.report.lanes import WIDTH, Lanes, draw_lanes
from voxgate.recordings import CallTracks

_POINT = re.compile(r"(-?[\d.]+) (-?[\d.]+)")


@cache
def data() -> CallData:
    return gather_call(eventful_call())  # type: ignore[arg-type]


@cache
def lanes() -> Lanes:
    return draw_lanes(data())


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in _POINT.findall(path)]


def test_every_lane_stays_in_its_box() -> None:
    """Whatever was measured."""
    drawn = lanes()
    for path in (
        drawn.far_end,
        drawn.capture,
        drawn.near_end_logit,
        drawn.speech_logit,
        drawn.capture_level,
        drawn.noise_floor,
    ):
        assert re.fullmatch(r"[MLZ \d.e+-]+", path)
        assert all(0 <= x <= WIDTH and -0.5 <= y <= 100.5 for x, y in points(path))


def test_bars_cover_the_call_in_order() -> None:
    """The gate stands somewhere at every time."""
    states = lanes().states
    assert states[0].x == 0
    for one, other in pairwise(states):
        assert abs(one.x + one.width - other.x) < 0.2
        assert one.name != other.name
    assert abs(states[-1].x + states[-1].width - WIDTH) < 0.2
    assert {bar.name for bar in states} == {"open", "closed", "candidate", "barge_in"}
    assert {bar.name for bar in lanes().sent} == {"forwarded", "released", "withheld"}


def test_a_frame_that_came_late_leaves_no_hole() -> None:
    """One slot without a frame between two with one is drawn as the one before."""
    sent = np.full(100, Sent.FORWARDED, np.int8)
    sent[50] = Sent.NOTHING
    sent[70:73] = Sent.NOTHING
    short = replace(data().slots, **{name: values[:100] for name, values in _columns().items()})
    drawn = draw_lanes(replace(data(), slots=replace(short, sent=sent)))
    assert [bar.name for bar in drawn.sent] == ["forwarded", "forwarded"]
    assert drawn.sent[0].width == 0.7 * WIDTH


def _columns() -> dict[str, np.ndarray]:
    slots = data().slots
    return {
        name: getattr(slots, name)
        for name in (
            "state",
            "sent",
            "near_end_logit",
            "speech_logit",
            "evidence_ms",
            "capture_dbfs",
            "near_end_dbfs",
            "floor_dbfs",
        )
    }


def test_both_sides_have_one_scale() -> None:
    """So that an echo looks as quiet as it is; the louder side fills its lane."""
    noise = white_noise(33_000, level_dbfs=-20.0)
    quiet = (noise // 10).astype(np.int16)
    drawn = _drawn(far_end=noise, capture=quiet)
    heights = [max(y for _, y in points(path)) - 50 for path in (drawn.far_end, drawn.capture)]
    assert heights[0] > 47
    assert 3 < heights[1] < 7


def test_a_silent_call_is_a_line_and_not_noise() -> None:
    """The scale has an end."""
    faint = white_noise(33_000, level_dbfs=-70.0)
    drawn = _drawn(far_end=silence(33_000), capture=faint)
    assert len(points(drawn.far_end)) <= 4
    assert max(y for _, y in points(drawn.capture)) < 55


def _drawn(*, far_end: np.ndarray, capture: np.ndarray) -> Lanes:
    tracks = CallTracks(far_end=far_end, capture=capture, rate_hz=8000, origin_ms=START_MS)
    return draw_lanes(replace(data(), tracks=tracks))


def test_a_trace_has_no_waves() -> None:
    """And everything that was measured all the same."""
    drawn = draw_lanes(gather_call(eventful_call().without_audio()))  # type: ignore[arg-type]
    assert drawn.far_end == drawn.capture == ""
    assert drawn.states
    assert drawn.near_end_logit
    assert drawn.capture_level


def test_a_long_call_is_no_larger() -> None:
    """Two hours in which the gate changes its mind in every frame."""
    n = 2 * 3600 * 50
    flicker = (np.arange(n) % 2).astype(np.int8)
    wild = np.where(flicker, 5.0, -5.0).astype(np.float32)
    changed = dict.fromkeys(_columns(), wild) | {"state": flicker, "sent": flicker + 1}
    tracks = CallTracks(
        far_end=np.zeros(100, np.int16),
        capture=np.tile(np.array([9000, -9000], np.int16), n // 2),
        rate_hz=8000,
        origin_ms=START_MS,
    )
    long = replace(
        data(), slots=replace(data().slots, **changed), duration_ms=n * 20.0, tracks=tracks
    )
    drawn = draw_lanes(long)
    size = sum(len(path) for path in (drawn.capture, drawn.near_end_logit, drawn.capture_level))
    assert size < 300_000
    for bars in (drawn.states, drawn.sent):
        assert len(bars) <= 4000
        assert bars[-1].x + bars[-1].width == pytest.approx(WIDTH, abs=2)


def test_an_empty_call_can_be_drawn() -> None:
    """Nothing happened, and nothing breaks."""
    empty: MemoryCall = taped_call(lambda call: None)
    drawn = draw_lanes(gather_call(empty))  # type: ignore[arg-type]
    assert drawn.states == ()
    spoken = taped_call(lambda call: call.play(speech(40, seed=1)))
    assert draw_lanes(gather_call(spoken)).states  # type: ignore[arg-type]
