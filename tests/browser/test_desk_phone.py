"""A call from the desk's page: the agent is talked to, interrupted and watched by its own line."""

from __future__ import annotations

from math import nan
from pathlib import Path
from statistics import median

import pytest
from playwright.async_api import Page

from browser.desk_page import FACT, tab_to, wait_for_colour
from browser.desk_service import DeskedEngine, at_the_desk, caller_over_the_agent
from browser.headless import eventually
from voxgate.core.gate_decision import GateEventType

pytestmark = pytest.mark.timeout(300)

MINUS = "\N{MINUS SIGN}"
READY = "() => document.querySelector('#call')?.dataset.state === 'ready'"
ENDED = "() => document.querySelector('#call')?.dataset.state === 'ended'"


async def turn(page: Page, knob: str, value: int) -> None:
    """Put a slider at a value."""
    await page.locator(knob).fill(str(value))


async def test_the_barge_in_of_a_call_from_the_page_is_seen(tmp_path: Path) -> None:
    """The agent is interrupted, and events, counters and timeline say so."""
    microphone = caller_over_the_agent(tmp_path)
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "phone", microphone=microphone) as page,
    ):
        await page.click("#call")
        await page.wait_for_selector(".events [data-type=barge_in_committed]")
        await page.wait_for_selector(".events [data-type=interrupted]")
        record = service.newest_call
        assert record.times_of(GateEventType.BARGE_IN_COMMITTED)
        assert record.times_of(GateEventType.INTERRUPTED)
        text = await page.inner_text(".events [data-type=barge_in_committed]")
        assert "gate opened over the agent" in text
        canvas = ".monitor canvas"
        for colour in ("agent", "caller", "closed"):
            await wait_for_colour(page, canvas, colour)
        await page.wait_for_function(
            "() => Number(document.querySelector('[data-counter=interruptions]')?.dataset.value)"
        )
        await page.wait_for_function(
            "() => /[1-9]\\d* interrupted/"
            ".test(document.querySelector('.monitor canvas').getAttribute('aria-label'))"
        )
        await page.click("#call")
        await page.wait_for_function(ENDED)
        assert await page.inner_text(".phone-status") == "You hung up."
        await eventually(lambda: record.ended)
    assert record.ended is not None
    assert record.ended.reason == "caller_hangup"


def measured(service: DeskedEngine, name: str) -> float:
    """Return the median of what the gate measured in the newest second that it could."""
    values = [
        value
        for _, decision in service.newest_call.decisions[-1000:]
        if (value := getattr(decision.measurements, name, None)) is not None
    ]
    return median(values[-50:]) if values else nan


async def test_echo_that_a_slider_adds_is_what_the_gate_measures(tmp_path: Path) -> None:
    """Echo return loss and delay, by the engine and on the page."""
    # The caller asks again and again, so that the agent speaks until the gate knows its echo.
    microphone = caller_over_the_agent(tmp_path, after_s=9.0)
    async with (
        DeskedEngine.running(tmp_path, replies=("card_payment",)) as service,
        at_the_desk(service.url, "phone", microphone=microphone) as page,
    ):
        await turn(page, "#echo", -14)
        await turn(page, "#echo-delay", 120)
        assert await page.inner_text("output[for=echo]") == f"{MINUS}14 dB"
        await page.click("#call")
        await page.wait_for_function(READY)
        await eventually(lambda: abs(measured(service, "erl_db") - 14) < 6)
        await eventually(lambda: abs(measured(service, "echo_delay_ms") - 120) < 80)
        await page.wait_for_function(f"() => Math.abs(({FACT})('Echo return loss') - 14) < 8")


async def test_noise_that_a_slider_adds_is_on_the_line(tmp_path: Path) -> None:
    """As loud as it says, and gone when it is turned off."""
    microphone = caller_over_the_agent(tmp_path, after_s=600.0)
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "phone", microphone=microphone) as page,
    ):
        await page.click("#call")
        await page.wait_for_function(READY)
        await turn(page, "#noise", -38)
        await eventually(lambda: abs(service.captured_level_dbfs() + 38) < 2.5)
        await turn(page, "#noise", -66)
        assert await page.inner_text("output[for=noise]") == "off"
        await eventually(lambda: service.captured_level_dbfs() < -60)


async def test_the_call_goes_on_behind_other_views(tmp_path: Path) -> None:
    """It stays in sight, and its timeline is there again when one comes back."""
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "phone") as page,
    ):
        await page.click("#call")
        await page.wait_for_function(READY)
        assert await page.is_hidden("#on-call")
        await page.click("nav >> text=Thresholds")
        await page.wait_for_selector("#on-call:visible")
        slots = len(service.newest_call.decisions)
        await eventually(lambda: len(service.newest_call.decisions) > slots + 50)
        await page.click("#on-call")
        await page.wait_for_selector(".monitor canvas")
        await page.wait_for_selector(".events li")
        assert service.newest_call.ended is None


async def test_with_the_keyboard_alone(tmp_path: Path) -> None:
    """From the top of the page to a call, a slider, and hanging up."""
    async with DeskedEngine.running(tmp_path) as service, at_the_desk(service.url) as page:
        await tab_to(page, "Skip to the content")
        await page.keyboard.press("Enter")
        assert await page.evaluate("() => document.activeElement.id") == "view"
        await page.reload()
        await tab_to(page, "Phone")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#call:enabled")
        await tab_to(page, "Call")
        await page.keyboard.press("Enter")
        await page.wait_for_function(READY)
        await tab_to(page, "Echo of the agent")
        await page.keyboard.press("End")
        assert await page.get_attribute("#echo", "aria-valuetext") == f"{MINUS}3 dB"
        await page.keyboard.press("Home")
        assert await page.get_attribute("#echo", "aria-valuetext") == "off"
        await page.focus(".brand ~ button")
        await tab_to(page, "Hang up")
        await page.keyboard.press("Enter")
        await page.wait_for_function(ENDED)
        record = service.newest_call
        await eventually(lambda: record.ended)


async def test_without_permission_the_page_says_what_to_do(tmp_path: Path) -> None:
    """In words, and no call is begun."""
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "phone", switches=["--deny-permission-prompts"]) as page,
    ):
        await page.click("#call")
        await page.wait_for_function(ENDED)
        assert "may not use the microphone" in await page.inner_text(".phone-status")
        assert await page.inner_text("#call") == "Call"
        assert not service.calls


async def test_a_call_is_hung_up_from_its_view_and_only_when_asked_twice(tmp_path: Path) -> None:
    """Escape leaves the call alone."""
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "phone") as page,
    ):
        await page.click("#call")
        await page.wait_for_function(READY)
        await page.click("nav >> text=Live")
        await page.click(".row h2 a")
        hang_up = page.locator(".view-head button")
        await hang_up.click()
        await page.wait_for_selector("dialog[open]")
        await page.keyboard.press("Escape")
        await page.wait_for_selector("dialog", state="detached")
        record = service.newest_call
        assert record.ended is None
        await hang_up.click()
        await page.click("dialog button.danger")
        await eventually(lambda: record.ended)
        await page.wait_for_selector(".banner:has-text('This call is over')")
        assert await hang_up.is_disabled()
    assert record.ended is not None
