"""The 25-chunk deque."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.held_audio import MAX_HELD_CHUNKS, HeldAudio


def chunk(number: int) -> bytes:
    return number.to_bytes(2, "little")


def hold_all(held: HeldAudio, entries: list[tuple[float, bool | None]]) -> list[bytes]:
    chunks = [chunk(number) for number in range(len(entries))]
    for content, (level, is_echo) in zip(chunks, entries, strict=True):
        held.hold(content, level=level, is_echo=is_echo)
    return chunks


def test_at_most_25_chunks_the_newest_kept() -> None:
    """500 ms are held; what is older goes without a word."""
    held = HeldAudio()
    chunks = hold_all(held, [(9.0, False)] * 40)
    assert MAX_HELD_CHUNKS == len(held) == 25
    assert held.release(99) == tuple(chunks[-25:])


def test_the_newest_are_released_oldest_first() -> None:
    """As many as asked for, and the rest is forgotten with them."""
    held = HeldAudio()
    chunks = hold_all(held, [(9.0, False)] * 10)
    assert held.release(3) == tuple(chunks[-3:])
    assert held.release(99) == ()
    assert len(held) == 0


def test_released_chunks_are_the_objects_that_were_held() -> None:
    """No copies."""
    held = HeldAudio()
    (content,) = hold_all(held, [(9.0, False)])
    assert held.release(1)[0] is content


def test_a_chunk_judged_echo_ends_the_walk_back() -> None:
    """What lies before echo is not the caller's onset."""
    held = HeldAudio()
    chunks = hold_all(held, [(9.0, False), (9.0, True), (9.0, False), (9.0, False)])
    assert held.release(4) == tuple(chunks[2:])


def test_a_chunk_judged_echo_ends_the_walk_within_the_evidence_too() -> None:
    """No audio judged echo goes out, whatever spoke for the caller before it."""
    held = HeldAudio()
    chunks = hold_all(held, [(9.0, True), (9.0, False), (0.0, True), (9.0, False)])
    assert held.release(4, sure_chunks=2) == tuple(chunks[3:])


@pytest.mark.parametrize(
    ("levels", "n_released"),
    [
        ([0] * 10 + [40, 90, 300, 2000, 2000], 5),  # a soft onset on a line without echo
        ([800] * 10 + [800, 790, 800, 2000, 2000], 2),  # echo that goes on
        ([800] * 10 + [790, 900, 1200, 2000, 2000], 4),  # an onset that rises out of echo
        ([50] * 10 + [30, 40, 50, 2000, 2000], 2),  # a noisy line, and nothing before the evidence
    ],
)
def test_without_a_reference_an_onset_is_louder_than_what_was_before(levels, n_released) -> None:
    """Where nothing tells echo from caller, only what rises above the line is let out."""
    held = HeldAudio()
    chunks = hold_all(held, [(level, None) for level in levels])
    assert held.release(5, sure_chunks=2) == tuple(chunks[-n_released:])


def test_discarding_says_how_many() -> None:
    """Discarded chunks are counted, and gone."""
    held = HeldAudio()
    hold_all(held, [(9.0, None)] * 30)
    assert held.discard() == 25
    assert held.discard() == 0
    assert held.release(25) == ()


def test_what_was_known_of_discarded_chunks_is_forgotten() -> None:
    """Old verdicts and levels do not stick to new chunks."""
    held = HeldAudio()
    hold_all(held, [(9000.0, True)] * 25)
    held.discard()
    chunks = hold_all(held, [(0.0, None), (1.0, None)])
    assert held.release(1) == (chunks[1],)


def test_full_scale_is_a_level() -> None:
    """The loudest possible frame, RMS 32768, is held like any other."""
    held = HeldAudio()
    chunks = hold_all(held, [(0.0, None), (32768.0, None)])
    assert held.release(1) == (chunks[1],)


ENTRIES = st.tuples(st.floats(0, 32768), st.sampled_from([True, False, None]))


@given(st.lists(ENTRIES, max_size=60), st.integers(0, 40), st.integers(0, 40))
def test_a_release_is_a_run_of_the_newest(entries, max_chunks, sure_chunks) -> None:
    """Always a suffix of what was held, at most what was asked for, and nothing judged echo."""
    held = HeldAudio()
    chunks = hold_all(held, entries)
    released = held.release(max_chunks, sure_chunks=sure_chunks)
    assert released == tuple(chunks[len(chunks) - len(released) :])
    n_available = min(len(chunks), MAX_HELD_CHUNKS, max_chunks)
    assert len(released) <= n_available
    out = entries[len(entries) - len(released) :]
    assert all(is_echo is not True for _, is_echo in out)
    if not any(is_echo for _, is_echo in entries):
        assert len(released) >= min(sure_chunks, n_available)
