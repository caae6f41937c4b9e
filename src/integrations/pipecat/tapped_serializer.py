"""The wire: a serializer around another one, that shows the gate what goes to the telephone.

It sees each chunk when it is written, in the telephone's own format, and the command that empties
the telephone's buffer in its place among them. Invariant: what the other serializer makes goes out
unchanged, whatever becomes of the look at it.
"""

from __future__ import annotations

__all__ = ["TappedSerializer"]

from typing import Any

from .required import PIPECAT as _PIPECAT  # noqa: F401 - before any other import of Pipecat

# isort: split
from pipecat.frames.frames import AudioRawFrame, Frame, InterruptionFrame
from pipecat.serializers.base_serializer import FrameSerializer

from ...clock import Clock, monotonic_ms
from ...core.audio import AudioFormat, Encoding
from ..plugged_call import PluggedCall
from ..wire_audio import parse_wire_audio, parse_wire_time


class TappedSerializer(FrameSerializer):
    """Serializes as another one does, and tells the gate.

    Args:
        inner: The telephony provider's serializer.
        call: The call whose telephone it writes to.
        clock: Monotonic clock in ms.
    """

    def __init__(
        self, inner: FrameSerializer, call: PluggedCall, clock: Clock = monotonic_ms
    ) -> None:
        super().__init__()
        self.inner = inner
        """The telephony provider's serializer."""
        self._gate_call = call
        self._gate_clock = clock
        self._g711 = AudioFormat(_encoding_of(inner))

    async def setup(self, setup: Any) -> None:
        """Set the other serializer up; Pipecat 1.0 gives the start frame, later ones the setup."""
        await self.inner.setup(setup)

    async def serialize(self, frame: Frame) -> str | bytes | None:
        """Return what the other one makes of the frame."""
        message = await self.inner.serialize(frame)
        try:
            self._look_at(frame, message)
        except Exception as error:  # noqa: BLE001 - the telephone gets its audio all the same
            self._gate_call.count_failure(error)
        return message

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """Return what the other one makes of the message."""
        frame = await self.inner.deserialize(data)
        try:
            self._note_time(data, frame)
        except Exception as error:  # noqa: BLE001 - the pipeline gets its audio all the same
            self._gate_call.count_failure(error)
        return frame

    def should_ignore_frame(self, frame: Frame) -> bool:
        """Tell what the other one ignores."""
        return bool(self.inner.should_ignore_frame(frame))

    def _note_time(self, data: str | bytes, frame: Frame | None) -> None:
        """Tell the call where in the line's stream the audio was captured."""
        begin_ms = parse_wire_time(data)
        if begin_ms is not None:
            wire = parse_wire_audio(data, self._g711)
            audio = frame.audio if isinstance(frame, AudioRawFrame) else b""
            if wire is not None:
                wire_ms = wire.audio_format.duration_ms(len(wire.audio))
                self._gate_call.announce_capture(audio, begin_ms, wire_ms)

    def _look_at(self, frame: Frame, message: str | bytes | None) -> None:
        if isinstance(frame, InterruptionFrame):
            self._gate_call.flush()
        elif isinstance(frame, AudioRawFrame):
            wire = parse_wire_audio(message, self._g711)
            now_ms = self._gate_clock()
            if wire is not None:
                self._gate_call.receive_far_end(wire.audio, wire.audio_format, now_ms)
            else:
                audio_format = AudioFormat(rate_hz=frame.sample_rate)
                self._gate_call.receive_far_end(
                    frame.audio, audio_format, now_ms, n_channels=frame.num_channels
                )


def _encoding_of(inner: FrameSerializer) -> Encoding:
    """Return the law of messages that do not name it; Telnyx may have been set to A-law.

    What Telnyx is sent is in its ``inbound_encoding``.
    """
    encoding = getattr(getattr(inner, "_params", None), "inbound_encoding", "PCMU")
    return Encoding.ALAW if encoding == "PCMA" else Encoding.MULAW
