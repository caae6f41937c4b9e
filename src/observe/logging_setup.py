"""Sets up the structured log once, for a whole process.

Invariant: log lines go to standard error, so that a command's own output stays clean.
"""

from __future__ import annotations

__all__ = ["set_up_logging"]

import logging
import sys

import structlog

from ..config.models import LogFormat, LogLevel


def set_up_logging(level: LogLevel, log_format: LogFormat) -> None:
    """Write events of a level and above to standard error, for people or for collectors."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if log_format is LogFormat.JSON:
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.value.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
