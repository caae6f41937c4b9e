"""The three parts of a local agent, made from its configuration and started together.

Invariant: parts are shared by all calls; they start before the first and stop after the last.
"""

from __future__ import annotations

__all__ = ["AgentParts", "make_parts", "make_recogniser", "make_voice"]

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import assert_never

from ..config.local_models import (
    ChatReplyConfig,
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
from .required_packages import missing_modules, modules_of
from .unavailable_part import UnavailablePart
from .voice import Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentParts:
    """What a local agent is made of."""

    recogniser: Recogniser
    reply: Reply
    voice: Voice
    start_missing: Callable[[], Awaitable[None]] | None = field(default=None, repr=False)
    """Starts those that could not be started before; None where they were, or nobody will."""

    async def ready(self) -> None:
        """Have all of them, as far as they can be had by now: a call begins.

        Raises:
            ProviderError: one can't be had.
        """
        if self.start_missing is not None:
            await self.start_missing()

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

    A part whose package is not installed says so when it is started.

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
    if missing := missing_modules(modules_of(config)):
        return UnavailablePart(config.kind, missing)
    # Each import where it is used: parts that nobody chose need not be installed.
    match config:
        case PocketsphinxConfig():
            from .pocketsphinx_recogniser import PocketsphinxRecogniser

            return PocketsphinxRecogniser(config)
        case WyomingRecogniserConfig():
            from .wyoming_recogniser import WyomingRecogniser

            return WyomingRecogniser(config)
        case _:
            assert_never(config)


def make_voice(config: VoiceConfig) -> Voice:
    """Return what speaks, not started."""
    if missing := missing_modules(modules_of(config)):
        return UnavailablePart(config.kind, missing)
    match config:
        case PiperVoiceConfig():
            from .piper_voice import PiperVoice

            return PiperVoice(config)
        case WyomingVoiceConfig():
            from .wyoming_voice import WyomingVoice

            return WyomingVoice(config)
        case _:
            assert_never(config)


def _make_reply(config: ReplyConfig, api_key: str | None) -> Reply:
    if missing := missing_modules(modules_of(config)):
        return UnavailablePart(config.kind, missing)
    match config:
        case RuleReplyConfig():
            from . import rule_reply

            return rule_reply.make_reply(config, api_key)
        case ChatReplyConfig():
            from . import chat_reply

            return chat_reply.make_reply(config, api_key)
        case _:
            assert_never(config)
