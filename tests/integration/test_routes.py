"""Which provider answers, and what callers hear when one fails: real sockets, whole calls.

AudioSocket telephones and Twilio streams, the engine with its gate, and the providers' other ends.
The time is made up, and stands still while anything is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from support.deepgram_peer import DeepgramPeer
from support.realtime_peer import RealtimePeer
from support.scripted_parts import ScriptedRecogniser, ScriptedReply, ScriptedVoice
from support.signals import at_level, speech_like
from support.telephone import Telephone, is_sound, mulaw_frames, spoken, until
from support.twilio_phone import TwilioPhone
from support.virtual_time import in_socket_time, virtual_ms
from support.voice_service import Recorder, VoiceService, realtime_config
from voxgate.call.announcements import AnnouncementKind
from voxgate.call_observer import CallStarted, ProviderSwitched
from voxgate.config.announcement_models import AnnouncementConfig, AnnouncementsConfig
from voxgate.config.line_models import AudioSocketConfig, LinesConfig, TwilioConfig
from voxgate.config.local_models import LocalConfig
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.config.provider_models import DeepgramConfig, ProviderConfig
from voxgate.config.route_models import RouteConfig, RouteMatch
from voxgate.core.audio import AudioFormat
from voxgate.core.gate_decision import GateEventType
from voxgate.engine import AIEngine
from voxgate.local_agent.agent_parts import AgentParts
from voxgate.observe.call_log import CallLog
from voxgate.providers.base import CallerSpeechStarted
from voxgate.realtime_server import RealtimeServer, agent_voices

_NOBODY = "ws://127.0.0.1:9/v1/realtime"
"""The discard port: nothing listens there."""

_FORMAT = AudioFormat()
_SPEECH_STARTED = "input_audio_buffer.speech_started"
_SILENT = AnnouncementConfig(text=None)
_FRAME = 320
_MULAW_SILENCE = {0xFF}
"""What a Realtime server is sent for silence: its wire is mu-law on a narrow line."""


def deepgram_config(peer: DeepgramPeer, **fields: Any) -> DeepgramConfig:
    return DeepgramConfig(url=peer.url, api_key_env=None, greeting=None, **fields)


class Service(VoiceService):
    """A running engine of a whole configuration, and who took over from whom."""

    def __init__(self, engine: AIEngine, recorder: RouteRecorder) -> None:
        super().__init__(engine, recorder)
        self.recorder = recorder

    def announcement(self, kind: AnnouncementKind) -> list[bytes]:
        """Return a sentence as an AudioSocket line plays it, frame by frame."""
        audio = self.engine.announcements.audio_for(kind, _FORMAT)
        assert audio is not None
        return [audio[at : at + _FRAME] for at in range(0, len(audio), _FRAME)]


class RouteRecorder(Recorder):
    """Also keeps starts and switches."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[CallStarted] = []
        self.switched: list[ProviderSwitched] = []

    def on_call_started(self, event: CallStarted) -> None:
        super().on_call_started(event)
        self.started.append(event)

    def on_provider_switched(self, event: ProviderSwitched) -> None:
        self.switched.append(event)


@asynccontextmanager
async def running(
    providers: Mapping[str, ProviderConfig],
    *,
    routes: tuple[RouteConfig, ...] = (),
    announcements: AnnouncementsConfig | None = None,
    lines: LinesConfig | None = None,
    environ: Mapping[str, str] | None = None,
    **engine: Any,
) -> AsyncIterator[Service]:
    """Run an engine; ``first`` is the default provider."""
    config = AppConfig(
        engine=EngineConfig(default_provider="first", **engine),
        lines=lines or LinesConfig(audiosocket=AudioSocketConfig(port=0)),
        providers=providers,
        routes=routes,
        announcements=announcements or AnnouncementsConfig(),
    )
    recorder = RouteRecorder()
    running_engine = AIEngine(
        config, observers=[recorder, CallLog()], clock=virtual_ms, environ=environ or {}
    )
    await running_engine.start()
    try:
        yield Service(running_engine, recorder)
    finally:
        async with asyncio.timeout(60):
            await running_engine.stop()


@asynccontextmanager
async def embedded(greeting: str = "hello") -> AsyncIterator[ProviderConfig]:
    """Run a server that greets with a sentence of that id; yield how it is reached."""
    async with RealtimeServer(clock=virtual_ms, replies=("go_on",), speed_ratio=8.0) as server:
        yield realtime_config(server.url, greeting=agent_voices()[greeting].text)


async def hears(phone: Telephone, sentence: list[bytes]) -> None:
    """Wait until a sentence was heard whole."""
    await until(lambda: phone.heard_of(sentence) == len(sentence))


class TestRoutes:
    """By what is known of the call."""

    @in_socket_time
    async def test_a_call_goes_where_its_uuid_says(self) -> None:
        """One to Deepgram, all others to the default; the log has the route and no more."""
        async with embedded() as default, DeepgramPeer() as deepgram:
            uuid = "5f0a6f4e-53a5-4f0a-9b8e-1d2c3b4a5968"
            routes = (
                RouteConfig(
                    match=RouteMatch(line="audiosocket", call_id=uuid.upper()), provider="second"
                ),
            )
            providers = {"first": default, "second": deepgram_config(deepgram)}
            async with running(providers, routes=routes) as service:
                async with Telephone.calling(service.address, call_id=uuid) as phone:
                    session = await deepgram.accept_configured()
                    await session.receive_audio(1000)
                    ended = await service.ended_after_hangup(phone)
                    assert ended.provider == "second"
                async with Telephone.calling(service.address) as phone:
                    await hears(phone, mulaw_frames("hello"))
                    ended = await service.ended_after_hangup(phone)
                    assert ended.provider == "first"
                assert [started.route for started in service.recorder.started] == [0, None]

    @in_socket_time
    async def test_a_call_goes_where_what_is_known_of_its_uuid_says(self) -> None:
        """The number that Asterisk's side gave to the UUID beforehand."""
        uuid = "5f0a6f4e-53a5-4f0a-9b8e-1d2c3b4a5968"
        lines = LinesConfig(
            audiosocket=AudioSocketConfig(port=0, calls={uuid: {"called_number": "+4930123456"}})
        )
        async with embedded() as default, DeepgramPeer() as deepgram:
            routes = (RouteConfig(match=RouteMatch(called_number="+4930*"), provider="second"),)
            providers = {"first": default, "second": deepgram_config(deepgram)}
            async with running(providers, routes=routes, lines=lines) as service:
                with capture_logs() as logged:
                    async with Telephone.calling(service.address, call_id=uuid) as phone:
                        await deepgram.accept_configured()
                        ended = await service.ended_after_hangup(phone)
                assert ended.provider == "second"
                assert "4930" not in repr(logged)
                (event,) = [entry for entry in logged if entry["event"] == "call.started"]
                assert event["route"] == 0

    @pytest.mark.parametrize(
        ("parameters", "provider"),
        [
            ({"queue": "night"}, "second"),
            ({"queue": "day"}, "first"),
            ({"called_number": "+4930123456"}, "second"),
            ({}, "first"),
        ],
    )
    @in_socket_time
    async def test_a_twilio_call_goes_where_its_parameters_say(
        self, parameters: dict[str, str], provider: str
    ) -> None:
        """Or the number that it came by."""
        lines = LinesConfig(
            audiosocket=AudioSocketConfig(enabled=False),
            twilio=TwilioConfig(
                enabled=True,
                port=0,
                public_url="wss://voice.example.com/twilio",
                validate_signature=False,
            ),
        )
        routes = (
            RouteConfig(match=RouteMatch(line="audiosocket"), provider="first"),
            RouteConfig(
                match=RouteMatch(line="twilio", parameters={"queue": "night"}), provider="second"
            ),
            RouteConfig(match=RouteMatch(called_number="+4930*"), provider="second"),
        )
        async with RealtimePeer() as first, DeepgramPeer() as second:
            providers = {"first": realtime_config(first.url), "second": deepgram_config(second)}
            peer = {"first": first, "second": second}[provider]
            async with running(providers, routes=routes, lines=lines) as service:
                address = service.engine.addresses["twilio"]
                async with TwilioPhone.calling(address, parameters=parameters):
                    await peer.accept_configured()  # type: ignore[attr-defined]
                (started,) = service.recorder.started
                assert started.provider == provider


async def _refuse(peer: RealtimePeer) -> str:
    peer.refuse_next(401)
    return peer.url


async def _listen_nowhere(peer: RealtimePeer) -> str:
    return _NOBODY


async def _never_answer(peer: RealtimePeer) -> str:
    return peer.url


class TestFirstFails:
    """The second takes over, and the caller hears a sentence."""

    @pytest.mark.parametrize(
        ("fail", "code", "after_s"),
        [
            (_refuse, "invalid_api_key", 0),
            (_listen_nowhere, "connection_refused", 0),
            (_never_answer, "fall_back_timeout", 2),
        ],
        ids=["a bad key", "nobody listens", "accepts and never answers"],
    )
    @in_socket_time
    async def test_the_second_answers_after_the_sentence(
        self, fail: Any, code: str, after_s: int
    ) -> None:
        """Both whole, in this order; then they talk as on any call."""
        async with RealtimePeer() as first, embedded() as second:
            providers = {"first": realtime_config(await fail(first)), "second": second}
            engine = {"fall_back_provider": "second", "fall_back_after_s": 2.0}
            async with (
                running(providers, **engine) as service,
                Telephone.calling(service.address) as phone,
            ):
                began_ms = virtual_ms()
                sentence = service.announcement(AnnouncementKind.FALL_BACK)
                await until(phone.sounds)
                assert virtual_ms() - began_ms == pytest.approx(1000 * after_s, abs=150)
                await hears(phone, mulaw_frames("hello"))
                assert phone.sounds() == [
                    *filter(is_sound, sentence),
                    *filter(is_sound, mulaw_frames("hello")),
                ]
                await asyncio.sleep(0.7)
                phone.say(spoken("stop"))
                await hears(phone, mulaw_frames("go_on"))
                ended = await service.ended_after_hangup(phone)
            (switched,) = service.recorder.switched
            assert (switched.error.code, switched.was_ready) == (code, False)
            assert (ended.provider, ended.predecessors) == ("second", ("first",))
            assert len(service.engine.manager) == 0

    @in_socket_time
    async def test_one_that_dies_in_mid_call_is_followed_by_the_second(self) -> None:
        """What it was saying is cut off by the sentence for it; a new conversation begins."""
        async with RealtimePeer() as first, embedded() as second:
            config = realtime_config(first.url, max_reconnects=0)
            providers = {"first": config, "second": second}
            async with (
                running(providers, fall_back_provider="second") as service,
                Telephone.calling(service.address) as phone,
            ):
                session = await first.accept_configured()
                await session.start_response("r1")
                voice = at_level(speech_like(4000, seed=1, rate_hz=24_000), -20.0)
                await session.send_voice("r1", "i1", voice.astype("<i2").tobytes())
                await until(lambda: len(phone.sounds()) > 50)
                session.abort()
                await hears(phone, service.announcement(AnnouncementKind.LOST))
                await hears(phone, mulaw_frames("hello"))
                ended = await service.ended_after_hangup(phone)
            (switched,) = service.recorder.switched
            assert switched.was_ready
            assert ended.provider == "second"
            assert ended.playout_underruns == 0

    @in_socket_time
    async def test_one_that_does_not_come_back_is_given_up_in_time(self) -> None:
        """Not after all its attempts; what the caller said meanwhile reaches the second."""
        async with RealtimePeer() as first, DeepgramPeer() as second:
            config = realtime_config(first.url, max_reconnects=100)
            providers = {"first": config, "second": deepgram_config(second)}
            announcements = replace(AnnouncementsConfig(), lost=_SILENT)
            engine = {"fall_back_provider": "second", "fall_back_after_s": 3.0}
            async with (
                running(providers, announcements=announcements, **engine) as service,
                Telephone.calling(service.address) as phone,
            ):
                session = await first.accept_configured()
                await session.receive_audio(4800)
                first.refuse_next(*[503] * 200)
                began_ms = virtual_ms()
                session.abort()
                await asyncio.sleep(0.2)
                words = spoken("stop")
                await phone.say_to_the_end(words)
                other = await second.accept_configured()
                assert virtual_ms() - began_ms == pytest.approx(3000, abs=150)
                heard = await other.receive_audio(2 * words.size + 2 * 8000)
                await service.ended_after_hangup(phone)
            assert words.astype("<i2").tobytes() in heard
            assert service.recorder.switched[0].held_frames == pytest.approx(150, abs=8)

    @in_socket_time
    async def test_the_echo_of_the_announcement_does_not_reach_a_gated_second(self) -> None:
        """The second hears silence while it is heard, and the caller right after."""
        async with RealtimePeer() as second:
            providers = {"first": realtime_config(_NOBODY), "second": realtime_config(second.url)}
            async with (
                running(providers, fall_back_provider="second") as service,
                Telephone.calling(service.address, echo_loss_db=16.0) as phone,
            ):
                session = await second.accept_configured()
                await hears(phone, service.announcement(AnnouncementKind.FALL_BACK))
                await asyncio.sleep(1.0)
                announced = await session.receive_audio(8000)
                assert set(announced) == _MULAW_SILENCE
                phone.say(spoken("stop"))
                record = service.record(phone)
                await until(lambda: set(session.audio) != _MULAW_SILENCE)
                assert record.barge_ins == 0
                await service.ended_after_hangup(phone)

    @in_socket_time
    async def test_nor_a_second_that_is_not_gated(self) -> None:
        """Silence in its place; from then on every frame as the line delivered it."""
        async with DeepgramPeer() as second:
            providers = {"first": realtime_config(_NOBODY), "second": deepgram_config(second)}
            async with (
                running(providers, fall_back_provider="second") as service,
                Telephone.calling(service.address, echo_loss_db=10.0) as phone,
            ):
                session = await second.accept_configured()
                await hears(phone, service.announcement(AnnouncementKind.FALL_BACK))
                await asyncio.sleep(0.6)
                n_bytes = len(session.audio)
                assert any(any(frame) for frame in phone.delivered)
                assert not any(session.audio)
                words = spoken("stop")
                await phone.say_to_the_end(words)
                await asyncio.sleep(0.1)
                assert words.astype("<i2").tobytes() in session.audio[n_bytes:]
                await service.ended_after_hangup(phone)

    @in_socket_time
    async def test_a_caller_may_speak_over_the_announcement(self) -> None:
        """It stops, and the second hears the caller from the first word on."""
        long = AnnouncementsConfig().unreachable
        announcements = replace(AnnouncementsConfig(), fall_back=long)
        async with RealtimePeer() as second:
            providers = {"first": realtime_config(_NOBODY), "second": realtime_config(second.url)}
            async with (
                running(
                    providers, announcements=announcements, fall_back_provider="second"
                ) as service,
                Telephone.calling(service.address, echo_loss_db=30.0) as phone,
            ):
                session = await second.accept_configured()
                sentence = service.announcement(AnnouncementKind.FALL_BACK)
                await until(lambda: phone.heard_of(sentence) > 50)
                phone.say(spoken("interruption"))
                await until(lambda: set(session.audio) != _MULAW_SILENCE)
                assert service.record(phone).barge_ins
                await asyncio.sleep(2.0)
                assert phone.heard_of(sentence) < len(sentence) - 50
                assert not any(is_sound(frame) for frame in phone.heard[-25:])
                await service.ended_after_hangup(phone)
            types = {event["type"] for event in session.events}
            assert "conversation.item.truncate" not in types


class TestTheCallerSpeaksMeanwhile:
    """What was said before the sentence does not cut it off: it is old."""

    @in_socket_time
    async def test_the_embedded_server_hears_it_and_answers_after_the_sentence(self) -> None:
        """The whole sentence, then the answer; nobody was interrupted."""
        async with RealtimePeer() as first, embedded() as second:
            providers = {
                "first": realtime_config(first.url),
                "second": replace(second, greeting=None),
            }
            await _is_answered_after_the_sentence(providers, mulaw_frames("go_on"))

    @in_socket_time
    async def test_it_is_told_while_the_sentence_is_heard(self) -> None:
        """The sentence goes on, and what is said over it stops it all the same."""
        long = AnnouncementsConfig().unreachable
        announcements = replace(AnnouncementsConfig(), fall_back=long)
        async with RealtimePeer() as first, RealtimePeer() as second:
            providers = {"first": realtime_config(first.url), "second": realtime_config(second.url)}
            engine = {"fall_back_provider": "second", "fall_back_after_s": 3.0}
            async with (
                running(providers, announcements=announcements, **engine) as service,
                Telephone.calling(service.address) as phone,
            ):
                await asyncio.sleep(1.5)
                phone.say(spoken("stop"))
                session = await second.accept_configured()
                sentence = service.announcement(AnnouncementKind.FALL_BACK)
                await until(lambda: phone.heard_of(sentence) > 10)
                await session.send(_SPEECH_STARTED, audio_start_ms=1500, item_id="c")
                await until(lambda: phone.heard_of(sentence) > 60)
                assert service.record(phone).times_of(GateEventType.INTERRUPTED) == []
                phone.say(spoken("interruption"))
                await until(lambda: service.record(phone).times_of(GateEventType.INTERRUPTED))
                await asyncio.sleep(1.0)
                assert phone.heard_of(sentence) < len(sentence) - 20
                await service.ended_after_hangup(phone)

    @pytest.mark.parametrize("waited_s", [0.3, 1.5, 2.2])
    @in_socket_time
    async def test_so_does_a_local_agent(
        self, waited_s: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It does not greet who has asked something already."""
        voice = ScriptedVoice(1000)
        parts = AgentParts(
            recogniser=ScriptedRecogniser(*["what time is it"] * 9),
            reply=ScriptedReply(["It is noon."]),
            voice=voice,
        )
        monkeypatch.setattr("voxgate.call.services.make_parts", lambda *_: parts)
        async with RealtimePeer() as first:
            providers = {
                "first": realtime_config(first.url),
                "second": LocalConfig(greeting="Hello."),
            }
            await _is_answered_after_the_sentence(providers, waited_s=waited_s)
        assert voice.texts[-1] == "It is noon."
        assert "Hello." not in voice.texts


async def _is_answered_after_the_sentence(
    providers: Mapping[str, ProviderConfig],
    answer: list[bytes] | None = None,
    waited_s: float = 1.5,
) -> None:
    """Speak while the first provider is mute, and hear the sentence whole and the answer behind.

    Args:
        providers: The first never answers.
        answer: What is heard; None for anything.
        waited_s: When the caller speaks, in s.
    """
    engine = {"fall_back_provider": "second", "fall_back_after_s": 3.0}
    async with (
        running(providers, **engine) as service,
        Telephone.calling(service.address) as phone,
    ):
        await asyncio.sleep(waited_s)
        phone.say(spoken("stop"))
        sentence = service.announcement(AnnouncementKind.FALL_BACK)
        await hears(phone, sentence)
        n_sentence = sum(map(is_sound, sentence))
        assert phone.sounds()[:n_sentence] == [*filter(is_sound, sentence)]
        if answer is None:
            await until(lambda: len(phone.sounds()) > n_sentence)
        else:
            await hears(phone, answer)
        ended = await service.ended_after_hangup(phone)
        record = service.record(phone)
    assert record.provider_times_of(CallerSpeechStarted)
    assert record.times_of(GateEventType.INTERRUPTED) == []
    assert ended.provider == "second"


class TestTheLog:
    """Two of a kind are told apart."""

    @in_socket_time
    async def test_every_event_has_the_name_of_the_provider(self) -> None:
        """As it stands in the configuration."""
        async with embedded() as second:
            providers = {"first": realtime_config(_NOBODY), "second": second}
            with capture_logs() as logged:
                async with (
                    running(providers, fall_back_provider="second") as service,
                    Telephone.calling(service.address) as phone,
                ):
                    await hears(phone, mulaw_frames("hello"))
                    await service.ended_after_hangup(phone)
        told = [
            (entry["event"], entry["provider"])
            for entry in logged
            if entry["event"].startswith("provider.")
        ]
        assert told == [
            ("provider.lost", "first"),
            ("provider.ended", "first"),
            ("provider.connected", "second"),
            ("provider.ended", "second"),
        ]


class TestNobodyIsThere:
    """The caller is told, and the call ends."""

    @in_socket_time
    async def test_both_can_not_be_reached(self) -> None:
        """The whole last sentence is heard before the hangup."""
        providers = {"first": realtime_config(_NOBODY), "second": realtime_config(_NOBODY)}
        async with (
            running(providers, fall_back_provider="second") as service,
            Telephone.calling(service.address) as phone,
        ):
            await until(lambda: phone.is_over)
            ended = await service.ended(phone)
            sentence = service.announcement(AnnouncementKind.UNREACHABLE)
            assert phone.heard_of(sentence) == len(sentence)
            assert ended.reason == "provider_unreachable"
            assert (ended.provider, ended.predecessors) == ("second", ("first",))

    @in_socket_time
    async def test_the_second_dies_too(self) -> None:
        """In the middle of the call."""
        async with RealtimePeer() as second:
            config = realtime_config(second.url, max_reconnects=0)
            providers = {"first": realtime_config(_NOBODY), "second": config}
            async with (
                running(providers, fall_back_provider="second") as service,
                Telephone.calling(service.address) as phone,
            ):
                session = await second.accept_configured()
                await session.receive_audio(4800)
                session.abort()
                await until(lambda: phone.is_over)
                ended = await service.ended(phone)
                sentence = service.announcement(AnnouncementKind.UNREACHABLE)
                assert phone.heard_of(sentence) == len(sentence)
                assert ended.reason == "provider_lost"

    @pytest.mark.parametrize("kind", AnnouncementKind)
    @in_socket_time
    async def test_a_caller_who_hangs_up_during_a_sentence_leaves_nothing_behind(
        self, kind: AnnouncementKind
    ) -> None:
        """Whichever it is."""
        async with RealtimePeer() as first, RealtimePeer() as second:
            is_lost = kind is AnnouncementKind.LOST
            config = realtime_config(first.url if is_lost else _NOBODY, max_reconnects=0)
            providers = {"first": config, "second": realtime_config(second.url)}
            engine = (
                {} if kind is AnnouncementKind.UNREACHABLE else {"fall_back_provider": "second"}
            )
            async with (
                running(providers, **engine) as service,
                Telephone.calling(service.address) as phone,
            ):
                if is_lost:
                    (await first.accept_configured()).abort()
                sentence = service.announcement(kind)
                await until(lambda: phone.heard_of(sentence) > 10)
                ended = await service.ended_after_hangup(phone)
                assert ended.reason == "caller_hangup"
                assert len(service.engine.manager) == 0
                await until(lambda: service.engine.running_calls == 0)

    @in_socket_time
    async def test_other_calls_do_not_notice(self) -> None:
        """One on the second provider talks on while one after the other falls back to it."""
        async with embedded("service_time") as second:
            routes = (RouteConfig(match=RouteMatch(call_id=_OTHER), provider="second"),)
            providers = {"first": realtime_config(_NOBODY), "second": second}
            engine = {"fall_back_provider": "second"}
            async with running(providers, routes=routes, **engine) as service:
                async with Telephone.calling(service.address, call_id=_OTHER) as other:
                    await until(other.sounds)
                    for _ in range(3):
                        async with Telephone.calling(service.address) as phone:
                            await hears(phone, service.announcement(AnnouncementKind.FALL_BACK))
                            await service.ended_after_hangup(phone)
                    await hears(other, mulaw_frames("service_time"))
                    ended = await service.ended_after_hangup(other)
                assert ended.predecessors == ()
                assert (ended.playout_underruns, ended.skipped_slots) == (0, 0)


_OTHER = "00000000-0000-4000-8000-000000000001"


@in_socket_time
async def test_a_provider_of_a_route_whose_key_is_not_set_stops_the_start() -> None:
    """As the default one's does, with all of them at once."""
    from voxgate.errors import ConfigError

    providers = {
        "first": realtime_config(_NOBODY),
        "second": DeepgramConfig(api_key_env="ONE_KEY"),
        "third": realtime_config(_NOBODY, api_key_env="OTHER_KEY"),
    }
    routes = (RouteConfig(provider="second", fall_back_provider="third"),)
    with pytest.raises(ConfigError) as info:
        async with running(providers, routes=routes):
            pass
    assert [problem.key for problem in info.value.problems] == ["ONE_KEY", "OTHER_KEY"]
