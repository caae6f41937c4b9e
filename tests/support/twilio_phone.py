"""A caller's telephone behind Twilio: says what a test says, keeps what it hears.

Like Twilio it delivers a frame each 20 ms with its time, or after a stall many at once; like a room
it lets some of what it plays come back.
"""

from __future__ import annotations

__all__ = ["TwilioPhone", "sentence_frames"]

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import numpy as np
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed

from support.socket_caller import SLOT_S
from support.twilio_peer import FRAME_BYTES, TwilioPeer
from voxgate.core.g711 import decode_mulaw, encode_mulaw
from voxgate.realtime_server.voice_library import agent_voices

Signal = NDArray[np.int16]

_SILENCE = np.zeros(FRAME_BYTES, np.int16)


def sentence_frames(line_id: str) -> list[bytes]:
    """Return a sentence of the agent as mu-law frames, the last filled up."""
    audio = agent_voices()[line_id].audio
    audio += b"\xff" * (-len(audio) % FRAME_BYTES)
    return [audio[at : at + FRAME_BYTES] for at in range(0, len(audio), FRAME_BYTES)]


class TwilioPhone:
    """One call; :meth:`calling` places it.

    Args:
        peer: The stream.
        echo_loss_db: What is played comes back so much weaker, 100 ms later; None: not at all.
    """

    def __init__(self, peer: TwilioPeer, echo_loss_db: float | None) -> None:
        self.peer = peer
        self._gain = 0.0 if echo_loss_db is None else 10 ** (-echo_loss_db / 20)
        self._echoes = deque([_SILENCE] * 5)
        self._n_echoed = 0
        self._to_say: deque[Signal] = deque()
        self._stalled: list[tuple[float, bytes]] | None = None
        self._at_ms = 0

    @classmethod
    @asynccontextmanager
    async def calling(
        cls,
        address: tuple[str, int],
        *,
        echo_loss_db: float | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> AsyncIterator[TwilioPhone]:
        """Place a call; it ends with the block."""
        async with TwilioPeer.connect(address, parameters=parameters) as peer:
            phone = cls(peer, echo_loss_db)
            living = asyncio.create_task(phone._live(), name="twilio phone")
            try:
                yield phone
            finally:
                living.cancel()
                await asyncio.wait({living})
        if not living.cancelled() and (error := living.exception()) is not None:
            raise error

    @property
    def is_saying(self) -> bool:
        """Something is still to be said."""
        return bool(self._to_say)

    def say(self, audio: Signal) -> None:
        """Say something, after what is being said."""
        filled = np.concatenate([audio, np.zeros(-len(audio) % FRAME_BYTES, np.int16)])
        self._to_say.extend(filled.reshape(-1, FRAME_BYTES))

    def heard_of(self, sentence: list[bytes]) -> int:
        """Return how many frames of a sentence were heard whole, from its start and in order."""
        n_heard = 0
        for frame in self.peer.played:
            if n_heard < len(sentence) and frame == sentence[n_heard]:
                n_heard += 1
        return n_heard

    def stall(self) -> None:
        """Hold back from now on what should be delivered."""
        self._stalled = []

    async def catch_up(self) -> None:
        """Deliver all at once what was held back, and go on in time."""
        held, self._stalled = self._stalled or [], None
        for at_ms, audio in held:
            await self.peer.speak(audio, timestamp_ms=at_ms)

    def lose(self, n_frames: int) -> None:
        """Let the next frames get lost before they reach Twilio: their time passes."""
        for _ in range(min(n_frames, len(self._to_say))):
            self._to_say.popleft()
        self._at_ms += 20 * n_frames

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            capture = encode_mulaw(self._mixed())
            at_ms, self._at_ms = self._at_ms, self._at_ms + 20
            if self._stalled is not None:
                self._stalled.append((at_ms, capture))
            else:
                try:
                    await self.peer.speak(capture, timestamp_ms=at_ms)
                except ConnectionClosed:
                    return
            due_s += SLOT_S
            await asyncio.sleep(max(0.0, due_s - loop.time()))

    def _mixed(self) -> Signal:
        played = self.peer.played[self._n_echoed :]
        self._n_echoed += len(played)
        echo = decode_mulaw(played[-1]) if played else _SILENCE
        self._echoes.append(echo)
        said = self._to_say.popleft() if self._to_say else _SILENCE
        mixed = said + self._echoes.popleft() * self._gain
        return np.clip(mixed, -32768, 32767).astype(np.int16)
