"""What calls share, with a server that needs no socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace

import pytest
from structlog.testing import capture_logs

import voxgate.call.embedded_server
import voxgate.call.services
from support.scripted_parts import ScriptedRecogniser, ScriptedReply, ScriptedVoice
from support.stand_in_server import StandInServer
from voxgate.call import CallServices
from voxgate.call.announcements import AnnouncementKind
from voxgate.call.embedded_server import choose_agent
from voxgate.config.announcement_models import AnnouncementConfig, AnnouncementsConfig
from voxgate.config.local_models import ChatReplyConfig, LocalConfig
from voxgate.config.models import AppConfig, EngineConfig, RealtimeServerConfig
from voxgate.config.provider_models import OpenAIRealtimeConfig, ProviderConfig
from voxgate.core.audio import AudioFormat
from voxgate.errors import ConfigError, LocalProtocolError, ProviderError, TransportError
from voxgate.local_agent.agent_parts import AgentParts
from voxgate.providers.registry import ProviderRegistry
from voxgate.providers.scripted import ScriptedProvider

_EMBEDDED = OpenAIRealtimeConfig(url="embedded", api_key_env="UNREAD")
_CHATTY = LocalConfig(reply=ChatReplyConfig(api_key_env="CHAT_KEY"))
_KEYED = OpenAIRealtimeConfig(api_key_env="AGENT_KEY")


def services_for(
    provider: ProviderConfig, environ: Mapping[str, str] | None = None
) -> CallServices:
    registry = ProviderRegistry()
    registry.register("openai_realtime", ScriptedProvider.from_setup)
    registry.register("local", None)
    config = AppConfig(
        engine=EngineConfig(default_provider="agent"),
        providers={"agent": provider, "other": OpenAIRealtimeConfig(api_key_env="OTHER_KEY")},
    )
    return CallServices(config, environ=environ or {}, providers=registry)


class UnsteadyRecogniser(ScriptedRecogniser):
    """Starts, or does not."""

    def __init__(self, *, fails: bool) -> None:
        super().__init__()
        self._fails = fails

    async def start(self) -> None:
        if self._fails:
            raise ProviderError("parts", "out of order", retryable=False)
        await super().start()


def services_of_embedded(
    answered_by: str, local: LocalConfig, environ: Mapping[str, str] | None = None
) -> CallServices:
    registry = ProviderRegistry()
    registry.register("openai_realtime", ScriptedProvider.from_setup)
    config = AppConfig(
        engine=EngineConfig(default_provider="agent"),
        providers={"agent": _EMBEDDED, "local": local},
        realtime_server=RealtimeServerConfig(answered_by=answered_by),
    )
    return CallServices(config, environ=environ or {}, providers=registry)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> StandInServer:
    """Stand in for the embedded server."""
    stand_in = StandInServer()
    monkeypatch.setattr(voxgate.call.embedded_server, "RealtimeServer", stand_in)
    return stand_in


class TestStart:
    """What is needed is there before the first call."""

    async def test_a_key_that_is_not_set_is_named_with_its_provider(self) -> None:
        """The provider that never answers needs no key."""
        with pytest.raises(ConfigError) as info:
            await services_for(_KEYED).start()
        assert [problem.key for problem in info.value.problems] == ["AGENT_KEY"]
        assert "provider 'agent'" in str(info.value)

    async def test_a_kind_that_cannot_be_had_is_an_error(self) -> None:
        """Before anything is started."""
        config = AppConfig(engine=EngineConfig(default_provider="local"))
        registry = ProviderRegistry()
        registry.register("local", None)
        services = CallServices(config, environ={}, providers=registry)
        with pytest.raises(ProviderError, match="local: not available"):
            await services.start()

    async def test_the_embedded_server_runs_where_it_can_answer(
        self, server: StandInServer
    ) -> None:
        """Its address takes the place of its name, and no key is read for it."""
        services = services_for(_EMBEDDED, {"UNREAD": "k-secret"})
        await services.start()
        access = services.access_to("agent")
        assert server.is_running
        assert isinstance(access.config, OpenAIRealtimeConfig)
        assert access.config.url == server.url
        assert access.api_key is None
        await services.stop()
        await services.stop()
        assert not server.is_running

    async def test_no_server_is_started_for_nobody(self, server: StandInServer) -> None:
        """An engine for the cloud opens no port."""
        services = services_for(_KEYED, {"AGENT_KEY": "k-secret"})
        await services.start()
        assert not server.is_running

    async def test_an_address_that_is_taken_is_an_error_of_ours(
        self, server: StandInServer
    ) -> None:
        """Named with the section, and worth another try."""
        server.error = OSError(98, "Address already in use")
        with pytest.raises(TransportError, match=r"realtime_server 127.0.0.1:0: can't") as info:
            await services_for(_EMBEDDED).start()
        assert info.value.retryable


class TestAccess:
    """What a provider of a call is given."""

    async def test_the_key_is_of_the_variable_that_the_configuration_names(self) -> None:
        """And never shown."""
        services = services_for(_KEYED, {"AGENT_KEY": "k-secret", "OTHER_KEY": "k-other"})
        await services.start()
        access = services.access_to("agent")
        assert (access.config, access.api_key) == (_KEYED, "k-secret")
        assert "k-secret" not in repr(access)

    def test_a_server_that_does_not_run_has_no_address(self) -> None:
        """A mistake of our own, and said so."""
        with pytest.raises(LocalProtocolError, match="embedded server does not run"):
            services_for(_EMBEDDED).access_to("agent")


class TestEmbeddedAgent:
    """Who answers in the embedded server."""

    @pytest.fixture
    def parts(self, monkeypatch: pytest.MonkeyPatch) -> list[UnsteadyRecogniser]:
        """Stand in for the recogniser of every local agent that is made."""
        made: list[UnsteadyRecogniser] = []

        def make(_config: LocalConfig, api_key: str | None) -> AgentParts:
            made.append(UnsteadyRecogniser(fails=api_key == "bad"))
            return AgentParts(recogniser=made[-1], reply=ScriptedReply(), voice=ScriptedVoice())

        monkeypatch.setattr(voxgate.call.services, "make_parts", make)
        return made

    async def test_the_parts_of_a_local_provider_answer(
        self, server: StandInServer, parts: list[UnsteadyRecogniser]
    ) -> None:
        """They start before the server, and stop after it; no other provider gets them."""
        services = services_of_embedded("local", LocalConfig())
        await services.start()
        assert [part.is_running for part in parts] == [True]
        assert server.arguments["recogniser"] is parts[0]
        assert services.access_to("agent").parts is None
        await services.stop()
        assert [part.is_running for part in parts] == [False]

    async def test_sentences_need_no_parts(
        self, server: StandInServer, parts: list[UnsteadyRecogniser]
    ) -> None:
        """Nothing is loaded for them."""
        await services_of_embedded("scripted", LocalConfig()).start()
        assert parts == []
        assert server.arguments.get("recogniser") is None

    async def test_parts_that_were_named_must_start(
        self, server: StandInServer, parts: list[UnsteadyRecogniser]
    ) -> None:
        """Else nothing does, and nothing is left running."""
        services = services_of_embedded("local", _CHATTY, {"CHAT_KEY": "bad"})
        with pytest.raises(ProviderError, match="out of order"):
            await services.start()
        assert not server.is_running
        assert [part.is_running for part in parts] == [False]

    async def test_the_key_of_a_provider_that_was_named_must_be_set(
        self, server: StandInServer
    ) -> None:
        """As that of one that answers calls."""
        with pytest.raises(ConfigError, match="CHAT_KEY: is not set; provider 'local'"):
            await services_of_embedded("local", _CHATTY).start()
        assert not server.is_running

    @pytest.mark.parametrize("environ", [{"CHAT_KEY": "bad"}, {}])
    @pytest.mark.usefixtures("parts")
    async def test_parts_that_nobody_named_may_fail(
        self, server: StandInServer, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Sentences answer in their place, and the engine starts."""
        monkeypatch.setattr(
            "voxgate.call.services.choose_agent",
            lambda config: choose_agent(config, missing=lambda _: None),
        )
        await services_of_embedded("auto", _CHATTY, environ).start()
        assert server.is_running
        assert server.arguments.get("recogniser") is None


class AwayReply(ScriptedReply):
    """Its server is away until it is said to be there, or for ever."""

    def __init__(self, *, is_retryable: bool) -> None:
        super().__init__()
        self.is_away = True
        self.starts = 0
        self._is_retryable = is_retryable

    async def start(self) -> None:
        self.starts += 1
        if self.is_away:
            raise ProviderError("chat", "the server is away", retryable=self._is_retryable)


class TestPartsThatAreAway:
    """A server that does not answer when the engine starts."""

    def services(
        self, monkeypatch: pytest.MonkeyPatch, reply: AwayReply
    ) -> tuple[CallServices, list[ScriptedRecogniser]]:
        """Return those of an agent with a chat server, and of another one that has rules."""
        made: list[ScriptedRecogniser] = []

        def make(config: LocalConfig, _key: str | None) -> AgentParts:
            made.append(ScriptedRecogniser())
            is_chat = isinstance(config.reply, ChatReplyConfig)
            own = reply if is_chat else ScriptedReply()
            return AgentParts(recogniser=made[-1], reply=own, voice=ScriptedVoice())

        monkeypatch.setattr(voxgate.call.services, "make_parts", make)
        registry = ProviderRegistry()
        registry.register("local", ScriptedProvider.from_setup)
        chat = ChatReplyConfig(url="http://127.0.0.1:9/v1")
        config = AppConfig(
            engine=EngineConfig(default_provider="agent", fall_back_provider="night"),
            providers={"agent": LocalConfig(reply=chat), "night": LocalConfig()},
        )
        return CallServices(config, environ={}, providers=registry), made

    async def test_it_keeps_nobody_from_starting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A warning names provider and address; its calls try again, and have it once it is
        there."""
        reply = AwayReply(is_retryable=True)
        services, made = self.services(monkeypatch, reply)
        with capture_logs() as logged:
            await services.start()
        (warning,) = (each for each in logged if each["log_level"] == "warning")
        assert warning["event"] == "local_agent.part_unreachable"
        assert (warning["provider"], warning["part"]) == ("agent", "reply")
        assert warning["address"] == "127.0.0.1:9"
        parts, other = services.access_to("agent").parts, services.access_to("night").parts
        assert parts is not None
        assert other is not None
        await other.ready()
        with pytest.raises(ProviderError, match="the server is away"):
            await parts.ready()
        reply.is_away = False
        await parts.ready()
        assert [each.is_running for each in made] == [True, False], "they share the recogniser"
        await services.stop()
        assert [each.is_running for each in made] == [False, False]

    async def test_behind_the_embedded_server_it_is_tried_again_with_each_call(
        self, server: StandInServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The server is there at once, and its agent as soon as it can be had."""
        reply = AwayReply(is_retryable=True)
        self.services(monkeypatch, reply)
        services = services_of_embedded("local", LocalConfig(reply=ChatReplyConfig()))
        with capture_logs() as logged:
            await services.start()
        assert "local_agent.part_unreachable" in [each["event"] for each in logged]
        assert server.arguments["recogniser"] is not None
        starts = reply.starts
        services.access_to("agent")
        await asyncio.sleep(0)
        reply.is_away = False
        await asyncio.sleep(0)
        services.access_to("agent")
        await asyncio.sleep(0)
        services.access_to("agent")
        await asyncio.sleep(0)
        assert reply.starts == starts + 2
        await services.stop()

    async def test_what_can_never_be_had_stops_the_start(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The error names the part by its key, and nothing is left running."""
        services, made = self.services(monkeypatch, AwayReply(is_retryable=False))
        with pytest.raises(ProviderError, match=r"^providers\.agent\.reply: chat: the server is"):
            await services.start()
        assert [each.is_running for each in made] == [False, False]


class TestAnnouncements:
    """What callers hear when a provider fails."""

    async def test_there_are_none_before_the_start(self) -> None:
        """And all of them after it, though no voice is installed for them."""
        services = services_for(_KEYED, {"AGENT_KEY": "k-secret"})
        kind = AnnouncementKind.UNREACHABLE
        assert services.announcements.audio_for(kind, AudioFormat()) is None
        await services.start()
        assert services.announcements.audio_for(kind, AudioFormat())

    async def test_the_voice_of_a_local_agent_speaks_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The one that answers."""
        voice = ScriptedVoice()
        parts = AgentParts(recogniser=ScriptedRecogniser(), reply=ScriptedReply(), voice=voice)
        monkeypatch.setattr(voxgate.call.services, "make_parts", lambda config, api_key: parts)
        registry = ProviderRegistry()
        registry.register("local", ScriptedProvider.from_setup)
        config = AppConfig(engine=EngineConfig(default_provider="local"))
        services = CallServices(config, environ={}, providers=registry)
        await services.start()
        own = services.access_to("local").parts
        assert own is not None
        assert own.voice is voice
        texts = asdict(config.announcements).values()
        assert voice.texts == [section["text"] for section in texts]
        await services.stop()

    async def test_one_that_can_not_be_had_stops_the_start(self, server: StandInServer) -> None:
        """And nothing is left running."""
        gone = AnnouncementConfig(text="Oh.", file="/nowhere/a.wav")
        config = AppConfig(announcements=AnnouncementsConfig(lost=gone))
        config = replace(config, realtime_server=RealtimeServerConfig(answered_by="scripted"))
        registry = ProviderRegistry()
        registry.register("openai_realtime", ScriptedProvider.from_setup)
        services = CallServices(config, environ={}, providers=registry)
        with pytest.raises(ConfigError, match=r"announcements\.lost\.file: .* can't be read"):
            await services.start()
        assert not server.is_running


class TestAnotherConfiguration:
    """What a running engine can follow."""

    async def test_parts_that_were_not_started_are_not_to_be_had(self) -> None:
        """A local agent can't be named later; one that nobody names is no trouble."""
        services = services_for(_KEYED, {"AGENT_KEY": "k-secret"})
        await services.start()
        config = AppConfig(
            engine=EngineConfig(default_provider="agent"),
            providers={"agent": _KEYED, "mine": LocalConfig()},
        )
        registry = ProviderRegistry()
        for kind in ("openai_realtime", "local"):
            registry.register(kind, ScriptedProvider.from_setup)
        services._providers = registry
        services.follow(config, await services.prepare(config))
        assert services.access_to("mine").parts is None
        engine = EngineConfig(default_provider="agent", fall_back_provider="mine")
        with pytest.raises(ConfigError, match=r"fall_back_provider: 'mine' has parts") as info:
            await services.prepare(replace(config, engine=engine))
        assert "restart voxgate" in str(info.value)

    async def test_a_call_reaches_who_was_configured_when_it_began(self) -> None:
        """By the configuration that it began with."""
        services = services_for(_KEYED, {"AGENT_KEY": "k-secret", "OTHER_KEY": "k-other"})
        await services.start()
        before = services._config
        after = AppConfig(
            engine=EngineConfig(default_provider="agent"), providers={"agent": _KEYED}
        )
        services.follow(after, await services.prepare(after))
        assert services.access_to("other", before).api_key == "k-other"
