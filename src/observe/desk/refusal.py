"""How the desk says no: one form of answer for every error, in words for the operator.

Invariant: an answer never holds what an exception says of itself, a path of this machine or a
secret.
"""

from __future__ import annotations

__all__ = ["Refusal", "problem_fields"]

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from starlette.responses import JSONResponse

from ...errors import ConfigProblem


class Refusal(Exception):  # noqa: N818 - it is an answer
    """A request is not carried out.

    Args:
        status: Of the answer, by HTTP.
        code: Of a closed set, for the page.
        message: A sentence for the operator.
        problems: What is wrong with values, where values are wrong.
        headers: More of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        problems: Iterable[ConfigProblem] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.problems = tuple(problems)
        self.headers = headers

    def response(self) -> JSONResponse:
        """Return the answer."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.problems:
            error["problems"] = [problem_fields(problem) for problem in self.problems]
        return JSONResponse({"error": error}, self.status, headers=dict(self.headers))


def problem_fields(problem: ConfigProblem) -> dict[str, str]:
    """Return a problem of the configuration as the page gets it."""
    return {
        "key": problem.key,
        "value": problem.value,
        "rule": problem.rule,
        "source": problem.source,
    }
