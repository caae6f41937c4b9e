"""Everything that an operator sees of an engine beside its log: made, wired and ended in one place.

Each part is made in :func:`_parts`, in the order in which the parts need one another. Invariant:
none of it is needed to serve a call; what can't be started is logged, with what to do about it, and
the engine runs without it.
"""

from __future__ import annotations

__all__ = ["OperationPart", "Operations"]

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

import structlog

from ..engine import AIEngine
from ..errors import ConfigError
from .call_recorder import CallRecorder
from .call_tracing import CallTracing
from .config_keeper import ConfigKeeper
from .config_reloads import ConfigReloads
from .desk import DeskService
from .metrics import CallMetrics

_log = structlog.get_logger(__name__)


class OperationPart(Protocol):
    """One thing that an operator sees: a recorder, metrics, the desk."""

    @property
    def notices(self) -> Iterable[str]:
        """Lines for the terminal once it has started, such as an address; mostly none."""

    async def start(self) -> None:
        """Begin; called once, before the engine's start, in the engine's event loop.

        Raises:
            ConfigError: the operator asked for something that can't be; ends the start of the
                process. Anything else is logged, and the engine runs without this part.
        """

    async def stop(self) -> None:
        """End; called once, after the engine's end, also where the start failed or was left."""


class Operations:
    """What an operator sees of one engine.

    Args:
        engine: Not yet started.
        config_path: The file that its configuration came from; None for the packaged default.
        environ: Where secrets are, by the names that the configuration gives.
        text_at_start: The text of its configuration, where the file need not hold it any more.
        worker: Its number among several processes with one configuration; None: there is one. The
            first writes the history of changes.
    """

    def __init__(
        self,
        engine: AIEngine,
        *,
        config_path: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        text_at_start: str | None = None,
        worker: int | None = None,
    ) -> None:
        self.keeper = ConfigKeeper(
            engine,
            path=config_path,
            environ=environ,
            text_at_start=text_at_start,
            is_shared=worker is not None,
            keeps_history=worker in (None, 1),
        )
        """Of the configuration."""
        self._reloads = ConfigReloads(self.keeper, config_path)
        self.metrics = CallMetrics(engine)
        """Of the engine, as ``/metrics`` shows them."""
        self._parts = _parts(engine, self.keeper, self._reloads, self.metrics, environ)
        self._begun: list[OperationPart] = []

    @property
    def notices(self) -> tuple[str, ...]:
        """Lines for the terminal, once everything has started."""
        return tuple(notice for part in self._begun for notice in part.notices)

    def reload(self) -> None:
        """Have the configuration's file read anew, as SIGHUP does."""
        self._reloads.ask()

    async def start(self) -> None:
        """Start every part; to be called before the engine's start.

        Raises:
            ConfigError: a part was asked for something that can't be.
        """
        for part in self._parts:
            self._begun.append(part)
            try:
                await part.start()
            except ConfigError:
                raise
            except Exception:  # noqa: BLE001 - calls are served without it
                _log.exception("operations.part_failed", part=type(part).__name__)

    async def stop(self) -> None:
        """Stop every part, the last one first, whatever becomes of the others. Idempotent."""
        while self._begun:
            part = self._begun.pop()
            try:
                await part.stop()
            except Exception:  # noqa: BLE001 - the others are stopped all the same
                _log.exception("operations.part_failed", part=type(part).__name__)


def _parts(
    engine: AIEngine,
    keeper: ConfigKeeper,
    reloads: ConfigReloads,
    metrics: CallMetrics,
    environ: Mapping[str, str],
) -> tuple[OperationPart, ...]:
    """Return every part, in the order of their start; each is wired here."""
    tracing = CallTracing(engine, environ=environ)
    recorder = CallRecorder.for_engine(engine)
    keeper.add_listener(lambda _config, change: metrics.count_config_change(change.who))
    metrics.watch("config_changes_total", "file", "refused", read=lambda: reloads.refused)
    metrics.watch("config_changes_total", "desk", "refused", read=lambda: keeper.refused)
    metrics.watch("trace_spans_total", "exported", read=lambda: tracing.exported)
    metrics.watch("trace_spans_total", "lost", read=lambda: tracing.lost)
    metrics.watch("recordings_total", "begun", read=lambda: recorder.counters.chosen)
    metrics.watch("recordings_total", "cut", read=lambda: recorder.cuts)
    metrics.watch("recordings_total", "failed", read=lambda: recorder.failures)
    metrics.watch("recorder_dropped_total", read=lambda: recorder.counters.dropped)
    return (
        reloads,
        metrics,
        tracing,
        recorder,
        DeskService(engine, keeper=keeper, metrics=metrics, environ=environ),
    )
