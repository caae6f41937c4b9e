"""The desk as a part of what an operator sees: starts its server and stops it.

Invariant: whatever is wrong with the desk is logged once, with what to do, and costs no call.
"""

from __future__ import annotations

__all__ = ["DeskService"]

import os
from collections.abc import Mapping

from ...engine import AIEngine


class DeskService:
    """Serves the desk of one engine.

    Args:
        engine: Whose calls are shown.
        environ: Where the token is, by the name that the configuration gives.
    """

    def __init__(self, engine: AIEngine, *, environ: Mapping[str, str] = os.environ) -> None:
        self._engine = engine
        self._environ = environ

    @property
    def notices(self) -> tuple[str, ...]:
        """The desk's address, once it listens."""
        return ()

    async def start(self) -> None:
        """Listen, where the desk is enabled.

        Raises:
            ConfigError: a token is to be asked for, and its variable is not set.
        """

    async def stop(self) -> None:
        """Let go whoever watches, and stop to listen. Idempotent."""
