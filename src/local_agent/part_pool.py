"""The parts of all local agents: equal ones are one, and one that can't be had is tried anew.

Invariant: a part is started by one attempt at a time, whoever asks for it, and stopped once.
"""

from __future__ import annotations

__all__ = ["LocalPart", "PartPool", "PooledPart"]

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..config.local_models import LocalConfig, RecogniserConfig, ReplyConfig, VoiceConfig
from ..errors import ProviderError
from .agent_parts import AgentParts
from .recogniser import Recogniser
from .reply import Reply
from .voice import Voice

LocalPart = Recogniser | Reply | Voice
"""Any of the three."""
_SECTIONS = ("recogniser", "reply", "voice")


@dataclass(frozen=True, slots=True)
class _Key:
    """What parts are equal by."""

    section: RecogniserConfig | ReplyConfig | VoiceConfig
    api_key: str | None


class PooledPart:
    """One part, started when it is first needed, or needed again.

    Args:
        part: Not started.
    """

    def __init__(self, part: LocalPart) -> None:
        self.part = part
        self.is_started = False
        """Whether a start of it has succeeded."""
        self._attempt: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Start it unless it was started; who asks in the middle of an attempt waits for that one.

        Cancelled, the attempt goes on for others.

        Raises:
            ProviderError: it can't be had; asked again, it is tried again.
        """
        if self.is_started:
            return
        await asyncio.shield(self.try_again())

    def try_again(self) -> asyncio.Task[None]:
        """Return the attempt to start it that is under way, or a new one; never waits."""
        if self._attempt is None or self._attempt.done():
            self._attempt = asyncio.create_task(self._start(), name="local_agent.part_start")
            self._attempt.add_done_callback(_see_error)
        return self._attempt

    async def stop(self) -> None:
        """Stop it, and any attempt to start it."""
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.wait([self._attempt])
        self.is_started = False
        await self.part.stop()

    async def _start(self) -> None:
        await self.part.start()
        self.is_started = True


class PartPool:
    """Holds every part that there is."""

    def __init__(self) -> None:
        self._pooled: list[tuple[_Key, PooledPart]] = []
        self._parts_of: dict[str, dict[str, PooledPart]] = {}

    @property
    def parts(self) -> Mapping[tuple[str, str], LocalPart]:
        """All parts, by the provider's name and the section; equal ones are one object."""
        return {
            (name, section): pooled.part
            for name, parts in self._parts_of.items()
            for section, pooled in parts.items()
        }

    async def add(
        self, name: str, config: LocalConfig, parts: AgentParts, api_key: str | None
    ) -> AgentParts:
        """Return the parts of a local agent, those of an earlier one where they are equal.

        Args:
            name: Of the provider.
            config: What the parts were made from.
            parts: Not started.
            api_key: Key of the reply.
        """
        mine = self._parts_of[name] = {
            section: await self._pooled_part(
                _Key(getattr(config, section), api_key if section == "reply" else None),
                getattr(parts, section),
            )
            for section in _SECTIONS
        }

        async def start_all() -> None:
            await asyncio.gather(*(each.ready() for each in mine.values()))

        shared = {section: pooled.part for section, pooled in mine.items()}
        return replace(parts, start_missing=start_all, **shared)  # type: ignore[arg-type]

    async def start(self, names: Iterable[str]) -> dict[tuple[str, str], ProviderError]:
        """Start the parts of some agents, all at once; return which can't be had.

        Returns:
            The errors by name of the provider and section of the part.
        """
        wanted = [
            (name, section, pooled)
            for name in names
            for section, pooled in self._parts_of[name].items()
        ]
        errors = await asyncio.gather(*(_error_of(pooled) for _, _, pooled in wanted))
        return {
            (name, section): error
            for (name, section, _), error in zip(wanted, errors, strict=True)
            if error is not None
        }

    def has_started(self, name: str, section: str) -> bool:
        """Return whether a part of an agent has been started."""
        return self._parts_of[name][section].is_started

    def try_again(self, name: str) -> None:
        """Have what an agent lacks started, if it can be had now; never waits."""
        for pooled in self._parts_of.get(name, {}).values():
            if not pooled.is_started:
                pooled.try_again()

    async def stop(self) -> None:
        """Stop all of them, the next whatever becomes of the one before; idempotent."""
        self._parts_of.clear()
        async with contextlib.AsyncExitStack() as stack:
            while self._pooled:
                stack.push_async_callback(self._pooled.pop(0)[1].stop)

    async def _pooled_part(self, key: _Key, part: LocalPart) -> PooledPart:
        for known, pooled in self._pooled:
            if known == key:
                if pooled.part is not part:
                    await part.stop()
                return pooled
        self._pooled.append((key, PooledPart(part)))
        return self._pooled[-1][1]


async def _error_of(pooled: PooledPart) -> ProviderError | None:
    try:
        await pooled.ready()
    except ProviderError as error:
        return error
    return None


def _see_error(attempt: asyncio.Task[None]) -> None:
    """Take note of an attempt that failed, though nobody may be waiting for it any more."""
    if not attempt.cancelled():
        attempt.exception()
