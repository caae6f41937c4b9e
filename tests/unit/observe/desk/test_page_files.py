"""The files of the page."""

from __future__ import annotations

import pytest

from support.asgi_client import application, ask
from voxgate.observe.desk.page_files import PageFile, PageFiles, load_page_files


def app_with_page() -> object:
    page_files = {
        "index.html": PageFile(b"<!doctype html>", "text/html; charset=utf-8", '"page"'),
        "icons/a.svg": PageFile(b"<svg/>", "image/svg+xml", '"icon"'),
    }
    return application(PageFiles(page_files).routes())


async def test_the_page_and_its_files_are_served_by_name() -> None:
    """With their types, as nobody is to guess them."""
    app = app_with_page()
    page = await ask(app, "/")
    assert (page.status, page.body) == (200, b"<!doctype html>")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    icon = await ask(app, "/assets/icons/a.svg")
    assert (icon.body, icon.headers["content-type"]) == (b"<svg/>", "image/svg+xml")


async def test_a_file_that_a_browser_has_is_not_sent_again() -> None:
    """It asks each time, so that an update shows at once."""
    app = app_with_page()
    page = await ask(app, "/", headers={"if-none-match": '"page"'})
    assert (page.status, page.body) == (304, b"")
    assert page.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../desk.py",
        "/assets/desk.py",
        "/assets/",
        "/assets//etc/passwd",
        "/phone/other.js",
        "/phone/../../x.js",
    ],
)
async def test_nothing_else_is_served(path: str) -> None:
    """No path of a peer is looked up anywhere."""
    assert (await ask(app_with_page(), path)).status == 404


async def test_the_phone_s_scripts_come_from_the_desk_too() -> None:
    """So that the page needs no other origin."""
    app = app_with_page()
    for name in ("voxgate-call", "voxgate-capture", "voxgate-playout", "voxgate-resampler"):
        script = await ask(app, f"/phone/{name}.js")
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert script.body


def test_the_page_comes_with_the_package() -> None:
    """All of it of kinds that have a type."""
    page_files = load_page_files()
    assert page_files["index.html"].media_type == "text/html; charset=utf-8"
    assert not any(name.endswith(".py") for name in page_files)
    assert all(each.etag.startswith('"') for each in page_files.values())
