"""Traces of calls as a part of what an operator sees: on if the configuration says so.

Invariant: without the extra ``otel`` nothing of it is imported, and whoever asks for traces is told
what to install; sending happens in a thread that nobody waits for.
"""

from __future__ import annotations

__all__ = ["CallTracing"]

import asyncio
import os
import threading
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog

from ..config.tracing_model import TracingConfig
from ..engine import AIEngine
from ..errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from .call_spans import CallSpans
    from .span_export import CountingExporter

_log = structlog.get_logger(__name__)

_LAST_SPANS_S = 5.0
"""Time in s that the last spans get to be sent when everything has ended."""


class CallTracing:
    """Traces the calls of one engine.

    Args:
        engine: Whose calls are traced.
        environ: Where the headers for the collector are, by the name that the configuration gives.
    """

    def __init__(self, engine: AIEngine, *, environ: Mapping[str, str] = os.environ) -> None:
        self._engine = engine
        self._config: TracingConfig = engine.config.tracing
        self._environ = environ
        self._exporter: CountingExporter | None = None
        self._provider: TracerProvider | None = None
        self._spans: CallSpans | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """Nothing for the terminal."""
        return ()

    @property
    def exported(self) -> int:
        """Spans that a collector has taken."""
        return 0 if self._exporter is None else self._exporter.exported

    @property
    def lost(self) -> int:
        """Spans that no collector has taken."""
        return 0 if self._exporter is None else self._exporter.lost

    async def start(self) -> None:
        """Trace calls from now on, where the configuration says so.

        Raises:
            ConfigError: the extra is not installed, or the variable with the headers is not set, or
                holds none.
        """
        if not self._config.enabled:
            return
        try:
            # What is imported here need not be installed where nobody asks for traces.
            from .call_spans import CallSpans
            from .span_export import make_exporter, make_tracer_provider
        except ImportError as exc:
            rule = "needs packages that are not installed: pip install 'voxgate[otel]'"
            raise _problem("tracing.enabled", "true", rule, "configuration") from exc
        self._exporter = make_exporter(self._config, self._headers())
        own_version = version("voxgate")
        self._provider = make_tracer_provider(self._exporter, self._config, version=own_version)
        self._spans = CallSpans(self._provider.get_tracer("voxgate", own_version))
        self._engine.add_observer(self._spans)
        _log.info("tracing.started", endpoint=self._config.endpoint)

    async def stop(self) -> None:
        """Send what is left, for 5 s at most. Idempotent."""
        provider, self._provider = self._provider, None
        if self._spans is not None:
            self._engine.remove_observer(self._spans)
        if provider is None:
            return
        # A thread that nobody has to wait for: a collector may be as slow as it likes.
        last = threading.Thread(target=provider.shutdown, name="tracing.last_spans", daemon=True)
        last.start()
        await asyncio.to_thread(last.join, _LAST_SPANS_S)

    def _headers(self) -> dict[str, str]:
        from .span_export import parse_headers

        name = self._config.headers_env
        if name is None:
            return {}
        text = self._environ.get(name, "")
        if not text.strip():
            rule = "is not set; tracing.headers_env reads the collector's headers from it"
            raise _problem(name, "", rule, "environment")
        try:
            return parse_headers(text)
        except ValueError as exc:
            raise _problem(name, "", f"holds no headers: {exc}", "environment") from None


def _problem(key: str, value: str, rule: str, source: str) -> ConfigError:
    return ConfigError([ConfigProblem(key=key, value=value, rule=rule, source=source)])
