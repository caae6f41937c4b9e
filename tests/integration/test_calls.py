"""Whole calls: a telephone, AudioSocket, the engine with its gate, and a Realtime server.

Everything is real but the time, which stands still while anything is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from support.realtime_peer import PeerSession, RealtimePeer
from support.telephone import Telephone, mulaw_frames, spoken, until
from support.virtual_time import in_socket_time, virtual_ms
from support.voice_service import CallRecord, VoiceService, gate_states, realtime_config
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode, encode
from voxgate.core.gate_decision import GateEventType, GateState
from voxgate.core.levels import rms
from voxgate.providers.base import AgentAudioDone, ProviderReady, ResponseDone
from voxgate.realtime_server import LogEntry, RealtimeServer, agent_voices

_PCM16 = AudioFormat()
_MULAW = AudioFormat(Encoding.MULAW)
_TAIL_MS = 250.0
"""``post_speech_grace_ms`` of the default policy."""


@asynccontextmanager
async def embedded(
    *, greeting: str | None = None, replies: tuple[str, ...] = ("go_on",), speed_ratio: float = 8.0
) -> AsyncIterator[tuple[VoiceService, RealtimeServer]]:
    """Run an engine whose agent is the embedded server; it greets with a sentence of that id."""
    async with RealtimeServer(clock=virtual_ms, replies=replies, speed_ratio=speed_ratio) as server:
        text = None if greeting is None else agent_voices()[greeting].text
        async with VoiceService.running(realtime_config(server.url, greeting=text)) as service:
            yield service, server


@asynccontextmanager
async def obedient(**provider: Any) -> AsyncIterator[tuple[VoiceService, RealtimePeer]]:
    """Run an engine whose agent does what the test says."""
    async with (
        RealtimePeer() as peer,
        VoiceService.running(realtime_config(peer.url, **provider)) as service,
    ):
        yield service, peer


def log_of(server: RealtimeServer, name: str, session: int = -1) -> tuple[LogEntry, ...]:
    """Return what a session of the server went through."""
    return server.sessions[session].events(name)


def whole(phone: Telephone, sentence: list[bytes]) -> bool:
    """Return whether a sentence was heard to its end."""
    return phone.heard_of(sentence) == len(sentence)


class TestTurns:
    """Who speaks when."""

    @in_socket_time
    async def test_caller_and_agent_take_turns(self) -> None:
        """Greeting, question, answer, question, answer: each is heard whole by the other side."""
        async with (
            embedded(greeting="hello", replies=("go_on", "still_there")) as (service, server),
            Telephone.calling(service.address) as phone,
        ):
            record = await service.taken(phone)
            await until(lambda: whole(phone, mulaw_frames("hello")))
            await asyncio.sleep(0.6)
            for question, answer in (("stop", "go_on"), ("hello", "still_there")):
                await phone.say_to_the_end(spoken(question))
                await until(lambda answer=answer: whole(phone, mulaw_frames(answer)))
                await asyncio.sleep(0.6)
            ended = await service.ended_after_hangup(phone)
        assert [len(log_of(server, name)) for name in ("speech_started", "committed")] == [2, 2]
        assert {entry.detail for entry in log_of(server, "response_done")} == {"completed"}
        assert (ended.reason, record.barge_ins) == ("caller_hangup", 0)
        assert ended.gate is not None
        assert ended.gate.interruptions == 0

    @in_socket_time
    async def test_a_turn_ends_though_the_line_goes_silent(self) -> None:
        """A telephone that delivers nothing between words gets its answer all the same."""
        async with (
            embedded(replies=("go_on",)) as (service, server),
            Telephone.calling(service.address) as phone,
        ):
            await asyncio.sleep(0.5)
            await phone.say_to_the_end(spoken("stop"))
            phone.fall_silent()
            await until(lambda: whole(phone, mulaw_frames("go_on")))
        assert len(log_of(server, "speech_stopped")) == 1

    @in_socket_time
    async def test_a_caller_who_is_talking_already_keeps_the_turn(self) -> None:
        """An agent that starts in the middle of a sentence does not close the gate on it."""
        async with obedient() as (service, peer), Telephone.calling(service.address) as phone:
            record = await service.taken(phone)
            session = await peer.accept_configured()
            question = spoken("question")
            phone.say(question)
            await asyncio.sleep(1.5)
            await speak(session, "service_time")
            await until(lambda: not phone.is_saying)
            assert GateEventType.GATE_CLOSED not in [event.type for event in record.gate_events]
            await asyncio.sleep(0.2)
        assert share_received(question, session) >= 0.95


class TestEcho:
    """The agent must not hear itself."""

    @in_socket_time
    async def test_the_agents_own_voice_does_not_come_back_to_it(self) -> None:
        """At 24 dB return loss there is no barge-in, and the turn detector sees nothing."""
        async with (
            embedded(greeting="greeting") as (service, server),
            Telephone.calling(service.address, echo_loss_db=24.0) as phone,
        ):
            record = await service.taken(phone)
            await until(lambda: whole(phone, mulaw_frames("greeting")))
            await asyncio.sleep(1.5)
            ended = await service.ended_after_hangup(phone)
        assert record.barge_ins == 0
        assert log_of(server, "speech_started") == ()
        assert [entry.detail for entry in log_of(server, "response_done")] == ["completed"]
        assert ended.gate is not None
        assert ended.gate.discarded_frames > 0
        assert max(map(level_of, phone.delivered)) > 50, "there was no echo to keep out"

    @in_socket_time
    async def test_without_the_gate_the_agent_hears_itself(self) -> None:
        """The test above is no proof unless the server would hear the echo ungated."""
        async with RealtimeServer(clock=virtual_ms) as server:
            provider = realtime_config(server.url, greeting=agent_voices()["greeting"].text)
            async with (
                VoiceService.running(provider, is_gated=False) as service,
                Telephone.calling(service.address, echo_loss_db=24.0),
            ):
                await until(lambda: server.sessions and log_of(server, "speech_started"))

    @in_socket_time
    async def test_the_gate_stays_closed_until_the_last_word_was_played(self) -> None:
        """Generation ends seconds before playout; what counts is playout and its echo."""
        async with (
            embedded(greeting="greeting", speed_ratio=50.0) as (service, _),
            Telephone.calling(service.address) as phone,
        ):
            record = await service.taken(phone)
            await until(lambda: record.times_of(GateEventType.GATE_OPENED))
        (generated_ms,) = record.provider_times_of(ResponseDone)
        (opened_ms,) = record.times_of(GateEventType.GATE_OPENED)
        played_ms = record.agent_slots()[-1]
        assert played_ms - generated_ms > 3000
        assert opened_ms >= played_ms + _TAIL_MS
        assert gate_states(record, generated_ms, opened_ms) == {GateState.CLOSED}

    @in_socket_time
    async def test_a_late_end_of_the_answer_keeps_nobody_waiting(self) -> None:
        """The gate opens with playout, though ``response.done`` comes seconds later."""
        async with obedient() as (service, peer), Telephone.calling(service.address) as phone:
            record = await service.taken(phone)
            session = await peer.accept_configured()
            await speak(session, "hello", is_done=False)
            await until(lambda: record.times_of(GateEventType.GATE_OPENED))
            await asyncio.sleep(1)
            phone.say(spoken("stop"))
            await until(lambda: share_received(spoken("stop"), session) >= 0.95)
            assert record.provider_times_of(ResponseDone) == []
            await session.end_response("response-hello")
            await until(lambda: record.provider_times_of(ResponseDone))
            assert record.state is GateState.OPEN
        (opened_ms,) = record.times_of(GateEventType.GATE_OPENED)
        assert opened_ms - record.agent_slots()[-1] < _TAIL_MS + 100


class TestInterruption:
    """The caller may interrupt."""

    @in_socket_time
    async def test_the_agent_falls_silent_and_the_server_knows_what_was_heard(self) -> None:
        """The answer ends at the caller's word: truncated at what the telephone has played."""
        async with (
            embedded(greeting="service_time") as (service, server),
            Telephone.calling(service.address, echo_loss_db=24.0) as phone,
        ):
            record = await service.taken(phone)
            sentence = mulaw_frames("service_time")
            await until(lambda: phone.heard_of(sentence) >= 100)
            began_ms = virtual_ms()
            phone.say(spoken("interruption"))
            await until(lambda: log_of(server, "truncated"))
            (truncated,) = log_of(server, "truncated")
            heard_ms = 20 * phone.heard_of(sentence)
            last_slot_ms = record.agent_slots()[-1]
            await until(lambda: not phone.is_saying)
            assert record.agent_slots()[-1] - last_slot_ms <= 40
            await until(lambda: len(log_of(server, "response_created")) == 2)
        assert truncated.at_ms == pytest.approx(heard_ms, abs=40)
        assert last_slot_ms - began_ms <= 1000
        assert record.times_of(GateEventType.BARGE_IN_COMMITTED)
        assert len(record.times_of(GateEventType.INTERRUPTED)) == 1
        assert len(log_of(server, "speech_started")) == 1

    @in_socket_time
    async def test_an_answer_still_being_generated_is_cancelled(self) -> None:
        """At the speed of speech, generation goes on when the caller interrupts."""
        async with (
            embedded(greeting="service_time", speed_ratio=1.2) as (service, server),
            Telephone.calling(service.address) as phone,
        ):
            await until(lambda: phone.heard_of(mulaw_frames("service_time")) >= 75)
            phone.say(spoken("interruption"))
            await until(lambda: log_of(server, "response_done"))
            await until(lambda: log_of(server, "truncated"))
        (done,) = log_of(server, "response_done")
        assert done.detail.startswith("cancelled")
        assert log_of(server, "error") == ()

    @in_socket_time
    async def test_the_callers_words_reach_the_agent_from_the_first(self) -> None:
        """The onset that the gate held is released: hardly anything of the sentence is missing."""
        async with obedient() as (service, peer), Telephone.calling(service.address) as phone:
            session = await peer.accept_configured()
            await speak(session, "service_time")
            await until(lambda: phone.heard_of(mulaw_frames("service_time")) >= 75)
            words = spoken("interruption")
            await phone.say_to_the_end(words)
            await until(lambda: share_received(words, session) >= 0.95)


class TestLines:
    """Lines that deliver nothing, or everything at once."""

    @in_socket_time
    @pytest.mark.parametrize("state", GateState)
    async def test_a_line_silent_for_5_s_stops_nothing(self, state: GateState) -> None:
        """In whichever state the gate was: the provider's time goes on, the agent is not paused for
        ever, and the caller is heard afterwards."""
        async with obedient() as (service, peer), Telephone.calling(service.address) as phone:
            record = await service.taken(phone)
            session = await peer.accept_configured()
            await bring_into(state, phone, session, record)
            phone.fall_silent()
            await until(lambda: received_ms(session) > 0)
            before_ms = received_ms(session)
            await asyncio.sleep(5)
            assert received_ms(session) - before_ms >= 4500
            if state is not GateState.OPEN:
                assert record.state is GateState.CLOSED
                assert any(virtual_ms() - t_ms < 100 for t_ms in record.agent_slots()[-1:])
            phone.deliver_again()
            await asyncio.sleep(0.6)
            await phone.say_to_the_end(spoken("interruption"))
            await until(lambda: share_received(spoken("interruption"), session) >= 0.95)
            assert record.state is GateState.OPEN

    @in_socket_time
    async def test_4_s_at_once_after_a_stall_are_all_heard(self) -> None:
        """What was said while the network stood still comes through, and the call goes on."""
        async with obedient() as (service, peer), Telephone.calling(service.address) as phone:
            session = await peer.accept_configured()
            await asyncio.sleep(0.5)
            words = spoken("question")
            phone.say(words)
            await asyncio.sleep(0.5)
            phone.stall()
            await asyncio.sleep(4)
            await phone.catch_up()
            await until(lambda: not phone.is_saying)
            await until(lambda: share_received(words, session) >= 0.95)
            await speak(session, "hello")
            await until(lambda: whole(phone, mulaw_frames("hello")))


class TestReconnect:
    """The provider goes away inside the call."""

    @in_socket_time
    async def test_what_is_said_meanwhile_is_delivered(self) -> None:
        """The next session gets the caller's words, and the agent is heard again."""
        async with obedient() as (service, peer), Telephone.calling(service.address) as phone:
            record = await service.taken(phone)
            first = await peer.accept_configured()
            await speak(first, "hello")
            await until(lambda: whole(phone, mulaw_frames("hello")))
            await asyncio.sleep(0.6)
            peer.refuse_next(503, 503)
            first.abort()
            words = spoken("stop")
            phone.say(words)
            second = await peer.accept_configured()
            await until(lambda: share_received(words, second) >= 0.95)
            await speak(second, "go_on")
            await until(lambda: whole(phone, mulaw_frames("go_on")))
            ended = await service.ended_after_hangup(phone)
        assert ended.reason == "caller_hangup"
        ready = [event for _, event in record.provider_events if isinstance(event, ProviderReady)]
        assert [event.reconnected for event in ready] == [False, True]
        assert ready[1].dropped_frames == 0

    @in_socket_time
    async def test_what_is_held_is_bounded(self) -> None:
        """Of a long outage the newest second comes through; the rest is counted as lost."""
        async with RealtimePeer() as peer:
            provider = realtime_config(peer.url, reconnect_initial_ms=1500)
            async with (
                VoiceService.running(provider, provider_hold_ms=1000) as service,
                Telephone.calling(service.address) as phone,
            ):
                record = await service.taken(phone)
                first = await peer.accept_configured()
                peer.refuse_next(503)
                first.abort()
                phone.say(spoken("question"))
                await peer.accept_configured()
                await until(lambda: len(record.provider_times_of(ProviderReady)) == 2)
        ready = [event for _, event in record.provider_events if isinstance(event, ProviderReady)]
        assert ready[1].held_frames <= 50
        assert ready[1].dropped_frames > 50

    @in_socket_time
    async def test_an_answer_cut_off_is_played_as_far_as_it_came(self) -> None:
        """The gate opens after it, and the server that comes back is told nothing of it."""
        async with obedient() as (service, peer), Telephone.calling(service.address) as phone:
            record = await service.taken(phone)
            first = await peer.accept_configured()
            await speak(first, "greeting", is_done=False, is_finished=False)
            await until(phone.sounds)
            first.abort()
            second = await peer.accept_configured()
            await until(lambda: whole(phone, mulaw_frames("greeting")))
            await until(lambda: record.times_of(GateEventType.GATE_OPENED))
            assert record.provider_times_of(AgentAudioDone)
            words = spoken("stop")
            phone.say(words)
            await until(lambda: share_received(words, second) >= 0.95)
        assert {event["type"] for event in second.events} == {
            "session.update",
            "input_audio_buffer.append",
        }

    @in_socket_time
    async def test_a_server_that_is_restarted_goes_on(self) -> None:
        """The embedded server stops and comes back under the same address."""
        server = RealtimeServer(clock=virtual_ms, replies=("go_on",))
        await server.start()
        host, port = server.address
        again = RealtimeServer(host=host, port=port, clock=virtual_ms, replies=("still_there",))
        async with (
            VoiceService.running(realtime_config(server.url)) as service,
            Telephone.calling(service.address) as phone,
        ):
            record = await service.taken(phone)
            await until(lambda: record.provider_times_of(ProviderReady))
            await server.stop()
            await again.start()
            phone.say(spoken("stop"))
            await until(lambda: whole(phone, mulaw_frames("still_there")))
            assert (await service.ended_after_hangup(phone)).reason == "caller_hangup"
        await again.stop()

    @in_socket_time
    async def test_a_provider_that_stays_away_ends_the_call(self) -> None:
        """After the attempts that the configuration allows, the caller is hung up."""
        async with (
            obedient(max_reconnects=2) as (service, peer),
            Telephone.calling(service.address) as phone,
        ):
            session = await peer.accept_configured()
            peer.refuse_next(503, 503, 503)
            session.abort()
            ended = await service.ended(phone)
            await until(lambda: phone.is_over)
        assert ended.reason == "provider_lost"
        assert "http_503" in ended.detail


class TestIsolation:
    """Calls at the same time."""

    @in_socket_time
    async def test_one_caller_interrupts_and_the_other_does_not_notice(self) -> None:
        """Each has a session of its own; the other's agent speaks to its end."""
        async with (
            embedded(greeting="greeting") as (service, server),
            Telephone.calling(service.address) as one,
            Telephone.calling(service.address, echo_loss_db=24.0) as other,
        ):
            sentence = mulaw_frames("greeting")
            await until(lambda: one.heard_of(sentence) >= 75 and other.heard_of(sentence) >= 75)
            one.say(spoken("interruption"))
            await until(lambda: whole(other, sentence))
            await until(lambda: not one.is_saying)
            await asyncio.sleep(1)
            interrupted, undisturbed = service.record(one), service.record(other)
        assert interrupted.times_of(GateEventType.INTERRUPTED)
        assert undisturbed.barge_ins == 0
        heard = sorted(len(session.events("speech_started")) for session in server.sessions)
        assert heard == [0, 1]
        assert one.heard_of(sentence) < len(sentence)


async def speak(
    session: PeerSession, line_id: str, *, is_finished: bool = True, is_done: bool = True
) -> None:
    """Let the agent say a sentence, all of it generated at once."""
    response_id, item_id = f"response-{line_id}", f"item-{line_id}"
    await session.start_response(response_id)
    await session.send_voice(response_id, item_id, agent_voices()[line_id].audio)
    if is_finished:
        await session.finish_voice(response_id, item_id)
    if is_done:
        await session.end_response(response_id)


async def bring_into(
    state: GateState, phone: Telephone, session: PeerSession, record: CallRecord
) -> None:
    """Bring the gate of a call into a state, the agent talking in all but one."""
    await asyncio.sleep(0.3)
    if state is GateState.OPEN:
        await phone.say_to_the_end(spoken("stop"))
        return
    await speak(session, "service_time")
    await until(lambda: record.state is GateState.CLOSED)
    await until(lambda: phone.heard_of(mulaw_frames("service_time")) >= 75)
    if state is not GateState.CLOSED:
        phone.say(loud_speech())
    await until(lambda: record.state is state)


def loud_speech() -> Any:
    """Return the caller's words from their first sound on."""
    words = spoken("interruption")
    first = next(at for at in range(0, len(words), 160) if rms(words[at : at + 160]) > 2000)
    return words[first:]


def received_ms(session: PeerSession) -> float:
    """Return how much audio a session was sent."""
    return _MULAW.duration_ms(len(session.audio))


def share_received(words: Any, session: PeerSession) -> float:
    """Return how much of the sound of a sentence a session was sent, in order, as a share."""
    wanted = [
        encode(words[at : at + 160], _MULAW)
        for at in range(0, len(words) - 159, 160)
        if rms(words[at : at + 160]) > 300
    ]
    received = bytes(session.audio)
    position = n_found = 0
    for frame in wanted:
        found = received.find(frame, position)
        if found >= 0:
            position, n_found = found + len(frame), n_found + 1
    return n_found / len(wanted)


def level_of(frame: bytes) -> float:
    """Return the RMS of a PCM16 frame in int16 units."""
    return rms(np.asarray(decode(frame, _PCM16)))
