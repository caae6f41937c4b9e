"""A client's WebSocket messages on the wire, one frame each: RFC 6455 section 5.

Made here rather than by the library, as one is sent with every frame of a call. Invariant: no two
frames share a mask but by chance, and no mask can be foreseen (section 5.3): they are bytes of the
system's source of randomness, fetched in blocks.
"""

from __future__ import annotations

__all__ = ["serialize_message"]

import os
import struct

try:
    from websockets.speedups import apply_mask
except ImportError:  # built without its extension module
    from websockets.utils import apply_mask

_TEXT, _BINARY = 0x81, 0x82
"""First byte of a frame that is a whole message."""

_MASK_BIT = 0x80
_TWO_BYTES, _EIGHT_BYTES = 126, 127
"""What stands in place of a length that takes so many bytes of its own."""

_MASK_BYTES = 4
_BLOCK_BYTES = 4096
"""Fetched at once: a call of the system costs more than the rest of a frame."""

_short_head = struct.Struct("!BB").pack
_head = struct.Struct("!BBH").pack
_long_head = struct.Struct("!BBQ").pack

_masks: list[bytes] = []
"""Masks that were not used. Taken one by one, which no other thread can come in between."""


def serialize_message(message: str | bytes) -> bytes:
    """Return a message as one masked frame: text of a ``str``, else binary."""
    if isinstance(message, str):
        first, payload = _TEXT, message.encode()
    else:
        first, payload = _BINARY, message
    mask = _next_mask()
    return _serialize_head(first, len(payload)) + mask + apply_mask(payload, mask)


def _serialize_head(first: int, n_bytes: int) -> bytes:
    if n_bytes < _TWO_BYTES:
        return _short_head(first, _MASK_BIT | n_bytes)
    if n_bytes < 1 << 16:
        return _head(first, _MASK_BIT | _TWO_BYTES, n_bytes)
    return _long_head(first, _MASK_BIT | _EIGHT_BYTES, n_bytes)


def _next_mask() -> bytes:
    try:
        return _masks.pop()
    except IndexError:
        block = os.urandom(_BLOCK_BYTES)
        first, *others = (
            block[at : at + _MASK_BYTES] for at in range(0, _BLOCK_BYTES, _MASK_BYTES)
        )
        _masks.extend(others)
        return first
