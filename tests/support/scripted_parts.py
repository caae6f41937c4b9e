"""The parts of a local agent as tests want them: words, replies and sound without any model."""

from __future__ import annotations

__all__ = ["ScriptedRecogniser", "ScriptedReply", "ScriptedVoice"]

from collections.abc import AsyncIterator, Callable, Sequence

from voxgate.core.audio import AudioFormat
from voxgate.errors import ProviderError
from voxgate.local_agent.recogniser import Recognition
from voxgate.local_agent.reply import FunctionAsked, ReplyRequest
from voxgate.local_agent.voice import SpokenAudio


class ScriptedTurn:
    """A turn that is heard as the next words of a script."""

    def __init__(self, words: str | None) -> None:
        self.audio = b""
        self.is_cancelled = False
        self.is_finished = False
        self._words = words

    @property
    def text(self) -> str:
        return self._words or ""

    def send_audio(self, audio: bytes) -> None:
        assert not self.is_finished, "audio after the end of the turn"
        self.audio += audio

    async def finish(self) -> str:
        self.is_finished = True
        if self._words is None:
            raise ProviderError("script", "there are no words", retryable=True)
        return self._words

    async def cancel(self) -> None:
        self.is_cancelled = True


class ScriptedRecogniser:
    """Hears the words of a script, a turn each; None fails."""

    def __init__(self, *words: str | None) -> None:
        self.turns: list[ScriptedTurn] = []
        self.is_running = False
        self._words = iter(words)

    async def start(self) -> None:
        self.is_running = True

    def begin(self) -> Recognition:
        self.turns.append(ScriptedTurn(next(self._words, None)))
        return self.turns[-1]

    async def stop(self) -> None:
        self.is_running = False


class ScriptedReply:
    """Replies with what a function makes of a request, or with the same pieces every time."""

    def __init__(
        self,
        pieces: Sequence[str | FunctionAsked]
        | Callable[[ReplyRequest], Sequence[str | FunctionAsked]] = (),
    ) -> None:
        self.requests: list[ReplyRequest] = []
        self.n_ended = 0
        self._pieces = pieces

    async def start(self) -> None:
        pass

    async def reply(self, request: ReplyRequest) -> AsyncIterator[str | FunctionAsked]:
        self.requests.append(request)
        try:
            for piece in self._pieces(request) if callable(self._pieces) else self._pieces:
                yield piece
        finally:
            self.n_ended += 1

    async def stop(self) -> None:
        pass


class ScriptedVoice:
    """Speaks a tone, so many ms a text, in pieces of 100 ms."""

    def __init__(self, duration_ms: int = 200) -> None:
        self.texts: list[str] = []
        self.n_ended = 0
        self._n_pieces = duration_ms // 100

    async def start(self) -> None:
        pass

    async def speak(self, text: str) -> AsyncIterator[SpokenAudio]:
        self.texts.append(text)
        try:
            for _ in range(self._n_pieces):
                yield SpokenAudio(b"\x00\x10" * 1600, AudioFormat(rate_hz=16_000))
        finally:
            self.n_ended += 1

    async def stop(self) -> None:
        pass
