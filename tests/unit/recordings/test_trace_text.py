"""Lines of a trace, from its beginning and from its end."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.recordings import trace_text as module
from voxgate.recordings.trace_text import TraceText, tree_or_none


@given(st.lists(st.text(st.characters(codec="ascii"), max_size=8)), st.binary(max_size=9))
def test_lines_are_numbered_and_what_was_cut_off_is_none(names: list[str], cut: bytes) -> None:
    """From both ends the same ones."""
    trees = [{"type": name} for name in names]
    text = b"".join(json.dumps(tree).encode() + b"\n" for tree in trees)
    trace = TraceText(text + cut.replace(b"\n", b""))
    assert list(trace.lines()) == list(enumerate(trees, 1))
    assert list(trace.last(100)) == trees[::-1]
    assert list(trace.last(2)) == trees[::-1][:2]


@pytest.mark.parametrize("line", [b"", b"{", b"[" * 100_000, b"\xff", b"{}", b'{"type":1}', b"7"])
def test_what_is_no_line_of_a_trace_is_none(line: bytes) -> None:
    """And has its number all the same."""
    assert tree_or_none(line) is None
    last = {"type": "x"}
    assert list(TraceText(line + b'\n{"type":"x"}\n').lines()) == [(1, None), (2, last)]
    assert list(TraceText(line + b'\n{"type":"x"}\n').last(3)) == [last, None]


def test_a_line_that_is_far_too_long_is_not_even_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what it would become in memory."""
    long = b'{"type":"x","y":"' + b"z" * 100 + b'"}\n'
    assert [number for number, tree in TraceText(long).lines() if tree] == [1]
    monkeypatch.setattr(module, "_MAX_LINE_BYTES", 100)
    assert list(TraceText(long).lines()) == [(1, None)]
