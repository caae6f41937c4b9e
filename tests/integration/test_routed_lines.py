"""Which agent answers, by the number that was dialled: from the network to the route, by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID
from xml.etree import ElementTree as ET

import aiohttp
from structlog.testing import capture_logs

from support.audiosocket_peer import AUDIO, AudioSocketPeer
from support.deepgram_peer import DeepgramPeer
from support.twilio_peer import TwilioPeer
from support.virtual_time import in_socket_time, virtual_ms
from voxgate.config.line_models import AudioSocketConfig, LinesConfig, TwilioConfig
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.config.provider_models import DeepgramConfig
from voxgate.config.route_models import RouteConfig, RouteMatch
from voxgate.engine import AIEngine
from voxgate.observe.call_log import CallLog


@asynccontextmanager
async def routed(lines: LinesConfig, number: str) -> AsyncIterator[tuple[AIEngine, DeepgramPeer]]:
    """Run an engine with an agent for one number, which is returned, and none for the others."""
    async with DeepgramPeer() as wanted, DeepgramPeer() as other:
        providers = {
            name: DeepgramConfig(url=peer.url, api_key_env=None, greeting=None)
            for name, peer in (("wanted", wanted), ("other", other))
        }
        match = RouteMatch(called_number=number)
        config = AppConfig(
            engine=EngineConfig(default_provider="other"),
            lines=lines,
            providers=providers,
            routes=(RouteConfig(match=match, provider="wanted"),),
        )
        engine = AIEngine(config, observers=[CallLog()], clock=virtual_ms, environ={})
        await engine.start()
        try:
            yield engine, wanted
        finally:
            async with asyncio.timeout(60):
                await engine.stop()


@in_socket_time
async def test_the_end_of_an_audiosocket_uuid_chooses_the_agent() -> None:
    """As the dialplan writes it and the configuration reads it."""
    calls = {"*000000000700": {"called_number": "700", "caller": "the boss"}}
    lines = LinesConfig(audiosocket=AudioSocketConfig(port=0, calls=calls))
    async with (
        routed(lines, "700") as (engine, wanted),
        await AudioSocketPeer.connect(
            engine.addresses["audiosocket"], call_id=UUID("c0ffee00-1234-4abc-8def-000000000700")
        ) as peer,
    ):
        with capture_logs() as logs:
            await peer.send(AUDIO, bytes(320))
            session = await wanted.accept()
            await session.configure()
            peer.finish_sending()
            await session.wait_closed()
    assert "call.started" in [entry["event"] for entry in logs]
    assert "the boss" not in str(logs), "what is known of a call is in no log"


@in_socket_time
async def test_the_number_of_a_twilio_call_chooses_the_agent() -> None:
    """Twilio asks for TwiML, and gives back in the stream what it was told there."""
    twilio = TwilioConfig(
        enabled=True, port=0, public_url="wss://voice.example.com/twilio", validate_signature=False
    )
    lines = LinesConfig(audiosocket=AudioSocketConfig(enabled=False), twilio=twilio)
    async with routed(lines, "+15550100") as (engine, wanted):
        address = engine.addresses["twilio"]
        parameters = await _told(address, {"From": "+15550199", "To": "+15550100"})
        with capture_logs() as logs:
            async with TwilioPeer.connect(address, parameters=parameters) as peer:
                session = await wanted.accept()
                await session.configure()
                await peer.stop()
                await session.wait_closed()
    assert "call.started" in [entry["event"] for entry in logs]
    assert "+15550" not in str(logs), "no number is in any log"


async def _told(address: tuple[str, int], form: Mapping[str, str]) -> dict[str, str]:
    """Ask for TwiML as Twilio does, and return the parameters of its stream."""
    async with (
        aiohttp.ClientSession() as http,
        http.post("http://{}:{}/twiml".format(*address), data=dict(form)) as answer,
    ):
        root = ET.fromstring(await answer.text())  # noqa: S314 - our own
    return {each.attrib["name"]: each.attrib["value"] for each in root.iter("Parameter")}
