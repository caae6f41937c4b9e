"""The documentation site: its pages, its menu, its diagrams, and what it is built with."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from docs_diagrams import FOLDER, diagram_name, mermaid_blocks
from docs_links import TOP_PAGES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SETTINGS: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def _entries(node: object) -> Iterator[str]:
    """Yield every page of a menu."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _entries(item)
    elif isinstance(node, dict):
        for item in node.values():
            yield from _entries(item)


MENU = list(_entries(SETTINGS["nav"]))


def test_every_page_is_in_the_menu_and_every_entry_is_a_page() -> None:
    """A page that nobody finds is as good as none; each stands in one place."""
    pages = {page.relative_to(DOCS).as_posix() for page in PAGES}
    assert pages | set(TOP_PAGES) == set(MENU)
    assert [page for page, times in Counter(MENU).items() if times > 1] == []


def test_the_pages_from_the_top_of_the_repository_are_there() -> None:
    """They are read when the site is built."""
    assert [name for name in TOP_PAGES.values() if not (ROOT / name).is_file()] == []


def _build_command() -> str:
    lines = (ROOT / "tools" / "docs.sh").read_text(encoding="utf-8").splitlines()
    (command,) = [line for line in lines if "mkdocs" in line and " build " in line]
    return command


def test_the_site_is_strict_and_takes_nothing_from_elsewhere() -> None:
    """No web font, no script or style by address; a broken link fails the build."""
    assert SETTINGS["strict"] is True
    assert set(SETTINGS["validation"].values()) == {"warn"}
    assert "--quiet" not in _build_command(), "MkDocs counts no warning that it does not tell"
    assert SETTINGS["theme"]["font"] is False
    for name in [*SETTINGS["extra_css"], *SETTINGS["extra"]["polyfills"]]:
        assert (DOCS / name).is_file(), name
    assert "extra_javascript" not in SETTINGS


def test_every_diagram_is_drawn_and_no_drawing_is_left_over() -> None:
    """Draw what is missing with ``python tools/draw_diagrams.py MERMAID``."""
    sources = [s for page in PAGES for s in mermaid_blocks(page.read_text(encoding="utf-8"))]
    assert sources
    drawn = {path.name for path in (ROOT / FOLDER).glob("*.svg")}
    assert drawn == {diagram_name(source) for source in sources}


def _pinned(name: str) -> dict[str, set[str]]:
    """Return the versions of each package of an exported file; all must have hashes."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    packages: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        found = re.match(r"(?P<name>[\w.-]+)==(?P<version>[^\s;]+)", line)
        assert found, line
        assert "--hash=sha256:" in line, line
        packages.setdefault(found["name"], set()).add(found["version"])
    return packages


def test_what_builds_the_site_goes_with_what_is_locked() -> None:
    """Both are installed into one environment: no package in two versions."""
    docs, dev = _pinned("docs.txt"), _pinned("dev.txt")
    assert {"mkdocs-material", "mkdocstrings-python"} <= docs.keys()
    shared = docs.keys() & dev.keys()
    assert {name: docs[name] for name in shared} == {name: dev[name] for name in shared}


_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_ADDRESS = re.compile(r"\]\(<?(https?:[^)\s>]*)>?\)|<(https?:[^>]*)>")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_links_to_other_hosts_are_well_formed(page: Path) -> None:
    """A host with a dot, or this machine; no spaces, no stray ends of a sentence."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    for both in _ADDRESS.findall(text):
        address = "".join(both)
        parts = urlsplit(address)
        host = parts.hostname or ""
        assert "." in host or host == "localhost", address
        assert not re.search(r"[\s.,;]$|\s|\.\.", address), address
        assert parts.scheme == "https" or host in {"127.0.0.1", "localhost"}, address


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_picture_has_words_for_those_who_do_not_see_it(page: Path) -> None:
    """And is there."""
    for words, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", page.read_text("utf-8")):
        assert len(words) > 15, target
        assert (page.parent / target.partition("#")[0]).is_file(), target
