"""A local provider on a test bench: turns are said in one call, events are gathered."""

from __future__ import annotations

__all__ = ["FRAME", "LocalBench", "texts_of"]

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from support.local_parts import (
    ScriptedEars,
    ScriptedRecogniser,
    ScriptedReply,
    ScriptedVoice,
    parts_of,
    speech,
)
from support.scripted_gate import ScriptedGate
from voxgate.config.local_models import LocalConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.local_agent.reply import HistoryItem, Said
from voxgate.providers.base import CallAudio, ProviderEnded, ProviderEvent
from voxgate.providers.local import LocalProvider
from voxgate.providers.tools import ToolRegistry

Event = TypeVar("Event")

LINE = AudioFormat(Encoding.MULAW)
FRAME = b"\x12" * 160


class LocalBench:
    """Everything around one provider; nothing happens before :meth:`start`."""

    def __init__(
        self,
        *texts: str,
        greeting: str | None = None,
        tools: ToolRegistry | None = None,
        is_gated: bool = False,
        start_missing: Callable[[], Awaitable[None]] | None = None,
        **settings: Any,
    ) -> None:
        self.gate = ScriptedGate()
        self.ears = ScriptedEars()
        self.recogniser = ScriptedRecogniser(*texts)
        self.reply = ScriptedReply()
        self.voice = ScriptedVoice()
        self.now_ms = 1000.0
        self.provider = LocalProvider(
            LocalConfig(greeting=greeting, **settings),
            call_id="call-1",
            call_audio=CallAudio(capture=LINE, playout=LINE),
            manager=self.gate,
            parts=replace(
                parts_of(self.recogniser, self.reply, self.voice), start_missing=start_missing
            ),
            clock=lambda: self.now_ms,
            tools=tools,
            is_gated=is_gated,
            ears=None if is_gated else self.ears,
        )
        self.events: list[ProviderEvent] = []
        self._gathering: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the provider, and gather what it tells."""
        await self.provider.start()
        self._gathering = asyncio.create_task(self._gather())
        await self.settle()

    async def stop(self) -> None:
        """End it, and see that nothing is left behind."""
        await self.provider.stop()
        if self._gathering is not None:
            await self._gathering
        left = [task for task in asyncio.all_tasks() if "provider" in task.get_name()]
        assert left == []

    async def settle(self) -> None:
        """Let everything happen that waits for nothing."""
        for _ in range(100):
            await asyncio.sleep(0)

    async def begin_turn(self, *, over_agent_ms: float | None = None) -> None:
        """Let the caller speak for 100 ms, or over the agent until the evidence is so much."""
        for _ in range(5):
            self.ears.decisions.append(speech(over_agent_ms=over_agent_ms))
            self.now_ms += 20.0
            await self.provider.send_audio(FRAME)
            if over_agent_ms is not None:
                break
        await self.settle()

    async def end_turn(self, silence_ms: float = 600.0) -> None:
        """Let the caller be silent."""
        self.now_ms += silence_ms
        await self.provider.advance()
        await self.settle()

    async def say(self) -> None:
        """Let the caller have a turn; what is understood, the recogniser was told."""
        await self.begin_turn()
        await self.end_turn()

    def of(self, kind: type[Event]) -> list[Event]:
        """Return the events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def has_ended(self) -> bool:
        """Whether the provider is gone."""
        return bool(self.of(ProviderEnded))

    async def _gather(self) -> None:
        async for event in self.provider.events():
            self.events.append(event)


def texts_of(history: Iterable[HistoryItem]) -> list[str]:
    """Return what was said, as ``caller: text`` and ``agent: text``."""
    return [f"{item.role}: {item.text}" for item in history if isinstance(item, Said)]
