"""A Twilio agent in Pipecat whose caller may interrupt it: the lines with ``gate`` are voxgate's.

    pip install 'voxgate[pipecat]' 'pipecat-ai[openai,websocket]' uvicorn
    OPENAI_API_KEY=... uvicorn pipecat_agent:app --port 8765

Let Twilio's ``<Stream>`` come to ``wss://your.host/twilio``.
"""

import json
import os

from fastapi import FastAPI, WebSocket
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport

from voxgate import AudioGatingManager
from voxgate.integrations.pipecat import VoxgateGate

app = FastAPI()
manager = AudioGatingManager()  # one for all calls
REALTIME_URL = os.environ.get("REALTIME_URL", "wss://api.openai.com/v1/realtime")


@app.websocket("/twilio")
async def take_call(websocket: WebSocket) -> None:
    """Serve one call until the caller hangs up."""
    await websocket.accept()
    message = {"event": ""}
    while message["event"] != "start":
        message = json.loads(await websocket.receive_text())

    gate = VoxgateGate(manager)  # 1: the gate of this call
    serializer = TwilioFrameSerializer(
        message["start"]["streamSid"], params=TwilioFrameSerializer.InputParams(auto_hang_up=False)
    )
    transport = FastAPIWebsocketTransport(
        websocket,
        FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            audio_in_filter=gate.audio_filter,  # 2: hears the caller first
            serializer=gate.tap(serializer),  # 3: sees what the telephone is sent
        ),
    )
    strategies = gate.user_turn_strategies()  # 4: the verdict starts the caller's turn
    user, assistant = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(user_turn_strategies=strategies)
    )
    llm = OpenAIRealtimeLLMService(
        api_key=os.environ.get("OPENAI_API_KEY", ""), base_url=REALTIME_URL
    )
    pipeline = Pipeline(
        [
            transport.input(),
            user,
            llm,
            transport.output(),
            gate.far_end_tap,  # 5: right behind the output
            assistant,
        ]
    )
    # 24 kHz is what OpenAI Realtime takes; a Pipecat that converts by itself may stay at 8000.
    rates = PipelineParams(audio_in_sample_rate=24_000, audio_out_sample_rate=8000)
    task = PipelineTask(pipeline, params=rates)

    @transport.event_handler("on_client_disconnected")
    async def hang_up(*_: object) -> None:
        await task.cancel()

    await PipelineRunner(handle_sigint=False).run(task)
