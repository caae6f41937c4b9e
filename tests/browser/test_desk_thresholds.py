"""Thresholds: what is wrong is shown and can't be applied; what is right is, and undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from browser.desk_page import tab_to
from browser.desk_service import DeskedEngine, at_the_desk
from browser.headless import eventually
from support.recorded_calls import make_recorded_call

pytestmark = pytest.mark.timeout(300)

SUMMARY = "#summary"


def field(key: str) -> str:
    """Return the control of a key."""
    return f'[name="{key}"]'


def problem(key: str) -> str:
    """Return where the problem of a key is shown."""
    return f'.field[data-key="{key}"] .problem'


async def is_ready(page: Page, count: str) -> None:
    """Wait until so many changes may be applied."""
    await page.wait_for_function(
        "(text) => document.querySelector('#summary')?.textContent.startsWith(text)",
        arg=f"{count}, ready",
    )


WRONG = [
    ("barge_in.cooldown_ms", "12x", "is no number"),
    ("barge_in.cooldown_ms", "", "Enter a number"),
    ("barge_in.cooldown_ms", "70.5", "whole number"),
    ("barge_in.cooldown_ms", "10001", "is not in 0 to 10000 ms"),
    ("vad.confidence_threshold", "0,4", "a point, not a comma: 0.4"),
    ("vad.confidence_threshold", "1.01", "is not in 0 to 1"),
    ("barge_in.min_ms", "40", "40 is below Barge-in: Candidate (60): the gate can't open"),
    ("barge_in.candidate_ms", "200", "200 is above Barge-in: Minimum (140): the gate can't open"),
]


async def test_what_is_wrong_shows_at_the_field_before_anything_is_sent(tmp_path: Path) -> None:
    """Type, range and rules across fields; nothing can be applied, and nothing was asked."""
    asked: list[str] = []
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "thresholds", requests=asked) as page,
    ):
        await page.wait_for_selector(field("barge_in.min_ms"))
        for key, entry, words in WRONG:
            before = await page.input_value(field(key))
            await page.fill(field(key), entry)
            assert words in await page.inner_text(problem(key)), (key, entry)
            assert await page.get_attribute(field(key), "aria-invalid") == "true"
            assert await page.is_disabled("#apply")
            assert await page.is_disabled("#preview")
            assert "nothing can be applied" in await page.inner_text(SUMMARY)
            told = await page.inner_text(".changes li")
            assert words in told
            assert "at once" not in told + await page.inner_text(f'.field[data-key="{key}"]')
            await page.fill(field(key), before)
            assert await page.is_hidden(problem(key))
        assert not [each for each in asked if each.endswith(("/check", "/apply"))]


async def test_a_change_reaches_the_running_engine_and_is_undone(tmp_path: Path) -> None:
    """The file keeps its comments; the history has both, and the way back."""
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "thresholds") as page,
    ):
        await page.fill(field("barge_in.cooldown_ms"), "750")
        await is_ready(page, "1 change")
        await page.click("#apply")
        assert await page.inner_text(".changes li button") == "Barge-in: Cooldown"
        question = await page.inner_text("dialog")
        assert "Barge-in: Cooldown" in question
        assert "500 ms → 750 ms" in question
        await page.click("dialog button.primary")
        await page.wait_for_selector(".history li")
        assert service.engine.manager.config.barge_in.cooldown_ms == 750
        text = service.file.read_text("utf-8")
        assert "# kept by the operator" in text
        assert "cooldown_ms: 750" in text
        assert await page.input_value(field("barge_in.cooldown_ms")) == "750"
        assert await page.is_disabled("#apply")
        facts = page.locator('.field[data-key="barge_in.cooldown_ms"] .facts-line')
        assert "set at the desk" in await facts.inner_text()
        await page.click(".history li button")
        await page.click("dialog button.primary")
        await page.wait_for_selector(".history li:nth-child(2)")
        newest, oldest = await page.locator(".history li").all()
        assert "Barge-in: Cooldown" in await newest.inner_text()
        assert "takes back the change of" in await newest.inner_text()
        assert await newest.locator("button").count() == 1
        assert "taken back" in await oldest.inner_text()
        assert await oldest.locator("button").count() == 0
        assert service.engine.manager.config.barge_in.cooldown_ms == 500
        assert await page.input_value(field("barge_in.cooldown_ms")) == "500"


async def test_a_slider_keeps_its_width_while_it_is_dragged(tmp_path: Path) -> None:
    """The way back has its place before there is anything to take back."""
    key = "vad.confidence_threshold"
    row = f'.field[data-key="{key}"]'
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "thresholds") as page,
    ):
        slider, take_back = page.locator(f"{row} [type=range]"), page.locator(f"{row} .take-back")
        place = "({ offsetLeft, offsetWidth }) => [offsetLeft, offsetWidth]"
        before = await slider.evaluate(place)
        value = await page.input_value(field(key))
        assert await take_back.is_hidden()
        await page.fill(field(key), "0.9")
        await take_back.wait_for(state="visible")
        assert await slider.evaluate(place) == before
        await take_back.click()
        await take_back.wait_for(state="hidden")
        assert await page.input_value(field(key)) == value


async def test_what_somebody_else_applied_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """The form has the newest values, with one's own changes on top, and says so."""
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "thresholds", expected_error="409") as page,
    ):
        await page.fill(field("barge_in.cooldown_ms"), "750")
        await is_ready(page, "1 change")
        await page.evaluate(
            """async () => {
                const { api } = await import("/assets/api.js");
                const { revision } = await api.thresholds();
                await api.applyThresholds({ "barge_in.turn_end_ms": 900 }, revision);
            }"""
        )
        await page.click("#apply")
        await page.click("dialog button.primary")
        await page.wait_for_selector(".banner:has-text('Somebody else')")
        assert await page.input_value(field("barge_in.turn_end_ms")) == "900"
        assert await page.input_value(field("barge_in.cooldown_ms")) == "750"
        assert service.engine.manager.config.barge_in.cooldown_ms == 500
        await is_ready(page, "1 change")


async def test_with_the_keyboard_alone(tmp_path: Path) -> None:
    """Find a threshold, step it, apply it."""
    async with DeskedEngine.running(tmp_path) as service, at_the_desk(service.url) as page:
        await tab_to(page, "Thresholds")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(field("barge_in.cooldown_ms"))
        await tab_to(page, "Find")
        await page.keyboard.type("cooldown")
        label = await page.inner_text('.field[data-key="barge_in.cooldown_ms"] label')
        await tab_to(page, label.split("\n")[0].split("cooldown_ms")[0].strip())
        await page.keyboard.press("ArrowUp")
        assert int(await page.input_value(field("barge_in.cooldown_ms"))) > 500
        await page.keyboard.press("Control+a")
        await page.keyboard.type("620")
        await is_ready(page, "1 change")
        await tab_to(page, "Apply")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("dialog[open]")
        await page.keyboard.press("Enter")
        await eventually(lambda: service.engine.manager.config.barge_in.cooldown_ms == 620)
        await page.wait_for_selector(".history li")


async def test_a_preview_says_how_many_decisions_differ(tmp_path: Path) -> None:
    """On the calls that were recorded last."""
    root = tmp_path / "recordings"
    make_recorded_call(root)
    recording = {"calls": "all", "audio": True, "folder": str(root)}
    async with (
        DeskedEngine.running(tmp_path, recording=recording) as service,
        at_the_desk(service.url, "thresholds") as page,
    ):
        await page.fill(field("gating.providers.openai_realtime.post_speech_grace_ms"), "3000")
        await is_ready(page, "1 change")
        await page.click("#preview")
        await page.wait_for_selector(".preview-message:has-text('With this setting')")
        message = await page.inner_text(".preview-message")
        assert "decisions differ" in message
        await page.click(".differs summary")
        assert await page.locator(".differs tbody tr").count() > 0
        await page.click("nav >> text=Recordings")


async def test_what_is_odd_is_said_and_may_be_applied(tmp_path: Path) -> None:
    """At its field, beside what is wrong nowhere."""
    key = "gating.providers.openai_realtime.vad_threshold"
    answer = {"problems": [], "warnings": [{"key": key, "message": "has no effect in this mode"}]}
    async with (
        DeskedEngine.running(tmp_path) as service,
        at_the_desk(service.url, "thresholds") as page,
    ):
        await page.route("**/api/thresholds/check", lambda route: route.fulfill(json=answer))
        await page.fill(field(key), "0.7")
        await is_ready(page, "1 change")
        shown = page.locator(f'.field[data-key="{key}"] .warning')
        assert await shown.inner_text() == "Has no effect in this mode"
        assert await page.is_enabled("#apply")
        await page.fill(field(key), "0.6")
        assert await shown.is_hidden()
