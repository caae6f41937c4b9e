"""The other end of a Realtime connection, at a test's command.

What it receives is judged by the types of the ``openai`` SDK, and what it sends too, except where a
test sends something odd on purpose. It has no logic of its own: the test says what comes when.
"""

from __future__ import annotations

__all__ = ["PeerSession", "RealtimePeer", "judge_client_event", "judge_server_event"]

import asyncio
import json
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

from support.websocket_peer import PATIENCE_S, WebSocketPeer

Event = dict[str, Any]


def _models_by_type(union: Any) -> Mapping[str, type[BaseModel]]:
    models = get_args(get_args(union)[0])
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in models}


_CLIENT_MODELS = _models_by_type(RealtimeClientEvent)
_SERVER_MODELS = _models_by_type(RealtimeServerEvent)


def judge_client_event(event: Event) -> None:
    """Raise if an event is not exactly a client event of the GA protocol."""
    _judge(_CLIENT_MODELS, event)


def judge_server_event(event: Event) -> None:
    """Raise if an event is not exactly a server event of the GA protocol."""
    _judge(_SERVER_MODELS, event)


def _judge(models: Mapping[str, type[BaseModel]], event: Event) -> None:
    if event.get("type") not in models:
        raise AssertionError(f"no such event: {event.get('type')!r}")
    model = models[event["type"]].model_validate(event, strict=True)
    # The SDK lets fields pass that it does not know; a server would not.
    extras = list(_extra_fields(model))
    if extras:
        raise AssertionError(f"{event['type']} has fields that the protocol has not: {extras}")


def _extra_fields(value: object) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from value.model_extra or ()
        for name in type(value).model_fields:
            yield from _extra_fields(getattr(value, name))
    elif isinstance(value, list):
        for entry in value:
            yield from _extra_fields(entry)


class PeerSession:
    """One connection, as the server sees it."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._untaken: deque[Event] = deque()
        self._changed = asyncio.Condition()
        self._n_sent = 0
        self.events: list[Event] = []
        """Every event that came, audio included."""
        self.audio = bytearray()
        """The audio of all appends, joined."""
        self.problems: list[str] = []
        """What was wrong with what came."""
        self.is_closed = False

    @property
    def path(self) -> str:
        """Path and query of the request."""
        return self._request.path

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the request."""
        return self._request.headers

    @property
    def close_code(self) -> int | None:
        """With what code the connection was closed; None while it is open."""
        return self._connection.close_code

    @property
    def _request(self) -> Request:
        request = self._connection.request
        assert request is not None
        return request

    async def receive(self, event_type: str) -> Event:
        """Wait for the next event of a type; events of other types stay for other calls."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            while True:
                for event in self._untaken:
                    if event["type"] == event_type:
                        self._untaken.remove(event)
                        return event
                assert not self.is_closed, f"closed while waiting for {event_type}"
                await self._changed.wait()

    async def receive_audio(self, n_bytes: int) -> bytes:
        """Wait until so many bytes of audio were appended in all, and return them."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            while len(self.audio) < n_bytes:
                assert not self.is_closed, "closed while waiting for audio"
                await self._changed.wait()
        return bytes(self.audio)

    async def wait_closed(self) -> None:
        """Wait until the connection is gone."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            while not self.is_closed:
                await self._changed.wait()

    async def configure(self) -> Event:
        """Do what a server does first, and return the ``session`` that the client asked for."""
        await self.send("session.created", session={"type": "realtime"})
        update = await self.receive("session.update")
        await self.send("session.updated", session=update["session"])
        session: Event = update["session"]
        return session

    async def send(self, event_type: str, **fields: Any) -> None:
        """Send an event of the GA protocol."""
        event = {"type": event_type, "event_id": self._next_id(), **fields}
        judge_server_event(event)
        await self.send_odd(event)

    async def send_odd(self, event: object) -> None:
        """Send JSON that need not be an event of the GA protocol."""
        await self.send_text(json.dumps(event))

    async def send_text(self, text: str | bytes) -> None:
        """Send a message that need not be JSON."""
        await self._connection.send(text)

    async def start_response(self, response_id: str) -> None:
        """Begin an answer."""
        await self.send("response.created", response={"id": response_id, "status": "in_progress"})

    async def send_voice(self, response_id: str, item_id: str, audio: bytes) -> None:
        """Send a piece of the agent's voice."""
        await self.send(
            "response.output_audio.delta",
            response_id=response_id,
            item_id=item_id,
            output_index=0,
            content_index=0,
            delta=b64encode(audio).decode(),
        )

    async def finish_voice(self, response_id: str, item_id: str) -> None:
        """Say that an item's audio is complete."""
        await self.send(
            "response.output_audio.done",
            response_id=response_id,
            item_id=item_id,
            output_index=0,
            content_index=0,
        )

    async def end_response(self, response_id: str, status: str = "completed") -> None:
        """Say that an answer is complete, or that it was given up."""
        await self.send("response.done", response={"id": response_id, "status": status})

    async def send_error(self, code: str, *, event_id: str | None = None) -> None:
        """Send an error event whose message holds what must not get into a log."""
        await self.send(
            "error",
            error={
                "type": "invalid_request_error",
                "code": code,
                "message": "Incorrect key: sk-SECRET-IN-MESSAGE",
                "event_id": event_id,
            },
        )

    def stop_reading(self) -> None:
        """Leave what comes in the socket, as a server that hangs does."""
        self._connection.transport.pause_reading()  # type: ignore[attr-defined]

    async def close(self, code: int = 1000) -> None:
        """Close the connection in good order."""
        await self._connection.close(code)

    def abort(self) -> None:
        """Break the connection, as a pulled plug does."""
        self._connection.transport.abort()

    async def serve(self) -> None:
        """Take messages until the connection is gone."""
        try:
            async for message in self._connection:
                await self._take(message)
        except ConnectionClosed:
            pass
        finally:
            async with self._changed:
                self.is_closed = True
                self._changed.notify_all()

    async def _take(self, message: str | bytes) -> None:
        event = json.loads(message)
        try:
            judge_client_event(event)
        except (AssertionError, ValueError) as exc:
            self.problems.append(f"{event}: {exc}")
        async with self._changed:
            self.events.append(event)
            if event["type"] == "input_audio_buffer.append":
                self.audio += b64decode(event["audio"], validate=True)
            self._untaken.append(event)
            self._changed.notify_all()

    def _next_id(self) -> str:
        self._n_sent += 1
        return f"event-{self._n_sent}"


class RealtimePeer(WebSocketPeer[PeerSession]):
    """A server of the Realtime protocol on the loopback."""

    path = "/v1/realtime"

    def make_session(self, connection: ServerConnection) -> PeerSession:
        return PeerSession(connection)
