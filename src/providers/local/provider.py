"""The local provider: the shell that runs a call's recognitions, replies and speech.

What is decided is decided in :mod:`.conversation` and :mod:`.caller_turns`. Invariant: a captured
frame is judged and queued at once, whatever a part is doing; a part that fails costs one answer.
"""

from __future__ import annotations

__all__ = ["LocalProvider"]

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from ...clock import Clock, monotonic_ms
from ...config.local_models import LocalConfig
from ...core.gate_decision import PASS_THROUGH, GateDecision
from ...errors import LocalProtocolError, ProviderError
from ...local_agent.agent_parts import AgentParts
from ...local_agent.recogniser import Recognition
from ..base import (
    AgentAudio,
    AgentAudioDone,
    CallAudio,
    Capabilities,
    ProviderEnded,
    ProviderEvent,
    ProviderReady,
)
from ..event_queue import EventQueue
from ..gating import GatingManager
from ..setup import ProviderSetup
from ..tools import ToolRegistry
from .answering import Answering
from .caller_turns import CallerTurns, TurnBegan, TurnEnded
from .conversation import Conversation
from .ears import Ears, GatedEars, OwnEars
from .listening import Listening
from .words import is_made_of

_PLEASE_REPEAT = "I did not get that, please say it again."
"""Said where the caller spoke and no word was understood."""
_SURELY_SPOKEN_MS = 500.0
"""Speech from which a turn without a word is asked for again: a cough is shorter."""


class LocalProvider:
    """One call's agent on this machine.

    Args:
        config: What the operator set.
        call_id: The call, as the manager knows it.
        call_audio: Formats of the call's line.
        manager: The gate; asked about frames only if ``is_gated``.
        parts: What hears, answers and speaks, started if it can be had; shared by all calls.
        clock: The manager's clock.
        tools: Functions that the reply may call; none if left out.
        is_gated: The gate is in front of this agent.
        ears: What judges the frames; what suits ``is_gated`` if left out.
    """

    def __init__(
        self,
        config: LocalConfig,
        *,
        call_id: str,
        call_audio: CallAudio,
        manager: GatingManager,
        parts: AgentParts,
        clock: Clock = monotonic_ms,
        tools: ToolRegistry | None = None,
        is_gated: bool = False,
        ears: Ears | None = None,
    ) -> None:
        self._config = config
        self._parts = parts
        self._call_id = call_id
        self._clock = clock
        self._is_gated = is_gated
        own = GatedEars(manager, call_id) if is_gated else None
        self._ears = ears or own or OwnEars(config.turns, call_audio, clock())
        self._turns = CallerTurns(config.turns)
        self._listening = Listening(parts.recogniser, call_audio.capture)
        self._conversation = Conversation(call_id, call_audio.playout, manager)
        self._events = EventQueue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answering = Answering(
            config,
            call_id=call_id,
            playout=call_audio.playout,
            conversation=self._conversation,
            parts=parts,
            clock=clock,
            tools=ToolRegistry() if tools is None else tools,
            emit=self._emit,
        )
        self._answer: asyncio.Task[None] | None = None
        self._last_turn: asyncio.Task[None] | None = None
        self._was_started = False
        self._has_asked_again = False

    @classmethod
    def from_setup(cls, setup: ProviderSetup) -> LocalProvider:
        """Make the provider of one call, as the registry does.

        Raises:
            TypeError: if the configuration is that of another kind.
            ProviderError: if nobody has started the parts.
        """
        if not isinstance(setup.config, LocalConfig):
            raise TypeError(f"config: {setup.config.kind} is not local")
        if setup.parts is None:
            raise ProviderError(
                "local", "its parts were not started", code="not_started", retryable=False
            )
        return cls(
            setup.config,
            call_id=setup.call_id,
            call_audio=setup.call_audio,
            manager=setup.manager,
            parts=setup.parts,
            clock=setup.clock,
            tools=setup.tools,
            is_gated=setup.is_gated,
        )

    @property
    def capabilities(self) -> Capabilities:
        """Gated only where the operator wants it: it tells its own echo from the caller."""
        return Capabilities(
            needs_gating=self._is_gated, detects_turns=True, reports_interruption=True
        )

    async def start(self) -> None:
        """Be ready at once, as the parts are, and greet who has not yet said anything.

        Raises:
            LocalProtocolError: if it was started or stopped before.
            ProviderError: a part could not be had when the engine started, and can't be now.
        """
        await self._parts.ready()
        if self._was_started or self._events.is_closed:
            raise LocalProtocolError("start: the provider was started or stopped before")
        self._was_started = True
        self._events.put_nowait(ProviderReady())
        if self._config.greeting:
            self._greet(self._config.greeting)

    async def send_audio(self, frame: bytes) -> GateDecision:
        """Judge one captured frame, and let the recogniser have it; never waits."""
        return self.send_audio_at_once(frame)

    def send_audio_at_once(self, frame: bytes) -> GateDecision:
        """Do so without a coroutine."""
        if self._events.is_closed:
            return PASS_THROUGH
        now_ms = self._clock()
        decision = self._ears.process(frame, now_ms)
        for audio in decision.audio_for(frame) if self._is_gated else (frame,):
            self._listening.hear(audio)
        self._follow_turns(decision, now_ms)
        return decision if self._is_gated else PASS_THROUGH

    async def advance(self) -> GateDecision:
        """Let a slot pass; never waits."""
        return self.advance_at_once()

    def advance_at_once(self) -> GateDecision:
        """Do so without a coroutine."""
        if self._events.is_closed:
            return PASS_THROUGH
        now_ms = self._clock()
        decision = self._ears.advance(now_ms)
        if self._is_gated:
            for audio in decision.audio:
                self._listening.hear(audio)
        self._follow_turn(self._turns.advance(now_ms), now_ms)
        return decision if self._is_gated else PASS_THROUGH

    async def interrupt(self, heard_ms: Mapping[str, float]) -> None:
        """Stop the answer, and remember what was heard of it; never waits."""
        self.interrupt_at_once(heard_ms)

    def interrupt_at_once(self, heard_ms: Mapping[str, float]) -> None:
        """Do so without a coroutine."""
        now_ms = self._clock()
        self._ears.interrupt(now_ms)
        if self._answer is not None:
            self._answer.cancel()
            self._answer = None
        self._conversation.interrupt(heard_ms, now_ms)
        self._pass_on()

    async def events(self) -> AsyncIterator[ProviderEvent]:
        """Yield events, the last one a ``ProviderEnded``; one consumer."""
        while True:
            event = await self._events.get()
            if self._conversation.is_to_be_delivered(event):
                self._follow_playout(event)
                yield event
            if isinstance(event, ProviderEnded):
                return

    async def stop(self) -> None:
        """End everything; idempotent."""
        self._events.close(ProviderEnded())
        self._ears.close()
        tasks = (*self._tasks, *self._answering.functions)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if (recognition := self._listening.take()) is not None:
            await recognition.cancel()

    # -- the caller's turns ------------------------------------------------------------------------

    def _follow_turns(self, decision: GateDecision, now_ms: float) -> None:
        """Take what the gate said of a frame, and listen from where a turn may have begun."""
        is_own = self._turns.is_suspected and is_made_of(
            self._listening.text, self._conversation.agent_words
        )
        event = self._turns.process(
            decision, now_ms, is_agent_heard=self._ears.is_agent_heard, is_own_words=is_own
        )
        if self._turns.is_suspected:
            evidence = decision.measurements
            self._listening.begin(0.0 if evidence is None else evidence.evidence_ms)
        elif not self._turns.is_speaking and event is None:
            self._drop_suspicion()
        self._follow_turn(event, now_ms)

    def _follow_turn(self, event: TurnBegan | TurnEnded | None, now_ms: float) -> None:
        if isinstance(event, TurnBegan):
            self._listening.begin(now_ms - event.capture_ms)
            self._conversation.begin_turn(
                event.capture_ms, now_ms, is_over_agent=event.is_over_agent
            )
            self._pass_on()
        elif isinstance(event, TurnEnded):
            self._conversation.end_turn(event.capture_ms, now_ms)
            self._pass_on()
            if (recognition := self._listening.take()) is not None:
                self._last_turn = self._spawn(
                    self._recognise(recognition, event.speech_ms, self._last_turn)
                )

    def _drop_suspicion(self) -> None:
        if (recognition := self._listening.take()) is not None:
            self._spawn(recognition.cancel())

    async def _recognise(
        self, recognition: Recognition, speech_ms: float, earlier: asyncio.Task[None] | None
    ) -> None:
        """Get the words of a turn, and have it answered unless the caller speaks again."""
        try:
            text = await _words_after(recognition, earlier)
        except ProviderError as error:
            can_speak = not self._conversation.is_caller_speaking
            self._begin(partial(self._answering.excuse, error, can_speak=can_speak))
            return
        is_understood = self._conversation.hear(text)
        self._pass_on()
        if self._conversation.is_caller_speaking:
            return
        if is_understood:
            self._has_asked_again = False
            self._begin(self._answering.answer)
        else:
            self._go_on(speech_ms)

    def _go_on(self, speech_ms: float) -> None:
        """Make good a turn in which nobody said a word."""
        if unheard := self._conversation.take_unheard():
            self._begin(partial(self._answering.say, unheard))
        elif self._conversation.has_open_question and _is_done(self._answer):
            self._begin(self._answering.answer)
        elif speech_ms >= _SURELY_SPOKEN_MS and not self._has_asked_again:
            self._has_asked_again = True
            self._begin(partial(self._answering.say, _PLEASE_REPEAT))

    def _greet(self, greeting: str) -> None:
        """Greet, unless a caller who had to wait for this agent has said something already."""
        if self._conversation.is_caller_speaking or not _is_done(self._last_turn):
            self._conversation.postpone(greeting)
        elif not self._conversation.has_heard and _is_done(self._answer):
            self._begin(partial(self._answering.say, greeting))

    # -- the agent's answers -----------------------------------------------------------------------

    def _begin(self, answer: Callable[[], Awaitable[None]]) -> None:
        """Answer now; an answer under way is given up, as there is a newer question."""
        if self._answer is not None:
            self._answer.cancel()
        self._answer = self._spawn(self._run_answer(answer))

    async def _run_answer(self, answer: Callable[[], Awaitable[None]]) -> None:
        try:
            await answer()
        except ProviderError as error:
            self._events.close(ProviderEnded(error))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine, name=f"provider {self._call_id} local")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _emit(self, event: ProviderEvent | None) -> None:
        """Give the engine what has happened, then this; waits while the queue is full."""
        self._pass_on()
        if event is not None:
            await self._events.put(event)

    def _pass_on(self) -> None:
        while (event := self._conversation.next_event()) is not None:
            self._events.put_nowait(event)

    def _follow_playout(self, event: ProviderEvent) -> None:
        """Let the ears know what playout gets, when it gets it."""
        match event:
            case AgentAudio(item_id, audio):
                self._ears.enqueue(item_id, audio)
            case AgentAudioDone(item_id):
                self._ears.finish(item_id)


def _is_done(task: asyncio.Task[None] | None) -> bool:
    return task is None or task.done()


async def _words_after(recognition: Recognition, earlier: asyncio.Task[None] | None) -> str:
    """Return the words of a turn, or raise, once the turn before it is heard, or has failed.

    A short turn may be understood before a long one that was said before it.

    Raises:
        ProviderError: the recogniser failed.
    """
    failure: ProviderError | None = None
    text = ""
    try:
        text = await recognition.finish()
    except ProviderError as error:
        failure = error
    except asyncio.CancelledError:
        await recognition.cancel()
        raise
    if earlier is not None:
        await asyncio.wait([earlier])
    if failure is not None:
        raise failure
    return text
