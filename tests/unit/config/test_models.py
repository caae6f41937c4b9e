"""The models of the configuration, and how the engine gets at their parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from voxgate.config.line_models import AudioSocketConfig, LinesConfig
from voxgate.config.local_models import LocalConfig
from voxgate.config.models import (
    AppConfig,
    EngineConfig,
    GatingSection,
    RealtimeServerConfig,
    unknown_provider,
)
from voxgate.config.provider_models import (
    OpenAIRealtimeConfig,
    TurnDetectionConfig,
    TurnDetectionType,
)
from voxgate.core.config import BargeInConfig, GatingConfig, ProviderGatingPolicy, WithheldAudio

GATED = ProviderGatingPolicy(gating_enabled=True)


def test_the_defaults_run_without_key_and_on_loopback() -> None:
    """A newcomer's first call needs no account and opens nothing to the network."""
    config = AppConfig()
    assert isinstance(config.default_provider, OpenAIRealtimeConfig)
    assert config.default_provider.is_embedded
    assert config.lines.audiosocket.host == config.realtime_server.host == "127.0.0.1"


def test_the_gate_gets_the_sections_and_the_kind_of_every_instance() -> None:
    """A provider of any name is gated as its kind is."""
    barge_in = BargeInConfig(min_ms=200)
    config = AppConfig(
        engine=EngineConfig(default_provider="front-desk"),
        providers={"front-desk": OpenAIRealtimeConfig(), "night": LocalConfig()},
        barge_in=barge_in,
    )
    gating = config.gating_config
    assert gating.barge_in is barge_in
    assert gating.policy_for("front-desk") == GatingConfig().providers["openai_realtime"]
    assert gating.policy_for("night") == GatingConfig().providers["local"]
    assert (gating.vad, gating.audio_guard, gating.idle_fill) == (
        config.vad,
        config.audio_guard,
        config.idle_fill,
    )


def test_the_default_gating_is_the_core_s() -> None:
    """A policy has one default, in the core, whether there is a file or not."""
    assert AppConfig().gating_config.providers == GatingConfig().providers


def test_the_default_provider_is_the_named_one() -> None:
    """The engine asks for the instance, not for a name to look up."""
    config = AppConfig(engine=EngineConfig(default_provider="openai"))
    assert config.default_provider is config.providers["openai"]


def test_models_are_frozen() -> None:
    """What was read once stays what it was."""
    with pytest.raises(FrozenInstanceError):
        AppConfig().engine.max_calls = 3  # type: ignore[misc]


def policies(**changes: Any) -> Callable[[], object]:
    return lambda: GatingSection(providers=changes)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: EngineConfig(max_calls=0), r"^max_calls: 0 is not in 1..10000$"),
        (lambda: EngineConfig(max_calls=True), r"^max_calls: true is not a whole number$"),
        (lambda: EngineConfig(default_provider="My Agent"), r"^default_provider: 'My Agent' is no"),
        (lambda: AudioSocketConfig(port=65_536), r"^port: 65536 is not in 0..65535$"),
        (lambda: AudioSocketConfig(host=""), r"^host: '' is not a host name or address$"),
        (lambda: AudioSocketConfig(host="999.1.1.1"), r"^host: '999.1.1.1' is not a host name or "),
        (lambda: AudioSocketConfig(host="1.2.3"), r"^host: '1.2.3' is not a host name or address$"),
        (lambda: AudioSocketConfig(host="pbx..example"), r"^host: 'pbx..example' is not a host"),
        (lambda: AudioSocketConfig(host="-pbx"), r"^host: '-pbx' is not a host name or address$"),
        (lambda: RealtimeServerConfig(host="::12345"), r"^host: '::12345' is not a host name or"),
        (lambda: LinesConfig(audiosocket=None), r"^audiosocket: null is not a section"),  # type: ignore[arg-type]
        (lambda: RealtimeServerConfig(speed_ratio=0.1), r"^speed_ratio: 0.1 is not in 0.5..100.0$"),
        (
            lambda: AppConfig(engine=EngineConfig(default_provider="opnai")),
            r"^engine.default_provider: 'opnai' is not the name .*did you mean 'openai'\?$",
        ),
        (
            lambda: AppConfig(gating=GatingSection(providers={"openai_realtime": GATED})),
            r"^gating.providers.deepgram: is missing, and provider deepgram needs it$",
        ),
        (policies(opanai=GATED), r"^providers.opanai: is not a known kind .*: openai_realtime, d"),
        (
            policies(local=ProviderGatingPolicy(gating_enabled=True, aliases=("deepgram",))),
            r"^providers.local.aliases: 'deepgram' is a name of deepgram already$",
        ),
        (
            policies(
                openai_realtime=ProviderGatingPolicy(gating_enabled=True, aliases=("x",)),
                local=ProviderGatingPolicy(gating_enabled=True, aliases=("x",)),
            ),
            r"^providers.local.aliases: 'x' is a name of openai_realtime already$",
        ),
    ],
)
def test_a_model_built_in_code_is_checked(build: Callable[[], object], message: str) -> None:
    """Ranges, names and rules across fields hold without a file too."""
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("kind", ["openai_realtime", "deepgram"])
def test_dropping_frames_is_refused_where_it_starves_the_provider(kind: str) -> None:
    """Such a provider would never hear the end of a turn, and never answer."""
    policy = ProviderGatingPolicy(gating_enabled=True, withheld_audio=WithheldAudio.DROP)
    with pytest.raises(ValueError, match=rf"^providers.{kind}.withheld_audio: 'drop' would starve"):
        GatingSection(providers={kind: policy})  # type: ignore[dict-item]


def test_dropping_frames_is_allowed_where_nothing_is_withheld() -> None:
    """The key has no effect while the gate is off for the kind."""
    policy = ProviderGatingPolicy(gating_enabled=False, withheld_audio=WithheldAudio.DROP)
    assert GatingSection(providers={"deepgram": policy}).providers["deepgram"] is policy


def _without_turns(*, is_gated: bool) -> AppConfig:
    policy = ProviderGatingPolicy(gating_enabled=is_gated)
    turns = TurnDetectionConfig(type=TurnDetectionType.NONE)
    return AppConfig(
        engine=EngineConfig(default_provider="mine"),
        providers={"mine": OpenAIRealtimeConfig(turn_detection=turns)},
        gating=GatingSection(providers={"openai_realtime": policy}),
    )


def test_turns_that_nobody_would_find_are_refused() -> None:
    """Neither the server nor the gate: the agent would never answer."""
    rule = r"^providers.mine.turn_detection.type: 'none' leaves the caller's turns to the gate, and"
    with pytest.raises(ValueError, match=rule):
        _without_turns(is_gated=False)
    assert _without_turns(is_gated=True).default_provider.kind == "openai_realtime"


def test_an_unknown_provider_is_told_with_what_there_is() -> None:
    """The same words for a model and for a file."""
    assert unknown_provider("zz", {"a": 1, "b": 2}) == (
        "is not the name of one of the providers; known: a, b"
    )


@pytest.mark.parametrize(
    "section",
    [
        {"engine": EngineConfig(default_provider=f"sk-{'x' * 20}")},
        {"realtime_server": RealtimeServerConfig(answered_by=f"sk-{'x' * 20}")},
    ],
)
def test_a_key_in_place_of_a_name_is_not_shown(section: dict[str, Any]) -> None:
    """It looks like a name, and is a secret all the same."""
    with pytest.raises(ValueError, match=r"\*\*\* is not the name") as info:
        AppConfig(**section)
    assert "xxx" not in str(info.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "::",
        "::1",
        "[::1]",
        "fe80::1%eth0",
        "localhost",
        "pbx_1.example.",
        "4pbx",
        "a-b",
    ],
)
def test_what_a_server_can_listen_on_is_a_host(host: str) -> None:
    """Addresses of both families, and names."""
    assert AudioSocketConfig(host=host).host == RealtimeServerConfig(host=host).host == host


def _sharing(line_host: str, server_host: str, *, port: int = 8090, **more: Any) -> AppConfig:
    return AppConfig(
        lines=LinesConfig(audiosocket=AudioSocketConfig(host=line_host, port=port)),
        realtime_server=RealtimeServerConfig(host=server_host, port=port),
        **more,
    )


@pytest.mark.parametrize(
    ("line_host", "server_host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - nothing listens
        ("10.0.0.1", "::"),
        ("::1", "[::1]"),
    ],
)
def test_one_port_for_two_servers_is_refused(line_host: str, server_host: str) -> None:
    """The second would not start; every address of a host includes each of them."""
    rule = r"^realtime_server.port: 8090 is the port of lines.audiosocket already$"
    with pytest.raises(ValueError, match=rule):
        _sharing(line_host, server_host)


def test_ports_that_do_not_meet_are_fine() -> None:
    """Another address, any free port, or a server that is not started."""
    assert _sharing("127.0.0.1", "127.0.0.2").realtime_server.port == 8090
    assert _sharing("127.0.0.1", "127.0.0.1", port=0).realtime_server.port == 0
    assert _sharing("::1", "127.0.0.1", engine=EngineConfig(default_provider="openai"))
    assert _sharing("::1", "::1", engine=EngineConfig(default_provider="openai"))


@pytest.mark.parametrize(
    ("answered_by", "rule"),
    [
        ("nobody", "'nobody' is not the name of one of the providers"),
        ("embedded", "'embedded' is of the kind openai_realtime, and only one of the kind local"),
    ],
)
def test_the_embedded_server_answers_with_parts_that_exist(answered_by: str, rule: str) -> None:
    """Only a local provider has a recogniser, a reply and a voice to lend."""
    with pytest.raises(ValueError, match=f"^realtime_server.answered_by: {rule}"):
        AppConfig(realtime_server=RealtimeServerConfig(answered_by=answered_by))


@pytest.mark.parametrize("answered_by", ["auto", "scripted", "local"])
def test_who_answers_in_the_embedded_server_can_be_chosen(answered_by: str) -> None:
    """Also without a provider ``local``, unless that is the one that is named."""
    server = RealtimeServerConfig(answered_by=answered_by)
    assert AppConfig(realtime_server=server).realtime_server.answered_by == answered_by
    if answered_by != "local":
        AppConfig(providers={"embedded": OpenAIRealtimeConfig()}, realtime_server=server)
