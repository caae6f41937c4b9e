"""Follows the configuration's file while the engine runs: on SIGHUP, and where it is to, on change.

Invariant: a file that is wrong changes nothing and stops nothing; every reading that somebody asked
for, or that found something, is told in the log.
"""

from __future__ import annotations

__all__ = ["FROM_FILE", "ConfigReloads"]

import asyncio
import contextlib
import signal
from pathlib import Path

import structlog

from ..config.models import AppConfig
from ..errors import ConfigError
from .config_file import ConfigFile
from .config_history import ConfigChange
from .config_keeper import ConfigKeeper
from .logging_setup import set_up_logging

_log = structlog.get_logger(__name__)

_FILE, _SIGNAL = "file", "SIGHUP"
FROM_FILE = frozenset({_FILE, _SIGNAL})
"""Who asks for the changes that the file brings."""
_LOOK_ANYWAY_MS = 5_000
"""Time in ms after which the file is looked at without word from the system: some file systems,
such as those of a network, give none."""
_SETTLE_S = 0.1
"""Time in s without another change after which a file that has changed is read: not every editor
puts it in place at once."""
_LOG_KEYS = frozenset({"engine.log_level", "engine.log_format"})


class ConfigReloads:
    """Reads the file anew, by a task of its own.

    Args:
        keeper: Of the configuration; started here.
        path: The file; None: there is none to follow.
    """

    notices: tuple[str, ...] = ()
    """Lines for the terminal: none."""

    def __init__(self, keeper: ConfigKeeper, path: Path | None) -> None:
        self._keeper = keeper
        self._file = None if path is None else ConfigFile(path)
        self._asked: asyncio.Queue[str] = asyncio.Queue(maxsize=8)
        """Who asks for a reading; one that finds it full is left out, as others are to come."""
        self._reading: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self.refused = 0
        """Readings of a file that was wrong, or could not take effect."""
        keeper.add_listener(self._follow)

    async def start(self) -> None:
        """Start the keeper, and listen.

        Raises:
            ConfigError: the file is gone or wrong by now.
        """
        mark = None if self._file is None else await asyncio.to_thread(self._file.mark)
        await self._keeper.start()
        if not self._keeper.is_in_step:
            mark = None  # so that the first look finds it changed
        self._reading = asyncio.create_task(self._read(), name="config reloads")
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError, AttributeError):  # as on Windows
            loop.add_signal_handler(signal.SIGHUP, self.ask)
        self._watch_or_not(self._keeper.config, mark)

    async def stop(self) -> None:
        """Listen no more; a reading that is under way is left off. Idempotent."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError, AttributeError):
            loop.remove_signal_handler(signal.SIGHUP)
        tasks = [task for task in (self._watching, self._reading) if task is not None]
        self._watching = self._reading = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def ask(self) -> None:
        """Have the file read anew, as SIGHUP does."""
        self._ask(_SIGNAL)

    # -- private steps -----------------------------------------------------------------------------

    def _ask(self, who: str) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._asked.put_nowait(who)

    async def _read(self) -> None:
        while True:
            who = await self._asked.get()
            try:
                change = await self._keeper.reload(who)
            except ConfigError as error:
                self.refused += 1
                problems = [str(problem) for problem in error.problems]
                _log.error("config.reload_refused", who=who, problems=problems)
            except Exception:  # noqa: BLE001 - the calls go on, and the next reading may succeed
                _log.exception("config.reload_failed", who=who)
            else:
                if change is not None or who == _SIGNAL:
                    _tell_reloaded(change, who)

    def _follow(self, config: AppConfig, change: ConfigChange) -> None:
        """Do what a change asks of this process beside the engine."""
        if _LOG_KEYS & {each.key for each in change.keys}:
            set_up_logging(config.engine.log_level, config.engine.log_format)
        if self._reading is not None:
            self._watch_or_not(config, None)

    def _watch_or_not(self, config: AppConfig, mark: object) -> None:
        is_wanted = config.engine.reload_on_change and self._file is not None
        if is_wanted and (self._watching is None or self._watching.done()):
            self._watching = asyncio.create_task(self._watch(mark), name="config watch")
        elif not is_wanted and self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self, mark: object) -> None:
        """Ask for a reading whenever the file is another than at the last look."""
        try:
            from watchfiles import awatch
        except ModuleNotFoundError:
            hint = "pip install 'voxgate[server]'"
            _log.warning("config.watch_failed", error="watchfiles is not installed", hint=hint)
            return
        assert self._file is not None, "without a file there is nothing to watch"  # noqa: S101
        try:
            while True:
                folders = await asyncio.to_thread(self._file.folders)
                watch = awatch(
                    *folders,
                    watch_filter=None,
                    recursive=False,
                    rust_timeout=_LOOK_ANYWAY_MS,
                    yield_on_timeout=True,
                )
                async with contextlib.aclosing(watch):
                    async for _ in watch:
                        seen = await self._settled_mark(self._file, mark)
                        if seen != mark:
                            mark = seen
                            self._ask(_FILE)
                        if await asyncio.to_thread(self._file.folders) != folders:
                            break  # a link leads elsewhere
        except (OSError, RuntimeError) as error:
            _log.warning("config.watch_failed", error=str(error), hint="reload with SIGHUP")

    async def _settled_mark(self, file: ConfigFile, mark: object) -> object:
        """Return the file's mark, once nobody is writing it any more."""
        seen = await asyncio.to_thread(file.mark)
        while seen != mark:
            mark = seen
            await asyncio.sleep(_SETTLE_S)
            seen = await asyncio.to_thread(file.mark)
        return seen


def _tell_reloaded(change: ConfigChange | None, who: str) -> None:
    keys = () if change is None else change.keys
    fields = {} if change is None or not change.keys else {"id": change.id}
    _log.info(
        "config.reloaded",
        who=who,
        keys=[each.key for each in keys],
        overridden=[] if change is None else list(change.overridden),
        **fields,
    )
