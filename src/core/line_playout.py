"""What a line is sent, and what it plays meanwhile: the playout of any line, buffering or not.

A line without a buffer is sent one frame a slot, and plays it. One that buffers and can be told to
forget is sent ahead, as far as its lead goes, and nothing while the agent is silent. What it then
plays in a slot was sent before; that, and not what is sent, is what the gate is shown as far-end.
A pause or a flush makes the line forget what it has not played: the audio goes back to the head of
the queue, a fade-out of it is sent, and a resume goes on where the caller stopped hearing.

Invariant: one frame is played in each slot, and what the caller has not heard is never counted.
"""

from __future__ import annotations

__all__ = ["LinePlayout", "PlayoutSlot"]

from dataclasses import dataclass

from .audio import AudioFormat
from .line_buffer import LineBuffer
from .playout import Playout, PlayoutFrame
from .units import bytes_to_ms


@dataclass(frozen=True, slots=True)
class PlayoutSlot:
    """One slot of 20 ms."""

    sent: tuple[PlayoutFrame, ...]
    """What the line is to be sent now, in order: always one frame for a line without a buffer."""
    played: PlayoutFrame
    """What the caller's line plays in the slot."""


class LinePlayout:
    """The agent's audio on its way through one line.

    Args:
        audio_format: Format of the audio in and out.
        max_lead_ms: How far the line may be sent ahead of real time, in ms; 0 for one without a
            buffer, or one that can't be told to forget.

    Raises:
        ValueError: if ``max_lead_ms`` is negative.
    """

    def __init__(self, audio_format: AudioFormat, *, max_lead_ms: float = 0.0) -> None:
        if not max_lead_ms >= 0:
            raise ValueError(f"max_lead_ms: {max_lead_ms} is not 0 or more")
        self._playout = Playout(audio_format)
        self._format = audio_format
        self._max_lead_ms = max_lead_ms
        self._buffer = LineBuffer()
        self._silence = PlayoutFrame(
            audio=audio_format.silence(audio_format.frame_bytes), is_agent_audio=False, item_id=None
        )
        self._line_flush: tuple[PlayoutFrame, ...] | None = None

    @property
    def is_buffered(self) -> bool:
        """Whether the line is sent ahead."""
        return self._max_lead_ms > 0

    @property
    def lead_ms(self) -> float:
        """Audio that was sent and whose slot has not come, in ms."""
        return self._buffer.waiting_ms

    @property
    def is_active(self) -> bool:
        """Agent audio was in the last slot, or is on its way to the caller: queued, paused or sent.

        False as soon as the last slot of the agent's last word is over.
        """
        return self._playout.is_active or self._buffer.waiting_ms > 0

    @property
    def underruns(self) -> int:
        """How often an item that had begun and was not finished ran out of audio."""
        return self._playout.underruns

    @property
    def dropped_ms(self) -> float:
        """Agent audio that was left out, as too much waited, in ms."""
        return self._playout.dropped_ms

    def enqueue(self, item_id: str, audio: bytes) -> None:
        """Take audio of an item; see :meth:`Playout.enqueue`."""
        self._playout.enqueue(item_id, audio)

    def finish(self, item_id: str) -> None:
        """Take that all audio of an item has come."""
        self._playout.finish(item_id)

    def pause(self, now_ms: float) -> None:
        """Stop; see :meth:`take_line_flush` for what the line is to be told."""
        if not self._playout.is_paused:
            unheard = self._take_back()
            self._playout.pause()
            self._flush_line(now_ms, unheard)

    def resume(self) -> None:
        """Go on where the caller stopped hearing, fading in."""
        self._playout.resume()

    def flush(self, now_ms: float) -> dict[str, float]:
        """Forget all that was not heard, and end a pause.

        Returns:
            What was heard of every item not completely heard, in ms; see :meth:`Playout.flush`.
        """
        unheard = self._take_back()
        heard_ms = self._playout.flush()
        self._flush_line(now_ms, unheard)
        return heard_ms

    def take_line_flush(self) -> tuple[PlayoutFrame, ...] | None:
        """Return what the line is to be sent right after it was told to forget, once.

        None where it has nothing to forget. To be asked after each pause and flush.
        """
        frames, self._line_flush = self._line_flush, None
        return frames

    def report_played(self, n_frames: int, now_ms: float) -> None:
        """Take the line's word that it has played the first ``n_frames`` of all it was sent."""
        self._buffer.report(n_frames, now_ms)

    def next_slot(self, slot_ms: float, now_ms: float) -> PlayoutSlot:
        """Return what the next slot sends and plays; call it once a slot.

        Args:
            slot_ms: When the slot was due.
            now_ms: When it is sent: now.
        """
        if not self.is_buffered:
            frame = self._playout.next_frame()
            return PlayoutSlot((frame,), frame)
        sent = []
        while self._has_room():
            frame = self._playout.next_frame()
            if not frame.is_agent_audio:
                break
            self._buffer.send(frame, now_ms)
            sent.append(frame)
        return PlayoutSlot(tuple(sent), self._buffer.play_slot(slot_ms) or self._silence)

    def skip_slot(self, slot_ms: float) -> PlayoutFrame:
        """Let a slot pass that nothing was sent in time for; return what the line played."""
        return self._buffer.play_slot(slot_ms) or self._silence

    def heard_ms(self, item_id: str) -> float:
        """Return how much of an item the caller has heard, in ms; 0.0 for an unknown one."""
        unheard = sum(
            len(frame.source) for frame in self._buffer.unheard() if frame.item_id == item_id
        )
        heard_ms = self._playout.heard_ms(item_id) - bytes_to_ms(unheard, self._format)
        return max(0.0, heard_ms)

    def _has_room(self) -> bool:
        """Tell whether the line may be sent one more, and asks for it or is there to be had."""
        waiting_ms = self._buffer.waiting_ms
        return waiting_ms == 0 or (waiting_ms < self._max_lead_ms and self._playout.is_ready)

    def _take_back(self) -> bool:
        """Put what the caller has not heard back into the queue; tell whether there was any."""
        unheard = self._buffer.take_back()
        self._playout.take_back(unheard)
        return bool(unheard)

    def _flush_line(self, now_ms: float, is_holding: bool) -> None:  # noqa: FBT001
        if not is_holding:
            return
        fade = self._playout.next_frame()
        if fade.is_agent_audio:
            self._buffer.send(fade, now_ms)
            self._line_flush = (fade,)
        else:
            self._line_flush = ()
