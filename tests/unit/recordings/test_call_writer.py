"""A call in, the bytes of its files out; and everything that was told comes back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.recorded_calls import Taped, header_of, simulate_call, taped_call, write_call
from support.signals import frames_of, speech_like
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.config import GatingConfig
from voxgate.core.gate_decision import PASS_THROUGH
from voxgate.core.gate_tape import (
    AgentSpeaking,
    FarEndPlayed,
    FrameCaptured,
    GateBegun,
    GateEnded,
    GateInput,
    GateReconfigured,
    ProviderSpeechStarted,
    ProviderSpeechStopped,
    TimePassed,
)
from voxgate.core.stream_clock import StreamClock
from voxgate.core.taped_gating_manager import TapedGatingManager
from voxgate.recordings import CallEvent, RecordedDecision, RecordedEnd, open_call
from voxgate.recordings.audio_tracks import Side
from voxgate.recordings.call_writer import CallWriter

FORMATS = [
    AudioFormat(),
    AudioFormat(rate_hz=16_000),
    AudioFormat(Encoding.MULAW),
    AudioFormat(Encoding.ALAW),
]


def begun(
    now_ms: float = 0.0,
    capture: AudioFormat = AudioFormat(),
    far_end: AudioFormat = AudioFormat(),
) -> GateBegun:
    return GateBegun(
        now_ms=now_ms,
        provider="openai_realtime",
        capture_format=capture,
        far_end_format=far_end,
        config=GatingConfig(),
    )


def read_back(entries: list[Taped], **options: object) -> list[GateInput]:
    """Write a call, read it, and return what its gate was told; the decisions are compared."""
    with tempfile.TemporaryDirectory() as root:
        folder = write_call(Path(root), header_of(), entries, **options)  # type: ignore[arg-type]
        inputs = list(open_call(folder).inputs())
    decided = [None if made is None else RecordedDecision.of(made) for _, made in entries]
    assert [each.decision for each in inputs] == decided[: len(inputs)]
    return [each.given for each in inputs]


@pytest.mark.parametrize("capture", FORMATS, ids=str)
@pytest.mark.parametrize("far_end", [AudioFormat(), AudioFormat(Encoding.MULAW)], ids=str)
def test_a_whole_call_comes_back_to_the_bit(capture: AudioFormat, far_end: AudioFormat) -> None:
    """With barge-ins, a stall, odd and broken pieces, late ones, a fall-back, and all decisions."""
    entries = simulate_call(TapedGatingManager(), capture_format=capture, far_end_format=far_end)
    assert read_back(entries) == [given for given, _ in entries]


times = st.sampled_from([0.0, 0.1, 1.0, 20.0, 20.0, 20.0, 33.3, 400.0, 9000.0])
pieces = st.one_of(
    st.sampled_from([b"", bytes(320), b"\xff" * 160, b"\x7f" * 160, b"\xd5" * 320, b"\x01"]),
    st.binary(min_size=1, max_size=700),
    st.binary(min_size=1, max_size=3).map(lambda audio: audio * 9000),
)


@st.composite
def tapes(draw: st.DrawFn) -> tuple[list[Taped], list[tuple[Side, bytes, float]]]:
    """Return what a gate is told, and what a line has told of that before."""
    capture, far_end = draw(st.sampled_from(FORMATS)), draw(st.sampled_from(FORMATS))
    entries: list[Taped] = [(begun(0.0, capture, far_end), None)]
    line: list[tuple[Side, bytes, float]] = []
    tells_line = draw(st.booleans())
    now_ms = 0.0
    for _ in range(draw(st.integers(0, 30))):
        now_ms += draw(times)
        kind = draw(st.integers(0, 9))
        audio = draw(pieces) if kind < 6 else b""
        if kind < 4:
            entries.append(
                (
                    FrameCaptured(
                        now_ms=now_ms,
                        audio=audio,
                        placed_ms=draw(st.none() | st.just(now_ms - 33.25)),
                    ),
                    PASS_THROUGH,
                )
            )
            if tells_line and draw(st.booleans()):
                line.append((Side.CAPTURE, audio, now_ms))
        elif kind < 6:
            entries.append(
                (FarEndPlayed(now_ms=now_ms, audio=audio, is_agent_audio=draw(st.booleans())), None)
            )
            if tells_line:
                line.append((Side.FAR_END, audio, now_ms))
        elif kind == 6:
            entries.append((TimePassed(now_ms=now_ms), PASS_THROUGH))
        elif kind == 7:
            entries.append((AgentSpeaking(now_ms=now_ms, is_speaking=True, audio_ms=0.1), None))
            entries.append((ProviderSpeechStarted(now_ms=now_ms, capture_ms=None), PASS_THROUGH))
            entries.append((ProviderSpeechStopped(now_ms=now_ms), None))
        elif kind == 8:
            entries.append((GateReconfigured(now_ms=now_ms, config=GatingConfig()), None))
        else:
            past_ms = max(0.0, now_ms - 1000.0)
            formats = draw(st.sampled_from([(capture, far_end), (far_end, capture)]))
            entries += [(GateEnded(), None), (begun(past_ms, *formats), None)]
            shown = [
                each
                for each in entries[-40:]
                if isinstance(each[0], FrameCaptured) and each[0].now_ms >= past_ms
            ]
            entries += shown
    return entries, line


@settings(max_examples=200, deadline=None)
@given(tapes())
def test_whatever_a_gate_is_told_comes_back(
    tape: tuple[list[Taped], list[tuple[Side, bytes, float]]],
) -> None:
    """Any audio in any pieces at any times, told by the line before or not, shown once more."""
    entries, line = tape
    assert read_back(entries, line_audio=line) == [given for given, _ in entries]


def frames(n: int) -> list[bytes]:
    return frames_of(speech_like(n * 20, level_dbfs=-20.0, seed=1))


def test_audio_that_the_line_has_told_of_is_not_recorded_twice() -> None:
    """Neither when the gate is told of it, nor when the next gate is shown it again."""
    writer = CallWriter(header_of(started_ms=0.0))
    writer.receive_input(begun(), None)
    captured = [
        FrameCaptured(now_ms=20.0 * n, audio=audio) for n, audio in enumerate(frames(50), 1)
    ]
    for frame in captured:
        writer.receive_line_audio(Side.CAPTURE, frame.audio, frame.now_ms - 1.0)
        writer.receive_input(frame, PASS_THROUGH)
    writer.receive_input(GateEnded(), None)
    writer.receive_input(begun(20.0), None)
    for frame in captured:
        writer.receive_input(frame, PASS_THROUGH)
    writer.end(RecordedEnd(reason="drained", duration_ms=1.0, provider="x"))
    taken = writer.take()
    assert len(taken["audio.wav"]) - 44 <= 51 * 640
    assert b'"audio":' not in taken["trace.jsonl"]


def test_a_stalled_call_lies_where_its_gate_was_told(tmp_path: Path) -> None:
    """Frames come 3 s late at once, on a line with a clock; those of no place are read back too."""
    clock, folder = StreamClock(), tmp_path / "20261122T000000.000Z-call"
    folder.mkdir()
    writer = CallWriter(header_of(started_ms=0.0))
    writer.receive_input(begun(), None)
    given = []
    arrivals = [(n, 20.0 * n + (3000.0 - 20.0 * (n % 150) if n > 149 else 0.0)) for n in range(600)]
    arrivals += [(100 + n, 16_000.0) for n in range(10)]  # a few once more, long after their time
    for (n, now_ms), audio in zip(arrivals, frames(610), strict=True):
        placed_ms = clock.place(70_020.0 + 20.0 * n, now_ms)
        given.append(FrameCaptured(now_ms=now_ms, audio=audio, placed_ms=placed_ms))
        writer.receive_line_audio(Side.CAPTURE, audio, now_ms, 70_000.0 + 20.0 * n)
        writer.receive_input(given[-1], PASS_THROUGH)
    writer.end(RecordedEnd(reason="drained", duration_ms=16_000.0, provider="x"))
    for name, data in writer.take().items():
        (folder / name).write_bytes(data)
    call = open_call(folder)
    inputs = [each for each in call.inputs() if isinstance(each.given, FrameCaptured)]
    assert [each.given for each in inputs] == given
    for each, told in zip(inputs, given, strict=True):
        if each.track_ms is not None:
            assert abs(each.track_ms + 20.0 - (told.placed_ms or 0.0)) <= 100.0
    assert [n for n, each in enumerate(inputs) if each.track_ms is None] == [*range(606, 610)]


def test_silence_that_the_line_has_not_delivered_takes_no_room() -> None:
    """A shielded provider's gate is given silence in place of the caller."""
    writer = CallWriter(header_of(started_ms=0.0))
    writer.receive_input(begun(), None)
    for n, audio in enumerate(frames(10), 1):
        writer.receive_line_audio(Side.CAPTURE, audio, 20.0 * n)
        writer.receive_input(FrameCaptured(now_ms=20.0 * n, audio=bytes(320)), PASS_THROUGH)
    trace = writer.take()["trace.jsonl"]
    assert trace.count(b'"silent":true') == 10


def test_without_audio_a_trace_holds_none() -> None:
    """No file of it, no byte in a line, though decisions are all there."""
    entries = taped_call()
    writer = CallWriter(header_of(has_audio=False))
    for given_input, decision in entries:
        writer.receive_input(given_input, decision)
    writer.receive_line_audio(Side.CAPTURE, b"ab" * 160, 5000.0)
    taken = writer.take()
    assert taken.keys() == {"trace.jsonl"}
    for forbidden in (b'"audio":', b'"at":', b'"silent":'):
        assert forbidden not in taken["trace.jsonl"]
    assert taken["trace.jsonl"].count(b'"measurements"') > 2000
    assert writer.final_heads() == {}


def test_nothing_but_the_end_follows_a_cut(tmp_path: Path) -> None:
    """What is recorded stays an exact beginning."""
    writer = CallWriter(header_of())
    writer.receive_input(begun(), None)
    writer.cut("queue_full")
    writer.cut("queue_full")
    writer.receive_input(TimePassed(now_ms=1.0), PASS_THROUGH)
    writer.receive_event(CallEvent(now_ms=1.0, name="line.key_pressed"))
    writer.receive_line_audio(Side.CAPTURE, bytes(320), 2.0)
    writer.end(RecordedEnd(reason="drained", duration_ms=1.0, provider="x"))
    lines = writer.take()["trace.jsonl"].splitlines()
    assert [line.split(b'"')[3] for line in lines] == [
        b"header",
        b"tracks",
        b"gate_begun",
        b"cut",
        b"call_ended",
    ]


def test_what_is_taken_at_any_time_is_a_beginning() -> None:
    """And nothing is taken twice."""
    entries = taped_call()
    once, often = CallWriter(header_of()), CallWriter(header_of())
    pieces: dict[str, bytes] = {}
    for given_input, decision in entries:
        once.receive_input(given_input, decision)
        often.receive_input(given_input, decision)
        for name, data in often.take().items():
            pieces[name] = pieces.get(name, b"") + data
    assert pieces == once.take()


def test_a_call_tapped_in_its_middle_has_decisions_but_no_audio() -> None:
    """Without its beginning it can't be replayed."""
    writer = CallWriter(header_of())
    writer.receive_input(FrameCaptured(now_ms=0.0, audio=bytes(320)), PASS_THROUGH)
    assert writer.take().keys() == {"trace.jsonl"}
