"""What the caller hears of the agent: what was queued, sent and heard of each item.

The agent's audio comes item by item, faster than real time, and leaves in 20 ms frames, one a slot.
A pause or a flush acts on the next frame, with a short fade instead of a click.

What counts as heard: a frame counts once it was handed out whole; what a line that buffers has not
played is taken back before (``line_playout.py``). The fade-out of a pause or a flush does not
count: after a pause that audio is played again from its start, and after a flush the agent is taken
to have said a few ms less than it did. Silence that fills up the last frame of an item never
counts.

Invariant: of every item, what is played is a prefix of what was received, each byte once.
"""

from __future__ import annotations

__all__ = ["MAX_QUEUED_ITEMS", "Playout", "PlayoutFrame"]

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from .audio import FRAME_MS, AudioFormat
from .byte_queue import ByteQueue
from .fade import Fade
from .units import bytes_to_ms, ms_to_bytes

MAX_QUEUED_ITEMS = 256
"""Items that wait to be played; an answer has a few. Audio of a further one is dropped, counted."""

_MAX_PAST_ITEMS = 256
"""Items that are over but still known, so that late audio of a flushed one is recognised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayoutFrame:
    """What the line plays in one slot."""

    audio: bytes
    """Exactly 20 ms in the playout format."""
    is_agent_audio: bool
    """True for the agent's voice, fades included; False for the silence that keeps a line alive."""
    item_id: str | None
    """Whose voice it is; None for silence."""
    source: bytes = field(default=b"", repr=False, compare=False)
    """What of the item's audio was taken for it: without fades and filling, empty for a fade-out.
    It is what a line that forgets the frame gives back."""


@dataclass(slots=True, eq=False)
class _Item:
    """One piece of speech of the agent."""

    item_id: str
    waiting: ByteQueue = field(default_factory=ByteQueue)
    sent_bytes: int = 0
    is_queued: bool = False
    is_finished: bool = False
    is_cut_off: bool = False
    """The bound was reached: what follows is dropped too, so that the item has no hole."""
    flushed_heard_ms: float | None = None
    """What had been heard when the item was flushed; None as long as it was not."""


class Playout:
    """Queues the agent's audio and hands it out slot by slot.

    Args:
        audio_format: Format of the audio in and out.
        max_queued_ms: Bound of what may wait, 20 ms or more. An item that passes it is cut off
            there: its newest audio is dropped and counted, as is all that follows of it.
        fade_ms: Length of a fade, 0..20; 0 cuts hard.

    Raises:
        ValueError: if a number is out of its range.
    """

    def __init__(
        self,
        audio_format: AudioFormat,
        *,
        max_queued_ms: float = 600_000.0,
        fade_ms: float = 5.0,
    ) -> None:
        if not max_queued_ms >= FRAME_MS:
            raise ValueError(f"max_queued_ms: {max_queued_ms} is not {FRAME_MS} or more")
        self._format = audio_format
        self._max_queued_bytes = ms_to_bytes(max_queued_ms, audio_format)
        self._fade = Fade(audio_format, fade_ms)
        self._has_fades = fade_ms > 0
        self._silence = PlayoutFrame(
            audio=audio_format.silence(audio_format.frame_bytes), is_agent_audio=False, item_id=None
        )
        self._queue: deque[_Item] = deque()
        self._known: dict[str, _Item] = {}
        self._queued_bytes = 0
        self._sounding: _Item | None = None
        self._flush_fade: PlayoutFrame | None = None
        self._is_fade_in_due = False
        self._is_paused = False
        self._is_underrun = False
        self._underruns = 0
        self._underrun_slots = 0
        self._dropped_bytes = 0
        self._ignored_bytes = 0

    @property
    def audio_format(self) -> AudioFormat:
        """Format of the audio in and out."""
        return self._format

    @property
    def is_paused(self) -> bool:
        """Playout stands still until :meth:`resume` or :meth:`flush`."""
        return self._is_paused

    @property
    def is_active(self) -> bool:
        """Agent audio was in the last slot, or is waiting to be played, paused or not."""
        return self._sounding is not None or self._queued_bytes > 0

    @property
    def is_ready(self) -> bool:
        """The next frame is the agent's voice, whole or the last of its item."""
        if self._is_paused or self._flush_fade is not None:
            return self._flush_fade is not None
        self._drop_exhausted()
        return bool(self._queue) and self._is_ready(self._queue[0])

    @property
    def queued_ms(self) -> float:
        """Audio that waits to be played, in ms."""
        return bytes_to_ms(self._queued_bytes, self._format)

    @property
    def underruns(self) -> int:
        """How often an item that had begun and was not finished ran out of audio."""
        return self._underruns

    @property
    def underrun_ms(self) -> float:
        """How long the caller heard silence because of that."""
        return float(self._underrun_slots * FRAME_MS)

    @property
    def dropped_ms(self) -> float:
        """Audio that was dropped because too much was waiting, in ms."""
        return bytes_to_ms(self._dropped_bytes, self._format)

    @property
    def ignored_ms(self) -> float:
        """Audio that came for items that had been flushed, in ms."""
        return bytes_to_ms(self._ignored_bytes, self._format)

    def enqueue(self, item_id: str, audio: bytes) -> None:
        """Take audio of an item, of any length; a chunk need not end with a sample.

        Items play in the order in which they first came. Audio for an item that is over, but was
        not flushed, opens it again behind the others.
        """
        item = self._known.get(item_id)
        if item is not None and item.flushed_heard_ms is not None:
            self._ignored_bytes += len(audio)
        elif audio and item is None and len(self._queue) >= MAX_QUEUED_ITEMS:
            self._dropped_bytes += len(audio)
        elif audio:
            self._append(item or _Item(item_id), audio)

    def finish(self, item_id: str) -> None:
        """Take that all audio of an item has come; its last frame is filled up and played."""
        item = self._known.get(item_id)
        if item is not None:
            item.is_finished = True

    def pause(self) -> None:
        """Stop with the next frame, which fades out what was about to be played."""
        self._is_paused = True

    def resume(self) -> None:
        """Go on where it stopped, fading in; what the pause faded out is played again."""
        self._is_paused = False

    def flush(self) -> dict[str, float]:
        """Forget all that was not heard, and end a pause; the next frame fades out.

        Returns:
            What was heard, in ms, of every item not completely heard, in the order of playing: the
            one that is playing, also if it only waits for more audio, and those that have not begun
            (0.0).
        """
        if self._sounding is not None:
            self._flush_fade = self._faded_out(self._sounding)
        self._drop_exhausted()
        heard_ms = {item.item_id: self.heard_ms(item.item_id) for item in self._queue}
        for item in self._queue:
            item.flushed_heard_ms = heard_ms[item.item_id]
            item.waiting.clear()
            item.is_queued = False
        self._queue.clear()
        self._queued_bytes = 0
        self._sounding = None
        self._is_paused = self._is_underrun = self._is_fade_in_due = False
        return heard_ms

    def take_back(self, frames: Sequence[PlayoutFrame]) -> None:
        """Put the newest frames handed out back to the head of the queue: nobody heard them.

        Args:
            frames: In the order in which they were handed out, without a gap but for silence.
        """
        for frame in reversed(frames):
            item = self._known.get(frame.item_id or "")
            if not frame.source or item is None or item.flushed_heard_ms is not None:
                continue
            item.waiting.push_front(frame.source)
            item.sent_bytes -= len(frame.source)
            self._queued_bytes += len(frame.source)
            if item.is_queued and self._queue[0] is not item:
                self._queue.remove(item)
                item.is_queued = False
            if not item.is_queued:
                item.is_queued = True
                self._queue.appendleft(item)
            self._sounding = item

    def sent_ms(self, item_id: str) -> float:
        """Return how much of an item was handed out, in ms; 0.0 for an unknown one."""
        item = self._known.get(item_id)
        return bytes_to_ms(item.sent_bytes, self._format) if item else 0.0

    def heard_ms(self, item_id: str) -> float:
        """Return how much of an item the caller has heard, in ms; 0.0 for an unknown one.

        Of a flushed item it is what had been heard by then.
        """
        item = self._known.get(item_id)
        if item is None:
            return 0.0
        if item.flushed_heard_ms is not None:
            return item.flushed_heard_ms
        return self.sent_ms(item_id)

    def next_frame(self) -> PlayoutFrame:
        """Return what the line plays in the next 20 ms slot; call it once a slot."""
        if self._flush_fade is not None:
            frame, self._flush_fade = self._flush_fade, None
            return frame
        return self._paused_frame() if self._is_paused else self._played_frame()

    def _append(self, item: _Item, audio: bytes) -> None:
        """Queue audio of an item as far as there is room."""
        if item.is_cut_off:
            self._dropped_bytes += len(audio)
            return
        kept = audio[: self._max_queued_bytes - self._queued_bytes]
        self._dropped_bytes += len(audio) - len(kept)
        item.is_cut_off = len(kept) < len(audio)
        item.is_finished = False
        item.waiting.push(kept)
        self._queued_bytes += len(kept)
        if not item.is_queued:
            self._open(item)

    def _open(self, item: _Item) -> None:
        """Put an item behind the others, and forget the oldest of those that are over."""
        item.is_queued = True
        self._queue.append(item)
        self._known.pop(item.item_id, None)
        self._known[item.item_id] = item
        if len(self._known) > _MAX_PAST_ITEMS + len(self._queue):
            del self._known[next(iter(self._known))]

    def _played_frame(self) -> PlayoutFrame:
        """Return the next frame of the first item, or silence."""
        self._drop_exhausted()
        item = self._queue[0] if self._queue else None
        self._sounding = None
        if item is None:
            self._is_underrun = False
        elif self._is_ready(item):
            return self._sent_frame(item)
        elif item.sent_bytes:
            self._count_underrun()
        return self._silence

    def _sent_frame(self, item: _Item) -> PlayoutFrame:
        audio = item.waiting.take(self._format.frame_bytes)
        self._queued_bytes -= len(audio)
        item.sent_bytes += len(audio)
        self._sounding = item
        self._is_underrun = False
        frame = self._filled_up(audio)
        if self._is_fade_in_due:
            self._is_fade_in_due = False
            frame = self._fade.fade_in(frame)
        return PlayoutFrame(audio=frame, is_agent_audio=True, item_id=item.item_id, source=audio)

    def _paused_frame(self) -> PlayoutFrame:
        """Return the fade-out in the first slot of a pause that cut into speech, then silence."""
        frame = None
        if self._sounding is not None:
            frame = self._faded_out(self._sounding)
            self._is_fade_in_due = frame is not None
            self._sounding = None
        return frame or self._silence

    def _faded_out(self, item: _Item) -> PlayoutFrame | None:
        """Return the fade-out of what would have come of an item; None if nothing would have."""
        audio = item.waiting.peek(self._format.frame_bytes)
        if not self._has_fades or len(audio) < self._format.sample_bytes:
            return None
        frame = self._fade.fade_out(self._filled_up(audio))
        return PlayoutFrame(audio=frame, is_agent_audio=True, item_id=item.item_id)

    def _filled_up(self, audio: bytes) -> bytes:
        """Return a frame that begins with the whole samples of ``audio`` and ends in silence."""
        missing_bytes = self._format.frame_bytes - len(audio)
        if missing_bytes == 0:
            return audio
        whole = audio[: len(audio) - len(audio) % self._format.sample_bytes]
        return whole + self._format.silence(self._format.frame_bytes - len(whole))

    def _is_ready(self, item: _Item) -> bool:
        """Tell whether the item at the head can fill a slot, or has to because it ends here."""
        return len(item.waiting) >= self._format.frame_bytes or self._is_closed(item)

    def _is_closed(self, item: _Item) -> bool:
        """Tell whether no more audio is awaited for the item at the head."""
        return item.is_finished or item.is_cut_off or len(self._queue) > 1

    def _drop_exhausted(self) -> None:
        """Take items off the head that are closed and have no whole sample left."""
        while self._queue:
            item = self._queue[0]
            if len(item.waiting) >= self._format.sample_bytes or not self._is_closed(item):
                return
            self._queued_bytes -= len(item.waiting)
            item.waiting.clear()
            item.is_queued = False
            self._queue.popleft()

    def _count_underrun(self) -> None:
        if not self._is_underrun:
            self._underruns += 1
        self._is_underrun = True
        self._underrun_slots += 1
