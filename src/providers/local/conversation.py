"""One call's conversation without I/O: turns, answers, what was heard of them, events to tell.

Invariant: an answer that begins has one end; what was cut off is neither played nor remembered.
"""

from __future__ import annotations

__all__ = ["Answer", "Conversation"]

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count

from ...core.audio import AudioFormat
from ...local_agent.reply import (
    FunctionAnswered,
    FunctionAsked,
    HistoryItem,
    Role,
    Said,
)
from ..base import (
    AgentAudio,
    AgentAudioDone,
    CallerSpeechStarted,
    CallerSpeechStopped,
    ProviderEvent,
    ResponseDone,
    ResponseStarted,
    Speaker,
    Transcript,
)
from ..gating import GatingManager
from ..responses import Reception, ResponseLedger
from .history import History
from .words import is_echo_of

_COMPLETED, _CANCELLED, _FAILED = "completed", "cancelled", "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer under way."""

    response_id: str
    item_id: str


class Conversation:
    """What is said in one call.

    Args:
        call_id: The call, as the manager knows it.
        playout: Format of the agent's voice.
        manager: The gate; told of every event.
    """

    def __init__(self, call_id: str, playout: AudioFormat, manager: GatingManager) -> None:
        self._call_id = call_id
        self._playout = playout
        self._manager = manager
        self._history = History()
        self._ledger = ResponseLedger()
        self._items: dict[str, str] = {}
        """The item of each answer under way."""
        self._events: deque[ProviderEvent] = deque()
        self._numbers = count(1)
        self._turn_numbers = count(1)
        self._is_caller_speaking = False
        self._unheard = ""
        self._was_over_agent = False

    @property
    def history(self) -> tuple[HistoryItem, ...]:
        """The conversation, as a reply wants it."""
        return self._history.items

    @property
    def agent_words(self) -> str:
        """What the agent says now or said last."""
        return self._history.last_spoken

    @property
    def is_caller_speaking(self) -> bool:
        """Whether the caller has the turn."""
        return self._is_caller_speaking

    @property
    def has_heard(self) -> bool:
        """Whether the caller has said a word."""
        return any(isinstance(item, Said) and item.role is Role.CALLER for item in self.history)

    @property
    def has_open_question(self) -> bool:
        """Whether the caller had the last word, and nothing of an answer was heard."""
        last = self._history.items[-1:]
        return bool(last) and isinstance(last[0], Said) and last[0].role is Role.CALLER

    def next_event(self) -> ProviderEvent | None:
        """Take the next event for the engine, or None."""
        return self._events.popleft() if self._events else None

    # -- the caller --------------------------------------------------------------------------------

    def begin_turn(self, capture_ms: float, now_ms: float, *, is_over_agent: bool) -> None:
        """Take that the caller has begun to speak; the gate's word on it goes to the engine."""
        self._is_caller_speaking = True
        self._was_over_agent = is_over_agent
        decision = self._manager.receive_provider_speech_started(
            self._call_id, now_ms, capture_ms=capture_ms
        )
        self._events.append(CallerSpeechStarted(decision, capture_ms))

    def end_turn(self, capture_ms: float, now_ms: float) -> None:
        """Take that the caller's turn has ended."""
        self._is_caller_speaking = False
        self._manager.receive_provider_speech_stopped(self._call_id, now_ms)
        self._events.append(CallerSpeechStopped(capture_ms))

    def hear(self, text: str) -> bool:
        """Take the words of a turn that has ended; False if they are nobody's but the agent's."""
        text = text.strip()
        if not text or (self._was_over_agent and is_echo_of(text, self.agent_words)):
            return False
        self._unheard = ""
        self._history.hear(text)
        item_id = f"turn-{next(self._turn_numbers)}"
        self._events.append(
            Transcript(speaker=Speaker.CALLER, item_id=item_id, text=text, is_final=True)
        )
        return True

    def postpone(self, text: str) -> None:
        """Keep what is only said if the caller, who speaks, turns out to have said no word."""
        self._unheard = text

    def take_unheard(self) -> str:
        """Return once what the caller has not heard of the answer that was cut off last."""
        unheard, self._unheard = self._unheard, ""
        return unheard

    # -- the agent ---------------------------------------------------------------------------------

    def begin_answer(self) -> Answer:
        """Begin an answer."""
        number = next(self._numbers)
        answer = Answer(f"response-{number}", f"item-{number}")
        self._ledger.start(answer.response_id)
        self._items[answer.response_id] = answer.item_id
        self._history.begin_item(answer.item_id)
        self._events.append(ResponseStarted(answer.response_id))
        return answer

    def begin_sentence(self, answer: Answer, text: str) -> None:
        """Take the next sentence of an answer, about to be spoken."""
        if self._is_over(answer):
            return
        self._history.begin_sentence(answer.item_id, text)
        self._events.append(
            Transcript(speaker=Speaker.AGENT, item_id=answer.item_id, text=text, is_final=False)
        )

    def add_audio(self, answer: Answer, audio: bytes, now_ms: float) -> AgentAudio | None:
        """Take the next sound of an answer; None if nobody is to hear it any more."""
        audio_ms = self._playout.duration_ms(len(audio))
        reception = self._ledger.receive_audio(answer.response_id, answer.item_id, audio_ms)
        if not audio or self._is_over(answer) or reception is not Reception.ACCEPTED:
            return None
        self._history.add_audio(answer.item_id, audio_ms)
        self._manager.set_agent_speaking(
            self._call_id, is_speaking=True, now_ms=now_ms, audio_ms=audio_ms
        )
        return AgentAudio(answer.item_id, audio)

    def end_sentence(self, answer: Answer) -> None:
        """Take that all sound of a sentence is there."""
        self._history.end_sentence(answer.item_id)

    def end_answer(self, answer: Answer, now_ms: float, *, has_failed: bool = False) -> None:
        """Take that an answer is complete, or can't be; nothing happens if it was cut off."""
        if not self._ledger.end(answer.response_id):
            return
        del self._items[answer.response_id]
        if has_failed:
            self._history.truncate(answer.item_id, math.inf)
        if self._ledger.finish_item(answer.item_id):
            self._fall_silent(now_ms)
            self._tell_whole(answer.item_id)
            self._events.append(AgentAudioDone(answer.item_id))
        status = _FAILED if has_failed else _COMPLETED
        self._events.append(ResponseDone(answer.response_id, status))

    def interrupt(self, heard_ms: Mapping[str, float], now_ms: float) -> None:
        """Cut off what is under way; remember of each item what was heard."""
        cut = self._ledger.cut(heard_ms)
        # What has no sound yet is no item to the ledger, and was not heard.
        heard = {self._items.pop(response_id): 0 for response_id in cut.responses}
        heard.update(cut.truncations)
        if heard:
            self._unheard = ""
        for item_id, item_ms in heard.items():
            self._unheard += self._history.truncate(item_id, item_ms)
        for response_id in cut.responses:
            self._ledger.end(response_id)
            self._events.append(ResponseDone(response_id, _CANCELLED))
        for item_id in heard:
            self._tell_whole(item_id)
        self._fall_silent(now_ms)

    def is_to_be_delivered(self, event: ProviderEvent) -> bool:
        """Return whether the engine gets an event, and note that it did: not what was cut off."""
        match event:
            case AgentAudio(item_id) | AgentAudioDone(item_id):
                if self._ledger.is_cut(item_id):
                    return False
                self._ledger.deliver(item_id)
        return True

    def add_functions(
        self, asked: Iterable[FunctionAsked], answered: Iterable[FunctionAnswered]
    ) -> None:
        """Take the functions of an answer, with their results."""
        self._history.add_functions(asked, answered)

    def _fall_silent(self, now_ms: float) -> None:
        self._manager.set_agent_speaking(self._call_id, is_speaking=False, now_ms=now_ms)

    def _is_over(self, answer: Answer) -> bool:
        return answer.response_id not in self._ledger.active

    def _tell_whole(self, item_id: str) -> None:
        if text := self._history.text_of(item_id):
            self._events.append(
                Transcript(speaker=Speaker.AGENT, item_id=item_id, text=text, is_final=True)
            )
