"""The desk as a part of what an operator sees: starts its server and stops it.

Its packages are looked for here, so that an engine without them serves calls. Invariant: whatever
is wrong with the desk is logged once, with what to do, and costs no call.
"""

from __future__ import annotations

__all__ = ["DeskService", "desk_token"]

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from ...config.listen_address import is_loopback
from ...engine import AIEngine
from ...errors import ConfigError, ConfigProblem, TransportError

if TYPE_CHECKING:
    from .config_api import Keeper
    from .desk import Desk
    from .probe_api import Metrics

_log = structlog.get_logger(__name__)

_INSTALL = "pip install 'voxgate[desk]'"


class DeskService:
    """Serves the desk of one engine.

    Args:
        engine: Whose calls are shown.
        keeper: Of the configuration, by which thresholds are changed; None: they are shown only.
        metrics: What ``/metrics`` shows; None: there is none.
        environ: Where the token is, by the name that the configuration gives.
    """

    def __init__(
        self,
        engine: AIEngine,
        *,
        keeper: Keeper | None = None,
        metrics: Metrics | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._engine = engine
        self._keeper = keeper
        self._metrics = metrics
        self._environ = environ
        self._desk: Desk | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """The desk's address, once it listens."""
        url = None if self._desk is None else self._desk.url
        return () if url is None else (f"desk listens on {url}",)

    @property
    def url(self) -> str | None:
        """Where a browser finds it; None where there is none."""
        return None if self._desk is None else self._desk.url

    async def start(self) -> None:
        """Listen, where the desk is enabled.

        Raises:
            ConfigError: a token is to be asked for, and its variable is not set.
        """
        config = self._engine.config.desk
        if not config.enabled:
            return
        token = desk_token(config.token_env, self._environ)
        try:
            from .desk import Desk
        except ModuleNotFoundError as error:
            _log.warning("desk.packages_missing", package=error.name, hint=_INSTALL)
            return
        desk = self._desk = Desk(
            self._engine,
            token=token,
            keeper=self._keeper,
            metrics=self._metrics,
            environ=self._environ,
        )
        try:
            await desk.start()
        except TransportError as error:
            await self.stop()
            _log.error("desk.not_started", error=str(error), hint="set another desk.port")
            return
        _log.info(
            "desk.started",
            url=desk.url,
            asks_for_token=token is not None,
            reached_by="this machine" if is_loopback(config.host) else "others too",
        )

    async def stop(self) -> None:
        """Let go whoever watches, and stop to listen. Idempotent."""
        desk, self._desk = self._desk, None
        if desk is not None:
            await desk.stop()


def desk_token(name: str | None, environ: Mapping[str, str]) -> str | None:
    """Return the token that the desk asks for; None where it asks for none.

    Raises:
        ConfigError: its variable is not set.
    """
    if name is None:
        return None
    token = environ.get(name, "").strip()
    if token:
        return token
    problem = ConfigProblem(
        key=name,
        value="",
        rule="is not set; the desk asks for the token in it",
        source="environment",
    )
    raise ConfigError([problem])
