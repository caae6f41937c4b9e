"""Sending to a peer that does not read."""

from __future__ import annotations

import pytest

from voxgate.transports.write_backlog import Admission, WriteBacklog

FRAME = 323


def test_frames_are_sent_while_little_waits():
    """A peer that reads gets every frame."""
    backlog = WriteBacklog(max_frames=2, max_dropped_in_a_row=3)
    assert [backlog.admit(FRAME, waiting) for waiting in (0, 1, FRAME)] == [Admission.SEND] * 3
    assert (backlog.sent_frames, backlog.dropped_frames) == (3, 0)


def test_frame_beyond_the_bound_is_dropped():
    """What waits never passes the bound."""
    backlog = WriteBacklog(max_frames=2, max_dropped_in_a_row=3)
    assert backlog.admit(FRAME, FRAME + 1) is Admission.DROP
    assert (backlog.sent_frames, backlog.dropped_frames) == (0, 1)


def test_peer_that_stays_away_is_given_up():
    """After as many dropped frames in a row as allowed, the call is over."""
    backlog = WriteBacklog(max_frames=2, max_dropped_in_a_row=3)
    admissions = [backlog.admit(FRAME, 10 * FRAME) for _ in range(3)]
    assert admissions == [Admission.DROP, Admission.DROP, Admission.GIVE_UP]
    assert backlog.dropped_frames == 3


def test_frame_sent_in_between_starts_the_count_anew():
    """A slow peer is not a dead one."""
    backlog = WriteBacklog(max_frames=2, max_dropped_in_a_row=2)
    waiting = (10 * FRAME, 0, 10 * FRAME, 0, 10 * FRAME)
    assert Admission.GIVE_UP not in [backlog.admit(FRAME, each) for each in waiting]


@pytest.mark.parametrize("bound", ["max_frames", "max_dropped_in_a_row"])
def test_bound_below_one_is_refused(bound: str):
    """With room for no frame, nothing could ever be sent."""
    bounds = {"max_frames": 1, "max_dropped_in_a_row": 1} | {bound: 0}
    with pytest.raises(ValueError, match=f"{bound}: 0 is below 1"):
        WriteBacklog(**bounds)
