"""A Twilio voice agent made of Pipecat alone, with or without the gate: an engine to compare with.

Twilio's stream comes in over FastAPI's WebSocket, goes through ``TwilioFrameSerializer`` to
``OpenAIRealtimeLLMService`` and back. Run it where Pipecat is installed::

    python -m benchmarks.pipecat_engine --port 0 --realtime-url ws://127.0.0.1:8800/v1/realtime

It runs in uvloop's loop where that is installed, and prints ``twilio listens on HOST:PORT``. Calls
come to ``/twilio``. Invariant: one pipeline a call; all share one gating manager.
"""

from __future__ import annotations

__all__ = ["EngineSettings", "PipecatEngine", "main"]

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sys
import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

os.environ.setdefault("LOGURU_LEVEL", "WARNING")

import uvicorn
from fastapi import FastAPI, WebSocket
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_stop import (
    BaseUserTurnStopStrategy,
    ExternalUserTurnStopStrategy,
    SpeechTimeoutUserTurnStopStrategy,
)
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies, UserTurnStrategies

from voxgate import AudioGatingManager
from voxgate.clock import Clock, monotonic_ms
from voxgate.event_loop import run_serving
from voxgate.integrations.pipecat import TurnFinder, VoxgateGate

_TELEPHONE_RATE_HZ = 8000
_REALTIME_RATE_HZ = 24_000
"""What OpenAI Realtime takes; older Pipecats send it what they have, unconverted."""
_CONVERTS = "_resampler" in OpenAIRealtimeLLMService.__init__.__code__.co_names
"""The service converts by itself, so that nothing before it has to."""

# Some names that both the oldest and the newest 1.x have are deprecated in the newest.
warnings.filterwarnings("ignore", category=DeprecationWarning, module="pipecat.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What the pipelines are made of."""

    realtime_url: str
    """The Realtime server's WebSocket, without the model."""
    is_gated: bool = False
    """Whether the gate is in."""
    turn_finder: TurnFinder = TurnFinder.SERVER
    """Who finds the caller's turns."""
    has_silero: bool = False
    """Whether Silero VAD runs in the pipeline; always where the pipeline finds the turns."""
    has_turn_model: bool = False
    """Whether Pipecat's own model says when a turn ends, where the pipeline finds the turns: its
    default. Without it silence does."""
    taps_wire: bool = True
    """Whether the gate sees the wire, rather than the frames behind the output."""
    out_rate_hz: int = 8000
    """Rate of the transport's output."""

    @property
    def runs_silero(self) -> bool:
        """Silero VAD runs in the pipeline."""
        return self.has_silero or self.turn_finder is TurnFinder.LOCAL

    @property
    def in_rate_hz(self) -> int:
        """Rate of captured audio in the pipeline."""
        return _TELEPHONE_RATE_HZ if _CONVERTS or self.runs_silero else _REALTIME_RATE_HZ


class PipecatEngine:
    """Serves calls; :meth:`serving` runs it inside the caller's event loop."""

    def __init__(
        self,
        settings: EngineSettings,
        manager: AudioGatingManager | None = None,
        clock: Clock = monotonic_ms,
    ) -> None:
        self.settings = settings
        """What the pipelines are made of."""
        self._clock = clock
        self.manager = manager or AudioGatingManager()
        """Shared by all calls."""
        self.ended: list[dict[str, Any]] = []
        """What each ended call counted."""
        self.gates: list[VoxgateGate] = []
        """Of each call, in order."""
        self.app = FastAPI()
        """The server's application."""
        self.app.add_api_websocket_route("/twilio", self._take_call)

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
        """Serve on the loopback until the block ends; gives the port."""
        listener = socket.create_server((host, port))
        config = uvicorn.Config(
            self.app, log_level="warning", lifespan="off", ws="websockets-sansio"
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="pipecat engine")
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
                await asyncio.sleep(0.01)
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            await asyncio.wait({serving})

    async def _take_call(self, websocket: WebSocket) -> None:
        await websocket.accept()
        message: dict[str, Any] = {}
        while message.get("event") != "start":
            message = json.loads(await websocket.receive_text())
        gate = None
        if self.settings.is_gated:
            gate = VoxgateGate(
                self.manager, turn_finder=self.settings.turn_finder, clock=self._clock
            )
            self.gates.append(gate)
        pipeline, transport = self._make(websocket, str(message["start"]["streamSid"]), gate)
        task = PipelineTask(
            pipeline,
            params=PipelineParams(
                audio_in_sample_rate=self.settings.in_rate_hz,
                audio_out_sample_rate=self.settings.out_rate_hz,
            ),
            enable_rtvi=False,
        )

        @transport.event_handler("on_client_disconnected")  # type: ignore[untyped-decorator, unused-ignore]
        async def _(*_: object) -> None:
            await task.cancel()

        await PipelineRunner(handle_sigint=False).run(task)
        counters = asdict(gate.counters) if gate is not None else {}
        self.ended.append(counters)

    def _make(
        self, websocket: WebSocket, stream_sid: str, gate: VoxgateGate | None
    ) -> tuple[Pipeline, FastAPIWebsocketTransport]:
        """Return the pipeline of one call: with the gate, three of its lines differ."""
        serializer: FrameSerializer = TwilioFrameSerializer(
            stream_sid, params=TwilioFrameSerializer.InputParams(auto_hang_up=False)
        )
        if gate is not None and self.settings.taps_wire:
            serializer = gate.tap(serializer)
        transport = FastAPIWebsocketTransport(
            websocket,
            FastAPIWebsocketParams(
                audio_in_enabled=True,
                audio_out_enabled=True,
                audio_in_filter=None if gate is None else gate.audio_filter,
                serializer=serializer,
            ),
        )
        user, assistant = LLMContextAggregatorPair(
            LLMContext(), user_params=self._user_params(gate)
        )
        processors: list[FrameProcessor] = [
            transport.input(),
            user,
            self._service(),
            transport.output(),
            *([] if gate is None else [gate.far_end_tap]),
            assistant,
        ]
        return Pipeline(processors), transport

    def _user_params(self, gate: VoxgateGate | None) -> LLMUserAggregatorParams:
        vad = None
        if self.settings.runs_silero:
            from pipecat.audio.vad.silero import SileroVADAnalyzer

            vad = SileroVADAnalyzer()
        stop: list[BaseUserTurnStopStrategy]
        if self.settings.turn_finder is TurnFinder.SERVER:
            stop = [ExternalUserTurnStopStrategy()]
            ungated: UserTurnStrategies = ExternalUserTurnStrategies()
        else:
            stop = [self._turn_end()]
            ungated = UserTurnStrategies(stop=stop)
        strategies = ungated if gate is None else gate.user_turn_strategies(stop=stop)
        return LLMUserAggregatorParams(user_turn_strategies=strategies, vad_analyzer=vad)

    def _turn_end(self) -> BaseUserTurnStopStrategy:
        if not self.settings.has_turn_model:
            return SpeechTimeoutUserTurnStopStrategy()
        from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
        from pipecat.turns.user_stop import TurnAnalyzerUserTurnStopStrategy

        return TurnAnalyzerUserTurnStopStrategy(turn_analyzer=LocalSmartTurnAnalyzerV3())

    def _service(self) -> OpenAIRealtimeLLMService:
        detection = (
            events.TurnDetection() if self.settings.turn_finder is TurnFinder.SERVER else False
        )
        audio_input = events.AudioInput(turn_detection=detection)
        properties = events.SessionProperties(audio=events.AudioConfiguration(input=audio_input))
        return OpenAIRealtimeLLMService(
            api_key="none",
            base_url=self.settings.realtime_url,
            settings=OpenAIRealtimeLLMService.Settings(session_properties=properties),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="pipecat_engine", description=__doc__)
    parser.add_argument("--realtime-url", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--gate", action="store_true", help="put the gate in")
    parser.add_argument("--silero", action="store_true", help="run Silero VAD in the pipeline")
    parser.add_argument(
        "--turn-model", action="store_true", help="with --turns local: Pipecat's model ends turns"
    )
    parser.add_argument("--turns", choices=[*TurnFinder], default=TurnFinder.SERVER)
    options = parser.parse_args(arguments)
    engine = PipecatEngine(
        EngineSettings(
            realtime_url=options.realtime_url,
            is_gated=options.gate,
            has_silero=options.silero,
            has_turn_model=options.turn_model,
            turn_finder=TurnFinder(options.turns),
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        run_serving(_serve(engine, options.host, options.port))
    return 0


async def _serve(engine: PipecatEngine, host: str, port: int) -> None:
    async with engine.serving(host, port) as bound:
        print(f"twilio listens on {host}:{bound}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
