"""A room's own audio input, whose caller's track comes, goes and comes back."""

from __future__ import annotations

import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice.room_io._input import _ParticipantAudioInputStream

from frameworks.livekit.session_parts import ListOutput, ManualClock, audio_frame
from voxgate import AudioGatingManager, GateState
from voxgate.integrations.livekit import SessionGate

_FRAME = bytes((1, 2)) * 480
_AGENT = bytes((0, 16)) * 24_000


def _room_input(gate: SessionGate) -> _ParticipantAudioInputStream:
    """Return what a room makes of :meth:`SessionGate.audio_input_options`; nobody is connected."""
    return _ParticipantAudioInputStream(
        rtc.Room(),
        sample_rate=24_000,
        num_channels=1,
        noise_cancellation=gate.frame_processor,
        pre_connect_audio_handler=None,
    )


@pytest.mark.parametrize("is_attached", [True, False])
async def test_a_stream_that_ends_is_not_the_calls_end(*, is_attached: bool) -> None:
    """LiveKit 1.3 closes the processor before each new stream, the first one included.

    An attached gate ends with its session; another one goes on with the next frame.
    """
    manager, clock = AudioGatingManager(), ManualClock()
    gate = SessionGate(manager, clock=clock)
    session: AgentSession[None] = AgentSession()
    if is_attached:
        gate.attach(session)
    room_input = _room_input(gate)
    for number, caller in enumerate(("caller", None, "caller"), start=1):
        room_input.set_participant(caller)
        clock.now_ms = 20.0 * number
        gate.frame_processor._process(audio_frame(_FRAME))
    assert (gate.counters.captured_ms, gate.counters.ungated_ms) == (60.0, 0.0)
    assert len(manager) == 1
    gate.close()
    await room_input.aclose()
    assert len(manager) == 0


async def test_a_greeting_before_the_callers_track_is_reference() -> None:
    """The agent speaks while the caller's stream is opened: its echo is known all the same."""
    clock = ManualClock()
    gate = SessionGate(clock=clock)
    gate.attach(AgentSession())
    output = gate.far_end_output(ListOutput())
    room_input = _room_input(gate)
    await output.capture_frame(audio_frame(_AGENT))
    room_input.set_participant("caller")
    for _ in range(20):
        clock.now_ms += 20.0
        gate.frame_processor._process(audio_frame(_FRAME))
    assert gate.state is GateState.CLOSED
    await room_input.aclose()


async def test_frames_after_the_sessions_end_bring_no_call_back() -> None:
    """A late frame, or a stream that is closed after the session, leaves nothing in the manager."""
    manager = AudioGatingManager()
    gate = SessionGate(manager, clock=ManualClock())
    session: AgentSession[None] = AgentSession()
    gate.attach(session)
    await session.start(Agent(instructions="Say nothing."))
    await session.aclose()
    gate.frame_processor._close()
    assert gate.frame_processor.process(audio_frame(_FRAME)).data.tobytes() == _FRAME
    assert len(manager) == 0
    assert gate.counters.ungated_ms == 20.0
