"""The check that a site asks no other host."""

from __future__ import annotations

from pathlib import Path

import pytest

from check_site import foreign_requests, main


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<script src="https://cdn.example.com/a.js"></script>'),
        ("a.html", '<link rel="stylesheet" href="//fonts.example.com/a.css">'),
        ("a.html", '<link rel="preconnect" href="https://fonts.example.com">'),
        ("a.html", '<p><img alt="" src="http://example.com/a.png"></p>'),
        ("a.html", '<i style="background: url(https://example.com/a.png)"></i>'),
        ("a.svg", '<svg><image href="https://example.com/a.png"/></svg>'),
        ("a.css", "a { background: url('https://example.com/a.png') }"),
        ("a.css", '@import "https://example.com/a.css";'),
        ("a.js", 'fetch("https://example.com/a")'),
        ("a.js", "fetch(`https://${host}/a`)"),
    ],
)
def test_a_request_to_another_host_is_found(name: str, text: str) -> None:
    """Whatever asks."""
    assert len(foreign_requests(name, text)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<a href="https://example.com">read</a>'),
        ("a.html", '<link rel="canonical" href="https://example.com/a.html">'),
        ("a.html", '<script src="assets/a.js"></script><img alt="" src="/a.png">'),
        ("a.html", "<code>src=https://example.com</code>"),
        ("a.css", "/* https://example.com */ a { background: url(a.png) }"),
        ("a.js", '/*! https://example.com */ element("http://www.w3.org/2000/svg")'),
        ("search_index.js", 'var __index = "https://example.com"'),
        ("a.json", '"https://example.com"'),
    ],
)
def test_what_is_no_request_is_none(name: str, text: str) -> None:
    """A link is the reader's own step."""
    assert foreign_requests(name, text) == []


def test_a_site_is_read_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1 names file and address; an empty folder is no site."""
    assert main([str(tmp_path)]) == 1
    (tmp_path / "index.html").write_text("<p>well</p>", encoding="utf-8")
    assert main([str(tmp_path)]) == 0
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.js").write_text("import('https://example.com/x')", encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    assert "b/a.js: https://example.com/x" in capsys.readouterr().err.replace(
        "asks another host: ", ""
    )
