"""The configuration while the engine runs: what is in force, and every change of it.

Invariant: what is in force is valid as a whole, and known: a change that is refused leaves engine,
file and history as they were.
"""

from __future__ import annotations

__all__ = ["ConfigKeeper"]

from collections.abc import Callable, Mapping

from ..config.edited_document import Absent
from ..config.models import AppConfig
from ..config.yaml_document import Tree
from ..errors import ConfigProblem
from .config_history import ConfigChange

Changes = Mapping[str, Tree | Absent]
"""New values by dotted key; ``ABSENT`` takes a key away, so that its default holds."""


class ConfigKeeper:
    """Keeps one engine's configuration. All methods belong to the engine's event loop."""

    @property
    def config(self) -> AppConfig:
        """What is in force."""
        raise NotImplementedError

    @property
    def source(self) -> str:
        """The file, as messages name it."""
        raise NotImplementedError

    @property
    def is_saved(self) -> bool:
        """Whether changes are written to a file; else a restart forgets them."""
        raise NotImplementedError

    @property
    def overrides(self) -> Mapping[str, str]:
        """Environment variable by the key that it sets, which nothing else can change."""
        raise NotImplementedError

    def add_listener(self, listener: Callable[[AppConfig, ConfigChange], None]) -> None:
        """Call back after each change that took effect, with what is in force now."""
        raise NotImplementedError

    async def check(self, changes: Changes) -> tuple[ConfigProblem, ...]:
        """Return everything that stands against a change; nothing is changed.

        A problem of kind *restart*, or of a key that the environment sets, is one too.
        """
        raise NotImplementedError

    async def apply(self, changes: Changes, who: str) -> ConfigChange:
        """Change keys: engine first, then file and history; all or nothing.

        Raises:
            ConfigError: with everything that stands against it; key ``document`` where the file
                can't be written, or was changed by somebody else meanwhile.
        """
        raise NotImplementedError

    def history(self) -> tuple[ConfigChange, ...]:
        """Return the changes that are remembered, newest first."""
        raise NotImplementedError

    async def undo(self, change_id: str, who: str) -> ConfigChange:
        """Give the keys of a change the values that they had before it.

        Raises:
            ConfigError: as :meth:`apply`; key ``history`` where there is no such change, or a key
                has another value by now than the change gave it.
        """
        raise NotImplementedError

    async def reload(self, who: str = "file") -> ConfigChange | None:
        """Read the file anew and follow it; None where nothing differs.

        Raises:
            ConfigError: with everything that is wrong in it; what was in force stays.
        """
        raise NotImplementedError
