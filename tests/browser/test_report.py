"""The page of ``voxgate report`` in a real browser: seen, heard, and used without a mouse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from browser.desk_page import axe_findings, is_wider_than_its_window
from browser.headless import browsing
from support.recorded_calls import make_recorded_call
from voxgate.lab.report import render_page
from voxgate.recordings import open_call

pytestmark = pytest.mark.timeout(120)

_PEAK = """async (side) => {
    const meter = context.createAnalyser();
    meter.fftSize = 8192;
    levels[side].connect(meter);
    const heard = new Float32Array(meter.fftSize);
    for (let n = 0; n < 400; n += 1) {
        await new Promise((resolve) => setTimeout(resolve, 25));
        meter.getFloatTimeDomainData(heard);
        const peak = Math.max(...heard.map(Math.abs));
        if (peak > 0.01) return peak;
    }
    return 0;
}"""
"""Plays until something is heard of a side of the call."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page of a call is, in which everything happens."""
    folder = tmp_path_factory.mktemp("report")
    recorded = open_call(make_recorded_call(folder / "calls"))
    (folder / "report.html").write_text(render_page(recorded), encoding="utf-8")
    return folder


@asynccontextmanager
async def opened(folder: Path, **options: Any) -> AsyncIterator[Page]:
    """Open the page, which asks for nothing but itself."""
    requests: list[str] = []
    async with browsing(page="report.html", folder=folder, requests=requests, **options) as page:
        yield page
    others = [each for each in requests if not each.startswith("data:")]
    assert [each.rpartition("/")[2] for each in others if "favicon" not in each] == ["report.html"]


async def clock(page: Page) -> str:
    return (await page.text_content("#clock") or "").strip()


async def test_a_time_in_the_table_is_where_the_call_plays_from(folder: Path) -> None:
    """Both sides are heard, and what is switched off is not; what the provider got goes on from
    the same moment."""
    async with opened(folder) as page:
        barge_in = page.locator("#moments tr:not(.minor)", has_text="barge-in").first
        await barge_in.locator(".jump").click()
        assert await clock(page) == "0:06.6"
        assert "barge-in" in (await page.text_content("tr.current") or "")
        await page.click("#play")
        assert await page.evaluate(_PEAK, "agent") > 0.01
        assert await page.evaluate(_PEAK, "line") > 0.01
        await page.check("input[value=line]", force=True)
        assert await page.evaluate("levels.agent.gain.value") == 0
        await page.check("input[value=provider]", force=True)
        await page.wait_for_function("() => sounds.call.paused && !sounds.provider.paused")
        assert await page.evaluate("sounds.provider.currentTime") > 6
        lengths = await page.evaluate("[sounds.call.duration, sounds.provider.duration]")
        assert lengths[0] == pytest.approx(lengths[1], abs=0.001)
        await page.click("#play")
        await page.wait_for_function("() => sounds.provider.paused")


async def test_it_is_used_by_keys_alone(folder: Path) -> None:
    """From decision to decision, by seconds, closer and further away."""
    async with opened(folder) as page:
        await page.focus("#scroller")
        await page.keyboard.press("n")
        assert await clock(page) == "0:05.0"
        await page.keyboard.press("n")
        assert await clock(page) == "0:06.6"
        await page.keyboard.press("p")
        await page.keyboard.press("ArrowRight")
        assert await clock(page) == "0:06.0"
        await page.keyboard.press("+")
        await page.keyboard.press("+")
        assert await page.text_content("#scale") == "4 times"
        widths = await page.evaluate("[lanes.clientWidth, scroller.clientWidth]")
        assert widths[0] == pytest.approx(4 * widths[1], abs=4)
        await page.keyboard.press("-")
        assert await page.text_content("#scale") == "2 times"


async def test_a_click_into_the_picture_goes_there(folder: Path) -> None:
    """In the middle of the picture is the middle of the call."""
    async with opened(folder) as page:
        await page.click("#lanes")
        middle = await page.evaluate("clockText(data.duration_s / 2)")
        assert middle != "0:00.0"
        assert await clock(page) == middle


async def test_what_followed_is_shown_when_asked_for(folder: Path) -> None:
    """Decisions come first."""
    async with opened(folder) as page:
        rows = page.locator("#moments tbody tr:visible")
        decisions = await rows.count()
        await page.check("#all")
        assert await rows.count() > decisions
        assert await page.locator("#moments tbody tr").count() == await rows.count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_shut_out(folder: Path, scheme: str) -> None:
    """axe-core finds nothing: contrast, names, roles; and a phone need not scroll sideways."""
    phone = {"width": 390, "height": 844}
    async with opened(folder, color_scheme=scheme, bypass_csp=True) as page:
        assert await axe_findings(page) == []
        await page.set_viewport_size(phone)  # type: ignore[arg-type]
        assert not await is_wider_than_its_window(page)
        assert await axe_findings(page) == []
