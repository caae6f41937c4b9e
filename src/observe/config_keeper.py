"""The configuration while the engine runs: what is in force, and every change of it.

What takes long - reading, judging, writing - happens in a thread. Invariant: what is in force is
valid as a whole, and known: a change that is refused leaves engine, file and history as they were.
"""

from __future__ import annotations

__all__ = ["ConfigKeeper", "Reconfigurable"]

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import structlog

from ..config.config_document import Changes, ConfigDocument
from ..config.edited_document import ABSENT, key_path
from ..config.environment import Overrides
from ..config.key_lines import add_lines
from ..config.keyed_changes import (
    locked_keys,
    locked_problems,
    overridden_changes,
    unasked_problems,
    value_at,
)
from ..config.load import LoadedConfig, read_default
from ..config.models import AppConfig
from ..config.reload_rules import KeyChange, changes_between
from ..errors import ConfigError, ConfigProblem, LocalProtocolError
from .config_file import ConfigFile, StagedText
from .config_history import ConfigChange, ConfigHistory
from .config_undo import given_back, left_out, undo_problems
from .work_aside import aside, to_the_end

_log = structlog.get_logger(__name__)

_UNPLACED = "configuration"
"""How a problem is marked that belongs to no file."""

Listener = Callable[[AppConfig, ConfigChange], None]
"""Told what is in force now, and what has changed."""


class Reconfigurable(Protocol):
    """What is configured: the engine."""

    @property
    def config(self) -> AppConfig:
        """What is in force."""

    def check(self, config: AppConfig) -> tuple[ConfigProblem, ...]:
        """Return what stands against another configuration, as far as can be said at once."""

    async def reconfigure(self, config: AppConfig) -> tuple[KeyChange, ...]:
        """Let another configuration hold, as a whole or not at all.

        Raises:
            ConfigError: with everything that stands against it.
            LocalProtocolError: it does not run.
        """


class ConfigKeeper:
    """Keeps one engine's configuration. All methods belong to the engine's event loop.

    Args:
        engine: Made with what the file holds.
        path: The file; None: the default of the package, and changes are in memory only.
        environ: Where overrides are looked for.
        now: Returns the time, in UTC.
        text_at_start: What the engine was made with, where the file need not hold it any more;
            None: it must.
        is_shared: Several processes follow the file: what is changed must be written to it, for the
            others to follow.
        keeps_history: Whether changes are written down for the next start.
    """

    def __init__(
        self,
        engine: Reconfigurable,
        *,
        path: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        text_at_start: str | None = None,
        is_shared: bool = False,
        keeps_history: bool = True,
    ) -> None:
        self._engine = engine
        self._file = None if path is None else ConfigFile(path)
        self._environ = dict(environ)
        self._now = now
        self._text_at_start = text_at_start
        self._is_shared = is_shared
        self._history = ConfigHistory(_history_path(path) if keeps_history else None, like=path)
        self._listeners: list[Listener] = []
        self._lock = asyncio.Lock()
        self._document = ConfigDocument()
        self._text_in_file = ""
        """As it was read or written last; without what was changed in memory only."""
        self._overrides = Overrides()
        self._source = read_default()[0] if path is None else str(path)
        self._is_writable = False
        self._is_in_step = True
        self._has_history_failed = False
        self.refused = 0
        """Changes that somebody asked for, and was refused; readings of the file are not among
        them."""

    # -- what is in force --------------------------------------------------------------------------

    @property
    def config(self) -> AppConfig:
        """What is in force."""
        return self._engine.config

    @property
    def source(self) -> str:
        """The file, as messages name it."""
        return self._source

    @property
    def is_saved(self) -> bool:
        """Whether changes are written to a file; else a restart forgets them."""
        return self._is_writable

    @property
    def is_in_step(self) -> bool:
        """Whether the file held at the start what the engine was made with.

        It does not where it was changed in between, or can be read but once, as a pipe.
        """
        return self._is_in_step

    @property
    def overrides(self) -> Mapping[str, str]:
        """Environment variable by the key that it sets, which nothing else can change."""
        return locked_keys(self._overrides)

    def history(self) -> tuple[ConfigChange, ...]:
        """Return the changes that are remembered, newest first."""
        return self._history.newest_first

    def add_listener(self, listener: Listener) -> None:
        """Call back after each change that took effect, with what is in force now."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Read file and history; to be called once, before anything else.

        Raises:
            ConfigError: the file can't be read or is wrong by now.
        """
        async with self._lock:
            self._document, loaded = await aside(self._read_at_start)
            self._text_in_file = self._document.text
            self._is_in_step = self._is_in_step and loaded.config == self.config
            self._overrides = loaded.overrides
            await asyncio.to_thread(self._history.load)
            await self._look_whether_writable()

    # -- changes -----------------------------------------------------------------------------------

    async def check(self, changes: Changes) -> tuple[ConfigProblem, ...]:
        """Return everything that stands against a change; nothing is changed.

        A problem of kind *restart*, or of a key that the environment sets, is one too.
        """
        async with self._lock:
            try:
                await self._judge(changes)
            except ConfigError as error:
                return error.problems
        return ()

    async def judged(self, changes: Changes) -> AppConfig:
        """Return what would be in force with a change; nothing is changed.

        Raises:
            ConfigError: with everything that stands against it, as :meth:`check` returns it.
        """
        async with self._lock:
            return (await self._judge(changes)).config

    async def apply(self, changes: Changes, who: str) -> ConfigChange:
        """Change keys: engine first, then file and history; all or nothing.

        Raises:
            ConfigError: with everything that stands against it; key ``document`` where the file
                can't be written, or was changed by somebody else meanwhile.
        """
        return await self._asked(self._applied(changes, who))

    async def undo(self, change_id: str, who: str) -> ConfigChange:
        """Give the keys of a change the values that they had before it.

        Keys that the change had brought into the document go from it again.

        Raises:
            ConfigError: as :meth:`apply`; key ``history`` where there is no such change, or a key
                has another value by now than the change gave it.
        """
        return await self._asked(self._undone(change_id, who))

    async def reload(self, who: str = "file") -> ConfigChange | None:
        """Read the file anew and follow it; None where nothing differs.

        What was changed in memory only is forgotten. Where environment variables set all that
        differs, the change that is returned has no keys, and is not remembered.

        Raises:
            ConfigError: with everything that is wrong in it; what was in force stays.
        """
        if self._file is None:
            raise ConfigError([_problem("document", "there is no file to read: none was given")])
        return await to_the_end(self._reloaded(who))

    # -- private steps: each is all or nothing, and not to be left off -----------------------------

    async def _asked(self, work: Coroutine[Any, Any, ConfigChange]) -> ConfigChange:
        """Do what somebody asks for, to the end; count it where it is refused."""
        try:
            return await to_the_end(work)
        except ConfigError:
            self.refused += 1
            raise

    async def _applied(self, changes: Changes, who: str) -> ConfigChange:
        async with self._lock:
            return await self._change(changes, who)

    async def _undone(self, change_id: str, who: str) -> ConfigChange:
        async with self._lock:
            change = self._undoable(change_id)
            return await self._change(await self._way_back(change), who, change.id)

    def _undoable(self, change_id: str) -> ConfigChange:
        """Return a change that can be taken back.

        Raises:
            ConfigError: it can't.
        """
        change = self._history.find(change_id)
        if change is None:
            raise ConfigError([_problem("history", f"there is no change {change_id[:60]!r}")])
        if problems := undo_problems(change, self.config):
            raise ConfigError(problems)
        return change

    async def _way_back(self, change: ConfigChange) -> Changes:
        """Return what takes a change back; keys that it brought go, where that comes to the same.

        It does not where a profile, or another default, holds by now.
        """
        old, without = given_back(change), left_out(change)
        if without == old:
            return old
        try:
            named = await aside(self._document.judged_with, old, self.config)
            unnamed = await aside(self._document.judged_with, without, self.config)
        except ConfigError:
            return old  # whatever stands against it is found there too
        return without if named.config == unnamed.config else old

    async def _reloaded(self, who: str) -> ConfigChange | None:
        async with self._lock:
            document, loaded = await aside(self._read)
            if not document.text.strip() and loaded.config != self.config:
                rule = "is empty, as a file is that somebody is still writing; what was stays"
                raise ConfigError([_problem("document", rule)])
            overridden = overridden_changes(self._document.tree, document.tree, self.overrides)
            try:
                keys = await self._reconfigure(loaded.config)
            except ConfigError as error:
                raise ConfigError(await aside(_placed, error.problems, document)) from error
            added = _absent_keys(keys, self._document)
            self._document, self._text_in_file = document, document.text
            await self._look_whether_writable()
            change = self._new_change(keys, who, is_saved=True)
            change = replace(change, overridden=overridden, added=added)
            if keys:
                return await self._remember(change)
            return change if overridden else None

    async def _change(self, changes: Changes, who: str, undoes: str | None = None) -> ConfigChange:
        loaded = await self._judge(changes)
        if loaded.config == self.config:
            key = next(iter(changes), "document")
            raise ConfigError([_problem(key, "has that value already: nothing would change")])
        document = await aside(self._document.edited, changes, self.config)
        await self._look_whether_writable()
        if self._is_shared and not self._is_writable:
            rule = "can't be written, and the other workers would not follow: change the file"
            raise ConfigError([_problem("document", rule)])
        staged = await self._stage(document.text) if self._is_writable else None
        before = self.config
        try:
            keys = await self._reconfigure(loaded.config)
        except BaseException:
            if staged is not None:
                staged.discard()
            raise
        if staged is not None:
            await self._commit(staged, before)
            self._text_in_file = document.text
        added = _absent_keys(keys, self._document)
        self._document = document
        change = self._new_change(keys, who, is_saved=staged is not None)
        return await self._remember(replace(change, undoes=undoes, added=added))

    # -- private steps -----------------------------------------------------------------------------

    async def _judge(self, changes: Changes) -> LoadedConfig:
        """Return what changes come to.

        Raises:
            ConfigError: with everything that stands against them.
        """
        problems = locked_problems(changes, self.overrides)
        locked = {problem.key for problem in problems}
        free = {key: value for key, value in changes.items() if key not in locked}
        try:
            loaded = await aside(self._document.judged_with, free, self.config)
        except ConfigError as error:
            raise ConfigError([*problems, *error.problems]) from error
        problems += self._engine.check(loaded.config)
        found = changes_between(self.config, loaded.config)
        problems += unasked_problems(found, free, self._source)
        if problems:
            raise ConfigError(problems)
        return loaded

    def _read(self) -> tuple[ConfigDocument, LoadedConfig]:
        text = read_default()[1] if self._file is None else self._file.read()
        return ConfigDocument.parsed(text, self._source, self._environ)

    def _read_at_start(self) -> tuple[ConfigDocument, LoadedConfig]:
        """Read the file, or where it is wrong by now what the engine was made with."""
        try:
            return self._read()
        except ConfigError:
            if self._text_at_start is None:
                raise
            self._is_in_step = False
            return ConfigDocument.parsed(self._text_at_start, self._source, self._environ)

    async def _reconfigure(self, config: AppConfig) -> tuple[KeyChange, ...]:
        try:
            return await self._engine.reconfigure(config)
        except LocalProtocolError as error:
            rule = "can't be changed now: the engine is starting or ending"
            raise ConfigError([_problem("document", rule)]) from error

    async def _stage(self, text: str) -> StagedText:
        assert self._file is not None, "what is writable is a file"  # noqa: S101
        return await asyncio.to_thread(self._file.stage, text, self._text_in_file)

    async def _commit(self, staged: StagedText, before: AppConfig) -> None:
        """Put the text in the file's place, or let what was in force be in force again."""
        try:
            await asyncio.to_thread(staged.commit)
        except ConfigError:
            await self._reconfigure(before)
            raise

    async def _look_whether_writable(self) -> None:
        if self._file is not None:
            self._is_writable = await asyncio.to_thread(self._file.is_writable)

    def _new_change(self, keys: tuple[KeyChange, ...], who: str, *, is_saved: bool) -> ConfigChange:
        return ConfigChange(
            id=self._history.next_id, at=self._now(), who=who, keys=keys, is_saved=is_saved
        )

    async def _remember(self, change: ConfigChange) -> ConfigChange:
        change = self._history.add(change)
        try:
            await asyncio.to_thread(self._history.save_newest)
        except OSError as error:
            if not self._has_history_failed:
                self._has_history_failed = True
                _log.warning("config.history_not_saved", error=error.strerror or str(error))
        for listener in self._listeners:
            try:
                listener(self.config, change)
            except Exception:  # noqa: BLE001 - whoever listens, the change has taken effect
                _log.exception("config.listener_failed")
        return change


def _absent_keys(keys: Iterable[KeyChange], document: ConfigDocument) -> tuple[str, ...]:
    """Return those keys that don't stand in a document."""
    return tuple(each.key for each in keys if value_at(document.tree, key_path(each.key)) is ABSENT)


def _placed(problems: Iterable[ConfigProblem], document: ConfigDocument) -> list[ConfigProblem]:
    """Return what the engine says of a document, with file and line."""
    named = [
        replace(each, source=document.source) if each.source == _UNPLACED else each
        for each in problems
    ]
    return add_lines(named, document.text, document.source)


def _history_path(path: Path | None) -> Path | None:
    return None if path is None else path.with_name(f"{path.name}.history.jsonl")


def _problem(key: str, rule: str) -> ConfigProblem:
    return ConfigProblem(key=key, value="", rule=rule, source=_UNPLACED)
