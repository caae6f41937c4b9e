"""A caller's telephone behind an Asterisk: says what a test says, keeps what it hears.

Like Asterisk it delivers a frame each 20 ms, or none while the line is silent, or many at once
after a stall; like a room it lets some of what it plays come back.
"""

from __future__ import annotations

__all__ = ["FRAME_BYTES", "Telephone", "is_sound", "mulaw_frames", "spoken", "until"]

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from support.audiosocket_peer import AUDIO, HANGUP, AudioSocketPeer
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode
from voxgate.realtime_server.voice_library import VoiceLibrary, agent_voices

Signal = NDArray[np.int16]

FRAME_BYTES = 320
_FRAME_SAMPLES = 160
_SLOT_S = 0.02
_SILENCE = bytes(FRAME_BYTES)
_MULAW = AudioFormat(Encoding.MULAW)


def spoken(line_id: str) -> Signal:
    """Return a sentence of the caller: int16 [shape=(n,), mono, 8 kHz]."""
    line = VoiceLibrary.load(files("voxgate.lab") / "voices")[line_id]
    return decode(line.audio, line.audio_format)


def mulaw_frames(line_id: str) -> list[bytes]:
    """Return a sentence of the agent as a line plays it: PCM16 frames, the last filled up."""
    audio = decode(agent_voices()[line_id].audio, _MULAW)
    return _frames(audio)


def is_sound(frame: bytes) -> bool:
    """Return whether a frame is not digital silence."""
    return frame != _SILENCE


async def until(is_reached: Callable[[], object], *, timeout_s: float = 60.0) -> None:
    """Wait for a condition, looked at each slot."""
    async with asyncio.timeout(timeout_s):
        while not is_reached():  # noqa: ASYNC110 - what it depends on has no event to wait for
            await asyncio.sleep(_SLOT_S)


class Telephone:
    """One call; :meth:`calling` places it.

    Args:
        peer: The connection of its Asterisk.
        echo_loss_db: What is played comes back so much weaker; None: not at all.
        echo_delay_ms: How much later.
    """

    def __init__(
        self,
        peer: AudioSocketPeer,
        *,
        echo_loss_db: float | None = None,
        echo_delay_ms: float = 100.0,
    ) -> None:
        self.peer = peer
        self.heard: list[bytes] = []
        """Every frame that came from the engine."""
        self.delivered: list[bytes] = []
        """Every frame that went to the engine."""
        self.is_over = False
        """Either side has hung up."""
        self._gain = 0.0 if echo_loss_db is None else 10 ** (-echo_loss_db / 20)
        self._far_end: deque[bytes] = deque()
        self._echoes = deque([_SILENCE] * round(echo_delay_ms / 20))
        self._to_say: deque[bytes] = deque()
        self._is_delivering = True
        self._stalled: list[bytes] | None = None

    @classmethod
    @asynccontextmanager
    async def calling(
        cls,
        address: tuple[str, int],
        *,
        call_id: str | None = None,
        echo_loss_db: float | None = None,
        echo_delay_ms: float = 100.0,
    ) -> AsyncIterator[Telephone]:
        """Place a call of a UUID, or of any; it ends with the block, by the caller's hangup."""
        peer = await AudioSocketPeer.connect(address, call_id=UUID(call_id) if call_id else None)
        phone = cls(peer, echo_loss_db=echo_loss_db, echo_delay_ms=echo_delay_ms)
        tasks = [asyncio.create_task(phone._listen()), asyncio.create_task(phone._live())]
        try:
            yield phone
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            peer.hang_up()
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    @property
    def call_id(self) -> str:
        """How the engine names the call."""
        return str(self.peer.call_id)

    @property
    def is_saying(self) -> bool:
        """Something is still to be said."""
        return bool(self._to_say)

    def say(self, audio: Signal) -> None:
        """Say something, after what is being said."""
        self._to_say.extend(_frames(audio))

    async def say_to_the_end(self, audio: Signal) -> None:
        """Say something and wait until it is out."""
        self.say(audio)
        await until(lambda: not self._to_say)

    def fall_silent(self) -> None:
        """Deliver nothing from now on, as with silence suppression; also no sound."""
        self._is_delivering = False

    def deliver_again(self) -> None:
        """Deliver a frame each slot again."""
        self._is_delivering = True

    def stall(self) -> None:
        """Hold back from now on what should be delivered."""
        self._stalled = []

    async def catch_up(self) -> None:
        """Deliver all at once what was held back, and go on in time."""
        held, self._stalled = self._stalled or [], None
        self.delivered += held
        for frame in held:
            await self.peer.send(AUDIO, frame)

    def hang_up(self) -> None:
        """Put the receiver down."""
        self.is_over = True
        self.peer.finish_sending()

    def sounds(self) -> list[bytes]:
        """Return the frames that were heard and were not silence."""
        return [frame for frame in self.heard if is_sound(frame)]

    def heard_of(self, sentence: list[bytes]) -> int:
        """Return how many frames of a sentence were heard, from its start and in order.

        Pauses in between do not count, nor do fades: they are no whole frame of it.
        """
        n_heard = 0
        for frame in self.heard:
            if n_heard < len(sentence) and frame == sentence[n_heard]:
                n_heard += 1
        return n_heard

    async def _listen(self) -> None:
        # An engine that closes with something of ours still unread resets the connection.
        with contextlib.suppress(ConnectionError):
            while (frame := await self.peer.read_frame()) is not None and frame[0] != HANGUP:
                assert len(frame[1]) == FRAME_BYTES
                self.heard.append(frame[1])
                self._far_end.append(frame[1])
        self.is_over = True

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while not self.is_over:
            await self._live_slot()
            due_s += _SLOT_S
            await asyncio.sleep(max(0.0, due_s - loop.time()))

    async def _live_slot(self) -> None:
        capture = self._mixed()
        if self._stalled is not None:
            self._stalled.append(capture)
        elif self._is_delivering:
            self.delivered.append(capture)
            await self.peer.send(AUDIO, capture)

    def _mixed(self) -> bytes:
        self._echoes.append(self._far_end.popleft() if self._far_end else _SILENCE)
        echo = np.frombuffer(self._echoes.popleft(), "<i2") * self._gain
        said = np.frombuffer(self._to_say.popleft() if self._to_say else _SILENCE, "<i2")
        return np.clip(said + echo, -32768, 32767).astype("<i2").tobytes()


def _frames(audio: Signal) -> list[bytes]:
    filled = np.concatenate([audio, np.zeros(-len(audio) % _FRAME_SAMPLES, np.int16)])
    return [
        filled[at : at + _FRAME_SAMPLES].astype("<i2").tobytes()
        for at in range(0, len(filled), _FRAME_SAMPLES)
    ]
