"""Events of every type of the Realtime protocol, filled in after the models of the ``openai`` SDK.

They are right in form and without meaning: what a fuzz changes, and what a parser must know.
"""

from __future__ import annotations

__all__ = ["client_events", "server_events"]

import types
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel

_MAX_DEPTH = 6
_IDS = ("a", "b", "c", "r1", "r2", "f1")
_TEXTS = ("Hi", "", '{"city":"Ulm"}', "completed", "failed", "rate_limit_exceeded", "gICA", "//8=")


def server_events(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return one event of each type, the optional fields of which may be there or not."""
    events = _one_of_each(RealtimeServerEvent, rng)
    for event in events:
        if event["type"] == "response.output_audio.delta":
            event["delta"] = "gICA//8="  # the models know no base64
    return events


def client_events(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return one event of each type that a client may send, likewise."""
    return _one_of_each(RealtimeClientEvent, rng)


def _one_of_each(union: Any, rng: np.random.Generator) -> list[dict[str, Any]]:
    return [_filled(model, rng, 0) for model in get_args(get_args(union)[0])]


def _filled(model: type[BaseModel], rng: np.random.Generator, depth: int) -> dict[str, Any]:
    filled = {}
    for name, field in model.model_fields.items():
        is_left_out = depth >= _MAX_DEPTH or rng.random() < 0.3
        if not field.is_required() and is_left_out:
            continue
        filled[field.alias or name] = _value(name, field.annotation, rng, depth)
    return filled


def _value(name: str, hint: Any, rng: np.random.Generator, depth: int) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return arguments[rng.integers(len(arguments))]
    if origin in {Union, types.UnionType}:
        # Python keeps one of equal unions, so that their order depends on who was imported first.
        options = sorted(arguments, key=str)
        return _value(name, options[rng.integers(len(options))], rng, depth)
    if origin is list:
        return [_value(name, arguments[0], rng, depth + 1) for _ in range(rng.integers(0, 3))]
    if origin is dict:
        return {"key": _value(name, arguments[1], rng, depth + 1)}
    if origin is not None and arguments:
        return _value(name, arguments[0], rng, depth)  # Annotated
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return _filled(hint, rng, depth + 1)
    return _scalar(name, hint, rng)


def _scalar(name: str, hint: Any, rng: np.random.Generator) -> Any:
    if hint is str:
        options = _IDS if name == "id" or name.endswith("_id") else _TEXTS
        return options[rng.integers(len(options))]
    if hint is bool:
        return bool(rng.random() < 0.5)
    if hint is int:
        return int(rng.integers(0, 5000))
    if hint is float:
        return float(rng.integers(0, 5000)) / 2
    return None
