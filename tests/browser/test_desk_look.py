"""What the desk looks like, and to whom: axe-core, widths, themes; pictures for the documentation.

With DESK_PICTURES naming a folder, pictures of the desk are put there.
"""

from __future__ import annotations

import asyncio
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import Page

from browser.desk_page import FACT, axe_findings, is_wider_than_its_window
from browser.desk_service import DeskedEngine, at_the_desk, caller_over_the_agent
from browser.simulated_desk import simulated_desk
from support.recorded_calls import make_recorded_call

pytestmark = pytest.mark.timeout(400)

PICTURES = os.environ.get("DESK_PICTURES")
"""Where pictures of the documentation are made; None: nowhere."""
WIDTHS = (1440, 768, 360)
JUDGED = {("light", 1440), ("dark", 360)}
"""Themes and widths in which axe-core looks."""
READ = {
    "live": ".row .chip:not(:empty)",
    "phone": "#call:enabled",
    "thresholds": ".field .control",
    "recordings": ".empty, table",
    "health": ".checks li",
}
"""What is on each view once it has been read."""
FULL = """async () => {
    const { feed } = await import("/assets/live_feed.js");
    const [{ track }] = feed.calls.values();
    const endMs = track.newestMs + 30_000;
    while (track.newestMs < endMs) await new Promise((resolve) => setTimeout(resolve, 200));
}"""
"""Waits until the timelines are full of what comes from now on: a second is 25 pixels."""
MAX_BYTES = 200_000
"""Of a picture in the documentation."""


async def full(page: Page) -> None:
    """Wait for full timelines; a picture tears a hole."""
    await page.evaluate(FULL)


async def picture(page: Page, name: str) -> None:
    """Keep a picture of a page for the documentation."""
    path = Path(PICTURES or "") / f"desk-{name}.png"
    shot = await page.screenshot()
    await asyncio.to_thread(_write_small, shot, path)  # beside the server that it shows
    assert path.stat().st_size < MAX_BYTES, path


def _palette(colours: NDArray[np.int32], counts: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return 256 colours: the most frequent ones, and those that are least like them."""
    kept = colours[np.argsort(-counts, kind="stable")[:160]]
    distance = np.min([np.abs(colours - colour).sum(axis=1) for colour in kept], axis=0)
    while len(kept) < min(256, len(colours)):
        other = colours[np.argmax(distance * np.sqrt(counts))]
        kept = np.vstack([kept, other])
        distance = np.minimum(distance, np.abs(colours - other).sum(axis=1))
    return kept


def _write_small(shot: bytes, path: Path) -> None:
    """Write a picture with 256 of its colours; others become the nearest of them."""
    pixels = np.asarray(Image.open(BytesIO(shot)).convert("RGB"))
    colours, which, counts = np.unique(
        pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True
    )
    kept = _palette(colours.astype(np.int32), counts)
    nearest = np.array([np.abs(kept - colour).sum(axis=1).argmin() for colour in colours])
    small = Image.fromarray(nearest[which].reshape(pixels.shape[:2]).astype(np.uint8), "P")
    small.putpalette(kept.astype(np.uint8).tobytes())
    small.save(path, optimize=True)


async def judge_every_look(page: Page, view: str) -> None:
    """Fail on what axe-core finds, and where one must scroll sideways.

    Contrast goes by theme and layout by width: axe-core sees each of them, not each with each.
    """
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        await page.wait_for_function(
            "(scheme) => document.documentElement.dataset.theme === scheme", arg=scheme
        )
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 900})
            look = f"{view}, {scheme} at {width}"
            assert not await is_wider_than_its_window(page), look
            if (scheme, width) in JUDGED:
                assert await axe_findings(page) == [], look


async def test_views_are_accessible_in_every_width_and_theme(tmp_path: Path) -> None:
    """Names, labels, landmarks, contrast; and nobody has to scroll sideways."""
    async with simulated_desk(tmp_path, 5) as (url, calls), at_the_desk(url) as page:
        await page.wait_for_selector(READ["live"])
        calls.end(1)
        await page.wait_for_selector(".ended tbody tr")
        for view, content in READ.items():
            await page.click(f"nav a[href='#/{view}']")
            await page.wait_for_selector(content)
            await judge_every_look(page, view)
        await page.click("nav a[href='#/live']")
        await page.click(".row h2 a")
        await page.wait_for_selector(".events li")
        await judge_every_look(page, "a call")


async def test_wrong_values_and_questions_are_accessible(tmp_path: Path) -> None:
    """A field with a problem, and the dialog before a change."""
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "thresholds") as page,
    ):
        await page.fill('[name="barge_in.min_ms"]', "40")
        assert await axe_findings(page) == []
        await page.fill('[name="barge_in.min_ms"]', "180")
        await page.click("#apply:enabled")
        await page.wait_for_selector("dialog[open]")
        assert await axe_findings(page) == []


async def test_the_theme_is_chosen_and_remembered(tmp_path: Path) -> None:
    """As the system has it, unless somebody says otherwise."""
    theme = "() => document.documentElement.dataset.theme"
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "health", color_scheme="dark") as page,
    ):
        assert await page.evaluate(theme) == "dark"
        await page.click("#theme")
        assert await page.evaluate(theme) == "light"
        await page.reload()
        assert await page.evaluate(theme) == "light"
        assert await page.get_attribute("#theme", "aria-label") == "Theme: light"


async def test_who_prefers_less_motion_gets_a_picture_a_second(tmp_path: Path) -> None:
    """Numbers go on, the timeline moves in steps."""
    async with (
        simulated_desk(tmp_path, 3) as (url, _),
        at_the_desk(url, reduced_motion="reduce") as page,
    ):
        await page.wait_for_function(
            "() => Number(document.querySelector('#rate')?.dataset.pictures) > 0"
        )
        assert float(await page.get_attribute("#rate", "data-pictures") or "nan") < 2


async def test_who_has_no_token_is_asked_for_it(tmp_path: Path) -> None:
    """A wrong one is told, the right one opens the desk, and one can leave again."""
    environ = {"DESK_TOKEN": "right and long enough to be one"}
    async with (
        DeskedEngine.running(
            tmp_path, environ=environ, desk={"port": 0, "token_env": "DESK_TOKEN"}
        ) as service,
        at_the_desk(service.url, expected_error="401") as page,
    ):
        await page.fill("#token", "guess")
        assert await axe_findings(page) == []
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#token[aria-invalid=true]")
        await page.fill("#token", environ["DESK_TOKEN"])
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:has-text('Live calls')")
        await page.click("text=Log out")
        await page.wait_for_selector("#token")


@pytest.mark.skipif(PICTURES is None, reason="DESK_PICTURES names no folder for them")
async def test_pictures_of_many_calls(tmp_path: Path) -> None:
    """Light, dark and on a telephone."""
    async with simulated_desk(tmp_path, 14) as (url, _), at_the_desk(url) as page:
        await page.wait_for_selector(".row .chip:not(:empty)")
        await full(page)
        await picture(page, "live")
        await page.emulate_media(color_scheme="dark")
        await page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
        await full(page)
        await picture(page, "live-dark")
        await page.set_viewport_size({"width": 360, "height": 780})
        await page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 300))")
        await picture(page, "live-telephone")


@pytest.mark.skipif(PICTURES is None, reason="DESK_PICTURES names no folder for them")
async def test_pictures_of_a_call_and_of_thresholds(tmp_path: Path) -> None:
    """A real call from the page, with echo and an interruption; a preview on what was recorded."""
    microphone = caller_over_the_agent(tmp_path, after_s=7.0)
    root = tmp_path / "recordings"
    make_recorded_call(root)
    recording = {"calls": "all", "audio": True, "folder": str(root)}
    async with (
        DeskedEngine.running(tmp_path, recording=recording) as service,
        at_the_desk(service.url, "phone", microphone=microphone) as page,
    ):
        await page.locator("#echo").fill("-16")
        for name in ("phone", "call"):
            await page.click("#call[data-state=idle], #call[data-state=ended]")
            await page.wait_for_selector("#call[data-state=ready]")
            if name == "call":
                await page.click("nav >> text=Live")
                await page.click(f".row a[title='{list(service.calls)[-1]}']")
            await page.wait_for_selector(".events [data-type=interrupted]")
            await page.wait_for_selector(".monitor .chip[data-state=closed]")
            await page.wait_for_function(f"() => ({FACT})('Echo return loss') > 0")
            await picture(page, name)
            if name == "call":
                await page.click("#on-call")
            await page.click("#call")
            await page.wait_for_selector("#call[data-state=ended]")
        await page.click("nav >> text=Thresholds")
        await page.fill('[name="gating.providers.openai_realtime.post_speech_grace_ms"]', "900")
        await page.fill('[name="gating.providers.openai_realtime.sensitivity"]', "0.2")
        await page.click("#preview:enabled")
        await page.wait_for_selector(".preview-message:has-text('With this setting')")
        await page.evaluate("() => window.scrollTo(0, 0)")
        await picture(page, "thresholds")
