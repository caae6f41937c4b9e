"""Sets up the structured log once, for a whole process.

Invariant: log lines go to standard error, so that a command's own output stays clean, and every
line is an event, those of libraries included; no line holds what an exception quotes. A line that
can't be written is left out.
"""

from __future__ import annotations

__all__ = ["name_process", "set_up_logging"]

import logging
import sys
from collections.abc import Sequence
from functools import partial
from typing import TextIO, cast

import structlog

from ..config.models import LogFormat, LogLevel
from .exception_text import exception_text
from .log_stream import LogStream

_log = structlog.get_logger(__name__)

_MAX_MESSAGE = 100
"""Characters of a library's message that are kept: its first line."""
_MAX_NUMBER = 1 << 32
"""Numbers from here on, which may be somebody's, are not put into a message."""


_PROCESS: dict[str, int] = {}
"""What every line of this process says besides, where there are several."""


def name_process(**fields: int) -> None:
    """Have every line say which of several processes it is of; as ``worker=2``."""
    _PROCESS.update(fields)


def _add_process(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    del logger, method
    return {**event, **_PROCESS}


def set_up_logging(level: LogLevel, log_format: LogFormat) -> None:
    """Write events of a level and above to standard error, for people or for collectors.

    What libraries log through :mod:`logging` becomes the event ``library.logged``, from warnings
    on whatever the level: below, some log every message of a connection, the key included.
    """
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr is not None and sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *([_add_process] if _PROCESS else []),
        _format_exception,
        renderer,
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.value.upper()]
        ),
        # A line is one write: several processes may share the stream.
        logger_factory=structlog.WriteLoggerFactory(
            file=cast("TextIO", LogStream(sys.stderr, partial(_line_about_lost, processors)))
        ),
        cache_logger_on_first_use=False,
    )
    _take_over_libraries()


def _line_about_lost(processors: Sequence[structlog.typing.Processor], n_lost: int) -> str:
    """Return the line that says how many lines are missing before it."""
    log = structlog.wrap_logger(
        structlog.ReturnLogger(), processors=processors, wrapper_class=structlog.BoundLogger
    )
    return f"{log.warning('log.lines_lost', lines=n_lost)}\n"


def _format_exception(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    del logger, method
    exc = event.pop("exc_info", None)
    if exc is True:
        exc = sys.exc_info()[1]
    elif isinstance(exc, tuple):
        exc = exc[1]
    if isinstance(exc, BaseException):
        event["exception"] = exception_text(exc)
    return event


def _take_over_libraries() -> None:
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    for handler in list(root.handlers):
        if isinstance(handler, _LibraryEvents):
            root.removeHandler(handler)
    root.addHandler(_LibraryEvents())


class _LibraryEvents(logging.Handler):
    """Turns what a library logs into an event."""

    def emit(self, record: logging.LogRecord) -> None:
        message = _message(record).partition("\n")[0][:_MAX_MESSAGE]
        level = max(logging.WARNING, min(record.levelno, logging.ERROR))
        _log.log(
            level, "library.logged", library=record.name, message=message, exc_info=record.exc_info
        )


def _message(record: logging.LogRecord) -> str:
    """Return a message, with what was put into it only where that is nothing but small numbers.

    Text may be anybody's: a name, what was said, a key.
    """
    text, given = str(record.msg), record.args
    if given and isinstance(given, tuple) and all(map(_is_small_number, given)):
        try:
            return text % given
        except (TypeError, ValueError):  # a library's mistake costs its own line nothing more
            return text
    return text


def _is_small_number(given: object) -> bool:
    return isinstance(given, int | float) and abs(given) < _MAX_NUMBER
