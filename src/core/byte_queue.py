"""A queue of bytes: pushed in chunks of any size, taken in pieces of any other, and put back.

Small chunks are gathered into blocks, so that minutes of audio do not become thousands of objects;
taking a piece costs the same however much is queued.

Invariant: what is taken is what was pushed, in order, each byte once, and again if put back.
"""

from __future__ import annotations

__all__ = ["ByteQueue"]

from collections import deque

_BLOCK_BYTES = 16_384
"""About a second of telephone audio: chunks are gathered up to this size."""


class ByteQueue:
    """Holds bytes until they are taken; ``len()`` is how many."""

    __slots__ = ("_blocks", "_size", "_taken")

    def __init__(self) -> None:
        self._blocks: deque[bytes | bytearray] = deque()
        self._taken = 0  # of the first block
        self._size = 0

    def __len__(self) -> int:
        """Return how many bytes wait."""
        return self._size

    def push(self, chunk: bytes) -> None:
        """Append bytes."""
        if not chunk:
            return
        self._size += len(chunk)
        last = self._blocks[-1] if self._blocks else b""
        if isinstance(last, bytearray) and len(last) + len(chunk) <= _BLOCK_BYTES:
            last += chunk
        else:
            self._blocks.append(chunk if len(chunk) >= _BLOCK_BYTES else bytearray(chunk))

    def push_front(self, chunk: bytes) -> None:
        """Put bytes back before all others."""
        if not chunk:
            return
        self._size += len(chunk)
        if self._taken:
            self._blocks[0] = self._blocks[0][self._taken :]
            self._taken = 0
        self._blocks.appendleft(bytes(chunk))

    def peek(self, n_bytes: int) -> bytes:
        """Return the first ``n_bytes``, or all where fewer wait, and leave them queued."""
        pieces = []
        start = self._taken
        for block in self._blocks:
            piece = block[start : start + n_bytes]
            pieces.append(piece)
            n_bytes -= len(piece)
            if n_bytes <= 0:
                break
            start = 0
        return b"".join(pieces)

    def take(self, n_bytes: int) -> bytes:
        """Return the first ``n_bytes``, or all where fewer wait, and remove them."""
        piece = self.peek(n_bytes)
        self._size -= len(piece)
        self._taken += len(piece)
        while self._blocks and self._taken >= len(self._blocks[0]):
            self._taken -= len(self._blocks.popleft())
        return piece

    def clear(self) -> None:
        """Forget everything."""
        self._blocks.clear()
        self._taken = 0
        self._size = 0
