"""Links of the documentation to files outside of ``docs/``, made to work on the site too.

In the repository ``[the defaults](../config/ai-agent.yaml)`` opens the file. A site has no such
file: with a ``repo_url`` in mkdocs.yml the link goes to the repository's web view; without one, a
copy of the file travels with the site. Invariant: code, fenced or in a span, is never touched.
"""

from __future__ import annotations

__all__ = ["TOP_PAGES", "copied_as", "outside_files", "rewrite_links"]

import posixpath
import re
from collections.abc import Iterator

_CODE_OR_LINK = re.compile(
    r"(?P<code>^ *(?P<fence>`{3,}|~{3,}).*?^ *(?P=fence)|`[^`\n]+`)"
    r"|(?P<before>\]\()(?P<target>[^)\s]+)(?P<after>\))",
    re.MULTILINE | re.DOTALL,
)
TOP_PAGES = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}
"""Pages of the site that are files at the top of the repository."""
_PAGES = {"README.md": "index.md", **{name: page for page, name in TOP_PAGES.items()}}
"""Where a link to a file at the top leads on the site."""
_TEXT_SUFFIXES = (".txt", ".png", ".json")
"""What a browser shows as it is; of other files the copy ends in ``.txt``."""


def copied_as(path: str) -> str:
    """Return where the site keeps its copy of a file of the repository."""
    suffix = "" if path.endswith(_TEXT_SUFFIXES) else ".txt"
    return f"files/{path}{suffix}"


def outside_files(markdown: str, folder: str) -> Iterator[str]:
    """Yield every file outside of ``docs/`` that a page links to and that the site has no page of.

    Args:
        markdown: The page's text.
        folder: Its folder in the repository, such as ``docs/lines``; empty for the top.
    """
    for found in _CODE_OR_LINK.finditer(markdown):
        path, _ = _outside(found["target"], folder)
        if path and path not in _PAGES:
            yield path


def rewrite_links(markdown: str, folder: str, page: str, repo_url: str | None) -> str:
    """Return a page's text with links that lead out of ``docs/`` made links of the site.

    Args:
        markdown: The page's text.
        folder: The folder that its links are relative to, in the repository.
        page: Where the page is on the site, such as ``lines/twilio.md``.
        repo_url: Address of the repository, if it has one.
    """

    def rewritten(found: re.Match[str]) -> str:
        target = found["target"]
        if target is None or re.match(r"[a-z]+:|#", target):
            return found[0]
        path, anchor = _outside(target, folder)
        if path in _PAGES or path is None:
            inside = _PAGES[path] if path else _from_docs(target, folder)
            anchor = "" if path == "README.md" else anchor  # the home page has other headings
            moved = posixpath.relpath(inside, posixpath.dirname(page) or ".")
            return f"{found['before']}{moved}{anchor}{found['after']}"
        if repo_url:
            address = f"{repo_url.rstrip('/')}/blob/main/{path}{anchor}"
            return f"{found['before']}{address}{found['after']}"
        moved = posixpath.relpath(copied_as(path), posixpath.dirname(page) or ".")
        return f"{found['before']}{moved}{found['after']}"

    return _CODE_OR_LINK.sub(rewritten, markdown)


def _outside(target: str | None, folder: str) -> tuple[str | None, str]:
    """Return path in the repository and anchor of a target outside of docs/; else None and anchor.

    Of a page of the site, the target's anchor is left in its path: see :func:`_from_docs`.
    """
    if target is None or re.match(r"[a-z]+:|#", target):
        return None, ""
    file, mark, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(folder, file))
    if path == "docs" or path.startswith("docs/"):
        return None, ""
    return path, mark + anchor


def _from_docs(target: str, folder: str) -> str:
    """Return a target inside of docs/ as the site has it, anchor included."""
    file, mark, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(folder, file))
    return path.removeprefix("docs/") + mark + anchor
