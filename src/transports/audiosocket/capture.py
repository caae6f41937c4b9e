"""Captured AudioSocket audio in one format, whatever kinds and lengths the frames have.

Invariant: once the format is fixed, every audio event is in it.
"""

from __future__ import annotations

__all__ = ["AudioSocketCapture"]

import numpy as np

from ...core.audio import G711_RATE_HZ, AudioFormat, Encoding
from ...core.resample import Resampler
from ..audio_pieces import audio_pieces
from ..base import LineAudio, LineWarning
from .mislabelling import MislabelledG711
from .protocol import AudioReceived, audio_header

_EMPTY = LineWarning("audiosocket.empty_audio", "an audio frame without a sample was left out")
_ODD = LineWarning("audiosocket.odd_length", "the last byte of an odd PCM16 payload was dropped")

_MISLABELLED = {
    encoding: LineWarning(
        f"audiosocket.mislabelled_{encoding}",
        f"{encoding} arrives as 8 kHz PCM16 and is decoded; dial AudioSocket with /c(slin)",
    )
    for encoding in (Encoding.MULAW, Encoding.ALAW)
}


class AudioSocketCapture:
    """Turns the audio frames of one call into events of the line.

    The first frame's kind fixes the format, unless :meth:`fix_format` came before it.
    """

    def __init__(self) -> None:
        self._format: AudioFormat | None = None
        self._plain_bytes = -1
        self._wire_header = b""
        """What a frame of 20 ms in the format begins with; -1 and nothing before that is fixed."""
        self._mislabelled = MislabelledG711()
        self._resampler: Resampler | None = None
        self._short_frames = 0
        self._frame_format = AudioFormat()
        """That of the last frame."""

    @property
    def format(self) -> AudioFormat | None:
        """The format of the audio events; None as long as it is not fixed."""
        return self._format

    @property
    def short_frames(self) -> int:
        """Frames received that held less than 20 ms."""
        return self._short_frames

    def fix_format(self, rate_hz: int = G711_RATE_HZ) -> AudioFormat:
        """Fix the format at PCM16 of ``rate_hz``, unless it is fixed, and return it."""
        if self._format is None:
            self._format = AudioFormat(Encoding.PCM16, rate_hz)
            self._plain_bytes = self._format.frame_bytes
            self._wire_header = audio_header(self._plain_bytes, rate_hz=rate_hz)
        return self._format

    def receive_wire(self, data: bytes) -> LineAudio | None:
        """Take a frame as it is on the wire, as :meth:`receive_plain` takes one that is parsed."""
        if (
            len(data) != len(self._wire_header) + self._plain_bytes
            or not data.startswith(self._wire_header)
            or not self._mislabelled.passes(self._plain_bytes)
        ):
            return None
        return LineAudio(data[len(self._wire_header) :])

    def receive_plain(self, frame: AudioReceived) -> LineAudio | None:
        """Take the next frame if there is nothing to it, as nearly always; None: it was not taken.

        It is 20 ms in the fixed format, and of a length that can't be G.711.
        """
        capture_format = self._format
        if (
            capture_format is None
            or frame.rate_hz != capture_format.rate_hz
            or len(frame.payload) != capture_format.frame_bytes
            or not self._mislabelled.passes(len(frame.payload))
        ):
            return None
        return LineAudio(frame.payload)

    def receive_audio(self, frame: AudioReceived) -> list[LineAudio | LineWarning]:
        """Take the next frame; return what is ready of the audio, and each trouble it has.

        Warnings come every time that they apply; the caller counts them.
        """
        capture_format = self.fix_format(frame.rate_hz)
        events: list[LineAudio | LineWarning] = []
        for payload in self._relabelled(frame, events):
            audio = self._whole_samples(payload, frame.rate_hz, events)
            if audio and frame.rate_hz != capture_format.rate_hz:
                audio = self._converted(audio, frame.rate_hz, capture_format.rate_hz, events)
            events += audio_pieces(audio, capture_format)
        return events

    def _relabelled(
        self, frame: AudioReceived, events: list[LineAudio | LineWarning]
    ) -> list[bytes]:
        if frame.rate_hz != G711_RATE_HZ:
            return [frame.payload]
        payloads = self._mislabelled.process(frame.payload)
        if self._mislabelled.encoding is not None:
            events.append(_MISLABELLED[self._mislabelled.encoding])
        return payloads

    def _whole_samples(
        self, payload: bytes, rate_hz: int, events: list[LineAudio | LineWarning]
    ) -> bytes:
        if self._frame_format.rate_hz != rate_hz:
            self._frame_format = AudioFormat(Encoding.PCM16, rate_hz)
        if len(payload) % 2:
            events.append(_ODD)
            payload = payload[:-1]
        if not payload:
            events.append(_EMPTY)
        elif len(payload) < self._frame_format.frame_bytes:
            self._short_frames += 1
        return payload

    def _converted(
        self, audio: bytes, from_hz: int, to_hz: int, events: list[LineAudio | LineWarning]
    ) -> bytes:
        """Bring a frame of another kind than the call began with to the fixed rate."""
        detail = f"audio at {from_hz} Hz is converted to {to_hz} Hz, as the call began"
        events.append(LineWarning("audiosocket.rate_changed", detail))
        if self._resampler is None or self._resampler.from_hz != from_hz:
            self._resampler = Resampler(from_hz, to_hz)
        samples = np.frombuffer(audio, "<i2").astype(np.int16, copy=False)
        return self._resampler.process(samples).astype("<i2", copy=False).tobytes()
