"""Check that no page of a built site asks another host for anything.

``python tools/check_site.py FOLDER`` reads every page, style sheet and script. A link that a reader
may follow is no request; a script, picture, style, font or frame of another host is one. Status 1
with a line for each.
"""

from __future__ import annotations

__all__ = ["foreign_requests", "main"]

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_LOADING = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
"""Attributes by element that a browser fetches without being asked."""
_INERT_LINKS = {"canonical", "next", "prev", "edit", "license"}
"""Relations of ``<link>`` that are never fetched."""
_FOREIGN = re.compile(r"(?:https?:)?//(?!www\.w3\.org/)[\w$]")
_IN_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)")
_IN_SCRIPT = re.compile(r"[\"'`](https?://(?!www\.w3\.org/)[^\"'`]*)")
_DATA = {"search_index.js"}
"""Scripts that hold the text of all pages, and run nothing."""
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class _Page(HTMLParser):
    """Collects what a page loads from other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element loads."""
        given = {name: value or "" for name, value in attrs}
        self.found += (f"style: {url}" for url in _IN_STYLE.findall(given.get("style", "")))
        if tag == "link" and set(given.get("rel", "").split()) <= _INERT_LINKS:
            return
        for name in _LOADING.get(tag, ()):
            if _FOREIGN.match(given.get(name, "")):
                self.found.append(f"<{tag} {name}={given[name]!r}>")


def foreign_requests(name: str, text: str) -> list[str]:
    """Return what a file of a site would ask other hosts for.

    Args:
        name: The file's name; its ending says what it is.
        text: Its content.
    """
    if name.endswith((".html", ".svg")):
        page = _Page()
        page.feed(text)
        return page.found
    if name.endswith(".css"):
        return _IN_STYLE.findall(_COMMENT.sub("", text))
    if name.endswith(".js") and name not in _DATA:
        return _IN_SCRIPT.findall(_COMMENT.sub("", text))
    return []


def _problems(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".css", ".html", ".js", ".svg"}:
            for found in foreign_requests(path.name, path.read_text(encoding="utf-8")):
                yield f"{path.relative_to(folder)}: {found}"


def main(arguments: list[str] | None = None) -> int:
    """Check the site in the folder that is named; return the exit status."""
    (name,) = sys.argv[1:] if arguments is None else arguments
    folder = Path(name)
    pages = len(list(folder.rglob("*.html")))
    problems = list(_problems(folder))
    for problem in problems:
        print(f"docs: asks another host: {problem}", file=sys.stderr)
    print(f"docs: {pages} pages in {folder}; {len(problems)} requests to other hosts")
    return 1 if problems or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
