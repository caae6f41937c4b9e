"""What the desk does with what nobody plans: strange names, wrong addresses, a slow hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from browser.desk_page import is_wider_than_its_window
from browser.desk_service import DeskedEngine, at_the_desk
from browser.simulated_desk import simulated_desk

pytestmark = pytest.mark.timeout(300)

STRANGE = "<img src=x onerror='window.hit=1'> %zz?#\"&" + "long" * 60
"""An id that is none: markup, a broken escape, and no place to break the line."""
COOLDOWN = '[name="barge_in.cooldown_ms"]'


async def heading(page: Page) -> str:
    return await page.inner_text("h1")


async def focused(page: Page) -> str:
    """Return what the focused element is or says."""
    script = "() => document.activeElement.id || document.activeElement.textContent"
    return str(await page.evaluate(script))


async def test_a_name_is_text_wherever_it_stands(tmp_path: Path) -> None:
    """Markup in a call's id is shown, not run; a long one makes nothing wider."""
    narrow = {"width": 360, "height": 800}
    async with (
        simulated_desk(tmp_path, 0) as (url, calls),
        at_the_desk(url, viewport=narrow) as page,
    ):
        calls.begin(1, named=STRANGE)
        await page.wait_for_selector(".row")
        assert not await is_wider_than_its_window(page)
        await page.click(".row h2 a")
        await page.wait_for_selector(".events li")
        assert STRANGE in await heading(page)
        assert not await is_wider_than_its_window(page)
        await page.reload()
        await page.wait_for_selector(".events li")
        calls.end(1)
        await page.wait_for_selector(".banner:has-text('This call is over')")
        await page.go_back()
        await page.wait_for_selector(".ended tbody tr")
        assert not await is_wider_than_its_window(page)
        assert await page.evaluate(
            "() => window.hit === undefined && !document.querySelector('img')"
        )


async def test_addresses_that_lead_nowhere_say_so(tmp_path: Path) -> None:
    """A call that nobody knows, a broken escape, a view that there is not."""
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "calls/unknown", expected_error="404") as page,
    ):
        await page.wait_for_selector(".banner:visible")
        assert await page.is_hidden(".monitor")
        await page.evaluate("() => { location.hash = '#/calls/%zz'; }")
        await page.wait_for_selector("h1:has-text('%zz')")
        await page.evaluate("() => { location.hash = '#/nothing'; }")
        await page.wait_for_selector("h1:has-text('Live calls')")


async def test_a_call_that_was_over_before_shows_no_empty_timeline(tmp_path: Path) -> None:
    """Its events and counters are what there is."""
    async with simulated_desk(tmp_path, 1) as (url, calls), at_the_desk(url) as page:
        await page.wait_for_selector(".row .chip:not(:empty)")
        calls.end(1)
        await page.click(".ended tbody a")
        await page.wait_for_selector("[data-counter=interruptions]")
        assert await page.is_hidden(".monitor canvas")
        assert await page.is_hidden("#measured")


async def test_to_skip_to_the_content_stays_where_one_is(tmp_path: Path) -> None:
    """And forgets no change."""
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "thresholds") as page,
    ):
        await page.fill(COOLDOWN, "750")
        await page.focus(".skip")
        await page.keyboard.press("Enter")
        assert await focused(page) == "view"
        assert await heading(page) == "Thresholds"
        assert await page.input_value(COOLDOWN) == "750"


async def test_what_is_not_found_is_said(tmp_path: Path) -> None:
    """An empty page says why it is empty, and a change leads to its field all the same."""
    async with simulated_desk(tmp_path, 2) as (url, _), at_the_desk(url) as page:
        await page.wait_for_selector(".row")
        await page.fill("#filter", "nobody")
        await page.wait_for_selector(".empty:has-text('No call has “nobody”')")
        await page.click("nav a[href='#/thresholds']")
        await page.fill(COOLDOWN, "750")
        await page.fill("#find-threshold", "xyz")
        await page.wait_for_selector(".empty:has-text('No threshold has “xyz”')")
        await page.click(".changes button")
        assert await page.evaluate("() => document.activeElement.name") == "barge_in.cooldown_ms"


async def test_the_focus_is_somewhere_after_a_dialog(tmp_path: Path) -> None:
    """Cancelled: where it was. Applied: at the changes, whose button has nothing to do now."""
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "thresholds") as page,
    ):
        await page.fill(COOLDOWN, "750")
        await page.click("#apply:enabled")
        assert await page.locator("dialog a").count() == 0
        await page.keyboard.press("Escape")
        await page.wait_for_selector("dialog", state="detached")
        assert await focused(page) == "apply"
        await page.click("#apply")
        await page.click("dialog button.primary")
        await page.wait_for_function("() => document.activeElement.id === 'changes-head'")
        await page.click(".history button")
        await page.click("dialog button.primary")
        await page.wait_for_function("() => document.activeElement.id === 'history-head'")


async def test_health_goes_on_beneath_the_focus(tmp_path: Path) -> None:
    """What is new comes in, and the link that has the focus keeps it."""
    async with simulated_desk(tmp_path, 1) as (url, calls), at_the_desk(url, "health") as page:
        await page.wait_for_selector(".links a")
        await page.focus(".links a")
        assert await page.locator("dt:text-is('caller hung up')").count() == 0
        calls.end(1)
        await page.wait_for_selector("dt:text-is('caller hung up')")
        assert await focused(page) == "/healthz"


async def test_a_call_is_given_up_while_the_page_still_asks(tmp_path: Path) -> None:
    """Whoever hangs up before the microphone is allowed makes no call when it is."""
    late = """() => {
        const { mediaDevices } = navigator;
        const open = mediaDevices.getUserMedia.bind(mediaDevices);
        window.tracks = [];
        mediaDevices.getUserMedia = async (wanted) => {
            await new Promise((resolve) => { window.allow = resolve; });
            const stream = await open(wanted);
            window.tracks.push(...stream.getTracks());
            return stream;
        };
    }"""
    async with DeskedEngine.running(tmp_path) as service, at_the_desk(service.url, "phone") as page:
        await page.evaluate(late)
        await page.click("#call:enabled")
        await page.wait_for_selector("#call[data-state=asking]")
        await page.click("#call")
        await page.wait_for_selector("#call[data-state=ended]")
        await page.evaluate("() => window.allow()")
        await page.wait_for_function("() => window.tracks.some((t) => t.readyState === 'ended')")
        assert await page.inner_text(".phone-status") == "You hung up."
        assert not service.calls
