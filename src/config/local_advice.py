"""What is allowed in a local agent's configuration but probably not meant.

Invariant: a part that lets others on the network listen in is told, whether it answers or not.
"""

from __future__ import annotations

__all__ = ["local_warnings"]

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from .listen_address import is_loopback
from .local_models import (
    ChatReplyConfig,
    LocalConfig,
    PiperVoiceConfig,
    RuleReplyConfig,
    WyomingRecogniserConfig,
    WyomingVoiceConfig,
)
from .models import AppConfig

_WYOMING = (WyomingRecogniserConfig, WyomingVoiceConfig)


def local_warnings(config: AppConfig, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield key and message of each thing that an operator should know."""
    for name, provider in config.providers.items():
        if isinstance(provider, LocalConfig):
            key = f"providers.{name}"
            yield from _open_to_the_network(key, provider)
            yield from _without_effect(key, provider)
            yield from _unnamed_model(key, provider)
            if name in config.answering_providers:
                yield from _missing_key(key, provider, environ)
            if name in (*config.answering_providers, config.realtime_server.answered_by):
                yield from _missing_voice(key, provider)


def _open_to_the_network(key: str, config: LocalConfig) -> Iterator[tuple[str, str]]:
    for part in ("recogniser", "voice"):
        section = getattr(config, part)
        if isinstance(section, _WYOMING) and not _is_here(section.url):
            yield (
                f"{key}.{part}.url",
                "the protocol has no encryption: the network between can hear the call",
            )
    reply = config.reply
    is_plain = isinstance(reply, ChatReplyConfig) and reply.url.startswith("http://")
    if isinstance(reply, ChatReplyConfig) and is_plain and not _is_here(reply.url):
        what = "what is said" if reply.api_key_env is None else "the key and what is said"
        yield f"{key}.reply.url", f"http:// shows {what} to the network: use https://"


def _without_effect(key: str, config: LocalConfig) -> Iterator[tuple[str, str]]:
    """Find keys that are for a language model, where rules answer."""
    if not isinstance(config.reply, RuleReplyConfig):
        return
    if config.instructions != LocalConfig().instructions:
        yield f"{key}.instructions", "has no effect: rules don't read it"
    if config.tools.transfer_targets:
        yield f"{key}.tools.transfer_targets", "has no effect: rules transfer no call"


def _missing_key(
    key: str, config: LocalConfig, environ: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    variable = getattr(config.reply, "api_key_env", None)
    if variable and not environ.get(variable, "").strip():
        yield (
            f"{key}.reply.api_key_env",
            f"the environment variable {variable} is not set: serve will not start without it",
        )


def _unnamed_model(key: str, config: LocalConfig) -> Iterator[tuple[str, str]]:
    """Find a server of one's own that is asked for the model of somebody else's."""
    reply, default = config.reply, ChatReplyConfig()
    if not isinstance(reply, ChatReplyConfig) or reply.url == default.url:
        return
    if reply.model == default.model:
        yield (
            f"{key}.reply.model",
            f"{reply.model}, the default, is asked for: name a model that this server has",
        )


def _missing_voice(key: str, config: LocalConfig) -> Iterator[tuple[str, str]]:
    """Find a voice whose files are not there, or not here."""
    model = getattr(config.voice, "model", None)
    if not isinstance(config.voice, PiperVoiceConfig) or model is None:
        return
    path = Path(model).expanduser()
    for needed in (path, Path(f"{path}.json")):
        if not needed.is_file():
            message = f"'{needed}': there is no such file, and serve will not start"
            yield f"{key}.voice.model", message
            return


def _is_here(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")
