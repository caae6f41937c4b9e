"""Calls made ready for trials."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.recordings import write_wav
from support.signals import white_noise
from support.tuned_calls import prepared, row_source
from voxgate.lab.tune import prepared_call
from voxgate.lab.tune.call_labels import CallLabels
from voxgate.lab.tune.call_sources import CallProblem, ManifestCall
from voxgate.lab.tune.prepared_call import PreparedCall, prepare_call

FOUND = CallLabels(speech=((100.0, 300.0),), is_given=False)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ManifestCall:
    """A row whose labels say 200 to 400 ms; the detector would find others."""
    monkeypatch.setattr(prepared_call, "find_labels", lambda _: FOUND)
    made = row_source(capture=write_wav(tmp_path / "a.wav", white_noise(1000)))
    object.__setattr__(made.row, "caller_speech", ((200.0, 400.0),))
    return made


def test_given_labels_are_used(source: ManifestCall) -> None:
    """Without listening."""
    call = prepare_call(source, relabel=False)
    assert isinstance(call, PreparedCall)
    assert call.labels == CallLabels(speech=((200.0, 400.0),))
    assert call.agreement is None


def test_without_labels_they_are_found(source: ManifestCall) -> None:
    """Nothing is there to compare them with."""
    unlabelled = ManifestCall(source.manifest, source.row, has_labels=False)
    call = prepare_call(unlabelled, relabel=False)
    assert isinstance(call, PreparedCall)
    assert (call.labels, call.agreement) == (FOUND, None)


def test_given_labels_can_be_held_against_found_ones(source: ManifestCall) -> None:
    """The found ones are used then."""
    call = prepare_call(source, relabel=True)
    assert isinstance(call, PreparedCall)
    assert call.labels == FOUND
    assert call.agreement is not None
    assert (call.agreement.utterances, call.agreement.utterances_found) == (1, 1)


def test_a_call_that_cannot_be_read_or_labelled_is_a_problem(
    source: ManifestCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its name."""

    def fail(_: object) -> None:
        raise IndexError("no frame")

    monkeypatch.setattr(prepared_call, "find_labels", fail)
    problem = prepare_call(source, relabel=True)
    assert problem == CallProblem(source.name, "can't be labelled: IndexError('no frame')")
    assert isinstance(prepare_call(row_source(), relabel=False), CallProblem)


def test_turns_that_are_left_out_are_counted() -> None:
    """Of all agent turns."""
    call = prepared(
        agent=((0.0, 1000.0), (3000.0, 4000.0)), unsure=((3100.0, 3200.0),), is_given=False
    )
    assert (call.agent_turns, call.turns_left_out) == (2, 1)
