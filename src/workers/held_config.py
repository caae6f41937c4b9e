"""The configuration that workers are started with: what is in force, whatever the file holds.

Invariant: a worker that is started anew gets the configuration that the others have, or a newer one
that they may have too; never one that is wrong, or that would need a restart of all.
"""

from __future__ import annotations

__all__ = ["HeldConfig"]

import os
from collections.abc import Mapping
from pathlib import Path

from ..config.load import parse_config, read_default, read_text
from ..config.models import AppConfig
from ..config.reload_rules import changes_between, restart_problems
from ..errors import ConfigError


class HeldConfig:
    """Holds a configuration and its text.

    Args:
        path: The file; None: the default of the package.
        environ: Where overrides are looked for.

    Raises:
        ConfigError: with everything that is wrong in it.
    """

    def __init__(self, path: Path | None, environ: Mapping[str, str] = os.environ) -> None:
        self.path = path
        """The file."""
        self._environ = environ
        self.source, self.text = self._read()
        self.config: AppConfig = parse_config(self.text, self.source, environ).config
        """What is in force."""

    def refresh(self) -> tuple[str, ...]:
        """Take what the file holds by now, if the others may follow it; blocks.

        Returns:
            What stands against it, if anything does: what was held stays.
        """
        if self.path is None:
            return ()
        try:
            _, text = self._read()
            config = parse_config(text, self.source, self._environ).config
        except ConfigError as error:
            return tuple(map(str, error.problems))
        problems = restart_problems(changes_between(self.config, config), self.source)
        if not text.strip() or problems:
            return tuple(map(str, problems)) or (f"{self.source}: is empty",)
        self.text, self.config = text, config
        return ()

    def _read(self) -> tuple[str, str]:
        if self.path is None:
            return read_default()
        return str(self.path), read_text(self.path, str(self.path))
