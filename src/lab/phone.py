"""A telephone behind an Asterisk, simulated: places a call over AudioSocket and lives through it.

The line between both is G.711 mu-law; the far end comes back as echo. Invariant: one frame out each
20 ms, against monotonic deadlines, in one write, as Asterisk does.
"""

from __future__ import annotations

__all__ = ["Phone"]

import asyncio
from collections import deque
from collections.abc import Callable
from uuid import UUID, uuid4

import numpy as np

from ..clock import Clock, monotonic_ms
from ..core.audio import FRAME_MS, AudioFormat, Encoding
from ..core.g711 import decode, encode
from ..transports.audiosocket.protocol import (
    HANGUP_FRAME,
    AudioReceived,
    AudioSocketParser,
    serialize_audio,
    serialize_call_id,
)
from .call_record import CallRecord, Frame, PhoneSlot
from .call_script import ScriptedCaller
from .echo_path import EchoPath

_PCM16 = AudioFormat()
_MULAW = AudioFormat(Encoding.MULAW)
_JITTER_FRAMES = 2
"""Frames that the phone waits for before it plays, so that a late one leaves no hole."""
_MAX_WAITING_FRAMES = 8
"""Beyond, the phone drops the oldest: a phone's buffer does not grow for ever."""


class Phone:
    """One caller with a phone.

    Args:
        caller: What the caller does.
        echo_path: What comes back of the far end.
        record: Filled with the phone's half of the call.
        on_slot: Told after each slot, for progress.
        clock: Of the engine.
    """

    def __init__(
        self,
        caller: ScriptedCaller,
        echo_path: EchoPath,
        record: CallRecord,
        *,
        on_slot: Callable[[ScriptedCaller], None] = lambda _caller: None,
        clock: Clock = monotonic_ms,
    ) -> None:
        self._caller = caller
        self._echo_path = echo_path
        self._record = record
        self._on_slot = on_slot
        self._clock = clock
        self._received: deque[Frame] = deque(maxlen=_MAX_WAITING_FRAMES)
        self._is_playing = False
        self._is_hung_up = False

    async def call(self, address: tuple[str, int], *, call_id: UUID | None = None) -> None:
        """Place the call and stay on the line until the script, or the engine, ends it.

        Raises:
            ConnectionError: the engine does not answer.
        """
        reader, writer = await asyncio.open_connection(*address)
        identification = serialize_call_id(call_id or uuid4())
        receiving = asyncio.create_task(
            self._receive(reader, identification), name="phone receives"
        )
        try:
            writer.write(identification)
            await self._live(writer)
            if not self._is_hung_up:
                writer.write(HANGUP_FRAME)
                await writer.drain()
        finally:
            receiving.cancel()
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader, identification: bytes) -> None:
        parser = AudioSocketParser()
        parser.receive_data(identification)  # only the calling side says which call it is
        while data := await reader.read(65536):
            for event in parser.receive_data(data):
                if isinstance(event, AudioReceived):
                    self._received.append(decode(event.payload, _PCM16))
        self._is_hung_up = True

    async def _live(self, writer: asyncio.StreamWriter) -> None:
        next_ms = self._clock()
        while not (self._caller.is_done or self._is_hung_up):
            slot = self._live_slot(next_ms)
            self._record.slots.append(slot)
            writer.write(serialize_audio(encode(slot.capture, _PCM16)))
            self._on_slot(self._caller)
            next_ms += FRAME_MS
            await asyncio.sleep(max(0.0, next_ms - self._clock()) / 1000)

    def _live_slot(self, t_ms: float) -> PhoneSlot:
        far_end = self._played()
        near_end, noise = self._caller.step(far_end)
        echo = self._echo_path.process(far_end)
        mixed = np.clip(near_end + echo + noise, -32768, 32767).astype(np.int16)
        return PhoneSlot(
            t_ms=t_ms,
            far_end=far_end,
            near_end=near_end,
            noise=noise,
            echo=np.clip(echo, -32768, 32767).astype(np.int16),
            capture=decode(encode(mixed, _MULAW), _MULAW),
        )

    def _played(self) -> Frame:
        """Return what the phone plays in this slot."""
        if len(self._received) >= _JITTER_FRAMES:
            self._is_playing = True
        if not self._received:
            self._is_playing = False
        if not self._is_playing:
            return np.zeros(_PCM16.frame_samples, np.int16)
        return self._received.popleft()
