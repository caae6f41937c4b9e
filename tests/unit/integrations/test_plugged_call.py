"""A plugged call gates as GatedCall does, holds the onset for a turn's start, and never raises."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from support.golden_call import PROVIDER, golden_call
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.config import GatingConfig
from voxgate.core.gate_decision import GateEvent, GateEventType, GateState
from voxgate.core.gated_call import FailureMode, GatedCall
from voxgate.core.stream_converter import StreamConverter
from voxgate.integrations.captured_stream import CapturedStream
from voxgate.integrations.plugged_call import PluggedCall

_PCM_8K = AudioFormat()
_FRAME = b"\x01\x00" * 160
_N_SLOTS = 800
"""Of the golden call: an interruption is among them."""


def _call(
    manager: AudioGatingManager | None = None,
    *,
    turn_event: GateEventType = GateEventType.INTERRUPTED,
    on_failure: FailureMode = FailureMode.OPEN,
    on_event: Callable[[GateEvent], None] | None = None,
) -> PluggedCall:
    return PluggedCall(
        manager or AudioGatingManager(),
        "call",
        provider=PROVIDER,
        turn_event=turn_event,
        on_failure=on_failure,
        on_event=on_event,
    )


def _play(call: PluggedCall) -> tuple[list[bytes], list[float]]:
    """Play the golden call's beginning; return what went on, and when turns started."""
    golden = golden_call()
    out, started = [], []
    for number, frame in enumerate(golden.capture[:_N_SLOTS]):
        if golden.is_agent[number]:
            call.receive_far_end(golden.far_end[number], _PCM_8K, (number - 1) * 20.0)
        out.append(call.receive_capture(frame, (number + 1) * 20.0))
        if call.take_turn_start((number + 1) * 20.0):
            started.append((number + 1) * 20.0)
    return out, started


@cache
def _by_gated_call() -> tuple[list[bytes], list[GateEvent]]:
    golden = golden_call()
    gated = GatedCall(AudioGatingManager(), "call", provider=PROVIDER)
    out = []
    for number, frame in enumerate(golden.capture[:_N_SLOTS]):
        if golden.is_agent[number]:
            gated.receive_agent_audio(golden.far_end[number], (number - 1) * 20.0)
        out.append(gated.receive_capture(frame, (number + 1) * 20.0))
    return out, list(gated.take_events())


def test_audio_and_events_are_those_of_a_gated_call() -> None:
    """Where the provider finds the turns nothing is held back, and nothing is added."""
    events: list[GateEvent] = []
    call = _call(on_event=events.append)
    call.start(8000, 0.0)
    out, _ = _play(call)
    expected, expected_events = _by_gated_call()
    assert out == expected
    assert events == expected_events
    assert GateEventType.BARGE_IN_COMMITTED in {event.type for event in events}
    assert call.counters.failures == 0
    assert call.counters.captured_ms == _N_SLOTS * 20


def test_the_onset_follows_the_turns_start() -> None:
    """Where the gate finds the turn, what it released comes a chunk after the verdict, whole."""
    call = _call(turn_event=GateEventType.BARGE_IN_COMMITTED)
    call.start(8000, 0.0)
    out, started = _play(call)
    expected, events = _by_gated_call()
    committed = [e.t_ms for e in events if e.type is GateEventType.BARGE_IN_COMMITTED]
    assert started == committed
    assert call.counters.verdicts == len(committed) > 0
    at = int(committed[0] / 20) - 1
    assert out[at] == bytes(len(_FRAME))
    assert out[at + 1] == expected[at] + expected[at + 1]
    others = [n for n in range(_N_SLOTS) if (n + 1) * 20.0 not in committed]
    later = [n for n in others if n * 20.0 not in committed]
    assert [out[n] for n in later] == [expected[n] for n in later]


def test_an_old_verdict_starts_no_turn() -> None:
    """A muted caller's verdict is gone when the caller is heard again."""
    call = _call(turn_event=GateEventType.GATE_CLOSED)
    call.start(8000, 0.0)
    _play(call)
    assert not call.take_turn_start(60_000.0)


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 24_000])
def test_agent_audio_of_any_format_is_one_reference(rate_hz: int) -> None:
    """Wire audio and frames of the pipeline's rate both make the agent audible, at once."""
    golden = golden_call()
    speech = golden.items[0].audio[:32_000]
    for source in (AudioFormat(rate_hz=rate_hz), AudioFormat(Encoding.MULAW)):
        call = _call()
        call.start(rate_hz, 0.0)
        audio = StreamConverter(_PCM_8K, source).process(speech)
        call.receive_far_end(audio, source, 0.0)
        for slot in range(20):
            call.receive_capture(b"\x01\x00" * (rate_hz // 50), (slot + 1) * 20.0)
        assert call.state is GateState.CLOSED
        assert call.counters.failures == 0


def test_stereo_is_taken_as_its_mean() -> None:
    """A two-channel transport plays one voice: both channels are one reference."""
    samples = np.frombuffer(golden_call().items[0].audio[:32_000], "<i2")
    call = _call()
    call.start(8000, 0.0)
    stereo = np.repeat(samples, 2).astype("<i2").tobytes()
    call.receive_far_end(stereo, _PCM_8K, 0.0, n_channels=2)
    assert call.gated is not None
    assert call.gated.far_end.waiting_ms == pytest.approx(len(samples) / 8)


def test_a_flush_forgets_what_was_not_played() -> None:
    """The reference ends with what the telephone has played."""
    call = _call()
    call.start(8000, 0.0)
    call.receive_far_end(golden_call().items[0].audio, _PCM_8K, 0.0)
    call.flush()
    assert call.gated is not None
    assert call.gated.far_end.waiting_ms == 0.0
    assert call.counters.flushes == 1


@pytest.mark.parametrize(
    ("on_failure", "expected"), [(FailureMode.OPEN, _FRAME), (FailureMode.CLOSED, bytes(320))]
)
def test_a_manager_that_takes_no_call_breaks_none(on_failure: FailureMode, expected: bytes) -> None:
    """The audio goes on, or silence does; it is counted, with the error's type."""
    manager = AudioGatingManager()
    manager.start_call("call", provider=PROVIDER, now_ms=0.0)
    call = _call(manager, on_failure=on_failure)
    call.start(8000, 0.0)
    call.receive_far_end(_FRAME, _PCM_8K, 0.0)
    call.flush()
    call.receive_speech_started(0.0)
    call.receive_speech_stopped(0.0)
    assert call.receive_capture(_FRAME, 20.0) == expected
    assert call.advance(1000.0) == b""
    assert (call.counters.failures, call.counters.last_failure) == (1, "ValueError")
    assert call.counters.ungated_ms == 20.0
    assert call.state is None


def test_a_rate_that_is_none_is_counted() -> None:
    """A transport's odd rate does not end its call."""
    call = _call()
    call.start(11_111, 0.0)
    assert call.receive_capture(_FRAME, 20.0) == _FRAME
    assert call.counters.last_failure == "ValueError"


class _Breaking(AudioGatingManager):
    def process(self, *_: object, **__: object) -> object:  # type: ignore[override]
        raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("on_failure", "expected"), [(FailureMode.OPEN, _FRAME), (FailureMode.CLOSED, bytes(320))]
)
def test_a_gate_that_raises_is_counted(on_failure: FailureMode, expected: bytes) -> None:
    """Each frame goes on as chosen."""
    call = _call(_Breaking(), on_failure=on_failure)
    call.start(8000, 0.0)
    assert [call.receive_capture(_FRAME, n * 20.0) for n in (1, 2)] == [expected] * 2
    assert (call.counters.failures, call.counters.last_failure) == (2, "RuntimeError")


@pytest.mark.parametrize(
    ("on_failure", "expected"), [(FailureMode.OPEN, _FRAME), (FailureMode.CLOSED, bytes(320))]
)
@pytest.mark.parametrize("broken", ["place", "pass_time"])
def test_an_error_of_the_plug_itself_breaks_no_audio_path(
    monkeypatch: pytest.MonkeyPatch, broken: str, on_failure: FailureMode, expected: bytes
) -> None:
    """Pipecat's input is deaf for ever after its filter has raised once."""

    def fail(*_: object) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(CapturedStream, broken, fail)
    call = _call(on_failure=on_failure)
    call.start(8000, 0.0)
    if broken == "place":
        assert call.receive_capture(_FRAME, 20.0) == expected
        assert call.counters.ungated_ms == 20.0
    else:
        assert call.advance(1000.0) == b""
    assert (call.counters.failures, call.counters.last_failure) == (1, "ZeroDivisionError")


def test_a_call_that_nobody_ends_ends_with_its_object() -> None:
    """A session that fails to start leaves nothing in a manager that lives on."""
    manager = AudioGatingManager()
    call = _call(manager)
    call.start(8000, 0.0)
    assert len(manager) == 1
    del call
    gc.collect()
    assert len(manager) == 0


def test_who_listens_and_raises_is_counted() -> None:
    """An observer's error is not the call's."""

    def fail(event: GateEvent) -> None:
        raise LookupError(event.type)

    call = _call(on_event=fail)
    call.start(8000, 0.0)
    out, _ = _play(call)
    assert out == _by_gated_call()[0]
    assert call.counters.failures > 0
    assert call.counters.last_failure == "LookupError"


def test_far_end_of_no_known_rate_is_counted() -> None:
    """Half a sample of two channels, and the like: nothing raises."""
    call = _call()
    call.start(8000, 0.0)
    call.receive_far_end(b"\x01", _PCM_8K, 0.0, n_channels=2)
    call.receive_far_end(b"\x01", _PCM_8K, 0.0)
    call.count_failure(OSError())
    assert call.counters.last_failure == "OSError"


def test_bypassed_audio_goes_on_as_it_came() -> None:
    """The gate goes on listening, so that it knows the call when it is back."""
    call = _call()
    call.start(8000, 0.0)
    call.is_bypassed = True
    out, _ = _play(call)
    assert out == list(golden_call().capture[:_N_SLOTS])
    assert call.counters.captured_ms == _N_SLOTS * 20


def test_silence_is_made_up_where_nothing_comes() -> None:
    """The provider's turn detector goes on while a line is silent; what it gets is counted."""
    config = GatingConfig()
    call = _call(AudioGatingManager(config=config))
    call.start(16_000, 0.0)
    for slot in range(50):
        call.receive_capture(b"\x01\x00" * 320, (slot + 1) * 20.0)
    filled = b"".join(call.advance(1000.0 + ms) for ms in range(20, 2000, 20))
    assert filled == bytes(len(filled))
    assert call.counters.idle_fill_ms == len(filled) / 32 > 0
    assert call.idle_since_ms == 1000.0


def test_where_nothing_can_be_sent_the_onset_waits_for_what_is_captured_next() -> None:
    """Time passes between the gate's verdict and the next chunk: no word is lost."""
    turn_event = GateEventType.BARGE_IN_COMMITTED
    golden, expected = golden_call(), _by_gated_call()[0]
    call = PluggedCall(
        AudioGatingManager(), "call", provider=PROVIDER, turn_event=turn_event, fills_idle=False
    )
    call.start(8000, 0.0)
    for number, frame in enumerate(golden.capture[:_N_SLOTS]):
        if golden.is_agent[number]:
            call.receive_far_end(golden.far_end[number], _PCM_8K, (number - 1) * 20.0)
        call.receive_capture(frame, (number + 1) * 20.0)
        if call.take_turn_start((number + 1) * 20.0):
            break
    call.pass_time((number + 1) * 20.0 + 1000.0)
    assert call.counters.idle_fill_ms == 0.0
    after = call.receive_capture(golden.capture[number + 1], (number + 1) * 20.0 + 1020.0)
    assert after.startswith(expected[number])


def test_a_call_ends_once_and_may_begin_anew() -> None:
    """The manager forgets it; what comes later is of no call; a second start is a new one."""
    manager = AudioGatingManager()
    call = _call(manager)
    call.close()
    call.start(8000, 0.0)
    assert len(manager) == 1
    call.start(8000, 0.0)
    assert len(manager) == 1
    call.close()
    call.close()
    assert len(manager) == 0
    assert call.receive_capture(_FRAME, 20.0) == _FRAME
    assert call.capture_format == _PCM_8K
    assert call.counters.failures == 0


def test_calls_that_share_a_manager_are_apart() -> None:
    """One plays an agent, the other does not: the other stays open."""
    manager = AudioGatingManager()
    calls = [PluggedCall(manager, name, provider=PROVIDER) for name in ("a", "b")]
    for call in calls:
        call.start(8000, 0.0)
    calls[0].receive_far_end(golden_call().items[0].audio, _PCM_8K, 0.0)
    for slot in range(20):
        for call in calls:
            call.receive_capture(_FRAME, (slot + 1) * 20.0)
    assert [call.state for call in calls] == [GateState.CLOSED, GateState.OPEN]


def test_a_typo_is_an_error_when_the_plug_is_made() -> None:
    """At its start it would only be a count that nobody looks at."""
    with pytest.raises(ValueError, match="did you mean 'openai_realtime'"):
        PluggedCall(AudioGatingManager(), "call", provider="openai_realtme")
    with pytest.raises(ValueError, match="not one of open, closed"):
        PluggedCall(AudioGatingManager(), "call", on_failure="opn")  # type: ignore[arg-type]


def test_a_provider_that_is_not_known_any_more_passes_through() -> None:
    """The manager was reconfigured between the plug's making and its start."""
    manager = AudioGatingManager()
    call = _call(manager, on_failure=FailureMode.CLOSED)
    manager.reconfigure(GatingConfig(providers={}), 0.0)
    call.start(8000, 0.0)
    assert call.receive_capture(_FRAME, 20.0) == _FRAME
    assert call.counters.failures == 0
