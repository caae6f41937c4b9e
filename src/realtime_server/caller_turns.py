"""The caller's side of a conversation: audio in, turns out as items, and their words where known.

Invariant: a turn whose recognition began has an item under the same id in the end, or is dropped;
either way the recogniser is told.
"""

from __future__ import annotations

__all__ = ["CallerTurns"]

from collections.abc import Iterator
from typing import Any

from ..core.audio import AudioFormat
from . import server_events as build
from .caller_audio import CallerAudio
from .conversation import Conversation, ConversationItem
from .outbox import DropTurn, EndTurn, HearTurn, Outbox
from .request_error import RequestError
from .session_config import Transcription
from .turn_detector import IdleTimeout, SpeechStarted, SpeechStopped, TurnEvent

_MIN_COMMIT_MS = 100.0
"""Least audio that the API lets a client commit."""


class CallerTurns:
    """Makes items of what the caller says.

    Args:
        outbox: Where events and wishes go.
        conversation: Where turns become items.
        caller: Finds them in the audio.
        has_recogniser: Whether anybody listens to words.
    """

    def __init__(
        self,
        outbox: Outbox,
        conversation: Conversation,
        caller: CallerAudio,
        *,
        has_recogniser: bool,
    ) -> None:
        self._outbox = outbox
        self._conversation = conversation
        self._caller = caller
        self._has_recogniser = has_recogniser
        self._item_id: str | None = None
        self._heard_id: str | None = None
        self._wanted: dict[str, bool] = {}
        self.transcription: Transcription | None = None
        """What the client wants to be told of the caller's words; None: nothing."""
        self.count = 0
        """Turns of the caller in the conversation so far, spoken or written."""
        self.last_audio = b""
        """The caller's last turn."""

    @property
    def audio_format(self) -> AudioFormat:
        """Format of the caller's audio now."""
        return self._caller.audio_format

    @property
    def is_awaiting_words(self) -> bool:
        """Whether the recogniser still owes the words of a turn that is over."""
        return bool(self._wanted)

    def append(self, audio: bytes) -> Iterator[TurnEvent]:
        """Take the next audio, and yield what it showed, once it has been carried out here."""
        for event in self._caller.append(audio):
            self._take(event)
            yield event
        self._hear(self._caller.next_of_turn())
        self._caller.forget_silence()

    def commit(self) -> None:
        """End a turn because the client wants it.

        Raises:
            RequestError: if there is too little audio.
        """
        held_ms = self._caller.held_ms
        if held_ms < _MIN_COMMIT_MS:
            raise RequestError(
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"100ms of audio, but buffer only has {held_ms:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        self._hear(self._caller.next_of_turn())
        self._add(self._id_of_turn(), self._caller.take_all())

    def clear(self) -> None:
        """Drop what no turn has taken yet."""
        self._caller.clear()
        self.forget()
        self._outbox.send(build.input_audio_cleared())

    def forget(self) -> None:
        """Forget a turn that is going on: its audio is gone, or in another format."""
        self._item_id = None
        if self._heard_id is not None:
            self._outbox.put(DropTurn(self._heard_id))
            self._heard_id = None

    def add_written(self, item: ConversationItem, audio: bytes) -> None:
        """Count a message that the client wrote for the caller, and let its audio be heard."""
        self.count += 1
        if audio and self._has_recogniser:
            self._hear_whole(item.id, audio)
            self._wanted[item.id] = False

    def receive_words(self, item_id: str, text: str | None) -> None:
        """Take the words of a turn, None where the recogniser failed, and tell the client."""
        is_told = self._wanted.pop(item_id, False)
        item = self._conversation.find(item_id)
        if item is not None and text is not None:
            item.set_transcript(text)
        if not is_told:
            return
        if text is None:
            message = "The recogniser failed."
            self._outbox.send(build.transcription_failed(item_id, "transcription_failed", message))
            return
        duration_ms = 0.0 if item is None else item.duration_ms
        if text:
            self._outbox.send(build.transcription_delta(item_id, text))
        self._outbox.send(build.transcription_completed(item_id, text, duration_ms))

    # -- turns -------------------------------------------------------------------------------------

    def _take(self, event: TurnEvent) -> None:
        if isinstance(event, SpeechStarted):
            self._begin(self._caller.begin_turn(event))
        elif isinstance(event, SpeechStopped):
            item_id = self._id_of_turn()
            self._log("speech_stopped", event.audio_end_ms)
            self._outbox.send(build.speech_stopped(item_id, event.audio_end_ms))
            self._hear(self._caller.next_of_turn(event.audio_end_ms))
            self._add(item_id, self._caller.take_turn(event))
        else:
            self._add_silence(event)

    def _begin(self, audio_start_ms: float) -> None:
        self._item_id = self._outbox.next_id("item")
        self._log("speech_started", audio_start_ms)
        self._outbox.send(build.speech_started(self._item_id, audio_start_ms))

    def _add_silence(self, event: IdleTimeout) -> None:
        item_id = self._outbox.next_id("item")
        start_ms, end_ms = event.audio_start_ms, event.audio_end_ms
        self._log("timeout_triggered", end_ms)
        self._outbox.send(build.timeout_triggered(item_id, start_ms, end_ms))
        self._add(item_id, self._caller.take_turn(event))

    def _id_of_turn(self) -> str:
        """Return the id that ``speech_started`` announced, or a new one that the turn keeps."""
        self._item_id = self._item_id or self._outbox.next_id("item")
        return self._item_id

    def _add(self, item_id: str, audio: bytes) -> None:
        """Make audio of the caller an item of the conversation."""
        self._item_id = None
        body = _caller_message(item_id)
        item = ConversationItem(id=item_id, body=body, audio_format=self._caller.audio_format)
        item.add_audio(audio)
        previous_id = self._conversation.add(item)
        self.count += 1
        self.last_audio = audio
        self._log("committed")
        self._outbox.send(
            build.input_audio_committed(item_id, previous_id),
            build.item_added(body, previous_id),
            build.item_done(body, previous_id),
        )
        self._end_hearing(item_id, audio)

    # -- words -------------------------------------------------------------------------------------

    def _hear(self, audio: bytes) -> None:
        """Let the recogniser hear more of the turn that is going on."""
        if audio and self._has_recogniser:
            self._heard_id = self._id_of_turn()
            self._put_audio(self._heard_id, audio)

    def _end_hearing(self, item_id: str, audio: bytes) -> None:
        """Ask for the words of a turn, or say that there won't be any."""
        is_told = self.transcription is not None
        if self._has_recogniser:
            if self._heard_id == item_id:
                self._outbox.put(EndTurn(item_id))
            else:
                self._hear_whole(item_id, audio)
            self._wanted[item_id] = is_told
        elif is_told:
            message = "This server has no recogniser."
            self._outbox.send(
                build.transcription_failed(item_id, "transcription_unavailable", message)
            )
        self._heard_id = None

    def _hear_whole(self, item_id: str, audio: bytes) -> None:
        self._put_audio(item_id, audio)
        self._outbox.put(EndTurn(item_id))

    def _put_audio(self, item_id: str, audio: bytes) -> None:
        audio_format = self._caller.audio_format
        self._outbox.put(HearTurn(item_id=item_id, audio=audio, audio_format=audio_format))

    def _log(self, event: str, at_ms: float | None = None) -> None:
        self._outbox.log(self._caller.position_ms, event, at_ms)


def _caller_message(item_id: str) -> dict[str, Any]:
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
