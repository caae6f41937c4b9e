"""Labels, given and found."""

from __future__ import annotations

import numpy as np
import pytest

from support.signals import frames_of, silence, speech_like, white_noise
from voxgate.core.audio import AudioFormat
from voxgate.lab.evaluate.intervals import intersection
from voxgate.lab.evaluate.recording import Recording
from voxgate.lab.tune import call_labels
from voxgate.lab.tune.call_labels import CallLabels, find_labels, given_labels
from voxgate.lab.tune.hearing import Hearing
from voxgate.lab.tune.speech_model import FoundSegment


def recording(capture, *, far_end=None, agent=()) -> Recording:
    return Recording(
        capture=tuple(frames_of(capture)),
        capture_format=AudioFormat(),
        far_end=far_end,
        far_end_format=AudioFormat(),
        duration_ms=1000.0 * len(capture) / 8000,
        agent_speaking=agent,
        caller_speech=((100.0, 200.0), (150.0, 400.0)),
    )


def test_given_labels_are_sure_and_exact() -> None:
    """Joined where they overlap; nothing is uncounted."""
    labels = given_labels(recording(silence(1000)))
    assert labels == CallLabels(speech=((100.0, 400.0),))
    assert labels.onsets_from == labels.speech
    assert (labels.uncounted, labels.onset_slack_ms) == ((), 0.0)


def test_a_caller_on_a_quiet_line_is_found() -> None:
    """About where the speech is."""
    capture = white_noise(5000, level_dbfs=-66.0)
    capture[16000:28000] += speech_like(1500, level_dbfs=-20.0, seed=4)
    labels = find_labels(recording(capture))
    assert not labels.is_given
    (speech,) = labels.speech
    assert abs(speech[0] - 2000.0) < 200.0
    assert abs(speech[1] - 3500.0) < 300.0


def test_an_agent_turn_that_cannot_be_judged_is_unsure() -> None:
    """Without a far end nobody can tell echo from caller."""
    labels = find_labels(recording(white_noise(4000), agent=((1000.0, 2000.0),)))
    assert labels.unsure == ((1000.0, 2700.0),)


def test_digital_silence_over_the_agent_is_surely_nobody() -> None:
    """A muted telephone, or one that cuts out what is soft: the gate cannot have heard anybody."""
    far_end = frames_of(speech_like(4000, seed=2))
    capture = white_noise(4000, level_dbfs=-66.0)
    capture[12000:24000] = 0
    heard = recording(capture, far_end=tuple(far_end), agent=((1000.0, 2500.0),))
    labels = find_labels(heard)
    assert (labels.speech, labels.unsure) == ((), ())


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> CallLabels:
    """A sure segment, a doubtful one that reaches into it, one that is none; a hole."""
    segments = (
        FoundSegment(1000.0, 2000.0, 0.99),
        FoundSegment(2050.0, 2400.0, 0.5),
        FoundSegment(3000.0, 3400.0, 0.05),
    )
    judged = np.ones(200, bool)
    judged[180:190] = judged[50:52] = False
    heard = Hearing(features=np.zeros((200, 4)), is_audible=judged, is_judged=judged)
    monkeypatch.setattr(call_labels, "hear_call", lambda _: heard)
    monkeypatch.setattr(call_labels, "find_segments", lambda _: segments)
    return find_labels(recording(white_noise(4000)))


def test_what_is_doubtful_is_unsure_and_what_is_sure_stays_speech(found: CallLabels) -> None:
    """With a margin that sure speech is not eaten by; a frame or two that were lost are no hole."""
    assert found.speech == ((1000.0, 2000.0),)
    assert found.unsure == ((2000.0, 2500.0), (3600.0, 3800.0))
    assert intersection(found.speech, found.unsure) == ()


def test_onsets_that_were_found_may_be_earlier_and_edges_are_not_counted(
    found: CallLabels,
) -> None:
    """The gate may have been quicker than the detector that judges it."""
    assert found.onsets_from == ((880.0, 2000.0),)
    assert found.onset_slack_ms == 120.0
    assert found.uncounted == ((880.0, 1100.0), (1900.0, 2500.0), (3600.0, 3800.0))
