"""Calls that an agent hands over to somebody else: from its function to the network's own means."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from support.deepgram_peer import DeepgramPeer, PeerSession
from support.telephone import Telephone, until
from support.twilio_messages import CALL_SID
from support.twilio_peer import TwilioPeer
from support.virtual_time import in_socket_time, virtual_ms
from support.voice_service import Recorder
from voxgate.config.hook_models import CallHooksConfig
from voxgate.config.line_models import AudioSocketConfig, LinesConfig, TwilioConfig
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.config.provider_models import DeepgramConfig
from voxgate.config.tools_config import ToolsConfig
from voxgate.engine import AIEngine

NUMBER = "+4930123456"


@asynccontextmanager
async def engine_of(lines: LinesConfig, agent: DeepgramPeer) -> AsyncIterator[tuple[AIEngine, Any]]:
    """Run an engine whose agent may transfer calls to the sales people."""
    provider = DeepgramConfig(
        url=agent.url,
        api_key_env=None,
        greeting=None,
        tools=ToolsConfig(transfer_targets={"sales": NUMBER}),
    )
    config = AppConfig(
        engine=EngineConfig(default_provider="agent"), lines=lines, providers={"agent": provider}
    )
    recorder = Recorder()
    engine = AIEngine(config, observers=[recorder], clock=virtual_ms, environ={})
    await engine.start()
    try:
        yield engine, recorder.calls
    finally:
        async with asyncio.timeout(60):
            await engine.stop()


async def asks_for_sales(session: PeerSession) -> None:
    """Let the caller ask, and the agent call its function."""
    await session.configure()
    await session.hear("Sales, please.")
    await session.request_function("f1", "transfer", '{"target":"sales"}')


@in_socket_time
async def test_asterisk_takes_the_call_away_once_the_operators_system_was_asked() -> None:
    """The agent is told that it is done; the line ends by Asterisk's own hangup."""
    asked: list[Any] = []

    async def pbx(request: web.Request) -> web.Response:
        asked.append(await request.json())
        phone.hang_up()
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/transfer", pbx)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hooks = CallHooksConfig(transfer_url=f"http://127.0.0.1:{runner.addresses[0][1]}/transfer")
    lines = LinesConfig(audiosocket=AudioSocketConfig(port=0, hooks=hooks))
    async with (
        DeepgramPeer() as agent,
        engine_of(lines, agent) as (engine, calls),
        Telephone.calling(engine.addresses["audiosocket"]) as phone,
    ):
        await asks_for_sales(await agent.accept())
        await until(lambda: phone.call_id in calls and calls[phone.call_id].ended)
        ended = calls[phone.call_id].ended
    await runner.cleanup()
    assert asked == [{"call_id": phone.call_id, "target": NUMBER}]
    assert ended.reason == "caller_hangup"


@in_socket_time
async def test_twilio_dials_once_the_stream_is_closed() -> None:
    """Our TwiML has said that we are asked, and we say whom to dial."""
    twilio = TwilioConfig(
        enabled=True, port=0, public_url="wss://voice.example.com/twilio", validate_signature=False
    )
    lines = LinesConfig(audiosocket=AudioSocketConfig(enabled=False), twilio=twilio)
    async with (
        DeepgramPeer() as agent,
        engine_of(lines, agent) as (engine, calls),
        TwilioPeer.connect(
            engine.addresses["twilio"], parameters={"voxgate_transfer": "yes"}
        ) as peer,
    ):
        await asks_for_sales(await agent.accept())
        assert await peer.wait_closed() == (1000, "")
        await until(lambda: calls[peer.stream_sid].ended)
        host, port = engine.addresses["twilio"]
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"http://{host}:{port}/twiml?after=stream", data={"CallSid": CALL_SID}
            ) as answer,
        ):
            text = await answer.text()
        ended = calls[peer.stream_sid].ended
    assert f"<Number>{NUMBER}</Number>" in text
    assert ended.reason == "local_hangup"


@in_socket_time
async def test_a_call_that_can_not_be_transferred_goes_on() -> None:
    """TwiML of somebody else: the agent is told, and can offer another way."""
    twilio = TwilioConfig(
        enabled=True, port=0, public_url="wss://voice.example.com/twilio", validate_signature=False
    )
    lines = LinesConfig(audiosocket=AudioSocketConfig(enabled=False), twilio=twilio)
    async with (
        DeepgramPeer() as agent,
        engine_of(lines, agent) as (engine, calls),
        TwilioPeer.connect(engine.addresses["twilio"]) as peer,
    ):
        session = await agent.accept()
        await asks_for_sales(session)
        answer = await session.receive("FunctionCallResponse")
        assert json.loads(answer["content"])["error"]["code"] == "not_supported"
        assert calls[peer.stream_sid].ended is None
        await peer.stop()
        await until(lambda: calls[peer.stream_sid].ended)
