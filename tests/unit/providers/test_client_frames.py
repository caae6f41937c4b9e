"""A client's messages as WebSocket frames, read back by the library's parser."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from support.socket_talk import client_message
from voxgate.providers import client_frames
from voxgate.providers.client_frames import serialize_message


@pytest.mark.parametrize("n_bytes", [0, 1, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("is_text", [True, False])
def test_a_message_of_any_length_is_one_frame_that_reads_back(is_text: bool, n_bytes: int) -> None:
    """Lengths have three forms; text and bytes are told apart."""
    message = "x" * n_bytes if is_text else bytes(range(256)) * 257
    message = message[:n_bytes]

    assert client_message(serialize_message(message)) == message


def test_text_is_sent_as_utf_8() -> None:
    """As the protocol wants it."""
    assert client_message(serialize_message("caf\u00e9")) == "caf\u00e9"


def test_no_mask_is_used_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is four bytes of the source of randomness, taken once, over the end of a block too."""
    n_blocks = 0

    def urandom(n_bytes: int) -> bytes:
        nonlocal n_blocks
        n_blocks += 1
        words = range((n_blocks - 1) * n_bytes // 4, n_blocks * n_bytes // 4)
        return b"".join(word.to_bytes(4, "big") for word in words)

    monkeypatch.setattr(client_frames, "_masks", [])
    monkeypatch.setattr(client_frames.os, "urandom", urandom)
    frames = [serialize_message(b"") for _ in range(2500)]

    assert {frame[:2] for frame in frames} == {b"\x82\x80"}
    assert {int.from_bytes(frame[2:], "big") for frame in frames} <= set(range(3 * 1024))
    assert len(set(frames)) == len(frames)


def test_a_library_without_its_extension_module_does_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is built without where there is no compiler."""
    monkeypatch.setitem(sys.modules, "websockets.speedups", None)
    spec = importlib.util.find_spec("voxgate.providers.client_frames")
    assert spec is not None
    assert spec.loader is not None
    plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain)

    assert plain.apply_mask.__module__ == "websockets.utils"
    assert client_message(plain.serialize_message("caf\u00e9")) == "caf\u00e9"
