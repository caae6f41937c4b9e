"""The one exception tree of voxgate.

::

    VoxgateError
    ├── ConfigError            a configuration that must not run; names key, value, rule and file
    ├── LocalProtocolError     our own side broke a protocol: a bug in voxgate or in its caller
    ├── RemoteProtocolError    a peer broke a protocol; ends that peer's call, never another
    ├── TransportError         a line failed (retryable or not)
    ├── ProviderError          a provider failed (retryable or not)
    └── RecordingError         a recorded call can't be read

Invariant: a message never holds a secret, audio or a transcript.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "ConfigProblem",
    "LocalProtocolError",
    "ProviderError",
    "RecordingError",
    "RemoteProtocolError",
    "TransportError",
    "VoxgateError",
]

from collections.abc import Sequence
from dataclasses import dataclass


class VoxgateError(Exception):
    """Base of every error that voxgate raises on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One thing wrong in a configuration."""

    key: str
    """Full dotted key, such as ``barge_in.min_ms``."""
    value: str
    """The offending value as text, or ``""`` where there is none; ``***`` for a secret."""
    rule: str
    """The rule that it breaks, such as ``is not in 0..2000``."""
    source: str
    """The file (or ``environment``, or ``code``) that the value came from."""

    def __str__(self) -> str:
        """Return ``key: value rule (source)``."""
        value = f"{self.value} " if self.value else ""
        return f"{self.key}: {value}{self.rule} ({self.source})"


class ConfigError(VoxgateError):
    """A configuration is wrong; carries every problem found, not only the first."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)
        """Everything that was found, a :class:`ConfigProblem` each."""

    def __str__(self) -> str:
        """Return one line per problem."""
        return "\n".join(str(problem) for problem in self.problems)


class LocalProtocolError(VoxgateError):
    """Our own side tried something that the protocol does not allow."""


class RemoteProtocolError(VoxgateError):
    """A peer sent something that the protocol does not allow."""


class RecordingError(VoxgateError):
    """A recorded call is not one, is damaged or newer than this program, or can't be decrypted."""


class _PeerError(VoxgateError):
    """An error at the edge, with safe fields and a hint whether trying again can help."""

    def __init__(self, peer: str, reason: str, *, code: str | None = None, retryable: bool) -> None:
        super().__init__(peer, reason, code, retryable)
        self.peer = peer
        self.reason = reason
        self.code = code
        self.retryable = retryable

    def __str__(self) -> str:
        """Return ``peer: reason [code]``."""
        code = f" [{self.code}]" if self.code else ""
        return f"{self.peer}: {self.reason}{code}"


class TransportError(_PeerError):
    """A line could not be opened, or broke."""


class ProviderError(_PeerError):
    """A provider could not be reached, refused us, or broke."""

    def __init__(
        self,
        peer: str,
        reason: str,
        *,
        code: str | None = None,
        retryable: bool,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(peer, reason, code=code, retryable=retryable)
        self.retry_after_s = retry_after_s
        """Time in s that the provider asks for before another attempt, or None."""
