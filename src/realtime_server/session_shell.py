"""One connection: sockets, tasks and clocks around :class:`RealtimeSession`.

One task owns the session: it alone feeds it, drains it and writes. A reader task, the answerer's
and the recogniser's only fill its bounded inbox; when that is full they wait, and so, by TCP, does
the client. Invariant: an answerer or a recogniser that raises fails its answer or its turn alone.
"""

from __future__ import annotations

__all__ = ["SessionShell", "event_text"]

import asyncio
import json
from dataclasses import dataclass
from typing import assert_never

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from ..clock import Clock
from ..errors import VoxgateError
from ..local_agent.recogniser import Recogniser
from .answerer import Answerer, AnswerRequest, FunctionCall, Speech
from .closing import closing
from .listener import Listener
from .outbox import (
    AskAnswer,
    CloseSession,
    DropAnswer,
    DropTurn,
    EndTurn,
    HearTurn,
    SendEvent,
    SessionOutput,
)
from .server_events import Event
from .session import RealtimeSession

_MAX_INBOX = 64
"""Inputs that may wait for a session's task; beyond it whoever brings more waits."""
_MAX_INBOX_BYTES = 2**20
"""Of messages that wait; beyond it no further one is read until the session has taken them."""
_MAX_AWAITED = 32
"""Turns whose words may be awaited at a time; of a further one they are not asked for."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Message:
    data: str | bytes


@dataclass(frozen=True, slots=True)
class _Piece:
    response_id: str
    piece: Speech | FunctionCall


@dataclass(frozen=True, slots=True)
class _AnswerEnd:
    response_id: str
    is_failed: bool


@dataclass(frozen=True, slots=True)
class _Words:
    item_id: str
    text: str | None


@dataclass(frozen=True, slots=True)
class _Gone:
    """The client is gone."""


_Input = _Message | _Piece | _AnswerEnd | _Words | _Gone


class SessionShell:
    """One connection: its inbox, its tasks, and the loop that owns the session.

    Args:
        connection: The client.
        session: What is said to it.
        answerer: Answers it.
        recogniser: Hears the words of its turns; None: nobody does.
        clock: Monotonic clock in ms.
    """

    def __init__(
        self,
        connection: ServerConnection,
        session: RealtimeSession,
        *,
        answerer: Answerer,
        recogniser: Recogniser | None,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._session = session
        self._answerer = answerer
        self._clock = clock
        self._inbox: asyncio.Queue[_Input] = asyncio.Queue(_MAX_INBOX)
        self._inbox_bytes = 0
        self._has_room = asyncio.Event()
        self._answers: dict[str, asyncio.Task[None]] = {}
        self._listener = None if recogniser is None else Listener(recogniser)
        self._words: set[asyncio.Task[None]] = set()
        self._may_go_on = asyncio.Event()

    async def run(self) -> None:
        """Serve until the client is gone or the session is over."""
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(self._read(), name="realtime session reader")
            try:
                await self._loop(tasks)
            except ConnectionClosed:
                pass
            finally:
                reader.cancel()
                for task in (*self._answers.values(), *self._words):
                    task.cancel()
                if self._listener is not None:
                    await self._listener.stop()

    async def _loop(self, tasks: asyncio.TaskGroup) -> None:
        """Drain, wait for an input or the deadline, feed; over and over."""
        while await self._drain(tasks):
            received = await self._next_input()
            if isinstance(received, _Gone):
                return
            now_ms = self._clock()
            if received is not None:
                self._feed(received, now_ms)
            self._session.handle_deadline(now_ms)
            await asyncio.sleep(0)  # a burst of messages is one session's, not everybody's

    async def _next_input(self) -> _Input | None:
        """Return the next input, or None when the session's deadline is reached."""
        deadline_ms = self._session.next_deadline_ms()
        wait_ms = None if deadline_ms is None else max(0.0, deadline_ms - self._clock())
        try:
            async with asyncio.timeout(None if wait_ms is None else wait_ms / 1000):
                return await self._inbox.get()
        except TimeoutError:
            return None

    def _feed(self, received: _Message | _Piece | _AnswerEnd | _Words, now_ms: float) -> None:
        match received:
            case _Message(data):
                self._inbox_bytes -= len(data)
                self._has_room.set()
                self._session.receive_message(data, now_ms)
            case _Words(item_id, text):
                self._session.receive_transcript(item_id, text, now_ms)
            case _Piece(response_id, piece):
                if isinstance(piece, FunctionCall):
                    self._session.receive_function_call(response_id, piece, now_ms)
                else:
                    self._session.receive_speech(response_id, piece, now_ms)
            case _AnswerEnd(response_id, is_failed=True):
                self._session.receive_answer_failure(response_id, now_ms)
            case _AnswerEnd(response_id):
                self._session.receive_answer_end(response_id, now_ms)
            case _:
                assert_never(received)

    async def _drain(self, tasks: asyncio.TaskGroup) -> bool:
        """Do what the session wants done; return whether it goes on."""
        while (output := self._session.next_output()) is not None:
            await self._carry_out(output, tasks)
        if self._session.is_answer_ahead:
            self._may_go_on.clear()
        else:
            self._may_go_on.set()
        return not self._session.is_closed

    async def _carry_out(self, output: SessionOutput, tasks: asyncio.TaskGroup) -> None:
        match output:
            case SendEvent(event):
                await self._connection.send(event_text(event))
            case AskAnswer(response_id, request):
                self._answers[response_id] = tasks.create_task(
                    self._answer(response_id, request), name="realtime answer"
                )
            case DropAnswer(response_id):
                if (answer := self._answers.pop(response_id, None)) is not None:
                    answer.cancel()
            case CloseSession(code, reason):
                await self._connection.close(code, reason)
            case HearTurn() | EndTurn() | DropTurn():
                await self._listen(output, tasks)
            case _:
                assert_never(output)

    async def _listen(
        self, output: HearTurn | EndTurn | DropTurn, tasks: asyncio.TaskGroup
    ) -> None:
        assert self._listener is not None, "the session knows whether there is one"  # noqa: S101
        match output:
            case HearTurn(item_id=item_id, audio=audio, audio_format=audio_format):
                self._listener.hear(item_id, audio, audio_format)
            case EndTurn(item_id) if len(self._words) >= _MAX_AWAITED:
                await self._listener.drop(item_id)
                _log.warning(
                    "realtime_server.transcription_failed",
                    session_id=self._session.record.session_id,
                    error="TooMany",
                    reason=f"{_MAX_AWAITED} turns are awaited already",
                )
                self._session.receive_transcript(item_id, None, self._clock())
            case EndTurn(item_id):
                task = tasks.create_task(
                    self._wait_for_words(self._listener, item_id), name="realtime words"
                )
                self._words.add(task)
                task.add_done_callback(self._words.discard)
            case DropTurn(item_id):
                await self._listener.drop(item_id)

    async def _read(self) -> None:
        try:
            async for data in self._connection:
                self._inbox_bytes += len(data)
                await self._inbox.put(_Message(data))
                while self._inbox_bytes > _MAX_INBOX_BYTES:
                    self._has_room.clear()
                    await self._has_room.wait()
        except ConnectionClosed:
            pass
        await self._inbox.put(_Gone())

    async def _wait_for_words(self, listener: Listener, item_id: str) -> None:
        """Give the session the words of a turn, as soon as they are there."""
        text: str | None = None
        try:
            text = await listener.finish(item_id)
        except Exception as exc:  # noqa: BLE001 - a recogniser's fault is one turn's
            _log.warning("realtime_server.transcription_failed", **self._told_of(exc))
        await self._inbox.put(_Words(item_id, text))

    async def _answer(self, response_id: str, request: AnswerRequest) -> None:
        """Let the answerer speak; cancelled when nobody waits for it any more."""
        is_failed = False
        try:
            async with closing(self._answerer.answer(request)) as pieces:
                async for piece in pieces:
                    await self._inbox.put(_Piece(response_id, piece))
                    await self._may_go_on.wait()
        except Exception as exc:  # noqa: BLE001 - an answerer's fault ends its response alone
            _log.warning("realtime_server.answer_failed", **self._told_of(exc))
            is_failed = True
        await self._inbox.put(_AnswerEnd(response_id, is_failed))
        self._answers.pop(response_id, None)

    def _told_of(self, exc: Exception) -> dict[str, str | None]:
        """Return what the log says of a failure; errors of others may hold words of the call."""
        return {
            "session_id": self._session.record.session_id,
            "error": type(exc).__name__,
            "reason": str(exc) if isinstance(exc, VoxgateError) else None,
        }


def event_text(event: Event) -> str:
    """Return an event as it is sent."""
    return json.dumps(event, separators=(",", ":"))
