"""Digests of what a decision let out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxgate.recordings.audio_digest import digest_of

pieces = st.lists(st.binary(max_size=6), max_size=4)


def test_nothing_let_out_has_no_digest() -> None:
    """The empty text, which a trace leaves out."""
    assert digest_of(()) == ""


def test_a_digest_is_the_same_in_every_version() -> None:
    """Recordings outlive programs."""
    assert digest_of((b"\x01\x02", b"")) == "a4870366bf840158"


@given(pieces, pieces)
def test_other_audio_has_another_digest(one: list[bytes], other: list[bytes]) -> None:
    """Other bytes, and the same bytes in other pieces."""
    assert (digest_of(one) == digest_of(other)) == (one == other)
