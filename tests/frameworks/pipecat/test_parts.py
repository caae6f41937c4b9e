"""Filter, tap, serializer and strategy, each where Pipecat calls it."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from pipecat.audio.filters.base_audio_filter import BaseAudioFilter
from pipecat.frames.frames import (
    FilterEnableFrame,
    Frame,
    InterruptionFrame,
    OutputAudioRawFrame,
    StopFrame,
    TextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.serializers.plivo import PlivoFrameSerializer
from pipecat.serializers.telnyx import TelnyxFrameSerializer
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.tests.utils import run_test
from pipecat.turns.types import ProcessFrameResult
from pipecat.turns.user_start import (
    BaseUserTurnStartStrategy,
    ExternalUserTurnStartStrategy,
    VADUserTurnStartStrategy,
)
from pipecat.turns.user_stop import ExternalUserTurnStopStrategy, SpeechTimeoutUserTurnStopStrategy

from frameworks.pipecat.plugin_call import PluginCall, input_frame, output_frame
from support.golden_call import golden_call
from voxgate import AudioGatingManager, FailureMode, GateEventType, GateState
from voxgate.integrations.pipecat import (
    FarEndTap,
    GateAudioFilter,
    GateUserTurnStartStrategy,
    TappedSerializer,
    TurnFinder,
    VoxgateGate,
)

_FRAME = b"\x01\x00" * 160
_SPEECH = golden_call().items[0].audio
_N_SLOTS = 800
"""Of the golden call: an interruption is among them."""


class _Breaking(AudioGatingManager):
    def process(self, *_: object, **__: object) -> object:  # type: ignore[override]
        raise RuntimeError("broken")


# --- the filter ----------------------------------------------------------------------------------


async def test_the_call_begins_and_ends_with_the_transport() -> None:
    """The manager knows it in between, and a second call on the same object is another one."""
    plugged = PluginCall()
    assert isinstance(plugged.filter, BaseAudioFilter)
    assert isinstance(plugged.filter, GateAudioFilter)
    for _ in range(2):
        await plugged.start(24_000)
        assert len(plugged.manager) == 1
        assert plugged.gate.state is GateState.OPEN
        await plugged.filter.stop()
        await plugged.filter.stop()
        assert len(plugged.manager) == 0
    assert plugged.gate.counters.failures == 0


@pytest.mark.parametrize(
    ("on_failure", "expected"), [(FailureMode.OPEN, _FRAME), (FailureMode.CLOSED, bytes(320))]
)
async def test_a_gate_that_fails_lets_the_pipeline_live(
    on_failure: FailureMode, expected: bytes
) -> None:
    """Open or closed, as chosen, and counted."""
    plugged = PluginCall(manager=_Breaking(), on_failure=on_failure)
    await plugged.start()
    assert await plugged.capture(_FRAME, 20.0) == expected
    assert plugged.gate.counters.last_failure == "RuntimeError"


async def test_a_filter_that_is_disabled_changes_nothing() -> None:
    """``FilterEnableFrame`` is Pipecat's way of taking a filter out for a while."""
    plugged = PluginCall()
    await plugged.start()
    await plugged.filter.process_frame(FilterEnableFrame(enable=False))
    await plugged.written(_SPEECH, 0.0)
    out = [await plugged.capture(_FRAME, n * 20.0) for n in range(1, 20)]
    assert out == [_FRAME] * 19
    await plugged.filter.process_frame(FilterEnableFrame(enable=True))
    assert await plugged.capture(_FRAME, 400.0) == bytes(320)


# --- the tap -------------------------------------------------------------------------------------


async def test_every_frame_goes_on() -> None:
    """In order, through a real pipeline, also where the look at one fails."""
    manager = AudioGatingManager()
    gate = VoxgateGate(manager)
    await gate.audio_filter.start(8000)
    frames: list[Frame] = [
        output_frame(_FRAME),
        TextFrame("a"),
        output_frame(b"\x01", rate_hz=11_111),
        output_frame(_FRAME),
        UserStartedSpeakingFrame(),
        UserStoppedSpeakingFrame(),
    ]
    down, _ = await run_test(gate.far_end_tap, frames_to_send=frames)
    kept = [frame for frame in down if isinstance(frame, (OutputAudioRawFrame, TextFrame))]
    assert kept == frames[:4]
    assert gate.counters.failures == 1
    assert len(manager) == 0  # the pipeline has ended, and the call with it


async def test_a_pipeline_that_is_stopped_leaves_no_timer() -> None:
    """``StopFrame`` ends a pipeline without cleaning it up."""
    gate = VoxgateGate(AudioGatingManager())
    await run_test(gate.far_end_tap, frames_to_send=[StopFrame()], send_end_frame=False)
    assert gate.far_end_tap._gate_timer is None


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 24_000])
async def test_what_was_written_closes_the_gate(rate_hz: int) -> None:
    """Whatever the rate of the transport's output; an interruption opens it again."""
    plugged = PluginCall()
    await plugged.start()
    await plugged.written(_SPEECH, 0.0, rate_hz)
    for slot in range(1, 20):
        await plugged.capture(_FRAME, slot * 20.0)
    assert plugged.gate.state is GateState.CLOSED
    await plugged.interrupted(400.0)
    for slot in range(20, 120):
        await plugged.capture(bytes(320), slot * 20.0)
    assert plugged.gate.state is GateState.OPEN


# --- the wire ------------------------------------------------------------------------------------


def _serializers() -> dict[str, FrameSerializer]:
    return {
        "twilio": TwilioFrameSerializer(
            "MZ1", params=TwilioFrameSerializer.InputParams(auto_hang_up=False)
        ),
        "telnyx-mulaw": TelnyxFrameSerializer(
            "s", "PCMU", "PCMU", params=TelnyxFrameSerializer.InputParams(auto_hang_up=False)
        ),
        "telnyx-alaw": TelnyxFrameSerializer(
            "s", "PCMA", "PCMA", params=TelnyxFrameSerializer.InputParams(auto_hang_up=False)
        ),
        "plivo": PlivoFrameSerializer(
            "s", params=PlivoFrameSerializer.InputParams(auto_hang_up=False)
        ),
    }


@pytest.mark.parametrize("name", list(_serializers()))
async def test_the_wire_is_the_reference(name: str) -> None:
    """What goes out is unchanged, what it sounds like is the far end, a clear flushes it."""
    plain, inner = _serializers()[name], _serializers()[name]
    plugged = PluginCall()
    await plugged.start()
    tapped = plugged.gate.tap(inner)
    assert isinstance(tapped, TappedSerializer)
    n_bytes = 0
    for at in range(0, 320 * 50, 640):
        frame = output_frame(_SPEECH[at : at + 640])
        message = await tapped.serialize(frame)
        assert message == await plain.serialize(frame)
        n_bytes += len(b64decode(json.loads(message)["media"]["payload"]))
    gated = plugged.gate._call.gated
    assert gated is not None
    assert gated.far_end.waiting_ms == n_bytes / 8 == 1000.0
    # What the tap is shown of it now is not written a second time.
    await plugged.written(_SPEECH, 0.0)
    assert gated.far_end.waiting_ms == 1000.0
    clear = await tapped.serialize(InterruptionFrame())
    assert clear == await plain.serialize(InterruptionFrame())
    assert gated.far_end.waiting_ms == 0.0
    assert await tapped.serialize(TextFrame("a")) is None
    if name == "twilio":  # Telnyx's can't tell in the oldest version
        assert not tapped.should_ignore_frame(TextFrame("a"))
    assert plugged.gate.counters.failures == 0


class _Odd(FrameSerializer):
    """Sends linear PCM, as some do."""

    async def serialize(self, frame: Frame) -> str | bytes | None:
        return getattr(frame, "audio", None)

    async def deserialize(self, data: str | bytes) -> Frame | None:
        return input_frame(data if isinstance(data, bytes) else b"")


async def test_a_wire_that_is_not_understood_is_taken_from_the_frame() -> None:
    """The frame's own audio is what was written; what comes in passes as it is."""
    plugged = PluginCall()
    await plugged.start()
    tapped = plugged.gate.tap(_Odd())
    assert await tapped.serialize(output_frame(_SPEECH[:3200], 16_000)) == _SPEECH[:3200]
    gated = plugged.gate._call.gated
    assert gated is not None
    assert gated.far_end.waiting_ms == pytest.approx(100.0, abs=2.0)
    assert (await tapped.deserialize(_FRAME)).audio == _FRAME  # type: ignore[union-attr]
    assert await tapped.serialize(output_frame(_FRAME, 12_345)) == _FRAME
    assert plugged.gate.counters.last_failure == "ValueError"


# --- the turn's start ----------------------------------------------------------------------------


async def _started_at(finder: TurnFinder) -> tuple[list[float], PluginCall]:
    """Play the golden call's beginning; return when the strategy started turns."""
    golden, plugged = golden_call(), PluginCall(finder=finder)
    strategy = plugged.gate.turn_start_strategy()
    assert isinstance(strategy, BaseUserTurnStartStrategy)
    started: list[float] = []

    async def take(*_: object) -> None:
        started.append(plugged.now_ms)

    strategy.add_event_handler("on_user_turn_started", take)
    await plugged.start()
    for slot, frame in enumerate(golden.capture[:_N_SLOTS]):
        if golden.is_agent[slot]:
            await plugged.written(golden.far_end[slot], (slot - 1) * 20.0)
        audio = await plugged.capture(frame, (slot + 1) * 20.0)
        result = await strategy.process_frame(input_frame(audio))
        has_started = bool(started) and started[-1] == plugged.now_ms
        assert result is (ProcessFrameResult.STOP if has_started else ProcessFrameResult.CONTINUE)
    assert await strategy.process_frame(TextFrame("a")) is ProcessFrameResult.CONTINUE
    return started, plugged


@pytest.mark.parametrize(
    ("finder", "event"),
    [
        (TurnFinder.LOCAL, GateEventType.BARGE_IN_COMMITTED),
        (TurnFinder.SERVER, GateEventType.INTERRUPTED),
    ],
)
async def test_the_verdict_starts_the_turn(finder: TurnFinder, event: GateEventType) -> None:
    """At once where nobody else does; once confirmed where the provider may."""
    started, plugged = await _started_at(finder)
    assert started == [each.t_ms for each in plugged.events if each.type is event]
    assert started
    assert plugged.gate.counters.verdicts == len(started)


async def test_the_strategies_around_it_are_pipecats() -> None:
    """The provider's words where it finds the turns, VAD where the pipeline does."""
    server = VoxgateGate(AudioGatingManager()).user_turn_strategies()
    assert [type(each) for each in server.start or []] == [
        GateUserTurnStartStrategy,
        ExternalUserTurnStartStrategy,
    ]
    assert [type(each) for each in server.stop or []] == [ExternalUserTurnStopStrategy]
    stop = SpeechTimeoutUserTurnStopStrategy()
    local = VoxgateGate(AudioGatingManager(), turn_finder="local").user_turn_strategies(stop=[stop])
    assert [type(each) for each in local.start or []][:2] == [
        GateUserTurnStartStrategy,
        VADUserTurnStartStrategy,
    ]
    assert local.stop == [stop]


def test_calls_have_names_of_their_own() -> None:
    """Unless they are given one; all share one manager."""
    manager = AudioGatingManager()
    gates = [VoxgateGate(manager) for _ in range(3)]
    assert len({gate.call_id for gate in gates}) == 3
    assert VoxgateGate(manager, "mine").call_id == "mine"
    assert isinstance(gates[0].far_end_tap, FarEndTap)
    assert gates[0].state is None


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"provider": "openai_realtme"}, "did you mean 'openai_realtime'"),
        ({"on_failure": "opn"}, "on_failure: 'opn' is not one of open, closed"),
        ({"turn_finder": "sever"}, "turn_finder: 'sever' is not one of server, local"),
    ],
)
def test_a_choice_that_there_is_none_of_is_an_error(options: dict[str, str], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        VoxgateGate(AudioGatingManager(), **options)  # type: ignore[arg-type]
