"""Parses what a client sends: one text message in, one typed event out, or an error that names it.

Invariant: an event that came through is complete and of the right types; what it refers to (items,
responses, audio) is the session's to check.
"""

from __future__ import annotations

__all__ = [
    "AppendAudio",
    "CancelResponse",
    "ClearAudio",
    "ClearOutput",
    "ClientEvent",
    "CommitAudio",
    "CreateItem",
    "CreateResponse",
    "DeleteItem",
    "FunctionCallOutput",
    "ItemReference",
    "NewItem",
    "ResponseOptions",
    "RetrieveItem",
    "TruncateItem",
    "UpdateSession",
    "parse_client_event",
]

from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_core import from_json

from .request_error import RequestError, invalid_type, missing_parameter, unsupported_value
from .session_config import (
    FunctionTool,
    MaxTokens,
    Modality,
    Prompt,
    Reasoning,
    SessionConfig,
    StrictModel,
    ToolChoice,
    Voice,
    WireFormat,
)
from .validation import request_error, type_name

_MAX_ID_LENGTH = 512

Id = Annotated[str, Field(max_length=_MAX_ID_LENGTH)]


class InputText(StrictModel):
    """Text of a user or a system message."""

    type: Literal["input_text"]
    text: str


class InputAudio(StrictModel):
    """Audio of a user message, base64, in the session's input format."""

    type: Literal["input_audio"]
    audio: str
    transcript: str | None = None


class InputImage(StrictModel):
    """A picture; kept and not looked at."""

    type: Literal["input_image"]
    image_url: str
    detail: Literal["auto", "low", "high"] = "auto"


class OutputText(StrictModel):
    """Text of an assistant message; assistant audio can't be created by a client."""

    type: Literal["output_text"]
    text: str


class _Item(StrictModel):
    id: Id | None = None
    object: Literal["realtime.item"] = "realtime.item"
    status: Literal["completed", "incomplete", "in_progress"] = "completed"


class UserMessage(_Item):
    """Something the user said or wrote."""

    type: Literal["message"]
    role: Literal["user"]
    content: list[Annotated[InputText | InputAudio | InputImage, Field(discriminator="type")]]


class SystemMessage(_Item):
    """A word to the model."""

    type: Literal["message"]
    role: Literal["system"]
    content: list[InputText]


class AssistantMessage(_Item):
    """Something the assistant is to have written."""

    type: Literal["message"]
    role: Literal["assistant"]
    content: list[OutputText]


class FunctionCall(_Item):
    """A function call from an earlier conversation."""

    type: Literal["function_call"]
    name: str
    arguments: str
    call_id: str | None = None


class FunctionCallOutput(_Item):
    """What a function gave back."""

    type: Literal["function_call_output"]
    call_id: str
    output: str


Message = Annotated[UserMessage | SystemMessage | AssistantMessage, Field(discriminator="role")]
NewItem = Annotated[Message | FunctionCall | FunctionCallOutput, Field(discriminator="type")]
"""An item that a client may add."""


class ItemReference(StrictModel):
    """An item that the conversation already has."""

    type: Literal["item_reference"]
    id: Id


class ResponseOutput(StrictModel):
    """``response.audio.output``."""

    format: WireFormat | None = None
    voice: Voice | None = None


class ResponseAudio(StrictModel):
    """``response.audio``."""

    output: ResponseOutput = ResponseOutput()


class ResponseOptions(StrictModel):
    """What one response does otherwise than the session says."""

    conversation: Literal["auto", "none"] = "auto"
    instructions: str | None = None
    input: (
        list[
            Annotated[
                Message | FunctionCall | FunctionCallOutput | ItemReference,
                Field(discriminator="type"),
            ]
        ]
        | None
    ) = None
    audio: ResponseAudio = ResponseAudio()
    output_modalities: Modality | None = None
    max_output_tokens: MaxTokens | None = None
    metadata: dict[str, str] | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    prompt: Prompt | None = None
    reasoning: Reasoning | None = None


class _ClientEvent(StrictModel):
    event_id: Id | None = None


class UpdateSession(_ClientEvent):
    """``session.update``."""

    type: Literal["session.update"]
    session: SessionConfig


class AppendAudio(_ClientEvent):
    """``input_audio_buffer.append``: base64 in the session's input format."""

    type: Literal["input_audio_buffer.append"]
    audio: str


class CommitAudio(_ClientEvent):
    """``input_audio_buffer.commit``."""

    type: Literal["input_audio_buffer.commit"]


class ClearAudio(_ClientEvent):
    """``input_audio_buffer.clear``."""

    type: Literal["input_audio_buffer.clear"]


class ClearOutput(_ClientEvent):
    """``output_audio_buffer.clear``: known, but not for WebSockets."""

    type: Literal["output_audio_buffer.clear"]


class CreateItem(_ClientEvent):
    """``conversation.item.create``."""

    type: Literal["conversation.item.create"]
    item: NewItem
    previous_item_id: Id | None = None


class RetrieveItem(_ClientEvent):
    """``conversation.item.retrieve``."""

    type: Literal["conversation.item.retrieve"]
    item_id: Id


class DeleteItem(_ClientEvent):
    """``conversation.item.delete``."""

    type: Literal["conversation.item.delete"]
    item_id: Id


class TruncateItem(_ClientEvent):
    """``conversation.item.truncate``."""

    type: Literal["conversation.item.truncate"]
    item_id: Id
    content_index: Annotated[int, Field(ge=0)]
    audio_end_ms: Annotated[int, Field(ge=0)]


class CreateResponse(_ClientEvent):
    """``response.create``."""

    type: Literal["response.create"]
    response: ResponseOptions | None = None


class CancelResponse(_ClientEvent):
    """``response.cancel``."""

    type: Literal["response.cancel"]
    response_id: Id | None = None


ClientEvent = (
    UpdateSession
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | ClearOutput
    | CreateItem
    | RetrieveItem
    | DeleteItem
    | TruncateItem
    | CreateResponse
    | CancelResponse
)

_MODELS: dict[str, type[ClientEvent]] = {
    "session.update": UpdateSession,
    "input_audio_buffer.append": AppendAudio,
    "input_audio_buffer.commit": CommitAudio,
    "input_audio_buffer.clear": ClearAudio,
    "output_audio_buffer.clear": ClearOutput,
    "conversation.item.create": CreateItem,
    "conversation.item.retrieve": RetrieveItem,
    "conversation.item.delete": DeleteItem,
    "conversation.item.truncate": TruncateItem,
    "response.create": CreateResponse,
    "response.cancel": CancelResponse,
}


def parse_client_event(message: str | bytes) -> ClientEvent:
    """Return the event that a WebSocket message holds.

    Args:
        message: A text message as ``str``, a binary one as ``bytes``.

    Raises:
        RequestError: if it is binary, not JSON, no event of the API, or has a field that is
            unknown, missing, of the wrong type or out of range.
    """
    if isinstance(message, bytes):
        raise RequestError(
            "Expected a text WebSocket message; binary frames are not supported.",
            code="invalid_event",
        )
    sent = _parsed_json(message)
    event_id = sent.get("event_id")
    try:
        return _model_of(sent).model_validate(sent)
    except ValidationError as error:
        problem = request_error(error, sent)
    except RequestError as error:
        problem = error
    if isinstance(event_id, str) and len(event_id) <= _MAX_ID_LENGTH:
        problem = problem.with_event_id(event_id)
    raise problem


def _parsed_json(message: str) -> dict[str, object]:
    try:
        # Of values none is kept: they are ids and what people say, each of them another.
        sent = from_json(message, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise RequestError(
            "Invalid event: failed to parse JSON value.", code="invalid_json"
        ) from error
    if not isinstance(sent, dict):
        raise RequestError(
            f"Invalid event: expected an object, but got {type_name(sent)} instead.",
            code="invalid_event",
        )
    return sent


def _model_of(sent: dict[str, object]) -> type[ClientEvent]:
    if "type" not in sent:
        raise missing_parameter("type")
    event_type = sent["type"]
    if not isinstance(event_type, str):
        raise invalid_type("type", expected="a string", got=type_name(event_type))
    if event_type not in _MODELS:
        raise unsupported_value("type", event_type, tuple(_MODELS))
    return _MODELS[event_type]
