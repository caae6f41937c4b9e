"""Links of the documentation to files outside of it."""

from __future__ import annotations

import pytest

from docs_links import copied_as, outside_files, rewrite_links

REPO = "https://git.example.com/voxgate"


@pytest.mark.parametrize(
    ("target", "moved"),
    [
        ("twilio.md#transfers", "twilio.md#transfers"),
        ("../gate.md", "../gate.md"),
        ("#here", "#here"),
        ("https://example.com/a", "https://example.com/a"),
        ("../../README.md", "../index.md"),
        ("../../README.md#see-it", "../index.md"),
        ("../../CHANGELOG.md#010", "../changelog.md#010"),
        ("../../config/ai-agent.yaml", "../files/config/ai-agent.yaml.txt"),
    ],
)
def test_a_link_of_a_page_works_on_the_site(target: str, moved: str) -> None:
    """Pages stay pages; a file outside of docs/ has a copy."""
    text = f"See [this]({target})."
    assert rewrite_links(text, "docs/lines", "lines/browser.md", None) == f"See [this]({moved})."


def test_a_page_from_the_top_finds_the_pages_of_docs() -> None:
    """Its links are relative to the top of the repository."""
    text = "[gate](docs/gate.md#states) ![picture](docs/images/demo.png) [licence](LICENSE)"
    moved = "[gate](gate.md#states) ![picture](images/demo.png) [licence](files/LICENSE.txt)"
    assert rewrite_links(text, "", "changelog.md", None) == moved


def test_with_a_repository_the_link_goes_there() -> None:
    """To the file's page, anchor included."""
    text = "[base](../../src/providers/base.py#L10)"
    moved = f"[base]({REPO}/blob/main/src/providers/base.py#L10)"
    assert rewrite_links(text, "docs/providers", "providers/a.md", REPO + "/") == moved


@pytest.mark.parametrize(
    "code", ["`[a](../b.py)`", "```sh\n[a](../b.py)\n```", "  ~~~\n[a](../b)\n  ~~~"]
)
def test_code_is_left_alone(code: str) -> None:
    """What looks like a link there is none."""
    assert rewrite_links(code, "docs", "a.md", None) == code
    assert list(outside_files(code, "docs")) == []


def test_what_has_to_be_copied_is_named() -> None:
    """Not what the site has as a page, and nothing of docs/ itself."""
    text = "[a](../src/a.py) [b](gate.md) [c](../README.md) [d](https://example.com) [e](../b.json)"
    assert list(outside_files(text, "docs")) == ["src/a.py", "b.json"]


def test_a_copy_is_shown_by_a_browser() -> None:
    """Source code as text."""
    assert copied_as("src/a.py") == "files/src/a.py.txt"
    assert copied_as("config/a.json") == "files/config/a.json"
