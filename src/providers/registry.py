"""Which kinds of provider there are, and how one of each is made.

A provider is added by its module and one line in :func:`default_registry`.

Invariant: a kind has one factory; asking for one that can't be had says what there is instead.
"""

from __future__ import annotations

__all__ = ["ProviderFactory", "ProviderRegistry", "default_registry"]

from collections.abc import Callable

from ..errors import ProviderError
from .base import Provider
from .deepgram import DeepgramProvider
from .local import LocalProvider
from .openai_realtime import OpenAIRealtimeProvider
from .setup import ProviderSetup

ProviderFactory = Callable[[ProviderSetup], Provider]
"""Makes the provider of one call; connects to nothing yet."""


class ProviderRegistry:
    """Kinds of provider by name."""

    def __init__(self) -> None:
        self._factories: dict[str, ProviderFactory | None] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every known kind, available or not, in order of registration."""
        return tuple(self._factories)

    @property
    def available(self) -> tuple[str, ...]:
        """Every kind that can be made, in order of registration."""
        return tuple(kind for kind, factory in self._factories.items() if factory is not None)

    def register(self, kind: str, factory: ProviderFactory | None) -> None:
        """Add a kind; without a factory it is known, and choosing it is an error.

        Raises:
            ValueError: if the kind is registered already.
        """
        if kind in self._factories:
            raise ValueError(f"{kind}: is registered already, as are {', '.join(self.kinds)}")
        self._factories[kind] = factory

    def require(self, kind: str) -> ProviderFactory:
        """Return the factory of a kind; asked for at start-up too, as every call would fail.

        Raises:
            ProviderError: if the kind is unknown, or not available in this version.
        """
        factory = self._factories.get(kind)
        if factory is not None:
            return factory
        is_known = kind in self._factories
        raise ProviderError(
            kind,
            f"{'not available in this version' if is_known else 'no such kind of provider'}; "
            f"there is {', '.join(self.available) or 'none'}",
            code="provider_not_available" if is_known else "provider_unknown",
            retryable=False,
        )

    def create(self, setup: ProviderSetup) -> Provider:
        """Make the provider of one call; it connects to nothing yet.

        Raises:
            ProviderError: if its kind is unknown, or not available in this version.
        """
        return self.require(setup.config.kind)(setup)


def default_registry() -> ProviderRegistry:
    """Return a new registry of the providers that voxgate brings along."""
    registry = ProviderRegistry()
    registry.register("openai_realtime", OpenAIRealtimeProvider.from_setup)
    registry.register("deepgram", DeepgramProvider.from_setup)
    registry.register("local", LocalProvider.from_setup)
    return registry
