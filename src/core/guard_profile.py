"""Kinds of lines, and the thresholds of the audio guard that were measured to suit them.

So far every profile has the thresholds of ``pstn``: nothing else measured better (docs/gate.md).
Invariant: a profile names keys of ``AudioGuardConfig`` only, with values in their ranges; what it
does not name is as everywhere.
"""

from __future__ import annotations

__all__ = ["PROFILE_DEFAULTS", "GuardProfile"]

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class GuardProfile(StrEnum):
    """Where callers call from."""

    PSTN = "pstn"
    """Telephones at the wall: G.711, line noise, hum."""
    MOBILE = "mobile"
    """Telephones on the way: GSM, lost packets, street and wind, levels that change."""
    SPEAKERPHONE = "speakerphone"
    """Telephones on the table: a room, distance, television, dishes."""
    CALLCENTER = "callcenter"
    """Headsets among others: voices and typing 15 to 20 dB below."""


PROFILE_DEFAULTS: Mapping[GuardProfile, Mapping[str, float]] = MappingProxyType(
    {
        GuardProfile.PSTN: MappingProxyType({}),
        GuardProfile.MOBILE: MappingProxyType({}),
        GuardProfile.SPEAKERPHONE: MappingProxyType({}),
        GuardProfile.CALLCENTER: MappingProxyType({}),
    }
)
"""Keys of ``audio_guard`` that a profile sets where the operator does not; found by ``voxgate
tune-guard`` (docs/gate.md has the figures)."""
