"""A telephone behind an Asterisk, simulated: places a call over AudioSocket and lives through it.

The line between both is G.711 mu-law; the far end comes back as echo. Invariant: one frame out each
20 ms, against monotonic deadlines, in one write, as Asterisk does.
"""

from __future__ import annotations

__all__ = ["Phone"]

import asyncio
import contextlib
from collections.abc import Callable
from uuid import UUID, uuid4

import numpy as np
import numpy.typing as npt

from ..clock import Clock, monotonic_ms
from ..core.audio import FRAME_MS, AudioFormat, Encoding
from ..core.g711 import decode, encode
from ..errors import TransportError
from ..transports.audiosocket.protocol import (
    AudioReceived,
    AudioSocketParser,
    serialize_audio,
    serialize_call_id,
)
from .call_record import CallRecord, Frame, PhoneSlot
from .call_script import ScriptedCaller
from .echo_path import EchoPath
from .jitter_buffer import JitterBuffer

_PCM16 = AudioFormat()
_MULAW = AudioFormat(Encoding.MULAW)
_FRAME_SAMPLES = _PCM16.frame_samples
_READ_BYTES = 4096
_HANGUP_TIMEOUT_S = 2.0
"""How long the engine may take to close the connection after a hangup."""


class Phone:
    """One caller with a phone, for one call.

    Args:
        caller: What the caller does.
        echo_path: What comes back of the far end.
        record: Filled with the phone's half of the call.
        background: What else is heard in the caller's room, int16 [shape=(n,), mono, 8 kHz];
            repeated for as long as the call lasts.
        on_slot: Told after each slot, for progress.
        clock: Of the engine.
    """

    def __init__(
        self,
        caller: ScriptedCaller,
        echo_path: EchoPath,
        record: CallRecord,
        *,
        background: Frame | None = None,
        on_slot: Callable[[ScriptedCaller], None] = lambda _caller: None,
        clock: Clock = monotonic_ms,
    ) -> None:
        self._caller = caller
        self._echo_path = echo_path
        self._record = record
        self._background = np.zeros(_FRAME_SAMPLES, np.int16) if background is None else background
        self._on_slot = on_slot
        self._clock = clock
        self._received = JitterBuffer()
        self._is_hung_up = False

    async def call(self, address: tuple[str, int], *, call_id: UUID | None = None) -> None:
        """Place the call and stay on the line until the script, or the engine, ends it.

        The caller hangs up as Asterisk does: with a bare FIN. Cancellation closes the connection.

        Raises:
            TransportError: the engine does not answer.
        """
        reader, writer = await _connect(address)
        try:
            async with asyncio.TaskGroup() as tasks:
                receiving = tasks.create_task(self._receive(reader), name="phone receives")
                writer.write(serialize_call_id(call_id or uuid4()))
                await self._live(writer)
                self._record.is_complete = self._caller.is_done
                with contextlib.suppress(OSError):  # TimeoutError and a peer that is gone already
                    writer.write_eof()
                    async with asyncio.timeout(_HANGUP_TIMEOUT_S):
                        await receiving
        finally:
            writer.transport.abort()

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        """Take what the engine sends until it closes the connection, or breaks it."""
        parser = AudioSocketParser()
        # The engine does not say which call it is, and the parser wants to hear it first.
        parser.receive_data(serialize_call_id(UUID(int=0)))
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(_READ_BYTES):
                for event in parser.receive_data(data):
                    if isinstance(event, AudioReceived):
                        self._received.push(decode(event.payload, _PCM16))
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
        far_end = self._received.pop()
        near_end = self._caller.step(far_end)
        noise = self._next_noise()
        echo = self._echo_path.process(far_end)
        mixed = _as_samples(near_end + echo + noise)
        return PhoneSlot(
            t_ms=t_ms,
            far_end=far_end,
            near_end=near_end,
            noise=noise,
            echo=_as_samples(echo),
            capture=decode(encode(mixed, _MULAW), _MULAW),
        )

    def _next_noise(self) -> Frame:
        start = len(self._record.slots) * _FRAME_SAMPLES
        wanted = range(start, start + _FRAME_SAMPLES)
        return self._background.take(wanted, mode="wrap")


async def _connect(
    address: tuple[str, int],
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.open_connection(*address)
    except OSError as exc:
        host, port = address
        reason = f"no answer: {exc.strerror or exc}"
        raise TransportError(f"phone to {host}:{port}", reason, retryable=True) from exc


def _as_samples(wave: npt.NDArray[np.float64]) -> Frame:
    return np.clip(np.round(wave), -32768, 32767).astype(np.int16)
