"""A part whose package is not installed: it says so whatever it is asked for.

Invariant: nothing of it works, and every error names what to install.
"""

from __future__ import annotations

__all__ = ["UnavailablePart"]

from collections.abc import AsyncIterator
from typing import NoReturn

from ..core.audio import AudioFormat
from ..errors import ProviderError
from .reply import FunctionAsked, ReplyRequest
from .voice import SpokenAudio


class UnavailablePart:
    """Stands where a recogniser, a reply or a voice should be.

    Args:
        kind: Of the part, as the configuration has it.
        missing: What is missing and how to get it.
    """

    def __init__(self, kind: str, missing: str) -> None:
        self._kind = kind
        self._missing = missing

    async def start(self) -> None:
        """Say what is missing.

        Raises:
            ProviderError: always.
        """
        self._refuse()

    def begin(self) -> NoReturn:
        """Say what is missing, as recogniser.

        Raises:
            ProviderError: always.
        """
        raise self._error()

    async def reply(self, _request: ReplyRequest) -> AsyncIterator[str | FunctionAsked]:
        """Say what is missing, as reply.

        Raises:
            ProviderError: always, while iterating.
        """
        self._refuse()
        yield ""  # makes an iterator of it

    async def speak(self, _text: str) -> AsyncIterator[SpokenAudio]:
        """Say what is missing, as voice.

        Raises:
            ProviderError: always, while iterating.
        """
        self._refuse()
        yield SpokenAudio(b"", AudioFormat())  # makes an iterator of it

    async def stop(self) -> None:
        """Have nothing to let go of."""

    def _refuse(self) -> None:
        raise self._error()

    def _error(self) -> ProviderError:
        return ProviderError(self._kind, self._missing, retryable=False)
