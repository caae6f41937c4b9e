"""The three parts of a local agent, made from its configuration and started together.

Invariant: parts are shared by all calls; they start before the first and stop after the last.
"""

from __future__ import annotations

__all__ = ["AgentParts"]

from dataclasses import dataclass

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
