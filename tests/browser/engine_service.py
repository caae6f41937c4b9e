"""An engine with a browser line, as an operator runs it, and what it told of its calls."""

from __future__ import annotations

__all__ = ["EngineService"]

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from support.voice_service import CallRecord, Recorder, realtime_config
from voxgate.call_observer import CallStarted
from voxgate.config.browser_line_model import BrowserLineConfig
from voxgate.config.line_models import AudioSocketConfig, LinesConfig
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.engine import AIEngine
from voxgate.providers.base import ProviderEvent
from voxgate.realtime_server import RealtimeServer, agent_voices
from voxgate.transports.base import LineAudio, LineDtmf, LineEvent


def _now_ms() -> float:
    return time.monotonic() * 1000


class EngineService(Recorder):
    """Runs with the gate as it is by default; the embedded server answers."""

    def __init__(self, server: RealtimeServer) -> None:
        super().__init__()
        self.server = server
        self.engine: AIEngine
        self.started: list[CallStarted] = []
        self.captured: dict[str, list[LineAudio]] = {}
        self.keys: dict[str, list[str]] = {}

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        *,
        greeting: str,
        replies: tuple[str, ...] = ("go_on",),
        environ: dict[str, str] | None = None,
        **line: Any,
    ) -> AsyncIterator[Self]:
        """Run one for the length of a block.

        Args:
            greeting: Id of the sentence that the agent greets with.
            replies: Ids of its answers.
            environ: Where the line's token is.
            line: Fields of ``lines.browser``.
        """
        async with RealtimeServer(clock=_now_ms, replies=replies, speed_ratio=8.0) as server:
            service = cls(server)
            config = AppConfig(
                engine=EngineConfig(default_provider="agent"),
                lines=LinesConfig(
                    audiosocket=AudioSocketConfig(enabled=False),
                    browser=BrowserLineConfig(enabled=True, port=0, **line),
                ),
                providers={
                    "agent": realtime_config(server.url, greeting=agent_voices()[greeting].text)
                },
            )
            service.engine = AIEngine(
                config, observers=[service], clock=_now_ms, environ=environ or {}
            )
            await service.engine.start()
            try:
                yield service
            finally:
                await service.engine.stop()

    @property
    def script_url(self) -> str:
        """What a page imports."""
        host, port = self.engine.addresses["browser"]
        return f"http://{host}:{port}/browser/voxgate-call.js"

    def record(self, call_id: str) -> CallRecord:
        """Return what is known of a call."""
        return self.calls[call_id]

    def captured_audio(self, call_id: str) -> NDArray[np.int16]:
        """Return what the line delivered: int16 [shape=(n,), mono, 16 kHz]."""
        audio = b"".join(event.audio for event in self.captured[call_id])
        return np.frombuffer(audio, "<i2")

    def on_call_started(self, event: CallStarted) -> None:
        super().on_call_started(event)
        self.started.append(event)
        self.captured[event.call_id] = []
        self.keys[event.call_id] = []

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:
        if isinstance(event, LineAudio):
            self.captured[call_id].append(event)
        elif isinstance(event, LineDtmf):
            self.keys[call_id].append(event.digit)

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        if call_id in self.calls:
            super().on_provider_event(call_id, now_ms, event)
