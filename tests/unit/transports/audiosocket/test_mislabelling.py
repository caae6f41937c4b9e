"""G.711 labelled as PCM16: found where it is, and nowhere else."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from support.signals import silence, speech_like, tone, white_noise
from voxgate.core.audio import Encoding
from voxgate.core.g711 import (
    decode_alaw,
    decode_mulaw,
    encode_alaw,
    encode_mulaw,
)
from voxgate.transports.audiosocket.mislabelling import MislabelledG711, bits_saved_by_g711

Signal = NDArray[np.int16]

SIGNALS: dict[str, Signal] = {
    "speech": speech_like(2000, level_dbfs=-22),
    "loud speech": speech_like(2000, level_dbfs=-14),
    "quiet speech": speech_like(2000, level_dbfs=-45),
    "line noise": white_noise(1000, level_dbfs=-60),
    "loud noise": white_noise(1000, level_dbfs=-20),
    "dial tone": tone(1000, 425, level_dbfs=-15),
    "high tone": tone(1000, 3100, level_dbfs=-10),
    "silence": silence(1000),
}
QUIET_AT_FIRST = np.concatenate(
    (white_noise(200, level_dbfs=-55), speech_like(800, level_dbfs=-20))
)
LAWS: list[tuple[Encoding, Callable[[Signal], bytes], Callable[[bytes], Signal]]] = [
    (Encoding.MULAW, encode_mulaw, decode_mulaw),
    (Encoding.ALAW, encode_alaw, decode_alaw),
]


def pcm16(samples: Signal) -> bytes:
    return samples.astype("<i2").tobytes()


def payloads_of(data: bytes, n_bytes: int) -> list[bytes]:
    return [data[at : at + n_bytes] for at in range(0, len(data), n_bytes)]


@pytest.mark.parametrize(("encoding", "encode", "decode"), LAWS)
@pytest.mark.parametrize("n_bytes", [160, 240])
def test_mislabelled_call_is_decoded_from_its_first_frame(
    encoding: Encoding,
    encode: Callable[[Signal], bytes],
    decode: Callable[[bytes], Signal],
    n_bytes: int,
):
    """Frames that waited for the verdict are decoded too: not one is lost or heard as noise."""
    data = encode(QUIET_AT_FIRST[: 3 * 2400])
    detector = MislabelledG711()
    ready = [detector.process(payload) for payload in payloads_of(data, n_bytes)]
    assert detector.encoding is encoding
    assert [len(payloads) for payloads in ready[:7]] == [0, 0, 0, 0, 5, 1, 1]
    assert b"".join(itertools.chain.from_iterable(ready)) == pcm16(decode(data))


def test_digital_silence_of_mulaw_is_found():
    """A muted caller sends nothing but 0xFF."""
    detector = MislabelledG711()
    ready = [detector.process(b"\xff" * 160) for _ in range(5)]
    assert detector.encoding is Encoding.MULAW
    assert ready[-1] == [bytes(320)] * 5


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("n_bytes", [160, 240, 276, 320])
def test_short_pcm16_frames_are_believed(signal: str, n_bytes: int):
    """10 and 15 ms frames of real PCM16 have the length of G.711, and nothing else of it."""
    detector = MislabelledG711()
    payloads = payloads_of(pcm16(SIGNALS[signal]), n_bytes)
    ready = [detector.process(payload) for payload in payloads]
    assert detector.encoding is None
    assert ready == [[payload] for payload in payloads], "and none of them had to wait"


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(("encoding", "encode", "decode"), LAWS)
def test_pcm16_that_went_through_a_law_is_believed(
    signal: str,
    encoding: Encoding,
    encode: Callable[[Signal], bytes],
    decode: Callable[[bytes], Signal],
):
    """Most calls are G.711 on their way to Asterisk, and PCM16 only from there."""
    detector = MislabelledG711()
    for payload in payloads_of(pcm16(decode(encode(SIGNALS[signal]))), 160):
        assert detector.process(payload) == [payload]
    assert detector.encoding is None


@pytest.mark.parametrize("signal", ["speech", "quiet speech", "line noise", "dial tone", "silence"])
@pytest.mark.parametrize(("encoding", "encode", "decode"), LAWS)
def test_law_is_the_shorter_reading_of_its_own_bytes(
    signal: str,
    encoding: Encoding,
    encode: Callable[[Signal], bytes],
    decode: Callable[[bytes], Signal],
):
    """The measure tells both laws from PCM16, and from each other on what a line carries."""
    found, bits = bits_saved_by_g711(encode(SIGNALS[signal]))
    assert found is encoding
    assert bits > 0.3
    assert bits_saved_by_g711(pcm16(SIGNALS[signal]))[1] < -0.3


def test_four_suspicious_frames_come_out_unchanged():
    """A verdict needs five in a row; what was held is not lost without one."""
    suspicious = payloads_of(encode_mulaw(white_noise(80, level_dbfs=-50)), 160)
    normal = pcm16(white_noise(20, level_dbfs=-50))
    detector = MislabelledG711()
    held = [detector.process(payload) for payload in suspicious]
    assert held == [[]] * 4
    assert detector.process(normal) == [*suspicious, normal]
    assert detector.encoding is None


def test_change_of_suspicion_starts_anew():
    """Frames that look like one law and then like the other prove neither."""
    mulaw = payloads_of(encode_mulaw(white_noise(80, level_dbfs=-50)), 160)
    alaw = payloads_of(encode_alaw(white_noise(80, level_dbfs=-50)), 160)
    detector = MislabelledG711()
    assert [detector.process(payload) for payload in mulaw] == [[]] * 4
    assert detector.process(alaw[0]) == mulaw
    assert [detector.process(payload) for payload in alaw[1:]] == [[]] * 3
    assert detector.encoding is None


def test_verdict_holds_for_every_later_frame():
    """Loud or odd-sized frames of a mislabelled call are no doubt about it."""
    detector = MislabelledG711()
    for payload in payloads_of(encode_mulaw(white_noise(100, level_dbfs=-50)), 160):
        detector.process(payload)
    loud = encode_mulaw(white_noise(40, level_dbfs=-5))
    assert detector.process(loud[:320]) == [pcm16(decode_mulaw(loud[:320]))]
    assert detector.process(loud[:79]) == [pcm16(decode_mulaw(loud[:79]))]


def test_what_can_not_be_g711_passes():
    """By its length alone, as long as nothing is suspected."""
    detector = MislabelledG711()
    assert detector.passes(320)
    assert not detector.passes(160)
    detector.process(encode_mulaw(tone(20, 425, level_dbfs=-15)))
    assert not detector.passes(320)
