"""The events of one line between the socket that receives them and the engine that takes them.

Invariant: the queue is bounded, nobody waits to put something in, and
:class:`~voxgate.transports.base.LineHangup` is the last event that comes out.
"""

from __future__ import annotations

__all__ = ["LineEventQueue"]

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from .base import FrameTaker, LineAudio, LineEvent, LineHangup


class LineEventQueue:
    """Holds events in order for one consumer.

    Full means: of audio, the oldest is dropped, because the newest says what the caller does now;
    of other events, the newest is dropped. Both are counted.

    Args:
        max_audio_frames: Audio events that may wait; at 20 ms each, 500 are 10 s.
        max_audio_bytes: Bytes of audio that may wait.
        max_other_events: Key presses and warnings that may wait.
    """

    def __init__(
        self,
        *,
        max_audio_frames: int = 500,
        max_audio_bytes: int = 4_000_000,
        max_other_events: int = 100,
    ) -> None:
        self._max_audio_frames = max_audio_frames
        self._max_audio_bytes = max_audio_bytes
        self._max_other_events = max_other_events
        self._events: deque[LineEvent] = deque()
        self._audio_frames = 0
        self._audio_bytes = 0
        self._hangup: LineHangup | None = None
        self._is_ready = asyncio.Event()
        self._taker: FrameTaker | None = None
        self._dropped_audio_frames = 0
        self._dropped_other_events = 0

    @property
    def is_closed(self) -> bool:
        """Whether :class:`LineHangup` was put in; more events are ignored."""
        return self._hangup is not None

    @property
    def hangup(self) -> LineHangup | None:
        """Why the line is gone; None as long as it is there."""
        return self._hangup

    @property
    def dropped_audio_frames(self) -> int:
        """Audio events lost because the consumer was too slow."""
        return self._dropped_audio_frames

    @property
    def dropped_other_events(self) -> int:
        """Other events lost because the consumer was too slow."""
        return self._dropped_other_events

    def deliver_to(self, taker: FrameTaker | None) -> None:
        """Have what is delivered taken at once, where that can be; None: no more."""
        self._taker = taker

    def deliver(self, event: LineAudio) -> None:
        """Have audio taken now if somebody takes it and nothing waits, or put it in. Never waits.

        For audio that was read alone: several at once are to be put in.
        """
        if (
            self._taker is None
            or self._events
            or self._hangup is not None
            or not self._taker(event)
        ):
            self.put(event)

    def put(self, event: LineEvent) -> None:
        """Put an event in; the first :class:`LineHangup` closes the queue. Never waits."""
        if self._hangup:
            return
        if isinstance(event, LineAudio):
            self._put_audio(event)
        elif isinstance(event, LineHangup):
            self._hangup = event
        else:
            self._put_other(event)
        if not self._is_ready.is_set():
            self._is_ready.set()

    async def get(self) -> LineEvent:
        """Wait for the next event; after the last one, that one again.

        Cancelling loses no event.
        """
        while not self._events:
            if self._hangup:
                return self._hangup
            self._is_ready.clear()
            await self._is_ready.wait()
        return self._take()

    async def drain(self) -> AsyncIterator[LineEvent]:
        """Yield events up to and with :class:`LineHangup`."""
        while True:
            event = self._take() if self._events else await self.get()
            yield event
            if isinstance(event, LineHangup):
                return

    def _take(self) -> LineEvent:
        event = self._events.popleft()
        if isinstance(event, LineAudio):
            self._forget_audio(event)
        return event

    def _put_audio(self, event: LineAudio) -> None:
        self._events.append(event)
        self._audio_frames += 1
        self._audio_bytes += len(event.audio)
        while (
            self._audio_frames > self._max_audio_frames or self._audio_bytes > self._max_audio_bytes
        ):
            self._drop_oldest_audio()

    def _drop_oldest_audio(self) -> None:
        # Few other events wait, so that the first audio event is near the front.
        index, oldest = next(
            (index, event)
            for index, event in enumerate(self._events)
            if isinstance(event, LineAudio)
        )
        del self._events[index]
        self._forget_audio(oldest)
        self._dropped_audio_frames += 1

    def _forget_audio(self, event: LineAudio) -> None:
        self._audio_frames -= 1
        self._audio_bytes -= len(event.audio)

    def _put_other(self, event: LineEvent) -> None:
        if len(self._events) - self._audio_frames < self._max_other_events:
            self._events.append(event)
        else:
            self._dropped_other_events += 1
