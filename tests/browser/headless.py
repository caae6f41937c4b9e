"""Headless Chromium with a microphone that says what a test says, and pages to open in it.

For every test of a page: :func:`browsing` gives a page of :data:`PAGES` with storage of its own,
and fails the test if the page had an error that nobody caught. Within :func:`shared_browsers` pages
that want the same switches come from one browser: to start one takes longer than most tests.
"""

from __future__ import annotations

__all__ = ["PAGES", "browsing", "eventually", "shared_browsers", "write_microphone"]

import asyncio
import os
import wave
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import web
from numpy.typing import NDArray
from playwright.async_api import Browser, Page, async_playwright

PAGES = Path(__file__).parent / "pages"
"""What the test server serves, at its root."""

_MICROPHONE_HZ = 48_000
_ALLOWED_MICROPHONE = ("--use-fake-ui-for-media-stream",)


class _Browsers:
    """Browsers by their switches, for as long as a block."""

    def __init__(self, stack: AsyncExitStack, launch: Callable[..., Any]) -> None:
        self._stack = stack
        self._launch = launch
        self._started: dict[tuple[str, ...], Browser] = {}

    async def with_switches(self, switches: tuple[str, ...]) -> Browser:
        """Return the browser that has these, started where there is none."""
        if switches not in self._started:
            browser = await self._stack.enter_async_context(await self.own(switches))
            self._started[switches] = browser
        return self._started[switches]

    async def own(self, switches: tuple[str, ...]) -> Browser:
        """Return one that the caller closes."""
        browser: Browser = await self._launch(
            executable_path=os.environ["CHROMIUM_PATH"], args=list(switches)
        )
        return browser


_shared: list[_Browsers] = []


@asynccontextmanager
async def shared_browsers() -> AsyncIterator[_Browsers]:
    """Keep browsers for the length of a block; what is asked for within another one is its."""
    if _shared:
        yield _shared[0]
        return
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        _shared.append(_Browsers(stack, playwright.chromium.launch))
        try:
            yield _shared[0]
        finally:
            _shared.clear()


def write_microphone(path: Path, audio: NDArray[np.int16], rate_hz: int) -> Path:
    """Write what the microphone will capture, from the moment that a page asks for it, and again.

    Args:
        path: A WAV file.
        audio: int16 [shape=(n,), mono].
        rate_hz: Of the audio; a divisor of 48,000.
    """
    repeats = _MICROPHONE_HZ // rate_hz
    times = np.arange(len(audio) * repeats) / repeats
    smooth = np.interp(times, np.arange(len(audio)), audio).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_MICROPHONE_HZ)
        file.writeframes(smooth.tobytes())
    return path


@asynccontextmanager
async def browsing(
    microphone: Path | None = None,
    *,
    page: str = "call.html",
    folder: Path = PAGES,
    host: str = "127.0.0.1",
    assets: Path | None = None,
    requests: list[str] | None = None,
    expected_error: str | None = None,
    switches: Sequence[str] = _ALLOWED_MICROPHONE,
    **options: Any,
) -> AsyncIterator[Page]:
    """Open a page for the length of a block.

    Args:
        microphone: What it captures; None for a browser's own beeps.
        page: Path of the page, with a query perhaps; or the whole address of a page of another
            server, such as one that the engine itself serves.
        folder: What the test server serves.
        host: The name by which the page knows the test server; it need not exist, and may be any
            that a stranger's page has. Its errors are then expected.
        assets: What the test server serves below ``/assets``.
        requests: Takes the address of everything that the page asks for, WebSockets too.
        expected_error: Part of what the console tells of answers that the test brings about.
        switches: Of Chromium, beside those for the microphone.
        options: Of the page, such as ``viewport``.
    """
    errors: list[str] = []
    async with _serving(folder, assets) as port, shared_browsers() as browsers:
        wanted = (*_switches(microphone, host), *switches)
        browser = await (browsers.own if microphone else browsers.with_switches)(wanted)
        async with (
            browser if microphone else nullcontext(),
            await browser.new_context(**options) as context,
        ):
            opened = await context.new_page()
            opened.set_default_timeout(100_000)
            if requests is not None:
                opened.on("request", lambda request: requests.append(request.url))
                opened.on("websocket", lambda socket: requests.append(socket.url))
            opened.on("pageerror", lambda error: errors.append(str(error)))
            opened.on("console", lambda message: _note(message.type, message.text, errors))
            await opened.goto(page if "://" in page else f"http://{host}:{port}/{page}")
            yield opened
    if host == "127.0.0.1":
        assert [each for each in errors if not expected_error or expected_error not in each] == []


async def eventually(is_reached: Callable[[], object], *, timeout_s: float = 100.0) -> None:
    """Wait for what no event announces."""
    async with asyncio.timeout(timeout_s):
        while not is_reached():  # noqa: ASYNC110 - that is what it is for
            await asyncio.sleep(0.02)


def _note(kind: str, text: str, errors: list[str]) -> None:
    if kind == "error" and "WebSocket" not in text:  # a call that is refused is the test's business
        errors.append(text)


def _switches(microphone: Path | None, host: str) -> list[str]:
    switches = [
        "--use-fake-device-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        f"--host-resolver-rules=MAP {host} 127.0.0.1",
    ]
    if microphone is not None:
        switches.append(f"--use-file-for-fake-audio-capture={microphone}")
    return switches


async def _no_icon(_request: web.Request) -> web.Response:
    return web.Response(status=204)


@asynccontextmanager
async def _serving(folder: Path, assets: Path | None) -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_get("/favicon.ico", _no_icon)
    if assets is not None:
        application.router.add_static("/assets", assets)
    application.router.add_static("/", folder)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
