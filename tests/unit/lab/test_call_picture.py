"""The picture of simulated calls: what can be told from its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from support.simulated_calls import gate_event, record_of
from voxgate.core.gate_transitions import GateEventType, GateState
from voxgate.lab.call_picture import draw_calls
from voxgate.lab.call_record import CallRecord

AGENT, CALLER = "#0072b2", "#e69f00"
CANDIDATE, BARGE_IN = "#f0e442", "#b0408f"
CUT_RIGHT, CUT_FALSE = "#00694e", "#d51f00"


def drawn(tmp_path: Path, **records: CallRecord) -> np.ndarray:
    """Return the picture: float [shape=(height, width, 3)]."""
    path = tmp_path / "calls.png"
    draw_calls(records, path)
    pixels: np.ndarray = imread(path)[:, :, :3]
    return pixels


def is_colour(pixels: np.ndarray, colour: str) -> np.ndarray:
    """Return where the picture has a colour: bool [shape=(height, width)]."""
    found: np.ndarray = np.abs(pixels - to_rgb(colour)).max(axis=2) < 0.02
    return found


def rows_with(pixels: np.ndarray, colour: str) -> np.ndarray:
    return np.flatnonzero(is_colour(pixels, colour).any(axis=1))


def test_the_picture_is_fit_for_a_page(tmp_path: Path) -> None:
    """1500 pixels wide, so that its text is still read at 900; three calls fit a screen then."""
    pixels = drawn(tmp_path, off=record_of(500), vad=record_of(500), on=record_of(500))
    assert pixels.shape == (1320, 1500, 3)


def test_every_sound_is_seen_where_it_belongs(tmp_path: Path) -> None:
    """The agent above the caller, and neither in a call without them."""
    sounds = drawn(tmp_path, call=record_of(500, agent=[(0, 200)], caller=[(250, 400)]))
    silence = drawn(tmp_path, call=record_of(500))
    assert is_colour(sounds, AGENT).sum() > 5 * is_colour(silence, AGENT).sum() > 0
    assert is_colour(sounds, CALLER).sum() > 5 * is_colour(silence, CALLER).sum() > 0
    assert rows_with(sounds, AGENT)[0] < rows_with(sounds, CALLER)[0]


def lane_with(pixels: np.ndarray, colour: str) -> np.ndarray:
    """Return where the widest line of a colour has it: bool [shape=(width,)]."""
    found = is_colour(pixels, colour)
    lane: np.ndarray = found[found.sum(axis=1).argmax()]
    return lane


def test_what_the_provider_hears_is_told_apart(tmp_path: Path) -> None:
    """Of 500 slots of the caller 400 came through, of 1000 of babble 300, outside the speech."""
    record = record_of(
        2000, caller=[(500, 1000)], noise=[(0, 500), (1500, 2000)], forwarded=[(200, 900)]
    )
    rows = drawn(tmp_path, call=record)[:, 180:1470]  # without what is written beside them
    black, caller = (is_colour(rows, colour).sum(axis=1) for colour in ("black", CALLER))
    is_lane = (black > 100) & (caller > 100)
    assert is_lane.sum() > 15
    assert black[is_lane] / caller[is_lane] == pytest.approx(300 / 400, abs=0.03)


def test_short_pauses_between_words_are_drawn_as_speech(tmp_path: Path) -> None:
    """And longer ones are not; both are in this call, in which everything came through."""
    words = [(100, 300), (314, 500), (516, 700)]
    record = record_of(1000, caller=words, noise=[(0, 1000)], forwarded=[(0, 1000)])
    lane = lane_with(drawn(tmp_path, call=record), CALLER)
    edges = np.flatnonzero(np.diff(lane.astype(np.int8)))
    widths = np.diff(edges)[::2] / (edges[-1] - edges[0])
    assert widths == pytest.approx([400 / 600, 184 / 600], abs=0.01)


def test_a_call_without_cut_offs_has_nothing_red_but_its_legend(tmp_path: Path) -> None:
    """Its title is grey where it says that there were none."""
    pixels = drawn(tmp_path, call=record_of(100))
    legend_from = rows_with(pixels, CANDIDATE)[0] - 80
    for colour in (CUT_FALSE, CUT_RIGHT):
        rows = rows_with(pixels, colour)
        assert len(rows) > 0
        assert rows.min() > legend_from


@pytest.mark.parametrize(
    ("state", "colour"), [(GateState.CANDIDATE, CANDIDATE), (GateState.BARGE_IN, BARGE_IN)]
)
def test_a_state_of_one_frame_is_seen_in_a_long_call(
    tmp_path: Path, state: GateState, colour: str
) -> None:
    """At least 5 pixels wide, though a frame of a 50 s call has less than one."""
    states = [GateState.CLOSED] * 2500
    states[1000] = state
    with_state = drawn(tmp_path, call=record_of(2500, states=states))
    without = drawn(tmp_path, call=record_of(2500, states=[GateState.CLOSED] * 2500))
    added = is_colour(with_state, colour) & ~is_colour(without, colour)
    assert added.any(axis=0).sum() >= 5
    assert added.any(axis=1).sum() >= 15


def test_a_candidate_does_not_hide_behind_its_barge_in(tmp_path: Path) -> None:
    """Both are some frames long, one after the other; the candidate is left of the other."""
    states = [GateState.CLOSED] * 1000 + [GateState.CANDIDATE] * 3 + [GateState.BARGE_IN] * 4
    states += [GateState.OPEN] * (2500 - len(states))
    pixels = drawn(tmp_path, call=record_of(2500, states=states))
    legend_from = rows_with(pixels, CANDIDATE)[-1] - 30
    columns = [
        np.flatnonzero(is_colour(pixels[:legend_from], colour).any(axis=0))
        for colour in (CANDIDATE, BARGE_IN)
    ]
    assert min(map(len, columns)) >= 5
    assert columns[0][-1] < columns[1][0]


def test_a_right_cut_off_is_a_line_and_a_false_one_is_dashed(tmp_path: Path) -> None:
    """So that they can be told apart without their colours."""
    record = record_of(500, agent=[(0, 500)], caller=[(100, 150)])
    interrupted = GateEventType.INTERRUPTED
    record.gate_events += [gate_event(interrupted, 3600.0), gate_event(interrupted, 9000.0)]
    pixels = drawn(tmp_path, call=record)
    counts = {}
    for colour in (CUT_RIGHT, CUT_FALSE):
        found = is_colour(pixels, colour)
        column = found[:, found.sum(axis=0).argmax()]
        counts[colour] = np.count_nonzero(np.diff(column.astype(np.int8)) == 1)
    assert counts[CUT_RIGHT] <= 8, "one stroke for each row of the picture, and the legend"
    assert counts[CUT_FALSE] > 15, "many dashes"


def test_both_calls_have_one_scale_of_time(tmp_path: Path) -> None:
    """A call half as long takes half the width."""
    pixels = drawn(
        tmp_path,
        long=record_of(1000, agent=[(0, 1000)]),
        short=record_of(500, agent=[(0, 500)]),
    )
    found = is_colour(pixels, AGENT)
    rows = np.flatnonzero(found.sum(axis=1) > 300)
    middle = pixels.shape[0] // 2
    widths = [found[rows[part]].sum(axis=1).max() for part in (rows < middle, rows > middle)]
    assert widths[1] / widths[0] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("n_slots", [0, 1])
def test_a_call_that_ended_at_once_is_drawn(tmp_path: Path, n_slots: int) -> None:
    """Empty, beside the one that did not; whatever was told of it."""
    broken = record_of(n_slots)
    broken.states.extend([GateState.OPEN] * 3)
    broken.provider_speech_ms.append(5.0)
    broken.gate_events.append(gate_event(GateEventType.INTERRUPTED, 6.0))
    pixels = drawn(tmp_path, broken=broken, whole=record_of(100, agent=[(0, 100)]))
    assert is_colour(pixels, AGENT).any()
    alone = drawn(tmp_path, broken=broken)
    assert alone.shape[1] == 1500


def test_a_picture_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    """The command says it in a line."""
    with pytest.raises(OSError, match="nowhere"):
        draw_calls({"call": record_of(10)}, tmp_path / "nowhere" / "calls.png")
