"""Which kinds of lines there are, by the names that a configuration uses.

Invariant: a name means one factory; nothing replaces it silently.
"""

from __future__ import annotations

__all__ = ["TRANSPORTS", "TransportFactory", "TransportRegistry"]

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from .audiosocket import AudioSocketTransport
from .base import Transport
from .call_hooks import CallHooks

TransportFactory = Callable[[Any, Mapping[str, str]], Transport]
"""Makes a transport from its section of the configuration, and from the environment in which its
secrets stand by the names that the section gives; does no I/O."""

_NO_SECRETS: Mapping[str, str] = MappingProxyType({})


class TransportRegistry:
    """Names and factories.

    Args:
        factories: Pairs to begin with.

    Raises:
        ValueError: if a name comes twice.
    """

    def __init__(self, factories: Iterable[tuple[str, TransportFactory]] = ()) -> None:
        self._factories: dict[str, TransportFactory] = {}
        for name, factory in factories:
            self.register(name, factory)

    @property
    def names(self) -> tuple[str, ...]:
        """Every registered name, in alphabetical order."""
        return tuple(sorted(self._factories))

    def register(self, name: str, factory: TransportFactory) -> None:
        """Add a kind of line.

        Raises:
            ValueError: if the name is empty or taken; the message lists what exists.
        """
        if not name:
            raise ValueError("name: a transport needs one")
        if name in self._factories:
            raise ValueError(f"name: transport {name!r} exists already (known: {self._known()})")
        self._factories[name] = factory

    def create(self, name: str, config: Any, environ: Mapping[str, str] = _NO_SECRETS) -> Transport:
        """Make a transport from its section of the configuration and the environment.

        Raises:
            ValueError: if the name is not known; the message lists what exists.
        """
        factory = self._factories.get(name)
        if factory is None:
            raise ValueError(f"name: transport {name!r} does not exist (known: {self._known()})")
        return factory(config, environ)

    def _known(self) -> str:
        return ", ".join(self.names) or "none"


def _audiosocket(config: Any, environ: Mapping[str, str]) -> Transport:
    """Take the whole section, and the token of its hooks from the environment."""
    return AudioSocketTransport(
        config.host,
        config.port,
        max_connections=config.max_connections,
        max_connections_per_peer=config.max_connections_per_peer,
        max_unidentified=config.max_unidentified,
        uuid_timeout_s=config.uuid_timeout_s,
        playout_rate_hz=config.playout_rate_hz,
        allowed_peers=config.allowed_peers,
        known_calls=config.calls,
        hooks=CallHooks(config.hooks, environ, section="lines.audiosocket.hooks"),
    )


def _twilio(config: Any, environ: Mapping[str, str]) -> Transport:
    """Take the whole section; its server is imported only where it is used."""
    from .twilio import TwilioTransport

    return TwilioTransport(config, environ)


def _browser(config: Any, environ: Mapping[str, str]) -> Transport:
    """Take the whole section; its server is imported only where it is used."""
    from .browser import BrowserTransport

    return BrowserTransport(config, environ)


def _asterisk_websocket(config: Any, environ: Mapping[str, str]) -> Transport:
    """Take the whole section; its server is imported only where it is used."""
    from .asterisk_websocket import AsteriskWebSocketTransport

    return AsteriskWebSocketTransport(config, environ)


TRANSPORTS = TransportRegistry(
    [
        ("asterisk_websocket", _asterisk_websocket),
        ("audiosocket", _audiosocket),
        ("browser", _browser),
        ("twilio", _twilio),
    ]
)
"""The kinds of lines of voxgate; a plugin registers its own here before the engine starts."""
