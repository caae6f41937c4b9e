"""Judges what the embedded server sends by the types of the ``openai`` SDK, strictly.

The SDK's own connection does not validate, and its models let unknown fields pass; both are made up
for here.
"""

from __future__ import annotations

__all__ = ["server_event_types", "validated"]

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from openai.types.realtime import RealtimeServerEvent
from openai.types.realtime.realtime_session_create_response import RealtimeSessionCreateResponse
from pydantic import BaseModel

_MODELS: Mapping[str, type[BaseModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model
    for model in get_args(get_args(RealtimeServerEvent)[0])
}

_SESSION_IDENTITY = frozenset({"session.id", "session.object", "session.expires_at"})
"""Fields that the API sends in session events; the SDK has them in another model of the session."""


def server_event_types() -> frozenset[str]:
    """Return the names of all server events of the protocol."""
    return frozenset(_MODELS)


def validated(event: Mapping[str, Any]) -> BaseModel:
    """Return an event as the SDK's model of it.

    Raises:
        AssertionError: if the SDK knows no such event, or no such field of it.
        pydantic.ValidationError: if a field is missing or of the wrong type.
    """
    assert event.get("type") in _MODELS, f"no such event: {event.get('type')!r}"
    assert event.get("event_id"), f"{event['type']} has no event_id"
    model = _MODELS[event["type"]].model_validate(event, strict=True)
    unknown = set(_unknown_fields(model)) - _SESSION_IDENTITY
    assert not unknown, f"{event['type']} has fields that the SDK does not know: {unknown}"
    if event["type"].startswith("session."):
        RealtimeSessionCreateResponse.model_validate(_as_response(event["session"]), strict=True)
    return model


def _as_response(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return a session without what only the SDK's model of a request knows."""
    known = {key: value for key, value in session.items() if key != "parallel_tool_calls"}
    output = session.get("audio", {}).get("output", {})
    if isinstance(output.get("voice"), dict):  # a voice of the client's own, by its id
        known["audio"] = {**session["audio"], "output": {**output, "voice": output["voice"]["id"]}}
    return known


def _unknown_fields(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, BaseModel):
        for name in value.model_extra or ():
            yield f"{path}{name}"
        for name in type(value).model_fields:
            yield from _unknown_fields(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, list):
        for member in value:
            yield from _unknown_fields(member, path)
