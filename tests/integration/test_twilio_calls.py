"""Whole calls over Twilio: a telephone, a stream, the engine with its gate, and a Realtime server.

Everything is real but the time, which stands still while anything is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from support.telephone import spoken, until
from support.twilio_phone import TwilioPhone, sentence_frames
from support.virtual_time import in_socket_time, virtual_ms
from support.voice_service import CallRecord, Recorder, _policies, realtime_config
from voxgate.call_observer import CallStarted
from voxgate.config.line_models import AudioSocketConfig, LinesConfig, TwilioConfig
from voxgate.config.models import AppConfig, EngineConfig, GatingSection
from voxgate.core.gate_decision import GateEventType
from voxgate.engine import AIEngine
from voxgate.realtime_server import LogEntry, RealtimeServer, agent_voices


class Service(Recorder):
    """An engine with a Twilio line, and what it told of its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[CallStarted] = []
        self.engine: AIEngine

    def on_call_started(self, event: CallStarted) -> None:
        super().on_call_started(event)
        self.started.append(event)

    @property
    def address(self) -> tuple[str, int]:
        return self.engine.addresses["twilio"]

    async def taken(self, phone: TwilioPhone) -> CallRecord:
        await until(lambda: phone.peer.stream_sid in self.calls)
        return self.calls[phone.peer.stream_sid]


@asynccontextmanager
async def embedded(
    *, greeting: str, replies: tuple[str, ...] = ("go_on",), **twilio: Any
) -> AsyncIterator[tuple[Service, RealtimeServer]]:
    """Run an engine whose agent is the embedded server; it greets with a sentence of that id."""
    async with RealtimeServer(clock=virtual_ms, replies=replies, speed_ratio=8.0) as server:
        section = {
            "enabled": True,
            "port": 0,
            "public_url": "wss://voice.example.com/twilio",
            "validate_signature": False,
            **twilio,
        }
        service = Service()
        service.engine = AIEngine(
            AppConfig(
                engine=EngineConfig(default_provider="agent"),
                lines=LinesConfig(
                    audiosocket=AudioSocketConfig(enabled=False), twilio=TwilioConfig(**section)
                ),
                providers={
                    "agent": realtime_config(server.url, greeting=agent_voices()[greeting].text)
                },
                gating=GatingSection(providers=_policies(is_gated=True)),
            ),
            observers=[service],
            clock=virtual_ms,
            environ={},
        )
        await service.engine.start()
        try:
            yield service, server
        finally:
            async with asyncio.timeout(60):
                await service.engine.stop()


def log_of(server: RealtimeServer, name: str) -> tuple[LogEntry, ...]:
    return server.sessions[-1].events(name)


@in_socket_time
async def test_caller_and_agent_take_turns() -> None:
    """Greeting, question, answer, each heard whole; the line never holds more than 200 ms."""
    async with (
        embedded(greeting="hello", replies=("go_on",)) as (service, server),
        TwilioPhone.calling(service.address, parameters={"language": "en"}) as phone,
    ):
        record = await service.taken(phone)
        await until(
            lambda: phone.heard_of(sentence_frames("hello")) == len(sentence_frames("hello"))
        )
        await asyncio.sleep(0.6)
        phone.say(spoken("stop"))
        await until(
            lambda: phone.heard_of(sentence_frames("go_on")) == len(sentence_frames("go_on"))
        )
        await asyncio.sleep(0.6)
        await phone.peer.stop()
        await until(lambda: record.ended)
    assert record.ended is not None
    assert (record.ended.reason, record.barge_ins) == ("caller_hangup", 0)
    assert record.ended.playout_underruns == 0
    assert [len(log_of(server, name)) for name in ("speech_started", "committed")] == [1, 1]
    assert phone.peer.max_held_ms <= 200
    assert phone.peer.clears == []
    assert service.started[0].metadata["language"] == "en"


@in_socket_time
@pytest.mark.parametrize("echo_loss_db", [None, 24.0])
async def test_an_interruption_clears_the_line_and_tells_what_was_heard(
    echo_loss_db: float | None,
) -> None:
    """The agent falls silent within a frame of the clear, and the server knows what was played."""
    async with (
        embedded(greeting="service_time") as (service, server),
        TwilioPhone.calling(service.address, echo_loss_db=echo_loss_db) as phone,
    ):
        record = await service.taken(phone)
        sentence = sentence_frames("service_time")
        await until(lambda: phone.heard_of(sentence) >= 100)
        began_ms = virtual_ms()
        phone.say(spoken("interruption"))
        await until(lambda: log_of(server, "truncated"))
        cleared_s, played_ms = phone.peer.clears[-1]
        n_played = len(phone.peer.played)
        await asyncio.sleep(0.3)
    (truncated,) = log_of(server, "truncated")
    assert truncated.at_ms == pytest.approx(20 * phone.heard_of(sentence), abs=20)
    assert truncated.at_ms == pytest.approx(played_ms, abs=20 * len(phone.peer.clears))
    assert cleared_s * 1000 - began_ms <= 1000
    assert len(phone.peer.played) - n_played <= 1
    assert len(record.times_of(GateEventType.INTERRUPTED)) == 1


@in_socket_time
async def test_a_pause_that_nothing_confirms_loses_no_word() -> None:
    """A cough stops the agent for a moment; what was sent ahead is not lost, nor said twice."""
    async with (
        embedded(greeting="service_time") as (service, _),
        TwilioPhone.calling(service.address) as phone,
    ):
        record = await service.taken(phone)
        sentence = sentence_frames("service_time")
        await until(lambda: phone.heard_of(sentence) >= 50)
        phone.say(spoken("interruption")[:1600])
        await until(lambda: record.times_of(GateEventType.GATE_OPENED))
    assert phone.peer.clears
    assert record.times_of(GateEventType.INTERRUPTED) == []
    heard = [frame for frame in phone.peer.played if frame in set(sentence)]
    # Per pause: one frame is cut off by the clear, one fades in, and none is heard out of order.
    n_pauses = len(phone.peer.clears)
    assert len(sentence) - 2 * n_pauses <= len(heard) <= len(sentence) + n_pauses


@in_socket_time
async def test_the_agents_own_voice_does_not_come_back_to_it() -> None:
    """At 24 dB return loss there is no barge-in, and what the gate is shown is what is played."""
    async with (
        embedded(greeting="greeting") as (service, server),
        TwilioPhone.calling(service.address, echo_loss_db=24.0) as phone,
    ):
        record = await service.taken(phone)
        sentence = sentence_frames("greeting")
        await until(lambda: phone.heard_of(sentence) == len(sentence))
        await asyncio.sleep(1.0)
        shown = [frame.audio for _, frame in record.playout if frame.is_agent_audio]
    assert record.barge_ins == 0
    assert log_of(server, "speech_started") == ()
    assert shown == sentence


@in_socket_time
async def test_what_comes_at_once_after_a_stall_is_heard_whole() -> None:
    """2 s held back by the network reach the agent in order, and make it answer."""
    async with (
        embedded(greeting="hello", replies=("go_on",)) as (service, server),
        TwilioPhone.calling(service.address) as phone,
    ):
        await service.taken(phone)
        hello = sentence_frames("hello")
        await until(lambda: phone.heard_of(hello) == len(hello))
        await asyncio.sleep(0.6)
        phone.say(spoken("stop"))
        await asyncio.sleep(0.2)
        phone.stall()
        await asyncio.sleep(2.0)
        await phone.catch_up()
        answer = sentence_frames("go_on")
        await until(lambda: phone.heard_of(answer) == len(answer))
    assert len(log_of(server, "committed")) >= 1


@in_socket_time
async def test_an_engine_that_ends_closes_the_stream() -> None:
    """Twilio goes on with the TwiML; the code says that nothing went wrong."""
    async with embedded(greeting="service_time") as (service, _):
        async with TwilioPhone.calling(service.address) as phone:
            record = await service.taken(phone)
            await until(lambda: phone.peer.played)
            ending = asyncio.create_task(service.engine.stop())
            assert await phone.peer.wait_closed() == (1000, "")
            await ending
        assert record.ended is not None
        assert record.ended.reason == "drained"
