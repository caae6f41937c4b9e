"""Parts of a local agent that do what a test says, and ears that hear what it says."""

from __future__ import annotations

__all__ = [
    "ScriptedEars",
    "ScriptedRecogniser",
    "ScriptedReply",
    "ScriptedVoice",
    "parts_of",
    "speech",
]

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.gate_decision import (
    GateAction,
    GateDecision,
    GateMeasurements,
    GateReason,
    GateState,
)
from voxgate.errors import ProviderError
from voxgate.local_agent.agent_parts import AgentParts
from voxgate.local_agent.reply import FunctionAsked, ReplyRequest, ReplyUsage
from voxgate.local_agent.voice import SpokenAudio

MULAW = AudioFormat(Encoding.MULAW)


class _Recognition:
    def __init__(self, owner: ScriptedRecogniser) -> None:
        self._owner = owner
        self.audio = b""
        self.text = ""
        self.is_cancelled = False
        self.may_finish = owner.may_finish
        self.words: str | ProviderError | None = None
        """What is understood; None: the next text of all."""

    def send_audio(self, audio: bytes) -> None:
        self.audio += audio
        self.text = self._owner.partial

    async def finish(self) -> str:
        await self.may_finish.wait()
        text = self.words
        if text is None:
            text = self._owner.texts.popleft() if self._owner.texts else ""
        if isinstance(text, ProviderError):
            raise text
        return text

    async def cancel(self) -> None:
        self.is_cancelled = True


class ScriptedRecogniser:
    """Understands the texts that a test gives it, one a turn."""

    def __init__(self, *texts: str | ProviderError) -> None:
        self.texts: deque[str | ProviderError] = deque(texts)
        self.partial = ""
        """What every recognition has so far."""
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.recognitions: list[_Recognition] = []

    async def start(self) -> None:
        pass

    def begin(self) -> _Recognition:
        self.recognitions.append(_Recognition(self))
        return self.recognitions[-1]

    async def stop(self) -> None:
        pass


class ScriptedReply:
    """Answers with what a test puts, piece by piece; ``None`` ends an answer."""

    def __init__(self) -> None:
        self.requests: list[ReplyRequest] = []
        self.usage: ReplyUsage | None = None
        self._pieces: asyncio.Queue[str | FunctionAsked | ProviderError | None] = asyncio.Queue()
        self.n_open = 0

    def put(self, *pieces: str | FunctionAsked | ProviderError | None) -> None:
        for piece in pieces:
            self._pieces.put_nowait(piece)

    def forget(self) -> None:
        """Take back what was put and nobody has asked for."""
        self._pieces = asyncio.Queue()

    async def start(self) -> None:
        pass

    async def reply(self, request: ReplyRequest) -> AsyncIterator[str | FunctionAsked]:
        self.requests.append(request)
        self.n_open += 1
        try:
            while (piece := await self._pieces.get()) is not None:
                if isinstance(piece, ProviderError):
                    raise piece
                yield piece
            if self.usage is not None and request.on_usage is not None:
                request.on_usage(self.usage)
        finally:
            self.n_open -= 1

    async def stop(self) -> None:
        pass


class ScriptedVoice:
    """Speaks 1 ms a character, or what a test puts.

    Args:
        is_scripted: Each sentence is what a test puts, up to ``None``.
    """

    def __init__(self, *, is_scripted: bool = False) -> None:
        self.texts: list[str] = []
        self.errors: deque[ProviderError] = deque()
        self.pieces: asyncio.Queue[bytes | ProviderError | None] = asyncio.Queue()
        self._is_scripted = is_scripted

    async def start(self) -> None:
        pass

    async def speak(self, text: str) -> AsyncIterator[SpokenAudio]:
        self.texts.append(text)
        if self.errors:
            raise self.errors.popleft()
        if not self._is_scripted:
            yield SpokenAudio(b"\x42" * 8 * len(text), MULAW)
            return
        while (piece := await self.pieces.get()) is not None:
            if isinstance(piece, ProviderError):
                raise piece
            yield SpokenAudio(piece, MULAW)

    async def stop(self) -> None:
        pass


class ScriptedEars:
    """Judge as a test says, and keep what they were shown."""

    def __init__(self) -> None:
        self.decisions: deque[GateDecision] = deque()
        self.frames: list[bytes] = []
        self.shown: list[tuple[str, bytes]] = []
        self.n_interruptions = 0
        self.is_agent_heard = True
        self.is_closed = False

    def process(self, frame: bytes, now_ms: float) -> GateDecision:
        self.frames.append(frame)
        return self.decisions.popleft() if self.decisions else speech(is_speech=False)

    def advance(self, now_ms: float) -> GateDecision:
        return speech(is_speech=False)

    def enqueue(self, item_id: str, audio: bytes) -> None:
        self.shown.append((item_id, audio))

    def finish(self, item_id: str) -> None:
        self.shown.append((item_id, b""))

    def interrupt(self, now_ms: float) -> None:
        self.n_interruptions += 1

    def close(self) -> None:
        self.is_closed = True


def speech(
    *, is_speech: bool = True, over_agent_ms: float | None = None, logit: float | None = None
) -> GateDecision:
    """Return what a gate says of a frame, of the agent's silence or of speech over the agent."""
    if over_agent_ms is not None:
        return GateDecision(
            action=GateAction.FORWARD,
            state=GateState.BARGE_IN,
            reason=GateReason.BARGE_IN,
            measurements=GateMeasurements(evidence_ms=over_agent_ms, near_end_logit=logit),
        )
    return GateDecision(
        action=GateAction.FORWARD,
        state=GateState.OPEN,
        reason=GateReason.CALLER_SPEECH if is_speech else GateReason.LINE_SILENCE,
    )


def parts_of(
    recogniser: ScriptedRecogniser, reply: ScriptedReply, voice: ScriptedVoice
) -> AgentParts:
    """Return them as the agent's."""
    return AgentParts(recogniser=recogniser, reply=reply, voice=voice)
