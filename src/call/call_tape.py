"""What happened on a line while no provider was there to hear it, for the one that comes next.

What the caller said is kept while the provider is away, bounded. What the line played is always
kept for a while: its echo may still come, and the next provider's gate must know it. Invariant:
what is played back comes in the order in which it happened, and each frame of the caller once.
"""

from __future__ import annotations

__all__ = ["CallTape", "TapedFrame", "TapedSlot"]

from collections import deque
from dataclasses import dataclass

from ..core.audio import AudioFormat
from ..core.playout import PlayoutFrame
from ..core.units import ms_to_bytes

_ECHO_MS = 1000.0
"""Echo paths of telephone calls are shorter, those over satellites too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapedFrame:
    """Audio of the caller."""

    audio: bytes
    now_ms: float
    """When it came."""
    placed_ms: float | None = None
    """When it ended at the caller's line; None where the line does not say."""
    is_judged: bool = False
    """A provider's gate has judged it, and observers were told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapedSlot:
    """What the line played in a slot."""

    played: PlayoutFrame
    now_ms: float
    is_judged: bool = False
    """A provider's gate was shown it, and observers were told what it made of it."""
    is_skipped: bool = False
    """Nothing was sent in it, as its time was missed."""


class CallTape:
    """The last seconds of one call.

    Args:
        capture_format: Format of the caller's audio.
        hold_ms: Caller's audio that is kept, in ms, oldest dropped beyond; 0 keeps none. Nothing is
            kept for longer either, nor is more kept of a peer that sends faster than real time.
    """

    def __init__(self, capture_format: AudioFormat, *, hold_ms: float) -> None:
        self._hold_ms = hold_ms
        self._hold_bytes = ms_to_bytes(hold_ms, capture_format)
        self._frames: deque[TapedFrame] = deque()
        self._held_bytes = 0
        self._slots: deque[TapedSlot] = deque()
        self._is_holding = True  # at first the provider is not there yet
        self.dropped_frames = 0
        """Frames of the caller that were dropped because more came than the bound allows."""

    @property
    def held_frames(self) -> int:
        """Frames of the caller that are kept."""
        return len(self._frames)

    @property
    def start_ms(self) -> float | None:
        """When the oldest thing happened that is kept; None if nothing is."""
        times = [entries[0].now_ms for entries in (self._slots, self._frames) if entries]
        return min(times, default=None)

    def hold(self) -> None:
        """Keep what the caller says from now on: the provider is away."""
        self._is_holding = True

    def release(self) -> None:
        """Forget what the caller said: the provider has it."""
        self._is_holding = False
        self._frames.clear()
        self._held_bytes = 0
        self.dropped_frames = 0

    def record_frame(self, frame: TapedFrame) -> None:
        """Take audio of the caller; kept only while the provider is away."""
        if not self._is_holding:
            return
        self._frames.append(frame)
        self._held_bytes += len(frame.audio)
        while self._frames and self._is_too_much(frame.now_ms):
            self._take_frame()
            self.dropped_frames += 1

    def record_slot(self, slot: TapedSlot) -> None:
        """Take what the line plays."""
        self._slots.append(slot)
        oldest_ms = self._frames[0].now_ms if self._frames else slot.now_ms
        while self._slots[0].now_ms < oldest_ms - _ECHO_MS:
            self._slots.popleft()

    def take(self) -> TapedFrame | TapedSlot | None:
        """Take the oldest thing that is kept, or None."""
        if not self._frames:
            return self._slots.popleft() if self._slots else None
        is_slot_older = self._slots and self._slots[0].now_ms <= self._frames[0].now_ms
        return self._slots.popleft() if is_slot_older else self._take_frame()

    def _is_too_much(self, now_ms: float) -> bool:
        is_old = now_ms - self._frames[0].now_ms >= self._hold_ms
        return is_old or self._held_bytes > self._hold_bytes

    def _take_frame(self) -> TapedFrame:
        frame = self._frames.popleft()
        self._held_bytes -= len(frame.audio)
        return frame
