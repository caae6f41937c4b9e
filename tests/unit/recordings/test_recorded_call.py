"""Recorded calls, opened: whole ones, such without audio, broken-off and damaged ones."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.gate_calls import BrokenVad
from support.recorded_calls import (
    BY_VOICE,
    STARTED_AT,
    header_of,
    make_recorded_call,
    record_call,
    simulate_call,
    taped_call,
    write_call,
)
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.config import BargeInConfig, GatingConfig
from voxgate.core.gate_decision import GateEventType
from voxgate.core.gate_tape import FarEndPlayed, FrameCaptured, GateBegun, GateReconfigured
from voxgate.core.taped_gating_manager import TapedGatingManager, apply_input
from voxgate.core.vad_manager import EnhancedVADManager
from voxgate.errors import RecordingError
from voxgate.recordings import CallEvent, RecordedDecision, list_calls, open_call

pyrage = pytest.importorskip("pyrage")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recorded_call(tmp_path_factory.mktemp("calls"))


def copied(folder: Path, root: Path, **files: bytes) -> Path:
    """Return a copy of a call in which some files hold something else."""
    copy = root / folder.name
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(files.get(path.stem, path.read_bytes()))
    return copy


def test_a_whole_call(recorded: Path) -> None:
    """Its header, its end, both of its sides."""
    call = open_call(recorded)
    assert call.header == header_of()
    assert (call.has_audio, call.is_complete, call.cut_reason) == (True, True, None)
    assert call.end is not None
    assert call.end.reason == "caller_hangup"
    tracks = call.audio()
    assert tracks is not None
    assert len(tracks.capture) == len(tracks.far_end)
    assert len(tracks.capture) / tracks.rate_hz == pytest.approx(59.0, abs=0.1)
    assert tracks.origin_ms == call.header.started_ms - 20.0


def test_what_was_recorded_is_decided_again(recorded: Path) -> None:
    """To the bit, by a new gate with the recorded configuration."""
    inputs = list(open_call(recorded).inputs())
    begun = inputs[0].given
    assert isinstance(begun, GateBegun)
    manager = AudioGatingManager(config=begun.config)
    for each in inputs:
        made = apply_input(manager, "again", each.given)
        assert (None if made is None else RecordedDecision.of(made)) == each.decision


def test_every_kind_of_event_is_decided_again(tmp_path: Path) -> None:
    """Barge-ins, false ones, candidates, music, a change by the operator, a broken detector."""
    turned = replace(GatingConfig(), barge_in=BargeInConfig(confirm_timeout_ms=600))
    seen: set[object] = set()
    cases = [
        (GatingConfig(), turned, EnhancedVADManager),
        (BY_VOICE, None, EnhancedVADManager),
        (BY_VOICE, None, lambda: BrokenVad(works_for=400)),
    ]
    for number, (config, reconfigured, vad) in enumerate(cases):
        manager = TapedGatingManager(vad(), config)
        folder = make_recorded_call(
            tmp_path, number=number, manager=manager, reconfigured=reconfigured
        )
        again = AudioGatingManager(vad(), config)
        for each in open_call(folder).inputs():
            made = apply_input(again, "again", each.given)
            assert (None if made is None else RecordedDecision.of(made)) == each.decision
            seen |= {event.type for event in (each.decision.events if each.decision else ())}
            seen |= {GateReconfigured} if isinstance(each.given, GateReconfigured) else set()
    assert seen == {*GateEventType, GateReconfigured}


def test_the_steps_are_the_inputs_without_their_audio(recorded: Path) -> None:
    """Kind, time and decision of each."""
    call = open_call(recorded)
    steps, inputs = list(call.steps()), list(call.inputs())
    assert [step.decision for step in steps] == [each.decision for each in inputs]
    assert [step.now_ms for step in steps] == [
        getattr(each.given, "now_ms", None) for each in inputs
    ]
    captured = [step for step in steps if step.kind == "frame_captured"]
    sizes = [len(each.given.audio) for each in inputs if isinstance(each.given, FrameCaptured)]
    assert [step.n_bytes for step in captured] == sizes


def test_steps_tell_which_gate_stood_with_which_configuration(tmp_path: Path) -> None:
    """Of a call without audio too: as it began, took over, and was turned by the operator."""
    config = replace(GatingConfig(), barge_in=BargeInConfig(min_ms=180))
    turned = replace(config, barge_in=BargeInConfig(confirm_timeout_ms=600))
    folder = make_recorded_call(tmp_path, config=config, reconfigured=turned, has_audio=False)
    steps = list(open_call(folder).steps())
    told = [(step.kind, step.provider, step.config) for step in steps if step.config is not None]
    assert told == [
        ("gate_begun", "openai_realtime", config),
        ("gate_reconfigured", None, turned),
        ("gate_begun", "openai_realtime_2", turned),
    ]
    assert [step.kind for step in steps if step.now_ms is None] == ["gate_ended", "gate_ended"]


def test_a_call_without_audio_shows_its_decisions(tmp_path: Path) -> None:
    """And says that it can't be replayed."""
    call = open_call(make_recorded_call(tmp_path, has_audio=False))
    assert (call.has_audio, call.is_complete) == (False, True)
    assert call.audio() is None
    with pytest.raises(RecordingError, match="can't be replayed: no audio was recorded"):
        call.inputs()
    measured = [step.decision for step in call.steps() if step.decision]
    assert sum(decision.measurements is not None for decision in measured) > 2000


def test_events_come_back(tmp_path: Path) -> None:
    """With what there was to say of them."""
    told = [
        CallEvent(now_ms=0.1, name="line.key_pressed"),
        CallEvent(
            now_ms=2.0, name="provider.warned", fields={"code": "x", "n": 3, "ok": True, "at": None}
        ),
    ]
    entries = taped_call()[:10]
    folder = write_call(tmp_path, header_of(), entries, events=told)
    assert list(open_call(folder).events()) == told


def test_a_call_that_was_killed_is_read_as_far_as_it_goes(recorded: Path, tmp_path: Path) -> None:
    """A line cut short is none, and a line whose audio is missing ends the inputs."""
    trace = (recorded / "trace.jsonl").read_bytes()
    audio = (recorded / "audio.wav").read_bytes()
    copy = copied(recorded, tmp_path, trace=trace[: len(trace) // 2], audio=audio[:200_001])
    call = open_call(copy)
    assert (call.is_complete, call.end) == (False, None)
    whole = list(open_call(recorded).inputs())
    beginning = list(call.inputs())
    assert 500 < len(beginning) < len(whole) / 2
    assert beginning == whole[: len(beginning)]
    assert len(list(call.steps())) > len(beginning)


def test_a_trace_whose_audio_is_gone_can_not_be_replayed(recorded: Path, tmp_path: Path) -> None:
    """Somebody has deleted it."""
    copy = copied(recorded, tmp_path)
    (copy / "audio.wav").unlink()
    call = open_call(copy)
    assert not call.has_audio
    with pytest.raises(RecordingError, match="can't be replayed"):
        call.inputs()


def test_a_cut_call_says_why(tmp_path: Path) -> None:
    """It is not complete though it has an end."""
    folder = record_call(tmp_path, taped_call()[:10])
    trace = folder / "trace.jsonl"
    lines = trace.read_bytes().splitlines(keepends=True)
    end = json.loads(lines[-1])
    lines[-1:] = [
        b'{"type":"cut","reason":"queue_full"}\n',
        json.dumps({**end, "is_cut": True}).encode() + b"\n",
    ]
    trace.write_bytes(b"".join(lines))
    call = open_call(folder)
    assert (call.is_complete, call.cut_reason) == (False, "queue_full")
    assert call.end is not None


def test_a_newer_format_is_refused_in_words(recorded: Path, tmp_path: Path) -> None:
    """Instead of half understood."""
    trace = (recorded / "trace.jsonl").read_bytes()
    newer = trace.replace(b'"format_version":1', b'"format_version":2', 1)
    with pytest.raises(RecordingError, match="has format 2, and this voxgate reads up to 1"):
        open_call(copied(recorded, tmp_path, trace=newer))


@pytest.mark.parametrize("trace", [b"", b"\n", b"[]\n", b'{"type":"header"}\n', b"\xff\xfe\n"])
def test_a_trace_without_a_header_is_no_call(recorded: Path, tmp_path: Path, trace: bytes) -> None:
    """Whatever stands there instead."""
    with pytest.raises(RecordingError, match=r"header|format None"):
        open_call(copied(recorded, tmp_path, trace=trace))


def test_a_folder_without_a_trace_is_no_call(tmp_path: Path) -> None:
    """Nor is no folder at all."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(RecordingError, match=r"is no recorded call: it has no trace\.jsonl"):
            open_call(folder)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), max_size=6),
    st.integers(0, 2**20),
)
def test_damage_never_raises_anything_else(
    recorded_small: Path, flips: list[tuple[int, int]], cut: int
) -> None:
    """Any bytes wrong, any length: a beginning is read, or a RecordingError says no."""
    trace = bytearray((recorded_small / "whole").read_bytes())
    for at, value in flips:
        trace[at % len(trace)] = value
    (recorded_small / "trace.jsonl").write_bytes(trace[: max(1, cut % len(trace))])
    try:
        call = open_call(recorded_small)
        list(call.steps())
        list(call.events())
        assert call.end is None or call.end.reason is not None
        assert call.cut_reason is None or call.cut_reason
        if call.has_audio:
            list(call.inputs())
            call.audio()
    except RecordingError:
        return


@pytest.fixture(scope="module")
def recorded_small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short call, whose whole trace lies beside the one that is damaged."""
    entries = taped_call()
    folder = record_call(tmp_path_factory.mktemp("small"), entries[600:660] + entries[:30])
    (folder / "trace.jsonl").rename(folder / "whole")
    return folder


def test_calls_are_found_where_they_are_recorded(tmp_path: Path) -> None:
    """As a user lists them, newest first."""
    for number in range(3):
        entries = taped_call()[:5]
        started_at = STARTED_AT + timedelta(minutes=number)
        record_call(tmp_path, entries, call_id=f"call-{number}", started_at=started_at)
    calls = list_calls(tmp_path)
    assert [call.call_id for call in calls] == ["call-2", "call-1", "call-0"]
    assert open_call(calls[0].folder).header.call_id == "call-2"


def encrypted(folder: Path, root: Path, identity: Any) -> Path:
    """Return a copy of a call, encrypted."""
    copy = root / folder.name
    copy.mkdir()
    for path in folder.iterdir():
        sealed = pyrage.encrypt(path.read_bytes(), [identity.to_public()])
        (copy / f"{path.name}.age").write_bytes(sealed)
    return copy


def test_an_encrypted_call_is_read_with_its_key(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given, or found in the environment; without it, how to give it is said."""
    owner, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    copy = encrypted(recorded, tmp_path, owner)
    with pytest.raises(
        RecordingError, match=r"trace\.jsonl\.age: is encrypted: set .* VOXGATE_REC"
    ):
        open_call(copy)
    with pytest.raises(RecordingError, match="can't be decrypted: the identity does not open it"):
        open_call(copy, identity=str(other))
    monkeypatch.setenv("VOXGATE_RECORDING_IDENTITY", str(owner))
    call = open_call(copy)
    assert list(call.inputs()) == list(open_call(recorded).inputs())


def test_an_encrypted_call_of_which_nothing_was_written_is_none(tmp_path: Path) -> None:
    """Its process was killed at its very beginning."""
    (tmp_path / "trace.jsonl.age").write_bytes(b"")
    with pytest.raises(RecordingError, match="is no recorded call"):
        open_call(tmp_path, identity="AGE-SECRET-KEY-1")


def test_a_file_that_can_not_be_read_is_told_in_the_system_s_words(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not ours to read, or a broken disk."""

    def broken(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(RecordingError, match=r"trace\.jsonl: can't be read: Permission denied"):
        open_call(recorded)


@pytest.mark.parametrize(
    ("kind", "change", "n_inputs", "n_steps"),
    [
        ("tracks", {"capture": 1}, None, 30),
        ("call_ended", {"duration_ms": "long"}, 30, 30),
        ("event", {"name": 3}, 30, 30),
        ("time_passed", {"decision": {"action": "maybe"}}, 29, 29),
        ("time_passed", {"decision": 7}, 29, 29),
        ("frame_captured", {"n_bytes": "many"}, 27, 27),
        ("frame_captured", {"n_bytes": 3}, 27, 30),
        ("gate_begun", {"config": {"providers": 1}}, 0, 0),
        ("gate_begun", {"provider": 1}, 0, 0),
    ],
)
def test_a_damaged_line_ends_what_is_read(
    tmp_path: Path, kind: str, change: dict[str, Any], n_inputs: int | None, n_steps: int
) -> None:
    """What stands before it is there."""
    told = [CallEvent(now_ms=float(n), name=f"line.{n}") for n in range(3)]
    whole = write_call(tmp_path, header_of(), taped_call()[:30], events=told)
    lines = (whole / "trace.jsonl").read_bytes().splitlines()
    at = max(n for n, line in enumerate(lines) if f'"type":"{kind}"'.encode() in line)
    lines[at] = json.dumps({**json.loads(lines[at]), **change}).encode()
    (whole / "trace.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    call = open_call(whole)
    assert (len(list(call.inputs())) if call.has_audio else None) == n_inputs
    assert len(list(call.steps())) == n_steps
    assert (call.end is None) == (kind == "call_ended")
    assert len(list(call.events())) == (2 if kind == "event" else 3)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    """A replay that ends before it is none of the whole call, though the call's end is there."""
    whole = write_call(tmp_path, header_of(), taped_call()[:30])
    call = open_call(whole)
    assert len(list(call.inputs())) == 30
    assert call.damage is None
    lines = (whole / "trace.jsonl").read_bytes().splitlines()
    lines[11] = lines[11][:-9]
    (whole / "trace.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    call = open_call(whole)
    assert len(list(call.inputs())) < 12
    assert not call.is_complete
    assert call.end is not None
    assert call.damage == f"{whole / 'trace.jsonl'}:12: is damaged; the rest is not read"


def test_audio_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A file that somebody cut: the trace goes on, and can't be replayed."""
    whole = write_call(tmp_path, header_of(), taped_call()[:200])
    audio = whole / "audio.wav"
    audio.write_bytes(audio.read_bytes()[:1000])
    call = open_call(whole)
    n_inputs = len(list(call.inputs()))
    assert 0 < n_inputs < 200
    assert str(call.damage).endswith("its audio is not there; the rest is not read")


def test_where_a_chunk_lies_is_known(recorded: Path) -> None:
    """Those of a burst lie before they came, one after the other, as in the tracks."""
    call = open_call(recorded)
    tracks = call.audio()
    assert tracks is not None
    placed = early = 0
    for taped in call.inputs():
        if not isinstance(taped.given, FrameCaptured) or taped.track_ms is None:
            continue
        audio = np.frombuffer(taped.given.audio, "<i2")
        at = round((taped.track_ms - tracks.origin_ms) * 8)
        assert (tracks.capture[at : at + len(audio)] == audio).all()
        placed += 1
        early += taped.given.now_ms - taped.track_ms > 200
    assert placed > 2000
    assert early > 10


def test_two_can_read_the_inputs_side_by_side(tmp_path: Path) -> None:
    """A provider that takes over may be told silence of another format."""
    mulaw = AudioFormat(Encoding.MULAW)
    recorder = TapedGatingManager()
    entries = simulate_call(recorder)[:30]
    begun = entries[0][0]
    assert isinstance(begun, GateBegun)
    silent = FarEndPlayed(now_ms=9000.0, audio=mulaw.silence(160), is_agent_audio=False)
    other = replace(begun, now_ms=9000.0, capture_format=mulaw, far_end_format=mulaw)
    call = open_call(write_call(tmp_path, header_of(), [*entries, (other, None), (silent, None)]))
    first, second = call.inputs(), call.inputs()
    alone = list(call.inputs())
    assert alone[-1].given == silent
    assert list(first) == alone
    assert list(second) == alone
    assert list(zip(call.inputs(), call.inputs(), strict=True)) == [(each, each) for each in alone]
