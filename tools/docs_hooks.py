"""What MkDocs asks of voxgate while it builds the site; mkdocs.yml names this file under ``hooks``.

Pages of reference are generated here from the models and the commands, links to files outside of
``docs/`` are made to work, and diagrams are put in. The work is done in modules of their own, which
know nothing of MkDocs.
"""

from __future__ import annotations

__all__ = ["on_files", "on_page_content", "on_page_markdown", "on_post_build"]

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from docs_commands import commands_markdown  # noqa: E402
from docs_diagrams import FOLDER, inline_diagrams  # noqa: E402
from docs_keys import keys_markdown  # noqa: E402
from docs_links import TOP_PAGES, copied_as, outside_files, rewrite_links  # noqa: E402
from docs_lists import indent_lists  # noqa: E402

_GENERATED = {"<!-- keys -->": keys_markdown, "<!-- commands -->": commands_markdown}
"""What stands in a page where a generated part belongs."""
_WIDE = {"index.md", "reference/command-line.md", "reference/configuration-keys.md"}
"""Pages that get the width of the menu at the side too."""
_ROLE = re.compile(r":(?:class|func|meth|data|attr|mod|exc):(?=<code>)")
"""What docstrings write before a name, for tools that make a link of it."""
_OTHER_HOSTS = re.compile(rb"https://(?:unpkg\.com|api\.github\.com|\$\{\w\}(?=/api/v4))")
"""Hosts that Material's script could ask: for Mermaid, shims of old browsers, counts of stars."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and files of the repository's top that the site has too."""
    for page, name in TOP_PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    if not config.repo_url:
        for path in sorted({path for file in files for path in _linked(file)}):
            if files.get_file_from_path(copied_as(path)) is None:
                copy = File.generated(config, copied_as(path), abs_src_path=str(ROOT / path))
                files.append(copy)
    return files


def _folder_of(page: str) -> str:
    """Return the folder in the repository that a page's links are relative to."""
    return "" if page in TOP_PAGES else posixpath.join("docs", posixpath.dirname(page)).rstrip("/")


def _linked(file: File) -> list[str]:
    if not file.is_documentation_page():
        return []
    return list(outside_files(file.content_string, _folder_of(file.src_uri)))


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Put generated parts and drawings in, and make links work."""
    for mark, generate in _GENERATED.items():
        if mark in markdown:
            markdown = markdown.replace(mark, generate())
    uri = page.file.src_uri
    if uri in _WIDE:
        page.meta["hide"] = ["navigation"]
    markdown = rewrite_links(markdown, _folder_of(uri), uri, config.repo_url)
    markdown = indent_lists(markdown)
    return inline_diagrams(markdown, lambda name: _drawing(name, uri))


def _drawing(name: str, page: str) -> str:
    try:
        return (ROOT / FOLDER / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        message = f"{page}: a diagram is not drawn: run python tools/draw_diagrams.py"
        raise PluginError(message) from None


def on_page_content(html: str, **_: Any) -> str:
    """Take the marks of links that nobody makes out of docstrings."""
    return _ROLE.sub("", html)


def on_post_build(config: Any) -> None:
    """Take other hosts' addresses out of the theme's script, and make search work from a disk."""
    site = Path(config.site_dir)
    for script in site.glob("assets/javascripts/bundle.*.js"):
        script.write_bytes(_OTHER_HOSTS.sub(b"about:invalid#", script.read_bytes()))
    # A page from a disk may load scripts and nothing else: the theme looks for the index in one.
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    (site / "search" / "search_index.js").write_text(f"var __index = {index}", encoding="utf-8")
