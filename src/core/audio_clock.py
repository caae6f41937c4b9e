"""Maps the provider's audio time to the call's clock and back.

A provider counts the milliseconds of audio that it was sent since its session began; that is not
the time of day. Silence in place of withheld frames followed by the released onset sends some of
the line's time twice, so that the provider's clock runs ahead; audio held through an outage is
older than the moment it is sent; a starved provider's clock stands still. Each append is therefore
remembered with the time on the call's clock that it was captured at.

Invariant: every millisecond appended has one capture time; memory does not grow with the call.
"""

from __future__ import annotations

__all__ = ["AudioClock"]

from bisect import bisect_right

_MERGE_MS = 1.0
"""Appends whose offset differs by no more than this become one piece; it is also the largest error
of a conversion. The timers of an event loop are no better."""

_MAX_PIECES = 4096
"""Pieces remembered: 80 s when every 20 ms frame is a piece of its own, far more in practice.
A turn detector reports on the turn that it hears, never on one minutes ago."""


class AudioClock:
    """The map between the provider's audio time and capture time of one session.

    Times are in ms. Capture time is what ``now_ms`` was when a frame was judged, which is the time
    of the frame's end.
    """

    __slots__ = ("_capture_starts", "_first_capture_ms", "_provider_ms", "_provider_starts")

    def __init__(self) -> None:
        self._provider_starts: list[float] = []
        self._capture_starts: list[float] = []
        self._provider_ms = 0.0
        self._first_capture_ms = 0.0

    @property
    def provider_ms(self) -> float:
        """Audio appended since the session began, in ms: "now" on the provider's clock."""
        return self._provider_ms

    @property
    def surplus_ms(self) -> float:
        """How far the provider's clock ran ahead of the line's since the first append, in ms.

        Negative if audio was left out.
        """
        if not self._provider_starts:
            return 0.0
        return self._provider_ms - (self._capture_end_ms() - self._first_capture_ms)

    def receive_appended(self, duration_ms: float, capture_end_ms: float) -> None:
        """Take note of audio that was appended, and ends at ``capture_end_ms`` on the call's clock.

        Raises:
            ValueError: if the duration is negative.
        """
        if duration_ms < 0.0:
            raise ValueError(f"duration_ms: {duration_ms} is not 0 or more")
        if duration_ms == 0.0:
            return
        capture_start_ms = capture_end_ms - duration_ms
        if not self._provider_starts:
            self._first_capture_ms = capture_start_ms
        if not self._continues(capture_start_ms):
            self._provider_starts.append(self._provider_ms)
            self._capture_starts.append(capture_start_ms)
            self._forget_oldest()
        self._provider_ms += duration_ms

    def reset(self) -> None:
        """Begin anew, as the provider's clock does with every session."""
        self._provider_starts.clear()
        self._capture_starts.clear()
        self._provider_ms = 0.0
        self._first_capture_ms = 0.0

    def capture_ms_at(self, provider_ms: float) -> float | None:
        """Return when the audio at ``provider_ms`` was captured.

        A time after the last append is that append's end, for providers that round up. None for a
        time before the first append or longer ago than is remembered.
        """
        piece = bisect_right(self._provider_starts, provider_ms) - 1
        if piece < 0:
            return None
        into_ms = min(provider_ms, self._provider_ms) - self._provider_starts[piece]
        return self._capture_starts[piece] + into_ms

    def provider_ms_at(self, capture_ms: float) -> float | None:
        """Return where on the provider's clock the audio captured at ``capture_ms`` stands.

        What was sent twice stands where it was sent last: that is the caller's released voice, and
        what came before it was silence in its place. None if nothing of that time was appended, or
        it is no longer remembered.
        """
        end_ms = self._provider_ms
        for provider_start, capture_start in zip(
            reversed(self._provider_starts), reversed(self._capture_starts), strict=True
        ):
            into_ms = capture_ms - capture_start
            if 0.0 <= into_ms < end_ms - provider_start:
                return provider_start + into_ms
            end_ms = provider_start
        return None

    def _capture_end_ms(self) -> float:
        return self._capture_starts[-1] + (self._provider_ms - self._provider_starts[-1])

    def _continues(self, capture_start_ms: float) -> bool:
        """Return whether audio that starts then simply goes on from the newest piece."""
        if not self._provider_starts:
            return False
        return abs(capture_start_ms - self._capture_end_ms()) <= _MERGE_MS

    def _forget_oldest(self) -> None:
        if len(self._provider_starts) > _MAX_PIECES:
            half = _MAX_PIECES // 2
            del self._provider_starts[:half]
            del self._capture_starts[:half]
