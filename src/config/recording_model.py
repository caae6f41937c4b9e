"""The model of the section ``recording``: which calls are recorded, where, and for how long.

Invariant: nothing is recorded unless somebody asked for it; only public keys stand here, so that
who reads the configuration can't read a recording.
"""

from __future__ import annotations

__all__ = ["IDENTITY_VARIABLE", "RecordedCalls", "RecordingConfig", "broken_recipient"]

import os
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from annotated_types import Interval, Len

from .field_rules import check_fields
from .route_models import RouteMatch
from .shown_value import shown_value

IDENTITY_VARIABLE = "VOXGATE_RECORDING_IDENTITY"
"""Environment variable with the age secret key that opens encrypted recordings, where they are
read; no key of the configuration."""

_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_RECIPIENT = re.compile(f"age1[{_BECH32}]{{58}}")
"""An X25519 recipient: 32 bytes as 52 characters, and a checksum of 6 (age-encryption.org/v1)."""


class RecordedCalls(StrEnum):
    """Which calls are recorded, of those that fit."""

    NONE = "none"
    """No call."""
    SAMPLED = "sampled"
    """A share of them."""
    ALL = "all"
    """Every call."""


def broken_recipient(text: str) -> str:
    """Return what keeps a text from being an age public key, or ``""``."""
    if text.upper().startswith("AGE-SECRET-KEY-"):
        return "is a secret key, which must not stand here: give the public one (age1...)"
    if not _RECIPIENT.fullmatch(text):
        return "is not an age public key (age1 and 58 characters, as age-keygen writes it)"
    return "" if _checksum(text) == 1 else "is not an age public key: a character of it is wrong"


def _checksum(text: str) -> int:
    """Return 1 for a text whose checksum is right (BIP 173)."""
    prefix, _, data = text.partition("1")
    values = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    values += [_BECH32.index(letter) for letter in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            check ^= generator if top >> bit & 1 else 0
    return check


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingConfig:
    """Recorded calls: what the gate measured and decided, and if wanted the audio."""

    calls: RecordedCalls = RecordedCalls.NONE
    """Which calls are recorded: none, sampled (a share of them) or all."""
    sample_percent: Annotated[float, Interval(ge=0.0, le=100.0)] = 10.0
    """With sampled: how many in a hundred, chosen by the call's id, so that the same call is chosen
    on every machine."""
    match: RouteMatch = field(default_factory=RouteMatch)
    """Only calls that are like this, as in routes; without anything every call is."""
    audio: bool = False
    """Record both sides too, as a stereo WAV. Without it a recording shows what was measured and
    decided, and can't be replayed."""
    folder: Annotated[str, Len(1, 1000)] = "recordings"
    """Where recordings are put, one folder a call; made if it is not there. A relative one is in
    the directory in which voxgate was started."""
    encrypt_to: tuple[str, ...] = ()
    """Public keys of age (``age1...``): whoever has one of the secret keys can read what is
    recorded, and this machine can't. Empty: recordings lie as they are. Needs pyrage (extra
    ``encryption``)."""
    retention_days: Annotated[int, Interval(ge=1, le=3650)] | None = 30
    """Days after which a recording is deleted; null: never. With calls: none nothing is deleted,
    unless the folder or one of the bounds is turned."""
    max_gb: Annotated[float, Interval(ge=0.001, le=1_000_000.0)] | None = 10.0
    """Gigabytes (10**9 bytes) of recordings, above which the oldest are deleted; null: no bound."""

    def __post_init__(self) -> None:
        check_fields(self)
        for number, key in enumerate(self.encrypt_to):
            rule = broken_recipient(key) if isinstance(key, str) else "is not text"
            if rule:
                shown = "" if "secret key" in rule else f"{shown_value(key)} "
                raise ValueError(f"encrypt_to[{number}]: {shown}{rule}")

    @property
    def is_on(self) -> bool:
        """Some call may be recorded."""
        return self.calls is not RecordedCalls.NONE

    @property
    def is_kept(self) -> bool:
        """What is too old or too much is deleted: some call may be recorded, or a bound was named.

        Whoever named nothing at all may have somebody else's recordings where he works.
        """
        default = RecordingConfig.__dataclass_fields__
        turned = (
            name
            for name in ("folder", "retention_days", "max_gb")
            if getattr(self, name) != default[name].default
        )
        return self.is_on or any(turned)

    @property
    def root(self) -> Path:
        """The folder, ``~`` replaced; a relative one is in the directory of the process."""
        return Path(os.path.expanduser(self.folder))  # noqa: PTH111 - Path's raises without a home
