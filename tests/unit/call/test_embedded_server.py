"""Who answers in the embedded server."""

from __future__ import annotations

from typing import Any

import pytest

from support.scripted_parts import ScriptedRecogniser, ScriptedReply, ScriptedVoice
from voxgate.call.embedded_server import choose_agent, make_server, needs_server
from voxgate.config.local_models import ChatReplyConfig, LocalConfig
from voxgate.config.models import AppConfig, EngineConfig, RealtimeServerConfig
from voxgate.config.provider_models import OpenAIRealtimeConfig
from voxgate.local_agent.agent_parts import AgentParts
from voxgate.realtime_server import LocalAnswerer, RealtimeServer


def config_with(answered_by: str, **providers: Any) -> AppConfig:
    given = providers or {"local": LocalConfig()}
    return AppConfig(
        engine=EngineConfig(default_provider="embedded"),
        providers={"embedded": OpenAIRealtimeConfig(url="embedded"), **given},
        realtime_server=RealtimeServerConfig(answered_by=answered_by),
    )


def all_there(_config: LocalConfig) -> None:
    """Nothing is missing."""


def one_missing(_config: LocalConfig) -> str:
    return "piper is not installed"


def test_by_itself_the_local_agent_answers_where_it_can() -> None:
    """Its packages are there; should it not start, sentences will do."""
    agent = choose_agent(config_with("auto"), missing=all_there)
    assert (agent.provider, agent.is_optional) == ("local", True)


def test_by_itself_sentences_answer_where_packages_are_missing() -> None:
    """The log says which."""
    agent = choose_agent(config_with("auto"), missing=one_missing)
    assert (agent.provider, agent.reason) == (None, "piper is not installed")


@pytest.mark.parametrize(
    ("providers", "chosen"),
    [
        ({"shop": LocalConfig(), "night": LocalConfig()}, "shop"),
        ({"night": LocalConfig(), "shop": LocalConfig()}, "night"),
        ({"night": LocalConfig(), "local": LocalConfig()}, "local"),
        ({"local": OpenAIRealtimeConfig(), "night": LocalConfig()}, "night"),
        ({"local": OpenAIRealtimeConfig()}, None),
    ],
)
def test_by_itself_the_first_local_provider_is_taken(
    providers: dict[str, Any], chosen: str | None
) -> None:
    """A file that names its agent otherwise has meant it all the same; one named local wins."""
    assert choose_agent(config_with("auto", **providers), missing=all_there).provider == chosen


def test_what_the_operator_names_must_be_there() -> None:
    """Whether its packages are installed or not: the engine says so when it starts."""
    agent = choose_agent(config_with("night", night=LocalConfig()), missing=one_missing)
    assert (agent.provider, agent.is_optional) == ("night", False)
    assert choose_agent(config_with("scripted"), missing=all_there).provider is None


def test_the_server_is_needed_by_who_can_answer() -> None:
    """A provider that is configured and never reached needs none."""
    assert needs_server(config_with("auto"))
    assert not needs_server(AppConfig(engine=EngineConfig(default_provider="local")))


def test_the_parts_answer_and_hear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each session has an answerer of its own; recogniser, reply and voice are everybody's."""
    made: list[dict[str, Any]] = []
    monkeypatch.setattr("voxgate.call.embedded_server.RealtimeServer", lambda **a: made.append(a))
    parts = AgentParts(
        recogniser=ScriptedRecogniser(), reply=ScriptedReply(), voice=ScriptedVoice()
    )
    config = config_with("local")
    make_server(config, agent=LocalConfig(reply=ChatReplyConfig()), parts=parts)
    make_server(config)

    assert made[0]["recogniser"] is parts.recogniser
    assert isinstance(made[0]["answerer_factory"](), LocalAnswerer)
    assert made[0]["answerer_factory"]() is not made[0]["answerer_factory"]()
    assert made[1] == {
        "host": "127.0.0.1",
        "port": 0,
        "max_sessions": 200,
        "speed_ratio": 8.0,
    }


def test_a_server_of_parts_is_made_as_any_other() -> None:
    """With arguments that it takes."""
    parts = AgentParts(
        recogniser=ScriptedRecogniser(), reply=ScriptedReply(), voice=ScriptedVoice()
    )
    server = make_server(config_with("local"), agent=LocalConfig(greeting=None), parts=parts)
    assert isinstance(server, RealtimeServer)
