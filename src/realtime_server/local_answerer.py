"""Answers made on this machine: a reply to what the caller said, spoken sentence by sentence.

What the caller said comes as words in the request: the server's recogniser hears the turn while it
lasts. Invariant: a sentence is spoken as soon as it is there; functions follow all that is said.
"""

from __future__ import annotations

__all__ = ["LocalAnswerer"]

import re
from collections import deque
from collections.abc import AsyncIterator

from ..core.audio import AudioFormat
from ..local_agent.reply import FunctionAsked, Reply, ReplyRequest, Role, Said
from ..local_agent.sentences import SentenceSplitter, spoken_form
from ..local_agent.voice import Voice
from .answerer import AnswerRequest, FunctionCall, Speech
from .closing import closing

_WORD_FOR_WORD = re.compile(r"\bsay exactly\b[^:]{0,200}:\s*(\S.*)", re.IGNORECASE | re.DOTALL)
"""How clients ask for a greeting; no model is needed for it, and none could leave words out. The
colon is looked for nearby only: a client's instructions may be megabytes without one."""
_ARE_YOU_THERE = "Are you still there?"
_CHARACTER_MS = 65.0
"""Speech that a character stands for, roughly: where a sentence comes in several pieces, this tells
which words are in which."""


class LocalAnswerer:
    """Answers one session.

    Args:
        reply: What answers; started by whoever made it, like the voice.
        voice: What speaks.
        greeting: What is said before the caller has said anything, unless the client says what.
        follows_instructions: Whether the reply reads instructions; one that does not is never asked
            before the caller has spoken.
    """

    def __init__(
        self, reply: Reply, voice: Voice, *, greeting: str, follows_instructions: bool
    ) -> None:
        self._reply = reply
        self._voice = voice
        self._greeting = greeting
        self._follows_instructions = follows_instructions

    async def answer(self, request: AnswerRequest) -> AsyncIterator[Speech | FunctionCall]:
        """Yield the answer; a sentence may come in several pieces.

        Raises:
            ProviderError: while iterating; reply or voice failed.
        """
        functions: list[FunctionCall] = []
        async with closing(self._sentences(request, functions)) as sentences:
            async for sentence in sentences:
                async with closing(self._spoken(sentence)) as pieces:
                    async for speech in pieces:
                        yield speech
        for function in functions:
            yield function

    async def _sentences(
        self, request: AnswerRequest, functions: list[FunctionCall]
    ) -> AsyncIterator[str]:
        """Yield what is to be spoken, and add what is to be called to ``functions``."""
        splitter = SentenceSplitter()
        async with closing(self._text(request)) as texts:
            async for text in texts:
                if isinstance(text, FunctionCall):
                    functions.append(text)
                    continue
                for sentence in splitter.push(text):
                    yield sentence
        for sentence in splitter.finish():
            yield sentence

    async def _text(self, request: AnswerRequest) -> AsyncIterator[str | FunctionCall]:
        literal = self._without_a_reply(request)
        if literal is not None:
            yield literal
            return
        wanted = ReplyRequest(
            history=request.history,
            instructions=_instructions(request),
            functions=request.offered,
        )
        async with closing(self._reply.reply(wanted)) as pieces:
            async for piece in pieces:
                if isinstance(piece, FunctionAsked):
                    yield FunctionCall(name=piece.name, arguments=piece.arguments)
                elif isinstance(piece, str):
                    yield piece

    def _without_a_reply(self, request: AnswerRequest) -> str | None:
        """Return what is to be said where there is nothing to reply to; None where there is."""
        if found := _WORD_FOR_WORD.search(request.instructions or ""):
            return found[1]
        if request.was_idle:
            return _ARE_YOU_THERE
        has_caller = any(isinstance(e, Said) and e.role is Role.CALLER for e in request.history)
        may_open = self._follows_instructions and bool(request.instructions)
        return None if has_caller or may_open else self._greeting

    async def _spoken(self, sentence: str) -> AsyncIterator[Speech]:
        text = spoken_form(sentence)
        if not text:
            return
        words = _SpreadWords(text)
        async with closing(self._voice.speak(text)) as pieces:
            async for piece in pieces:
                audio_format = piece.audio_format
                said = words.next_for(audio_format.duration_ms(len(piece.audio)))
                yield Speech(text=said, audio=piece.audio, audio_format=audio_format)
        if rest := words.rest():
            yield Speech(text=rest, audio=b"", audio_format=AudioFormat())


class _SpreadWords:
    """Says which words of a sentence are in which piece of its sound, as they come."""

    def __init__(self, text: str) -> None:
        self._words = deque(text.split())
        self._spoken_ms = 0.0
        self._due_ms = 0.0

    def next_for(self, duration_ms: float) -> str:
        """Return the words that begin in the next piece."""
        words = []
        while self._words and self._due_ms <= self._spoken_ms:
            words.append(self._words.popleft())
            self._due_ms += _CHARACTER_MS * (len(words[-1]) + 1)
        self._spoken_ms += duration_ms
        return " ".join(words)

    def rest(self) -> str:
        """Return the words that no piece was long enough for."""
        return " ".join(self._words)


def _instructions(request: AnswerRequest) -> str:
    """Return what the agent is told to be: for one answer other than in its session, if so."""
    said = request.instructions or request.session_instructions
    return "\n\n".join(filter(None, (said, request.system_text)))
