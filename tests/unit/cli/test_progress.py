"""Progress of a long command."""

from __future__ import annotations

import io
import sys

import pytest

from voxgate.cli.progress import with_progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_a_line_comes_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At most one in half a minute, on stderr; what is quick says nothing."""
    times_s = iter([0.0, 10.0, 29.0, 31.0, 31.0, 40.0, 62.0, 62.0])
    items = with_progress("abcde", 5, "evaluating", timer_s=lambda: next(times_s))
    assert list(items) == list("abcde")
    printed = capsys.readouterr()
    assert printed.err == "evaluating: 3 of 5\nevaluating: 5 of 5\n"
    assert printed.out == ""


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which names what is done."""
    monkeypatch.setattr(sys, "stderr", _Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert list(with_progress([1, 2], 2, "evaluating")) == [1, 2]
    assert "evaluating" in sys.stderr.getvalue()  # type: ignore[attr-defined]
