"""The models of ``announcements``: what a caller hears where no provider speaks.

Invariant: a text that is null is never heard, whatever else stands beside it.
"""

from __future__ import annotations

__all__ = ["AnnouncementConfig", "AnnouncementsConfig"]

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Len

from .field_rules import check_fields
from .field_types import Name


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementConfig:
    """One sentence."""

    text: Annotated[str, Len(1, 500)] | None
    """What is said, and where a file says it, what is in the file; null: nothing is said."""
    file: Name | None = None
    """Path of a WAV file, mono and 16-bit, that is played; null: the text is spoken."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementsConfig:
    """The sentences that callers hear when a provider fails."""

    fall_back: AnnouncementConfig = field(
        default_factory=lambda: AnnouncementConfig(text="One moment, please.")
    )
    """Heard while the second provider is tried, as the first could not be reached."""
    lost: AnnouncementConfig = field(
        default_factory=lambda: AnnouncementConfig(
            text="I am sorry, we were cut off. One moment, please."
        )
    )
    """Heard while the second provider is tried, as the first was lost in mid-call: the conversation
    begins anew."""
    unreachable: AnnouncementConfig = field(
        default_factory=lambda: AnnouncementConfig(
            text=(
                "I am sorry, we can not take your call at the moment. Please call again later. "
                "Goodbye."
            )
        )
    )
    """Heard when no provider can be reached, or not any more; then the call ends."""

    def __post_init__(self) -> None:
        check_fields(self)
