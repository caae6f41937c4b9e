"""A queue of bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.byte_queue import ByteQueue

steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 40_000)),
        st.tuples(st.just("take"), st.integers(0, 30_000)),
        st.tuples(st.just("put back"), st.integers(0, 300)),
        st.tuples(st.just("peek"), st.integers(0, 30_000)),
    ),
    max_size=30,
)


@given(steps)
def test_queue_behaves_like_one_long_string(steps) -> None:
    """However it is used, it is the bytes pushed less those taken, and those put back."""
    queue, model, n_pushed = ByteQueue(), b"", 0
    for action, n_bytes in steps:
        if action == "push":
            chunk = bytes((n_pushed + at) % 251 for at in range(n_bytes))
            n_pushed += n_bytes
            queue.push(chunk)
            model += chunk
        elif action == "put back":
            queue.push_front(b"x" * n_bytes)
            model = b"x" * n_bytes + model
        elif action == "take":
            assert queue.take(n_bytes) == model[:n_bytes]
            model = model[n_bytes:]
        else:
            assert queue.peek(n_bytes) == model[:n_bytes]
        assert len(queue) == len(model)


def test_small_chunks_are_gathered() -> None:
    """A minute of 20 ms chunks is kept in few blocks, not in thousands of objects."""
    queue = ByteQueue()
    for _ in range(3000):
        queue.push(bytes(320))
    assert len(queue) == 960_000
    assert len(queue._blocks) < 100


def test_clear_forgets_everything() -> None:
    """After a clear the next byte pushed is the next byte taken."""
    queue = ByteQueue()
    queue.push(b"abcdef")
    queue.take(2)
    queue.clear()
    queue.push(b"xy")
    assert len(queue) == 2
    assert queue.take(9) == b"xy"


def test_pieces_are_bytes() -> None:
    """What is taken can be sent as it is, and does not change when more is pushed."""
    queue = ByteQueue()
    queue.push(b"abc")
    piece = queue.peek(2)
    queue.push(b"def")
    assert type(piece) is bytes
    assert piece == b"ab"
