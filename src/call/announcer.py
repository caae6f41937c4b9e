"""Says to one caller what no provider says.

Invariant: an announcement goes the way of the agent's voice: through playout, one frame a slot, and
shown to the gate as what the caller hears.
"""

from __future__ import annotations

__all__ = ["Announcer", "is_announcement"]

import asyncio

import structlog

from ..clock import Clock
from ..core.audio import FRAME_MS, AudioFormat
from ..core.line_playout import LinePlayout
from ..core.playout import PlayoutFrame
from .announcements import AnnouncementKind, Announcements

_HEARD_LATE_MS = 200.0
"""Time from the last frame of a sentence to its end at the caller's ear: a telephone holds back
some frames."""

_UNPLAYED_MS = 3000.0
"""Time beyond its length after which a sentence is given up: the line does not play it."""

_PREFIX = "announcement:"
"""What names of announcements begin with at playout; no name of a provider has a colon."""

_log = structlog.get_logger(__name__)


def is_announcement(played: PlayoutFrame) -> bool:
    """Return whether what the line plays in a slot is an announcement, and not an agent's."""
    return played.item_id is not None and played.item_id.startswith(_PREFIX)


class Announcer:
    """The announcements of one call.

    Args:
        call_id: The call, for the log.
        announcements: What can be said.
        playout: What the caller hears.
        audio_format: The line's playout format.
        clock: Monotonic time in ms.
    """

    def __init__(
        self,
        call_id: str,
        announcements: Announcements,
        playout: LinePlayout,
        audio_format: AudioFormat,
        clock: Clock,
    ) -> None:
        self._call_id = call_id
        self._announcements = announcements
        self._playout = playout
        self._format = audio_format
        self._clock = clock
        self._item_id: str | None = None
        """What is being said, or was said last; None if it was cut off."""
        self._duration_ms = 0.0
        self._began_ms: float | None = None

    @property
    def is_saying(self) -> bool:
        """Whether something is on its way to the caller's ear."""
        item_id = self._item_id
        return item_id is not None and self._playout.heard_ms(item_id) < self._duration_ms

    def receive_slot(self, played: PlayoutFrame, now_ms: float) -> None:
        """Take what the line plays in a slot."""
        if self._began_ms is None and played.item_id is not None:
            self._began_ms = now_ms if played.item_id == self._item_id else None

    def is_said_after(self, spoken_ms: float | None) -> bool:
        """Return whether what is being said began after the caller had begun to speak.

        Such a caller does not interrupt it: a provider is told late what was said before.

        Args:
            spoken_ms: Start of the speech; None where nobody knows it.
        """
        if not self.is_saying:
            return False
        return self._began_ms is None or (spoken_ms is not None and spoken_ms < self._began_ms)

    def forget(self) -> None:
        """Take that playout has forgotten what was not heard."""
        self._item_id = None

    def say(self, kind: AnnouncementKind) -> float:
        """Queue an announcement; return how long it plays, in ms; 0.0 where nothing is said.

        Of each kind, one can be said in a call.
        """
        audio = self._announcements.audio_for(kind, self._format)
        if audio is None:
            return 0.0
        item_id = f"{_PREFIX}{kind}"
        self._playout.enqueue(item_id, audio)
        self._playout.finish(item_id)
        self._item_id, self._began_ms = item_id, None
        self._duration_ms = self._format.duration_ms(len(audio))
        _log.info("call.announced", call_id=self._call_id, announcement=kind.value)
        return self._duration_ms

    async def say_to_the_end(self, kind: AnnouncementKind) -> None:
        """Say it, and wait until it was heard; not for ever, should the line not play it."""
        duration_ms = self.say(kind)
        if not duration_ms:
            return
        latest_ms = self._clock() + duration_ms + _UNPLAYED_MS
        while self._playout.is_active and self._clock() < latest_ms:  # noqa: ASYNC110 - by slots
            await asyncio.sleep(FRAME_MS / 1000)
        await asyncio.sleep(_HEARD_LATE_MS / 1000)
