"""Which calls are recorded, what is heard of them, and that a call never notices."""

from __future__ import annotations

import builtins
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.recorded_calls import Tape, record_call, taped_call
from voxgate.call_observer import CallEnded, CallStarted, ProviderSwitched
from voxgate.config.models import AppConfig
from voxgate.config.recording_model import RecordedCalls, RecordingConfig
from voxgate.config.route_models import RouteMatch
from voxgate.core.call_stats import CallStats
from voxgate.core.playout import PlayoutFrame
from voxgate.core.taped_gating_manager import TapedGatingManager
from voxgate.engine import AIEngine
from voxgate.errors import ConfigError, ProviderError
from voxgate.observe.call_recorder import CallRecorder, is_sampled
from voxgate.observe.recording_keeper import RecordingKeeper
from voxgate.observe.recording_thread import RecordingThread
from voxgate.providers.base import AgentAudio, ResponseStarted
from voxgate.recordings import RecordedDecision, list_calls, open_call
from voxgate.transports.base import LineAudio, LineDtmf

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
ALL = RecordedCalls.ALL
KEY = "age10ajk2ykadtz80xysv826q72n23nhkkq3e4fl98r8h9q4t75cfcmsh0damv"


def started(call_id: str = "call", **fields: Any) -> CallStarted:
    given = {"provider": "first", "line": "twilio", "started_ms": 4990.0}
    return CallStarted(call_id=call_id, **{**given, **fields})


def ended(call_id: str = "call") -> CallEnded:
    return CallEnded(
        call_id=call_id,
        provider="first",
        reason="caller_hangup",
        duration_ms=50_000.0,
        gate=CallStats(barge_ins=2),
        playout_underruns=1,
        skipped_slots=0,
    )


class Recording:
    """A recorder that writes when it is told to."""

    def __init__(self, folder: Path, *, max_batches: int = 1000, **fields: Any) -> None:
        self.folder = folder
        self.manager = TapedGatingManager()
        self.thread = RecordingThread(max_batches=max_batches)
        config = RecordingConfig(folder=str(folder), **{"calls": ALL, "audio": True, **fields})
        self.recorder = CallRecorder(
            config, self.manager, wall_clock=lambda: NOW, thread=self.thread
        )

    def place_call(self, call_id: str = "call", **fields: Any) -> None:
        self.recorder.on_call_started(started(call_id, **fields))
        self.manager.start_call(call_id, provider="openai_realtime", now_ms=5000.0)
        self.manager.process(call_id, bytes(320), 5020.0)
        self.manager.cleanup_call(call_id)
        self.recorder.on_call_ended(ended(call_id))

    @property
    def recorded(self) -> list[str]:
        self.thread.write_waiting()
        return sorted(call.call_id for call in list_calls(self.folder))


def test_a_call_is_recorded_as_its_gate_heard_it(tmp_path: Path) -> None:
    """Every input, every decision, the header and the end."""
    recording = Recording(tmp_path)
    recorder, tape = recording.recorder, Tape()
    recorder.on_call_started(started(route=2))
    tap = recording.manager._taps["call"]
    entries = taped_call()
    for given, decision in entries:
        tap.receive(given, decision)
        tape.receive(given, decision)
    recorder.on_call_ended(ended())
    assert recording.recorded == ["call"]
    call = open_call(list_calls(tmp_path)[0].folder)
    assert call.is_complete
    assert (call.header.line, call.header.route, call.header.started_at) == ("twilio", 2, NOW)
    assert call.header.speech_evidence == "light"
    assert call.end is not None
    assert call.end.gate == CallStats(barge_ins=2)
    made = [decision and RecordedDecision.of(decision) for _, decision in tape.entries]
    assert [each.decision for each in call.inputs()] == made
    assert [each.given for each in call.inputs()] == [given for given, _ in tape.entries]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["a", "b"]),
        ({"calls": RecordedCalls.NONE}, []),
        ({"calls": RecordedCalls.SAMPLED, "sample_percent": 100.0}, ["a", "b"]),
        ({"calls": RecordedCalls.SAMPLED, "sample_percent": 0.0}, []),
        ({"match": RouteMatch(line="twilio")}, ["a", "b"]),
        ({"match": RouteMatch(line="browser")}, []),
        ({"match": RouteMatch(call_id="B")}, ["b"]),
        ({"match": RouteMatch(called_number="+49*")}, ["a"]),
        ({"match": RouteMatch(parameters={"queue": "night"})}, ["b"]),
    ],
)
def test_calls_are_chosen_as_configured(
    tmp_path: Path, fields: dict[str, Any], expected: list[str]
) -> None:
    """By kind, by number, by what is known of them; the others are not even listened to."""
    recording = Recording(tmp_path, **fields)
    recording.place_call("a", metadata={"called_number": "+4930"})
    recording.place_call("b", metadata={"queue": "night"})
    assert recording.recorded == expected
    assert recording.recorder.counters.chosen == len(expected)
    assert recording.manager._taps == {}


def test_a_sample_is_the_same_everywhere_and_as_large_as_asked_for() -> None:
    """By the id alone."""
    ids = [f"call-{n}" for n in range(10_000)]
    chosen = [call_id for call_id in ids if is_sampled(call_id, 10.0)]
    assert 900 < len(chosen) < 1100
    assert chosen[:2] == ["call-1", "call-2"]
    assert set(chosen) < {call_id for call_id in ids if is_sampled(call_id, 11.0)}


def test_any_text_can_be_a_call_s_id(tmp_path: Path) -> None:
    """A recorder that raised would be told of no further call."""
    recording = Recording(tmp_path, calls=RecordedCalls.SAMPLED, sample_percent=100.0)
    ids = ["\ud800?", "../../etc/passwd", "a/b\0c", "", "\u00e4" * 300, "x" * 300, ".", "-rf"]
    for call_id in ids:
        recording.place_call(call_id)
    assert len(recording.recorded) == len(ids)
    assert recording.recorder.failures == 0
    calls = [open_call(call.folder) for call in list_calls(tmp_path)]
    assert {call.header.call_id for call in calls} == set(ids)
    assert {call.folder.parent for call in calls} == {tmp_path}


@pytest.mark.parametrize(
    ("fields", "is_left"),
    [({}, True), ({"calls": ALL}, False), ({"retention_days": 7}, False)],
    ids=["nothing asked for", "recording", "a bound"],
)
async def test_old_recordings_are_deleted_only_where_somebody_asked_for_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], is_left: bool
) -> None:
    """Those that lie in ``./recordings`` may be another's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(RecordingKeeper, "start", RecordingKeeper.delete_old)  # here and now
    folder = record_call(Path("recordings"), taped_call()[:5], started_at=NOW - timedelta(900))
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    recorder = CallRecorder(RecordingConfig(**fields), TapedGatingManager(), wall_clock=lambda: NOW)
    await recorder.start()
    await recorder.stop()
    assert folder.exists() == is_left


def test_a_line_that_delivers_far_too_much_cuts_its_recording(tmp_path: Path) -> None:
    """A peer that floods a call fills neither memory nor disk; it is told and counted once."""
    recording = Recording(tmp_path)
    recorder = recording.recorder
    with capture_logs() as logged:
        recorder.on_call_started(started())
        recording.manager.start_call("call", provider="deepgram", now_ms=5000.0)
        for n in range(2500):
            recorder.on_line_event("call", 5020.0 + n / 100, LineAudio(bytes([n % 251]) * 320))
            recording.thread.write_waiting()
        recorder.on_call_ended(ended())
        assert recording.recorded == ["call"]
    told = [entry for entry in logged if entry["event"] == "recording.cut"]
    assert [(each["call_id"], each["reason"]) for each in told] == [("call", "line_too_fast")]
    assert (recorder.cuts, recorder.failures) == (1, 0)
    call = open_call(list_calls(tmp_path)[0].folder)
    assert (call.is_complete, call.cut_reason) == (False, "line_too_fast")
    tracks = call.audio()
    assert tracks is not None
    assert len(tracks.capture) / 8000 < 31


def test_line_provider_and_playout_are_heard(tmp_path: Path) -> None:
    """Both sides, and what else happens; words and keys are not."""
    recording = Recording(tmp_path)
    recorder, manager = recording.recorder, recording.manager
    recorder.on_call_started(started())
    manager.start_call("call", provider="deepgram", now_ms=5000.0)
    for n in range(20):
        now_ms = 5020.0 + 20 * n
        recorder.on_line_event("call", now_ms, LineAudio(b"\x01\x02" * 160))
        silent = PlayoutFrame(audio=b"\x03\x04" * 160, is_agent_audio=False, item_id=None)
        recorder.on_playout("call", now_ms, silent)
    recorder.on_line_event("call", 5500.0, LineDtmf("5"))
    recorder.on_provider_event("call", 5510.0, ResponseStarted("r1"))
    recorder.on_provider_event("call", 5520.0, AgentAudio("i1", b"abc"))
    error = ProviderError("peer", "gone", code="lost", retryable=False)
    recorder.on_provider_switched(
        ProviderSwitched(
            call_id="call",
            now_ms=5530.0,
            previous="first",
            provider="second",
            error=error,
            was_ready=True,
            held_frames=0,
            dropped_frames=0,
        )
    )
    recorder.on_call_ended(ended())
    assert recording.recorded == ["call"]
    call = open_call(list_calls(tmp_path)[0].folder)
    names = [event.name for event in call.events()]
    assert names == ["line.key_pressed", "provider.response_started", "call.provider_switched"]
    tracks = call.audio()
    assert tracks is not None
    assert set(tracks.capture[160:3360].tolist()) == {0x0201}
    assert set(tracks.far_end[320:3520].tolist()) == {0x0403}


def test_audio_lies_where_its_line_says_that_it_was_captured(tmp_path: Path) -> None:
    """A second captured before it came, as the line's own clock has it."""
    recording = Recording(tmp_path)
    recorder = recording.recorder
    recorder.on_call_started(started())
    recording.manager.start_call("call", provider="deepgram", now_ms=5000.0)
    recorder.on_line_event("call", 5020.0, LineAudio(b"\x01\x02" * 160, 100.0))
    recorder.on_line_event("call", 9020.0, LineAudio(b"\x03\x04" * 160, 3100.0))
    recorder.on_call_ended(ended())
    assert recording.recorded == ["call"]
    tracks = open_call(list_calls(tmp_path)[0].folder).audio()
    assert tracks is not None
    capture = tracks.capture.tolist()
    begins_ms = tracks.origin_ms + capture.index(0x0403) * 1000 / tracks.rate_hz
    assert begins_ms == 8000.0


def test_without_audio_none_is_even_handed_over(tmp_path: Path) -> None:
    """Nor written."""
    recording = Recording(tmp_path, audio=False)
    recording.place_call()
    assert recording.recorded == ["call"]
    (summary,) = list_calls(tmp_path)
    assert not summary.has_audio
    assert [path.name for path in summary.folder.iterdir()] == ["trace.jsonl"]


def test_other_calls_are_nobody_s_business(tmp_path: Path) -> None:
    """Their events change nothing."""
    recording = Recording(tmp_path, calls=RecordedCalls.NONE)
    recorder = recording.recorder
    recorder.on_call_started(started())
    recorder.on_line_event("call", 0.0, LineAudio(b"ab"))
    recorder.on_playout("call", 0.0, PlayoutFrame(audio=b"", is_agent_audio=False, item_id=None))
    recorder.on_provider_event("call", 0.0, ResponseStarted("r1"))
    recorder.on_call_ended(ended())
    assert recording.recorded == []


def test_a_disk_that_does_not_keep_up_cuts_the_recording_and_not_the_call(tmp_path: Path) -> None:
    """Once in the log, counted, marked in the recording; what there is stays exact."""
    recording = Recording(tmp_path, max_batches=3)
    entries = taped_call()
    with capture_logs() as logged:
        recording.recorder.on_call_started(started())
        tap = recording.manager._taps["call"]
        for given, decision in entries:
            tap.receive(given, decision)
        recording.recorder.on_call_ended(ended())
        assert recording.recorded == ["call"]
    assert [entry["event"] for entry in logged] == ["recording.cut"]
    counters = recording.recorder.counters
    assert (counters.chosen, counters.cut, recording.recorder.failures) == (1, 1, 0)
    assert counters.dropped == len(entries) - 150
    call = open_call(list_calls(tmp_path)[0].folder)
    assert (call.is_complete, call.cut_reason) == (False, "queue_full")
    assert [each.given for each in call.inputs()] == [given for given, _ in entries[:150]]


@pytest.mark.parametrize("calls", list(RecordedCalls))
def test_an_engine_that_records_nothing_tells_nobody(calls: RecordedCalls) -> None:
    """So that it costs its calls nothing."""
    engine = AIEngine(replace(AppConfig(), recording=RecordingConfig(calls=calls)))
    CallRecorder.for_engine(engine)
    engine._observer.on_call_started(started())
    assert bool(engine._observer._told["on_playout"]) == (calls is not RecordedCalls.NONE)


async def test_it_starts_and_stops_with_its_threads(tmp_path: Path) -> None:
    """A call that still runs then has no end."""
    config = RecordingConfig(folder=str(tmp_path / "new"), calls=ALL)
    manager = TapedGatingManager()
    recorder = CallRecorder(config, manager, wall_clock=lambda: NOW)
    recorder.on_call_started(started("too early"))
    await recorder.start()
    assert list(recorder.notices) == []
    recorder.on_call_started(started())
    recorder.on_call_ended(ended())
    await recorder.stop()
    (summary,) = list_calls(tmp_path / "new")
    assert open_call(summary.folder).is_complete
    assert recorder.failures == 0


async def test_encryption_that_can_not_be_had_ends_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Better than voices that lie open."""
    real = builtins.__import__

    def without(name: str, *given: Any) -> Any:
        if name == "pyrage":
            raise ImportError(name)
        return real(name, *given)

    monkeypatch.setattr(builtins, "__import__", without)
    config = RecordingConfig(folder=str(tmp_path), calls=ALL, encrypt_to=(KEY,))
    with pytest.raises(ConfigError, match=r"recording\.encrypt_to: .*pip install"):
        await CallRecorder(config, TapedGatingManager()).start()
