"""Interruptions as a recogniser left them, for tests of what adds them up."""

from __future__ import annotations

__all__ = ["interrupted"]

from voxgate.lab.recognition.trial import NEVER, Interrupted, Scenario
from voxgate.lab.recognition.word_errors import WordErrors

_WORDS = 10


def interrupted(
    erl_db: float, *, clean: int, raw: tuple[int, int], cancelled: tuple[int, int]
) -> Interrupted:
    """Return an interruption of ten words.

    Args:
        erl_db: Return loss of its line.
        clean: Errors without echo.
        raw: Errors of what was captured, where the agent stops at once and where it goes on.
        cancelled: The same without the echo.
    """
    return Interrupted(
        scenario=Scenario(seed=1, erl_db=erl_db),
        tags={"erl_db": f"{erl_db:g}"},
        without_echo=_errors(clean),
        errors={
            stop: {"raw": _errors(raw[n]), "echo_cancelled": _errors(cancelled[n])}
            for n, stop in enumerate((0.0, NEVER))
        },
    )


def _errors(count: int) -> WordErrors:
    return WordErrors(substitutions=count, deletions=0, insertions=0, words=_WORDS)
