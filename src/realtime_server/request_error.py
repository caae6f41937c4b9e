"""What a client is told when it asked for something wrong, in the words of the API.

Invariant: a request error concerns one client event only; the session goes on as if that event had
never come.
"""

from __future__ import annotations

__all__ = [
    "RequestError",
    "invalid_type",
    "invalid_value",
    "missing_parameter",
    "unknown_parameter",
    "unsupported_value",
]

from collections.abc import Sequence

from ..errors import RemoteProtocolError


class RequestError(RemoteProtocolError):
    """A client event that can't be carried out.

    Args:
        message: For the client; may quote what it sent.
        code: Machine-readable reason, None where the API has none.
        param: Path of the offending field, such as ``session.audio.input.format``.
        event_id: The client's own id of the offending event, if it gave one.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None,
        param: str | None = None,
        event_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.event_id = event_id

    def with_event_id(self, event_id: str | None) -> RequestError:
        """Return the same error, about the client event of that id."""
        return RequestError(self.message, code=self.code, param=self.param, event_id=event_id)


def unknown_parameter(param: str) -> RequestError:
    """Return the error of a field that does not exist."""
    return RequestError(f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)


def missing_parameter(param: str) -> RequestError:
    """Return the error of a required field that is not there."""
    message = f"Missing required parameter: '{param}'."
    return RequestError(message, code="missing_required_parameter", param=param)


def invalid_type(param: str, *, expected: str, got: str) -> RequestError:
    """Return the error of a field of the wrong JSON type, such as expected ``an object``."""
    message = f"Invalid type for '{param}': expected {expected}, but got {got} instead."
    return RequestError(message, code="invalid_type", param=param)


def invalid_value(param: str | None, message: str) -> RequestError:
    """Return the error of a field of the right type with a value that is not allowed."""
    return RequestError(message, code="invalid_value", param=param)


def unsupported_value(param: str, value: str, supported: Sequence[str]) -> RequestError:
    """Return the error of a value outside a closed set."""
    return invalid_value(
        param, f"Invalid value: '{value}'. Supported values are: {_listed(supported)}."
    )


def _listed(values: Sequence[str]) -> str:
    """Return ``'a'``, ``'a' and 'b'`` or ``'a', 'b', and 'c'``."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return ", ".join(quoted[:-1]) + f", and {quoted[-1]}"
