"""examples/livekit_agent.py, as a worker would run it for a call."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.utils import http_context
from livekit.agents.voice import io
from livekit.plugins import openai

from voxgate.integrations.livekit import FarEndOutput, GateFrameProcessor
from voxgate.realtime_server import RealtimeServer

_PATH = Path(__file__).parents[3] / "examples" / "livekit_agent.py"


def _example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("livekit_agent", _PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _chain(output: io.AudioOutput | None) -> list[str]:
    return [] if output is None else [output.label, *_chain(output.next_in_chain)]


async def _wait_for_greeting(server: RealtimeServer) -> None:
    """Wait until the provider was asked to greet."""
    async with asyncio.timeout(60):
        while not any(each.events("response_created") for each in server.sessions):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_the_example_puts_the_gate_on_both_sides_of_a_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The room is a real one that is not connected: its audio input and output are there."""
    example, sessions = _example(), []

    class Session(AgentSession[None]):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            sessions.append(self)

    monkeypatch.setattr(example, "AgentSession", Session)
    http_context._new_session_ctx()
    async with RealtimeServer() as server:
        model = openai.realtime.RealtimeModel(base_url=server.base_url, api_key="none")
        monkeypatch.setattr(example.openai.realtime, "RealtimeModel", lambda: model)
        await example.answer(SimpleNamespace(room=rtc.Room()))
        (session,) = sessions
        chain = _chain(session.output.audio)
        assert isinstance(session.output.audio, FarEndOutput)
        assert chain[-1] == "RoomIO"
        room_input = session.input.audio
        assert isinstance(room_input._noise_cancellation, GateFrameProcessor)
        assert room_input._frame_size_ms == 20
        assert getattr(room_input, "_apm", None) is None
        await _wait_for_greeting(server)
        await session.aclose()
    await http_context._close_http_ctx()
