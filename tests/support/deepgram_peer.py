"""The other end of a Deepgram Voice Agent connection, at a test's command.

What it receives is judged by the types of the vendor's SDK and by the order that the protocol asks
for, and what it sends by the types too, except where a test sends something odd on purpose. It has
no logic of its own: the test says what comes when.
"""

from __future__ import annotations

__all__ = [
    "AgentServer",
    "DeepgramPeer",
    "PeerSession",
    "judge_client_message",
    "judge_server_message",
]

import asyncio
import json
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

from support.websocket_peer import PATIENCE_S, WebSocketPeer

with warnings.catch_warnings():
    # The SDK imports a part of its WebSocket library that is on its way out.
    warnings.simplefilter("ignore", DeprecationWarning)
    from deepgram.agent.v1 import types
    from deepgram.agent.v1.socket_client import V1SocketClientResponse

Message = dict[str, Any]

_CLIENT_TYPES = (
    types.AgentV1Settings,
    types.AgentV1UpdateListen,
    types.AgentV1UpdateThink,
    types.AgentV1UpdateThinkLive,
    types.AgentV1UpdateSpeak,
    types.AgentV1UpdatePrompt,
    types.AgentV1InjectUserMessage,
    types.AgentV1InjectAgentMessage,
    types.AgentV1SendFunctionCallResponse,
    types.AgentV1KeepAlive,
    types.AgentV1ForceEndTurn,
)


def _type_name(model: type[BaseModel]) -> str:
    name: str = get_args(model.model_fields["type"].annotation)[0]
    return name


def _server_types() -> Mapping[str, Any]:
    models: dict[str, Any] = {"History": types.AgentV1History}
    for member in get_args(V1SocketClientResponse):
        if isinstance(member, type) and issubclass(member, BaseModel):
            models.setdefault(_type_name(member), member)
    return models


_CLIENT_MODELS: Mapping[str, Any] = {_type_name(model): model for model in _CLIENT_TYPES}
_SERVER_MODELS = _server_types()


def judge_client_message(message: Message) -> None:
    """Raise if a message is not exactly one that a client may send."""
    _judge(_CLIENT_MODELS, message)


def judge_server_message(message: Message) -> None:
    """Raise if a message is not exactly one that a server may send."""
    _judge(_SERVER_MODELS, message)


def _judge(models: Mapping[str, Any], message: Message) -> None:
    if message.get("type") not in models:
        raise AssertionError(f"no such message: {message.get('type')!r}")
    model = TypeAdapter(models[message["type"]]).validate_python(message, strict=True)
    # The SDK lets fields pass that it does not know; the server refuses the message.
    extras = list(_extra_fields(model))
    if extras:
        raise AssertionError(f"{message['type']} has fields that the protocol has not: {extras}")


def _extra_fields(value: object) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from value.model_extra or ()
        for name in type(value).model_fields:
            yield from _extra_fields(getattr(value, name))
    elif isinstance(value, list):
        for entry in value:
            yield from _extra_fields(entry)


class AgentServer:
    """What a server holds of one session, without I/O: what came, and what was wrong with it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        """Every text message that came."""
        self.frames: list[bytes] = []
        """Every binary message that came."""
        self.problems: list[str] = []
        """What was wrong with what came."""
        self.settings: Message | None = None
        self._is_welcome_sent = False
        self._is_applied = False
        self._open_calls: set[str] = set()

    def receive(self, data: str | bytes) -> Message | None:
        """Take a message; return it if it is text."""
        if isinstance(data, bytes):
            self.frames.append(data)
            self._require(self._is_applied, "audio before SettingsApplied")
            self._require(bool(data), "an empty frame")
            return None
        message: Message = json.loads(data)
        self.messages.append(message)
        try:
            judge_client_message(message)
        except (AssertionError, ValueError) as exc:
            self.problems.append(f"{message}: {exc}")
            return message
        self._check_order(message)
        return message

    def send(self, message: Message) -> str:
        """Return a message as text, judged by the vendor's types and noted."""
        judge_server_message(message)
        match message["type"]:
            case "Welcome":
                self._is_welcome_sent = True
            case "SettingsApplied":
                self._is_applied = True
            case "FunctionCallRequest":
                self._open_calls |= {entry["id"] for entry in message["functions"]}
            case "FunctionCallCancelled":
                self._open_calls -= {entry["id"] for entry in message["functions"]}
        return json.dumps(message)

    def _check_order(self, message: Message) -> None:
        match message["type"]:
            case "Settings":
                self._require(self._is_welcome_sent, "Settings before Welcome")
                self._require(self.settings is None, "SETTINGS_ALREADY_APPLIED")
                self.settings = message
            case "FunctionCallResponse":
                call_id = message.get("id")
                self._require(call_id in self._open_calls, f"no call {call_id} is open")
                self._open_calls.discard(call_id)
            case _:
                self._require(self.settings is not None, "NON_SETTINGS_MESSAGE_BEFORE_SETTINGS")
                self._require(self._is_applied, f"{message['type']} before SettingsApplied")

    def _require(self, is_right: bool, problem: str) -> None:
        if not is_right:
            self.problems.append(problem)


class PeerSession:
    """One connection, as the server sees it."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._untaken: deque[Message] = deque()
        self._changed = asyncio.Condition()
        self.server = AgentServer()
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
    def problems(self) -> list[str]:
        """What was wrong with what came."""
        return self.server.problems

    @property
    def messages(self) -> list[Message]:
        """Every text message that came."""
        return self.server.messages

    @property
    def audio(self) -> bytes:
        """The caller's audio so far, joined."""
        return b"".join(self.server.frames)

    @property
    def _request(self) -> Request:
        request = self._connection.request
        assert request is not None
        return request

    async def receive(self, message_type: str) -> Message:
        """Wait for the next message of a type; messages of other types stay for other calls."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            while True:
                for message in self._untaken:
                    if message["type"] == message_type:
                        self._untaken.remove(message)
                        return message
                assert not self.is_closed, f"closed while waiting for {message_type}"
                await self._changed.wait()

    async def receive_audio(self, n_bytes: int) -> bytes:
        """Wait until so many bytes of audio came in all, and return them."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            while sum(map(len, self.server.frames)) < n_bytes:
                assert not self.is_closed, "closed while waiting for audio"
                await self._changed.wait()
        return self.audio

    async def wait_closed(self) -> None:
        """Wait until the connection is gone."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            while not self.is_closed:
                await self._changed.wait()

    async def configure(self) -> Message:
        """Do what a server does first, and return the settings that the client asked for."""
        await self.send("Welcome", request_id="request-1")
        settings = await self.receive("Settings")
        await self.send("SettingsApplied")
        return settings

    async def send(self, message_type: str, **fields: Any) -> None:
        """Send a message of the protocol."""
        await self.send_raw(self.server.send({"type": message_type, **fields}))

    async def send_odd(self, message: object) -> None:
        """Send JSON that need not be a message of the protocol."""
        await self.send_raw(json.dumps(message))

    async def send_raw(self, data: str | bytes) -> None:
        """Send text that need not be JSON, or a piece of the agent's voice."""
        await self._connection.send(data)

    async def say(self, text: str, *chunks: bytes, is_done: bool = True) -> None:
        """Let the agent answer, as the documentation has it: text, start, voice, end."""
        await self.send("ConversationText", role="assistant", content=text)
        await self.begin_voice()
        for chunk in chunks:
            await self.send_raw(chunk)
        if is_done:
            await self.send("AgentAudioDone")

    async def begin_voice(self) -> None:
        """Announce the voice of an answer."""
        await self.send("AgentStartedSpeaking", total_latency=0.9, tts_latency=0.2, ttt_latency=0.4)

    async def hear(self, text: str) -> None:
        """Report a whole turn of the caller."""
        await self.send("UserStartedSpeaking")
        await self.send("ConversationText", role="user", content=text)

    async def request_function(
        self, call_id: str, name: str, arguments: str = "{}", *, client_side: bool = True
    ) -> None:
        """Ask for a function to be called."""
        call = {"id": call_id, "name": name, "arguments": arguments, "client_side": client_side}
        await self.send("FunctionCallRequest", functions=[call])

    async def fail(self, code: str) -> None:
        """Send an error whose description holds what must not get into a log."""
        await self.send("Error", code=code, description="SECRET words of the caller")

    async def warn(self, code: str) -> None:
        """Send a warning whose description holds what must not get into a log."""
        await self.send("Warning", code=code, description="SECRET words of the caller")

    async def close(self, code: int = 1000) -> None:
        """Close the connection in good order."""
        await self._connection.close(code)

    def abort(self) -> None:
        """Break the connection, as a pulled plug does."""
        self._connection.transport.abort()

    async def serve(self) -> None:
        """Take messages until the connection is gone."""
        try:
            async for data in self._connection:
                async with self._changed:
                    message = self.server.receive(data)
                    if message is not None:
                        self._untaken.append(message)
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        finally:
            async with self._changed:
                self.is_closed = True
                self._changed.notify_all()


class DeepgramPeer(WebSocketPeer[PeerSession]):
    """A Deepgram Voice Agent server on the loopback."""

    path = "/v1/agent/converse"

    def make_session(self, connection: ServerConnection) -> PeerSession:
        return PeerSession(connection)
