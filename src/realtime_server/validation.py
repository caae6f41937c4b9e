"""Turns what pydantic found wrong into the API's error: the first problem, in the API's words.

Invariant: the path named is a path of what the client sent, without the names of our own models.
"""

from __future__ import annotations

__all__ = ["request_error", "type_name"]

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .request_error import (
    RequestError,
    invalid_type,
    invalid_value,
    missing_parameter,
    unknown_parameter,
    unsupported_value,
)

_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a decimal number",
    "bool_type": "a boolean",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


def type_name(value: object) -> str:
    """Return how the API calls the JSON type of a value, such as ``a string``."""
    names: tuple[tuple[type, str], ...] = (
        (bool, "a boolean"),
        (int, "an integer"),
        (float, "a decimal number"),
        (str, "a string"),
        (list, "an array"),
        (dict, "an object"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "null")


def request_error(error: ValidationError, sent: object) -> RequestError:
    """Return the API's error for the first problem that validation found in what was sent."""
    detail = error.errors(include_url=False)[0]
    param = _path(detail, sent)
    kind = detail["type"]
    if kind in _EXPECTED:
        return invalid_type(param, expected=_EXPECTED[kind], got=type_name(detail["input"]))
    build = _BUILDERS.get(kind)
    return build(param, detail) if build else invalid_value(param, _sentence(param, detail))


def _path(detail: ErrorDetails, sent: object) -> str:
    """Return the path of a problem as ``session.tools[2].meta``.

    Pydantic puts the tag of a union's member between the fields; what leads nowhere in the data
    is such a tag, unless it is the field that is missing.
    """
    path = ""
    here = sent
    last = len(detail["loc"]) - 1
    for at, step in enumerate(detail["loc"]):
        if isinstance(step, int) and isinstance(here, list) and step < len(here):
            path, here = f"{path}[{step}]", here[step]
        elif isinstance(here, dict) and step in here:
            path, here = f"{path}.{step}", here[str(step)]
        elif at == last and detail["type"] == "missing":
            path = f"{path}.{step}"
    return path.removeprefix(".")


def _missing(param: str, _detail: ErrorDetails) -> RequestError:
    return missing_parameter(param)


def _unknown(param: str, _detail: ErrorDetails) -> RequestError:
    return unknown_parameter(param)


def _missing_tag(param: str, detail: ErrorDetails) -> RequestError:
    tag_field = str(_context(detail)["discriminator"]).strip("'")
    return missing_parameter(f"{param}.{tag_field}".removeprefix("."))


def _wrong_tag(param: str, detail: ErrorDetails) -> RequestError:
    context = _context(detail)
    tag_field = str(context["discriminator"]).strip("'")
    expected = [tag.strip("' ") for tag in str(context["expected_tags"]).split(",")]
    path = f"{param}.{tag_field}".removeprefix(".")
    return unsupported_value(path, str(context["tag"]), expected)


def _wrong_literal(param: str, detail: ErrorDetails) -> RequestError:
    text = str(_context(detail)["expected"]).replace(" or ", ", ")
    expected = [value.strip("' ") for value in text.split(",")]
    sent = detail["input"]
    wanted = "a string" if text.startswith("'") else "an integer"
    if type_name(sent) != wanted:
        return invalid_type(param, expected=wanted, got=type_name(sent))
    return unsupported_value(param, str(sent), expected)


def _out_of_range(param: str, detail: ErrorDetails) -> RequestError:
    context = _context(detail)
    is_low = "ge" in context
    limit = context["ge" if is_low else "le"]
    number = "decimal" if isinstance(limit, float) else "integer"
    side, sign = ("below minimum", ">=") if is_low else ("above maximum", "<=")
    code = f"{number}_below_min_value" if is_low else f"{number}_above_max_value"
    limit_text = f"{limit:g}" if isinstance(limit, float) else str(limit)
    return RequestError(
        f"Invalid '{param}': {number} {side} value. "
        f"Expected a value {sign} {limit_text}, but got {detail['input']} instead.",
        code=code,
        param=param,
    )


def _too_long(param: str, detail: ErrorDetails) -> RequestError:
    limit = _context(detail)["max_length"]
    return RequestError(
        f"Invalid '{param}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {len(str(detail['input']))} instead.",
        code="string_above_max_length",
        param=param,
    )


def _transcription(param: str, detail: ErrorDetails) -> RequestError:
    return RequestError(detail["msg"], code="invalid_parameter", param=param)


def _sentence(param: str, detail: ErrorDetails) -> str:
    message = detail["msg"]
    return message if message.endswith(".") else f"Invalid '{param}': {message}."


def _context(detail: ErrorDetails) -> Mapping[str, Any]:
    return detail.get("ctx", {})


_BUILDERS: dict[str, Callable[[str, ErrorDetails], RequestError]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "union_tag_not_found": _missing_tag,
    "union_tag_invalid": _wrong_tag,
    "literal_error": _wrong_literal,
    "greater_than_equal": _out_of_range,
    "less_than_equal": _out_of_range,
    "string_too_long": _too_long,
    "transcription_session": _transcription,
}
