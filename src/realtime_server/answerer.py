"""What the agent says: the interface behind which a recogniser, a model and a voice can stand.

The scripted answerer hears nothing: it picks rendered sentences by what happened so far.

Invariant: an answerer knows no sockets and no events; it gets a request and gives speech.
"""

from __future__ import annotations

__all__ = [
    "DEFAULT_REPLIES",
    "AnswerRequest",
    "Answerer",
    "FunctionCall",
    "OfferedFunction",
    "ScriptedAnswerer",
    "Speech",
]

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Protocol

from ..core.audio import AudioFormat
from ..local_agent.reply import HistoryItem
from .voice_library import VoiceLibrary, VoiceLine, agent_voices

DEFAULT_REPLIES = ("service_time", "card_payment", "opening_hours", "repeat")
"""What turns are answered with, in order and from the start again; the first is long enough to be
interrupted."""

_GREETING = "greeting"
_AFTER_INTERRUPTION = "go_on"
_AFTER_SILENCE = "still_there"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedFunction:
    """A function that the client offers."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """JSON schema of its arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRequest:
    """What an answer can go by."""

    turns_heard: int
    """Turns of the caller in the conversation so far, spoken or written."""
    was_interrupted: bool = False
    """The caller did not let the last answer finish."""
    was_idle: bool = False
    """Nobody spoke; the answer is to bring the caller back."""
    session_instructions: str = ""
    instructions: str | None = None
    """Instructions for this answer alone."""
    text: str | None = None
    """Newest text item that no answer has followed yet."""
    caller_audio: bytes = field(default=b"", repr=False)
    """The caller's last turn."""
    caller_format: AudioFormat = AudioFormat()
    offered: tuple[OfferedFunction, ...] = ()
    """The functions that the client offers."""
    function_output: str | None = None
    """Newest result of a function that no answer has followed yet, as the client wrote it."""
    history: tuple[HistoryItem, ...] = field(default=(), repr=False)
    """The conversation as text, in order; what the caller said is in it where the server has a
    recogniser, and of the agent what was not cut off."""
    system_text: str = field(default="", repr=False)
    """Messages of the role ``system`` in the conversation."""

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions that the client offers."""
        return tuple(function.name for function in self.offered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A piece of an answer: what is said and how it sounds."""

    text: str
    audio: bytes
    audio_format: AudioFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCall:
    """A function that the client is asked to call; it follows what is said in the same answer."""

    name: str
    arguments: str = "{}"
    """JSON text of an object."""


class Answerer(Protocol):
    """Answers one conversation; each session has one of its own."""

    def answer(self, request: AnswerRequest) -> AsyncIterator[Speech | FunctionCall]:
        """Yield the answer piece by piece, as soon as each is there.

        Cancelled when the caller interrupts; may raise, which fails this response alone.
        """


class ScriptedAnswerer:
    """Says rendered sentences.

    A text or an instruction that holds a sentence word for word gets that sentence. Else an answer
    before any turn of the caller is the greeting, one to silence asks whether the caller is still
    there, and turns get the replies in order, from the start again after the last. Without replies
    given, :data:`DEFAULT_REPLIES` are used, and an interruption is answered by "please go on".

    Args:
        replies: Ids of lines, or None for the default.
        voices: The lines to choose from.

    Raises:
        ValueError: if there is no reply, or one has no line.
    """

    def __init__(
        self, replies: Sequence[str] | None = None, *, voices: VoiceLibrary | None = None
    ) -> None:
        self._voices = agent_voices() if voices is None else voices
        self._yields_to_interruption = replies is None
        chosen = DEFAULT_REPLIES if replies is None else tuple(replies)
        if not chosen:
            raise ValueError("replies: empty; name one line at least, or None for the default")
        for line_id in chosen:
            if line_id not in self._voices:
                raise ValueError(f"replies: {line_id!r} is not one of {', '.join(self._voices)}")
        self._replies = cycle(chosen)

    async def answer(self, request: AnswerRequest) -> AsyncIterator[Speech | FunctionCall]:
        """Yield the one sentence that answers the request."""
        line = self.choose(request)
        yield Speech(text=line.text, audio=line.audio, audio_format=line.audio_format)

    def choose(self, request: AnswerRequest) -> VoiceLine:
        """Return the line that answers the request; a reply chosen is used up."""
        asked_for = " ".join(filter(None, (request.instructions, request.text)))
        return self._voices.find(asked_for) or self._voices[self._scripted(request)]

    def _scripted(self, request: AnswerRequest) -> str:
        if request.was_idle:
            return _AFTER_SILENCE
        if request.turns_heard == 0:
            return _GREETING
        if request.was_interrupted and self._yields_to_interruption:
            return _AFTER_INTERRUPTION
        return next(self._replies)
