"""The messages of Deepgram's Voice Agent, out of JSON text; binary frames are the agent's voice.

Whatever arrives is data: also a message of no interest, one of a later version of the protocol, and
one that can't be read.

Invariant: no message makes :func:`parse_server_message` raise.
"""

from __future__ import annotations

__all__ = [
    "AgentAudioFinished",
    "AgentSpeechBegun",
    "AgentThought",
    "ErrorReported",
    "FunctionCall",
    "FunctionCallsCancelled",
    "FunctionCallsRequested",
    "InjectionRefused",
    "MessageIgnored",
    "MessageMalformed",
    "MessageUnknown",
    "ServerMessage",
    "SessionMessage",
    "SettingsApplied",
    "TextSpoken",
    "TurnMessage",
    "UserSpeechBegun",
    "VoiceChunk",
    "WarningReported",
    "Welcomed",
    "parse_server_message",
]

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..json_fields import JsonObject, NotAnObject, parsed_object, text_at


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The server is there; it waits for our settings."""


@dataclass(frozen=True, slots=True)
class SettingsApplied:
    """The settings are in force: audio may flow."""


@dataclass(frozen=True, slots=True)
class UserSpeechBegun:
    """The caller speaks; the agent has stopped, and what waits to be played is void."""


@dataclass(frozen=True, slots=True)
class TextSpoken:
    """What one side said, as text. Personal: never logged, and not in ``repr``."""

    is_caller: bool
    content: str = field(repr=False)
    is_aside: bool = False
    """An acknowledgement, a filler: no turn of the conversation."""


@dataclass(frozen=True, slots=True)
class AgentThought:
    """The model is at work."""


@dataclass(frozen=True, slots=True)
class AgentSpeechBegun:
    """The voice of an answer follows."""


@dataclass(frozen=True, slots=True)
class VoiceChunk:
    """A piece of the agent's voice, in the output format of the session."""

    audio: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AgentAudioFinished:
    """All audio of the answer was sent; most of it is still to be played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCall:
    """One function that the model wants to be called by us."""

    id: str
    name: str
    arguments: str = field(repr=False)
    """A JSON object as text, as the model wrote it."""


@dataclass(frozen=True, slots=True)
class FunctionCallsRequested:
    """The model waits for the results of these; those of the server itself are left out."""

    calls: tuple[FunctionCall, ...]


@dataclass(frozen=True, slots=True)
class FunctionCallsCancelled:
    """The caller spoke on: nobody waits for these any more."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InjectionRefused:
    """The agent did not say what it was told to say."""


@dataclass(frozen=True, slots=True)
class ErrorReported:
    """The session is over. The description is left out: it may quote the caller."""

    code: str | None


@dataclass(frozen=True, slots=True)
class WarningReported:
    """Something is amiss, and the session goes on."""

    code: str | None


@dataclass(frozen=True, slots=True)
class MessageIgnored:
    """A message of the protocol that the provider has no use for."""

    type: str


@dataclass(frozen=True, slots=True)
class MessageUnknown:
    """A message that is not in the protocol as we know it."""


@dataclass(frozen=True, slots=True)
class MessageMalformed:
    """Not a message, or one without what makes it one."""

    reason: str
    """Closed set: ``not_json``, ``not_an_object``, ``no_type``, ``no_text`` or ``no_functions``."""


TurnMessage = (
    UserSpeechBegun
    | TextSpoken
    | AgentThought
    | AgentSpeechBegun
    | VoiceChunk
    | AgentAudioFinished
    | FunctionCallsRequested
    | FunctionCallsCancelled
)
"""What happens in the conversation."""

SessionMessage = (
    Welcomed
    | SettingsApplied
    | InjectionRefused
    | ErrorReported
    | WarningReported
    | MessageIgnored
    | MessageUnknown
    | MessageMalformed
)
"""What is about the session itself, or nothing."""

ServerMessage = TurnMessage | SessionMessage

_ROLES = {"user": True, "assistant": False}

_ASIDES = frozenset({"backchannel", "presence_check", "filler"})

_IGNORED = frozenset(
    {
        "FrustrationDetected",
        "FunctionCallResponse",
        "History",
        "LatencyReport",
        "ListenUpdated",
        "PromptUpdated",
        "SpeakUpdated",
        "ThinkLiveUpdated",
        "ThinkUpdated",
        "__customFromThinkProvider",
    }
)


def parse_server_message(message: str | bytes) -> ServerMessage:
    """Return what one message of the server says."""
    if isinstance(message, bytes):
        return VoiceChunk(message)
    fields = parsed_object(message)
    if isinstance(fields, NotAnObject):
        return MessageMalformed(str(fields))
    message_type = text_at(fields, "type")
    if message_type is None:
        return MessageMalformed("no_type")
    parser = _PARSERS.get(message_type)
    if parser is not None:
        return parser(fields)
    return MessageIgnored(message_type) if message_type in _IGNORED else MessageUnknown()


def _parse_text(fields: JsonObject) -> TextSpoken | MessageMalformed:
    is_caller = _ROLES.get(text_at(fields, "role") or "")
    content = text_at(fields, "content")
    if is_caller is None or content is None:
        return MessageMalformed("no_text")
    is_aside = text_at(fields, "conversational_behavior") in _ASIDES
    return TextSpoken(is_caller, content, is_aside)


def _parse_request(fields: JsonObject) -> FunctionCallsRequested | MessageMalformed:
    functions = fields.get("functions")
    if not isinstance(functions, list):
        return MessageMalformed("no_functions")
    calls = [_function_call(entry) for entry in functions]
    if None in calls:
        return MessageMalformed("no_functions")
    ours = zip(calls, functions, strict=True)
    return FunctionCallsRequested(
        tuple(call for call, entry in ours if call and entry.get("client_side") is not False)
    )


def _function_call(entry: object) -> FunctionCall | None:
    if not isinstance(entry, dict):
        return None
    call_id, name, arguments = (text_at(entry, key) for key in ("id", "name", "arguments"))
    if call_id is None or name is None:
        return None
    return FunctionCall(id=call_id, name=name, arguments=arguments or "{}")


def _parse_cancelled(fields: JsonObject) -> FunctionCallsCancelled | MessageMalformed:
    functions = fields.get("functions")
    if not isinstance(functions, list):
        return MessageMalformed("no_functions")
    ids = (text_at(entry, "id") for entry in functions if isinstance(entry, dict))
    return FunctionCallsCancelled(tuple(call_id for call_id in ids if call_id is not None))


_PARSERS: Mapping[str, Callable[[JsonObject], ServerMessage]] = {
    "Welcome": lambda _: Welcomed(),
    "SettingsApplied": lambda _: SettingsApplied(),
    "UserStartedSpeaking": lambda _: UserSpeechBegun(),
    "ConversationText": _parse_text,
    "AgentThinking": lambda _: AgentThought(),
    "AgentStartedSpeaking": lambda _: AgentSpeechBegun(),
    "AgentAudioDone": lambda _: AgentAudioFinished(),
    "FunctionCallRequest": _parse_request,
    "FunctionCallCancelled": _parse_cancelled,
    "InjectionRefused": lambda _: InjectionRefused(),
    "Error": lambda fields: ErrorReported(text_at(fields, "code")),
    "Warning": lambda fields: WarningReported(text_at(fields, "code")),
}
