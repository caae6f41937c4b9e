"""What whoever makes a call's gate chose, and a word on a choice that there is none of.

Invariant: a name that nothing answers to is an error when the gate is made, never a call that
silently passes through.
"""

from __future__ import annotations

__all__ = ["required_audio_format", "required_member", "required_provider"]

import difflib
from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from .audio import AudioFormat
from .config import GatingConfig

_Member = TypeVar("_Member", bound=StrEnum)


def required_member(kind: type[_Member], value: object, name: str) -> _Member:
    """Return the member of an enum that an argument means, by itself or by its value.

    Raises:
        ValueError: there is none such; the message names those that there are.
    """
    for member in kind:
        if value == member:
            return member
    raise ValueError(f"{name}: {value!r} is not one of {', '.join(kind)}")


def required_provider(config: GatingConfig, provider: object) -> str:
    """Return the name of a provider that a policy is there for: instance, kind or alias.

    Raises:
        ValueError: no policy knows it; the message says which one was probably meant.
    """
    if isinstance(provider, str) and config.kind_of(provider) is not None:
        return provider
    aliases = (alias for policy in config.providers.values() for alias in policy.aliases)
    known = [*config.kinds, *config.providers, *aliases]
    raise ValueError(f"provider: no policy knows {provider!r}: {_meant(str(provider), known)}")


def required_audio_format(value: object, name: str) -> AudioFormat:
    """Return a format that is one.

    Raises:
        TypeError: it is something else, as the name of an encoding.
    """
    if not isinstance(value, AudioFormat):
        raise TypeError(
            f"{name}: {value!r} is not an AudioFormat, such as AudioFormat(Encoding.MULAW)"
        )
    return value


def _meant(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
