"""The provider that does what a test says."""

from __future__ import annotations

import pytest

from support.scripted_gate import ScriptedGate, decision_of, interruption
from voxgate.config.local_models import LocalConfig
from voxgate.config.provider_models import (
    DeepgramConfig,
    OpenAIRealtimeConfig,
    ProviderConfig,
)
from voxgate.core.audio import AudioFormat
from voxgate.core.gate_decision import PASS_THROUGH
from voxgate.errors import LocalProtocolError, ProviderError
from voxgate.providers.base import (
    AgentAudio,
    AgentAudioDone,
    CallAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    Capabilities,
    ProviderDisconnected,
    ProviderEnded,
    ProviderEvent,
    ProviderReady,
    ResponseDone,
    ResponseStarted,
)
from voxgate.providers.responses import Truncation
from voxgate.providers.scripted import GATED, PASSED_THROUGH, ScriptedProvider
from voxgate.providers.setup import ProviderSetup

AUDIO = CallAudio(capture=AudioFormat(), playout=AudioFormat())
FRAME = bytes(320)
ERROR = ProviderError("peer", "is gone", code="gone", retryable=True)


class Stage:
    """A scripted provider and its gate."""

    def __init__(self, *, is_gated: bool = True, start_error: ProviderError | None = None) -> None:
        self.gate = ScriptedGate()
        self.provider = ScriptedProvider(
            call_id="call-1",
            call_audio=AUDIO,
            manager=self.gate,
            clock=lambda: 7.0,
            capabilities=GATED if is_gated else PASSED_THROUGH,
            start_error=start_error,
        )

    async def events(self) -> list[ProviderEvent]:
        """End the provider and return all events."""
        self.provider.end(None)
        return [event async for event in self.provider.events()]


async def test_a_pass_through_keeps_the_very_frame_and_never_asks_the_gate() -> None:
    """What reaches the other side is the line's own object, the decision the shared one."""
    stage = Stage(is_gated=False)
    await stage.provider.start()
    frame = bytes(bytearray(range(160)))

    assert await stage.provider.send_audio(frame) is PASS_THROUGH
    assert await stage.provider.advance() is PASS_THROUGH
    assert stage.provider.frames[0] is frame
    assert stage.provider.sent[0] is frame
    assert stage.gate.frames == []
    assert stage.provider.n_advances == 1


async def test_a_gated_one_sends_what_the_gate_says() -> None:
    """Released frames, live frames, silence in their place, and the fill of an idle line."""
    stage = Stage()
    await stage.provider.start()
    decision = decision_of(b"older", b"live", n_released=1)
    stage.gate.frame_decisions.append(decision)
    stage.gate.idle_decisions.append(decision_of(b"fill"))

    assert await stage.provider.send_audio(FRAME) is decision
    await stage.provider.advance()
    assert stage.provider.sent == [b"older", b"live", b"fill"]
    assert stage.provider.frames == [FRAME]
    assert stage.gate.frames == [("call-1", FRAME, 7.0)]


async def test_a_whole_answer_comes_at_once() -> None:
    """Faster than real time, as a real provider's, and the gate hears of it."""
    stage = Stage()
    await stage.provider.start()
    item_id = stage.provider.speak(bytes(1600))

    started, audio, done, ended = (await stage.events())[1:-1]
    assert isinstance(started, ResponseStarted)
    assert audio == AgentAudio(item_id, bytes(1600))
    assert done == AgentAudioDone(item_id)
    assert ended == ResponseDone(started.response_id, "completed")
    assert stage.gate.speaking[0] == (True, 100.0)
    assert not stage.gate.is_agent_speaking


async def test_an_interruption_is_kept_and_cuts_the_answer_off() -> None:
    """Clamped to what was generated; what was not delivered yet is not delivered any more."""
    stage = Stage()
    await stage.provider.start()
    response_id = stage.provider.start_response()
    stage.provider.generate_audio(response_id, "item", bytes(1600))
    await stage.provider.interrupt({"item": 500.0})
    stage.provider.generate_audio(response_id, "item", bytes(1600))
    stage.provider.finish_audio("item")
    stage.provider.end_response(response_id, "cancelled")
    stage.provider.end_response(response_id, "cancelled")

    assert stage.provider.truncations == [Truncation("item", 100)]
    assert stage.provider.cancelled == [response_id]
    assert [type(event) for event in await stage.events()] == [
        ProviderReady,
        ResponseStarted,
        ResponseDone,
        ProviderEnded,
    ]
    assert not stage.gate.is_agent_speaking


@pytest.mark.parametrize("is_gated", [True, False])
async def test_it_reports_the_caller_through_the_gate(is_gated: bool) -> None:
    """Gated or not: the gate says whether the agent is interrupted."""
    stage = Stage(is_gated=is_gated)
    await stage.provider.start()
    stage.gate.speech_decisions.append(interruption())

    decision = stage.provider.hear_caller(capture_ms=5.0)
    stage.provider.hear_caller_stop(capture_ms=9.0)
    assert stage.gate.heard == ["started", "stopped"]
    assert (await stage.events())[1:-1] == [
        CallerSpeechStarted(decision, 5.0),
        CallerSpeechStopped(9.0),
    ]


async def test_while_it_is_away_audio_waits() -> None:
    """And answers under way fail, as they do at a real one."""
    stage = Stage(is_gated=False)
    await stage.provider.start()
    response_id = stage.provider.start_response()
    stage.provider.generate_audio(response_id, "item", bytes(320))
    stage.provider.lose_connection(ERROR)
    for _ in range(3):
        await stage.provider.send_audio(FRAME)
    assert stage.provider.sent == []
    stage.provider.restore_connection()

    assert stage.provider.sent == [FRAME] * 3
    assert (await stage.events())[3:-1] == [
        AgentAudioDone("item"),
        ResponseDone(response_id, "failed"),
        ProviderDisconnected(ERROR),
        ProviderReady(True, held_frames=3),
    ]


async def test_what_waits_is_bounded() -> None:
    """The oldest goes, counted."""
    stage = Stage(is_gated=False)
    await stage.provider.start()
    stage.provider.lose_connection(ERROR)
    for number in range(502):
        await stage.provider.send_audio(str(number).encode())
    stage.provider.restore_connection()

    assert stage.provider.sent[0] == b"2"
    assert (await stage.events())[-2] == ProviderReady(True, held_frames=500, dropped_frames=2)


async def test_a_start_may_fail() -> None:
    """As the test says; then there is nothing more to come."""
    stage = Stage(start_error=ERROR)

    with pytest.raises(ProviderError) as caught:
        await stage.provider.start()
    assert caught.value is ERROR
    assert await stage.events() == [ProviderEnded(ERROR)]


async def test_it_lives_once() -> None:
    """As a call does."""
    stage = Stage()
    await stage.provider.start()
    with pytest.raises(LocalProtocolError):
        await stage.provider.start()
    await stage.provider.stop()
    await stage.provider.stop()

    assert [event async for event in stage.provider.events()] == [ProviderReady(), ProviderEnded()]


@pytest.mark.parametrize(
    ("config", "capabilities"),
    [
        (OpenAIRealtimeConfig(), GATED),
        (DeepgramConfig(), PASSED_THROUGH),
        (LocalConfig(), PASSED_THROUGH),
    ],
)
async def test_it_stands_in_for_any_kind(
    config: ProviderConfig, capabilities: Capabilities
) -> None:
    """As a registry makes it: gated where that kind is."""
    setup = ProviderSetup(config=config, call_id="c", call_audio=AUDIO, manager=ScriptedGate())

    assert ScriptedProvider.from_setup(setup).capabilities == capabilities
