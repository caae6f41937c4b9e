"""The files of the desk's page, and the scripts by which it makes a call.

They come with the package and are read once, so that no request ever reaches the disk. Invariant:
what is served is one of these files, by its name; no path of a peer is ever looked up.
"""

from __future__ import annotations

__all__ = ["PageFile", "PageFiles", "load_page_files"]

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...transports.browser.script_files import SCRIPT_NAMES, load_script
from .refusal import Refusal

_TYPES: Mapping[str, str] = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
_PAGE = "index.html"


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file."""

    content: bytes
    media_type: str
    etag: str


class PageFiles:
    """Serves the page.

    Args:
        page_files: Every file, by its path below the folder.
    """

    def __init__(self, page_files: Mapping[str, PageFile]) -> None:
        self._files = page_files
        self._scripts = {
            name: _page_file(name, load_script(name).encode()) for name in SCRIPT_NAMES
        }

    def routes(self) -> list[Route]:
        """Return what is served."""
        return [
            Route("/", self._page),
            Route("/assets/{name:path}", self._asset),
            Route("/phone/{name}.js", self._script),
        ]

    async def _page(self, request: Request) -> Response:
        return _answer(request, self._files.get(_PAGE))

    async def _asset(self, request: Request) -> Response:
        return _answer(request, self._files.get(request.path_params["name"]))

    async def _script(self, request: Request) -> Response:
        return _answer(request, self._scripts.get(f"{request.path_params['name']}.js"))


def load_page_files() -> dict[str, PageFile]:
    """Return every file of the page, by its path below the folder."""
    folder = files(__package__).joinpath("assets")
    return {name: _page_file(name, each.read_bytes()) for name, each in _walk(folder, "")}


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{name}/")
        elif name.rpartition(".")[2] in _TYPES:
            yield name, entry


def _page_file(name: str, content: bytes) -> PageFile:
    etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    return PageFile(content, _TYPES[name.rpartition(".")[2]], etag)


def _answer(request: Request, page_file: PageFile | None) -> Response:
    if page_file is None:
        raise Refusal(404, "not_found", "There is no such file.")
    headers = {"cache-control": "no-cache", "etag": page_file.etag}
    if request.headers.get("if-none-match") == page_file.etag:
        return Response(status_code=304, headers=headers)
    return Response(page_file.content, media_type=page_file.media_type, headers=headers)
