"""Who changed what of the configuration, and when: the newest changes, in a file or in memory.

Invariant: a secret never stands here; what is written is a line a change, and a line that can't be
read costs itself only.
"""

from __future__ import annotations

__all__ = ["ConfigChange"]

from dataclasses import dataclass
from datetime import datetime

from ..config.reload_rules import KeyChange


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange:
    """One change of the configuration that took effect."""

    id: str
    """Unique in the history; counts up."""
    at: datetime
    """When, in UTC."""
    who: str
    """Who did it, in the words of whoever asked: ``desk``, ``file``, ``SIGHUP``."""
    keys: tuple[KeyChange, ...]
    """What differs since."""
    is_saved: bool
    """Whether it stands in the file; else a restart forgets it."""
    undoes: str | None = None
    """Id of the change that it takes back."""
