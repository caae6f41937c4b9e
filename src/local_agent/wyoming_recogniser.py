"""Recognition by a server of the Wyoming protocol, which Home Assistant's speech servers speak.

Invariant: sound is sent while the caller speaks, so that a server can work on it; a turn whose
connection fails ends nothing but itself.
"""

from __future__ import annotations

__all__ = ["WyomingRecogniser"]

import asyncio
from collections.abc import Callable

from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import SelectProgram

from ..config.local_models import WyomingRecogniserConfig
from ..errors import ProviderError
from .recogniser import LONGEST_TURN_BYTES, RECOGNISER_FORMAT
from .wyoming_connection import WyomingConnection, describe
from .wyoming_events import (
    SelectedProgram,
    TextEvent,
    TextGrown,
    parse_text_event,
    select_recogniser,
)

_RATE_HZ = RECOGNISER_FORMAT.rate_hz
_WIDTH_BYTES = RECOGNISER_FORMAT.sample_bytes


class WyomingRecogniser:
    """Recognises with a server's model.

    Args:
        config: What the operator set.
    """

    def __init__(self, config: WyomingRecogniserConfig) -> None:
        self._config = config
        self._program = SelectedProgram(name=None, is_streaming=False)
        self._turns: set[WyomingRecognition] = set()

    async def start(self) -> None:
        """See that the server is there and has what was asked for.

        Raises:
            ProviderError: it is not, or has not; lists what it has.
        """
        config = self._config
        info = await describe(config.url, config.timeout_s)
        self._program = select_recogniser(info, config.url, config.model, config.language)

    def begin(self) -> WyomingRecognition:
        """Begin a turn; it gets a connection of its own with its first sound."""
        turn = WyomingRecognition(self._config, self._program, self._turns.discard)
        self._turns.add(turn)
        return turn

    async def stop(self) -> None:
        """End all turns; idempotent."""
        for turn in list(self._turns):
            await turn.fail(ProviderError(self._config.url, "was stopped", retryable=True))


class WyomingRecognition:
    """One turn.

    Args:
        config: What the operator set.
        program: Of the server's.
        forget: Called with it once it is over.
    """

    def __init__(
        self,
        config: WyomingRecogniserConfig,
        program: SelectedProgram,
        forget: Callable[[WyomingRecognition], None],
    ) -> None:
        self._config = config
        self._program = program
        self._forget = forget
        self._text = ""
        self._words: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._connection: WyomingConnection | None = None
        self._waiting: list[Event] = []
        self._taken_bytes = 0
        self.left_out_bytes = 0
        """Sound beyond the longest turn, not sent."""

    @property
    def text(self) -> str:
        """The words so far; a server that does not stream gives them at the end only."""
        return self._text

    def send_audio(self, audio: bytes) -> None:
        """Take the next audio; never blocks."""
        if self._words.done():
            return
        if self._taken_bytes + len(audio) > LONGEST_TURN_BYTES:
            self.left_out_bytes += len(audio)
            return
        self._taken_bytes += len(audio)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="local_agent.turn")
        self._send(AudioChunk(_RATE_HZ, _WIDTH_BYTES, 1, audio).event())

    async def finish(self) -> str:
        """Return all words. Cancelled, the turn is forgotten.

        Raises:
            ProviderError: the server failed, or took too long.
        """
        try:
            if self._task is None:
                return ""
            self._send(AudioStop().event())
            async with asyncio.timeout(self._config.timeout_s):
                return await self._words
        except TimeoutError:
            reason = f"no text within {self._config.timeout_s:g} s of the end of the turn"
            raise ProviderError(self._config.url, reason, retryable=True) from None
        finally:
            await self.cancel()

    async def cancel(self) -> None:
        """Forget the turn; idempotent."""
        self._forget(self)
        self._words.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def fail(self, error: ProviderError) -> None:
        """End the turn with an error."""
        self._fail(error)
        await self.cancel()

    def _send(self, event: Event) -> None:
        if self._words.done():
            return
        if self._connection is None:
            self._waiting.append(event)
            return
        try:
            self._connection.send(event)
        except ProviderError as error:
            self._fail(error)

    async def _run(self) -> None:
        """Connect, send what waited, and listen until all words are known."""
        try:
            async with WyomingConnection(self._config.url, self._config.timeout_s) as connection:
                self._open(connection)
                while not self._words.done():
                    self._receive(await connection.receive(parse_text_event, None))
        except ProviderError as error:
            self._fail(error)

    def _open(self, connection: WyomingConnection) -> None:
        if self._program.name is not None:
            connection.send(SelectProgram(self._program.name).event())
        connection.send(Transcribe(self._config.model, self._config.language).event())
        connection.send(AudioStart(_RATE_HZ, _WIDTH_BYTES, 1).event())
        for event in self._waiting:
            connection.send(event)
        self._waiting.clear()
        self._connection = connection

    def _receive(self, said: TextEvent) -> None:
        if isinstance(said, TextGrown):
            self._text += said.text
            return
        if said.text is not None:
            self._text = said.text
        if not self._words.done():
            self._words.set_result(self._text.strip())

    def _fail(self, error: ProviderError) -> None:
        if not self._words.done():
            self._words.set_exception(error)
            self._words.exception()  # seen: nobody may ever ask for the words
