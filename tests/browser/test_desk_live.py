"""Many calls in the live view."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser.desk_page import wait_for_colour
from browser.desk_service import DeskedEngine, at_the_desk
from browser.simulated_desk import simulated_desk

pytestmark = pytest.mark.timeout(300)

# Three looks a second apart, one after the other, as fast as wanted; a machine that is busy with
# something else for a while is looked at anew.
STEADY = """() => new Promise((resolve) => {
    let good = 0;
    const look = () => {
        const { updates, pictures } = document.querySelector("#rate")?.dataset ?? {};
        good = Number(updates) >= 10 && Number(pictures) >= 10 ? good + 1 : 0;
        if (good === 3) resolve(true);
        else setTimeout(look, 1000);
    };
    look();
})"""

DRAWN = """() => {
    const rows = [...document.querySelectorAll(".row")].map((row) => ({
        top: row.getBoundingClientRect().top, drawn: row.querySelector("canvas").width !== 300,
    }));
    return [
        rows.filter(({ top, drawn }) => top < innerHeight && drawn).length,
        rows.filter(({ top, drawn }) => top > innerHeight + 200 && drawn).length,
    ];
}"""


async def test_fifty_calls_move_ten_times_a_second_and_what_is_out_of_sight_is_not_drawn(
    tmp_path: Path,
) -> None:
    """Updates of the server and pictures on the screen, both."""
    async with simulated_desk(tmp_path, 50) as (url, _), at_the_desk(url) as page:
        await page.wait_for_function("() => document.querySelectorAll('.row').length === 50")
        assert await page.evaluate(STEADY)
        seen, unseen = await page.evaluate(DRAWN)
        assert seen >= 5
        assert unseen == 0
        for colour in ("agent", "closed"):
            await wait_for_colour(page, ".row:has([data-state=closed]) canvas", colour)
        await page.evaluate("() => document.querySelector('.row:last-child').scrollIntoView()")
        await page.wait_for_function(
            "() => document.querySelector('.row:last-child canvas').width !== 300"
        )


async def test_calls_are_found_come_and_go(tmp_path: Path) -> None:
    """By line, provider or id; those that are over are told below."""
    async with simulated_desk(tmp_path, 6) as (url, calls), at_the_desk(url) as page:
        await page.wait_for_function("() => document.querySelectorAll('.row').length === 6")
        await page.fill("#filter", "twilio")
        assert await page.locator(".row:visible").count() == 2
        await page.fill("#filter", "")
        calls.begin(2)
        await page.wait_for_function("() => document.querySelectorAll('.row').length === 8")
        await page.wait_for_selector("#service:has-text('8 of 100 calls')")
        calls.end(8)
        await page.wait_for_selector(".empty:has-text('No calls at the moment')")
        assert "0 of 100 calls" in await page.inner_text("#service")
        await page.wait_for_selector(".ended tbody tr:nth-child(8)")
        assert "caller hung up" in await page.inner_text(".ended tbody")


async def test_nobody_is_served_who_does_not_look(tmp_path: Path) -> None:
    """The feed is closed in a hidden tab and in views without calls, and comes back."""
    sockets: list[str] = []
    async with simulated_desk(tmp_path, 3) as (url, _), at_the_desk(url, requests=sockets) as page:
        await page.wait_for_function("() => document.querySelectorAll('.row').length === 3")
        feed = "async () => (await import('/assets/live_feed.js')).feed.status"
        assert await page.evaluate(feed) == "live"
        hide = """(isHidden) => {
            Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
        await page.evaluate(hide, True)
        assert await page.evaluate(feed) == "idle"
        await page.evaluate(hide, False)
        frame = "await new Promise(requestAnimationFrame)"
        back = f"async () => {{ while (await ({feed})() !== 'live') {frame}; }}"
        await page.evaluate(back)
        await page.click("nav >> text=Health")
        await page.wait_for_selector("h1:has-text('Health')")
        await page.evaluate(back.replace("'live'", "'idle'"))
    assert sum(each.endswith("/live") for each in sockets) == 2


async def test_a_lost_connection_is_told(tmp_path: Path) -> None:
    """Old numbers are never taken for new ones."""
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, expected_error="ERR_CONNECTION_REFUSED") as page,
    ):
        await page.wait_for_selector(".empty:has-text('No calls at the moment')")
        await service.operations.stop()
        await page.wait_for_selector("[role=alert]:has-text('The connection is lost')")
        await page.wait_for_selector("#rate:has-text('Not connected')")
        await page.wait_for_selector("#service:has-text('Server not reached')")


async def test_a_call_is_held_and_told(tmp_path: Path) -> None:
    """The timeline stands still while it is held; its words say what it shows."""
    async with simulated_desk(tmp_path, 2) as (url, _), at_the_desk(url) as page:
        await page.click(".row h2 a")
        await page.wait_for_selector(".events li")
        await page.get_by_role("button", name="Hold", exact=True).click()
        go_on = page.get_by_role("button", name="Go on")
        assert await go_on.get_attribute("aria-pressed") == "true"
        picture = "() => document.querySelector('.monitor canvas').toDataURL()"
        await page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 200))")
        held = await page.evaluate(picture)
        await page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 300))")
        assert await page.evaluate(picture) == held
        await go_on.click()
        await page.wait_for_function(f"(held) => ({picture})() !== held", arg=held)
        label = await page.get_attribute(".monitor canvas", "aria-label")
        assert label is not None
        assert "seconds of the gate" in label
