"""The three parts of a local agent, made from its configuration and started together.

Invariant: parts are shared by all calls; they start before the first and stop after the last.
"""

from __future__ import annotations

__all__ = ["AgentParts", "make_parts", "make_recogniser", "make_voice"]

from dataclasses import dataclass
from importlib import import_module
from typing import assert_never

from ..config.local_models import (
    LocalConfig,
    PiperVoiceConfig,
    PocketsphinxConfig,
    RecogniserConfig,
    ReplyConfig,
    RuleReplyConfig,
    VoiceConfig,
    WyomingRecogniserConfig,
    WyomingVoiceConfig,
)
from .recogniser import Recogniser
from .reply import Reply
from .voice import Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentParts:
    """What a local agent is made of."""

    recogniser: Recogniser
    reply: Reply
    voice: Voice

    async def start(self) -> None:
        """Start all of them; where one can't, those before it are stopped again.

        Raises:
            ProviderError: one can't be had.
        """
        started: list[Recogniser | Reply | Voice] = []
        try:
            for part in (self.recogniser, self.reply, self.voice):
                started.append(part)
                await part.start()
        except BaseException:
            for part in started:
                await part.stop()
            raise

    async def stop(self) -> None:
        """Stop all of them, the next whatever becomes of the one before; idempotent."""
        try:
            await self.recogniser.stop()
        finally:
            try:
                await self.reply.stop()
            finally:
                await self.voice.stop()


def make_parts(config: LocalConfig, api_key: str | None) -> AgentParts:
    """Return the parts that a configuration names, not started.

    Args:
        config: What the operator set.
        api_key: Key of the chat endpoint; None where it wants none.
    """
    return AgentParts(
        recogniser=make_recogniser(config.recogniser),
        reply=_make_reply(config.reply, api_key),
        voice=make_voice(config.voice),
    )


def make_recogniser(config: RecogniserConfig) -> Recogniser:
    """Return what hears, not started."""
    # Each import where it is used: parts that nobody chose need not be installed.
    match config:
        case PocketsphinxConfig():
            from .pocketsphinx_recogniser import PocketsphinxRecogniser

            return PocketsphinxRecogniser(config)
        case WyomingRecogniserConfig():
            raise NotImplementedError
        case _:
            assert_never(config)


def make_voice(config: VoiceConfig) -> Voice:
    """Return what speaks, not started."""
    match config:
        case PiperVoiceConfig():
            from .piper_voice import PiperVoice

            return PiperVoice(config)
        case WyomingVoiceConfig():
            raise NotImplementedError
        case _:
            assert_never(config)


def _make_reply(config: ReplyConfig, api_key: str | None) -> Reply:
    name = "rule_reply" if isinstance(config, RuleReplyConfig) else "chat_reply"
    reply: Reply = import_module(f"{__package__}.{name}").make_reply(config, api_key)
    return reply
