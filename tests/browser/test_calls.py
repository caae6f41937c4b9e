"""Calls from a real browser to a real engine: what is said is heard, both ways."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Error, Page

from browser.engine_service import EngineService
from browser.headless import browsing, eventually, write_microphone
from browser.sound import Sound, agent_sentence, at_8_khz, recorded_audio, share_of
from support.telephone import spoken
from voxgate.core.gate_decision import GateEventType

pytestmark = pytest.mark.timeout(300)

_HEARD = 0.5
"""Share of a sentence from which it counts as heard: a busy machine may tear holes into it."""

_HEARD_CANCELLED = 0.3
"""The same behind the browser's echo canceller, which filters what it lets through."""


def microphone(folder: Path, line_id: str, *, after_s: float) -> Path:
    """Return a microphone in front of a caller who waits, says a sentence, and says it again later.

    A busy machine may take long to begin the call: what then came too early comes again.
    """
    quiet = np.zeros(int(after_s * 8000), np.int16)
    audio = np.concatenate([quiet, spoken(line_id), np.zeros(8000 * 10, np.int16)])
    return write_microphone(folder / "microphone.wav", audio, 8000)


async def place_call(page: Page, service: EngineService, **options: Any) -> str:
    """Let the page call, and return the call's id."""
    prepared = [service.script_url, options]
    await page.evaluate("([script, options]) => prepare(script, options)", prepared)
    call_id: str = await page.evaluate("() => call.start()")
    return call_id


async def events_of(page: Page, name: str) -> list[dict[str, Any]]:
    """Return what the page was told by that name."""
    events: list[dict[str, Any]] = await page.evaluate(
        "(name) => events.filter((event) => event.name === name)", name
    )
    return events


async def recording_with(page: Page, sentence: Sound) -> Sound:
    """Wait until the page has heard a sentence, and return all that it heard."""
    rate_hz = int(await page.evaluate("() => call.playoutNode.context.sampleRate"))
    async with asyncio.timeout(100):
        while True:
            heard = recorded_audio(await page.evaluate("() => takeRecording()"), rate_hz)
            if share_of(sentence, heard) > _HEARD:
                return heard
            await asyncio.sleep(0.5)


async def test_greeting_question_and_answer(tmp_path: Path) -> None:
    """The page hears the agent, the agent hears the microphone, and both know of it."""
    voice = microphone(tmp_path, "card_question", after_s=5.0)
    async with (
        EngineService.running(greeting="hello", replies=("card_payment",)) as service,
        browsing(voice) as page,
    ):
        call_id = await place_call(page, service, parameters={"page": "test"})
        record = service.record(call_id)
        assert service.started[0].metadata == {"page": "test"}
        heard = await recording_with(page, agent_sentence("card_payment"))
        captured = at_8_khz(service.captured_audio(call_id), 16_000)
        await page.evaluate("() => call.hangUp()")
        await eventually(lambda: record.ended)
    assert record.ended is not None
    assert record.ended.reason == "caller_hangup"
    assert share_of(agent_sentence("hello"), heard) > _HEARD
    assert share_of(spoken("card_question").astype(float), captured) > _HEARD_CANCELLED


async def test_an_interruption_is_heard_and_flushes(tmp_path: Path) -> None:
    """The agent stops in mid-sentence, knows what was heard of it, and answers."""
    voice = microphone(tmp_path, "interruption", after_s=6.0)
    answer = agent_sentence("go_on")
    async with (
        EngineService.running(greeting="service_time", replies=("go_on",)) as service,
        browsing(voice) as page,
    ):
        call_id = await place_call(page, service)
        record = service.record(call_id)
        await eventually(lambda: record.times_of(GateEventType.INTERRUPTED))
        log = service.server.sessions[-1]
        await eventually(lambda: log.events("truncated"))
        heard = await recording_with(page, answer)
        flushes, played = await events_of(page, "flush"), await events_of(page, "played")
        await page.evaluate("() => call.hangUp()")
    told_ms = log.events("truncated")[0].at_ms
    last_flush = flushes[-1]["flush"]
    true_ms = 20 * sum(
        max((each["frames"] for each in played if each["flush"] == flush), default=0)
        for flush in range(last_flush)
    )
    assert told_ms == pytest.approx(true_ms, abs=100)
    # What was sent ahead is never heard, so that the agent is silent until it answers.
    sentence = agent_sentence("service_time")
    assert share_of(sentence[int(true_ms + 100) * 8 :][:16_000], heard) == 0
    # Pieces are lost where it was paused in between; most of what counts as heard was heard.
    assert share_of(sentence[: int(true_ms) * 8], heard) > 0.5


async def test_the_engine_hangs_up() -> None:
    """The page is told so, once, and lets the microphone go."""
    async with EngineService.running(greeting="hello") as service, browsing() as page:
        await place_call(page, service)
        await service.engine.stop()
        await page.wait_for_function("() => call.state === 'ended'")
        ended = await events_of(page, "ended")
        states = [event["state"] for event in await events_of(page, "state")]
    assert [(event["reason"], event["message"]) for event in ended] == [("agent", "")]
    assert states == ["connecting", "ready", "ended"]


async def test_keys_and_silence_of_a_muted_caller(tmp_path: Path) -> None:
    """Keys arrive; a muted microphone is silence that goes on."""
    voice = microphone(tmp_path, "card_question", after_s=0.0)
    async with EngineService.running(greeting="hello") as service, browsing(voice) as page:
        call_id = await place_call(page, service)
        await page.evaluate("() => { call.setMuted(true); call.press('5'); call.press('#'); }")
        await eventually(lambda: service.keys[call_id] == ["5", "#"])
        before = len(service.captured_audio(call_id))
        await eventually(lambda: len(service.captured_audio(call_id)) >= before + 16_000)
        await page.evaluate("() => call.hangUp()")
        muted = service.captured_audio(call_id)[before + 8000 : before + 16_000]
        times = [event.timestamp_ms for event in service.captured[call_id]]
    assert not muted.any()
    assert times == [20.0 * number for number in range(len(times))]


async def test_who_is_muted_before_the_call_is_muted_from_its_beginning(tmp_path: Path) -> None:
    """Nothing is heard of a caller who muted the page while it asked for the microphone."""
    voice = microphone(tmp_path, "card_question", after_s=0.0)
    async with EngineService.running(greeting="hello") as service, browsing(voice) as page:
        await page.evaluate(
            "([script]) => prepare(script, {}).then(() => call.setMuted(true))",
            [service.script_url],
        )
        call_id: str = await page.evaluate("() => call.start()")
        await eventually(lambda: len(service.captured_audio(call_id)) >= 16_000)
        await page.evaluate("() => call.hangUp()")
        assert not service.captured_audio(call_id).any()


@pytest.mark.parametrize("token", [None, "guess"])
async def test_without_the_token_the_page_is_told(token: str | None) -> None:
    """In words, by the promise and by the event."""
    options = {"greeting": "hello", "token_env": "PAGE_TOKEN", "environ": {"PAGE_TOKEN": "right"}}
    async with EngineService.running(**options) as service, browsing() as page:
        with pytest.raises(Error, match="the token is missing or wrong"):
            await place_call(page, service, token=token)
        (ended,) = await events_of(page, "ended")
        assert (ended["reason"], ended["message"]) == ("error", "the token is missing or wrong")
        assert not service.started
        await page.reload()
        assert await place_call(page, service, token="right")  # noqa: S106 - nobody's


async def test_a_line_that_is_not_there_is_told() -> None:
    """With what it may be."""
    async with EngineService.running(greeting="hello") as service, browsing() as page:
        with pytest.raises(Error, match="the line can't be reached, refuses this page's origin"):
            await place_call(page, service, url="ws://127.0.0.1:9/browser")
        (ended,) = await events_of(page, "ended")
        assert ended["reason"] == "unreachable"


async def test_a_page_of_another_host_gets_nothing() -> None:
    """Neither the script nor a call: this machine by another name is another host."""
    async with EngineService.running(greeting="hello", host="127.0.0.1") as service:
        async with browsing(host="voxgate.test") as page:
            script = "(url) => import(url).then(() => 'loaded', () => 'refused')"
            assert await page.evaluate(script, service.script_url) == "refused"
            socket = """(url) => new Promise((resolve) => {
                const socket = new WebSocket(url, "voxgate.browser.v1");
                socket.onopen = () => resolve("opened");
                socket.onclose = ({ code }) => resolve(code);
            })"""
            url = service.script_url.replace("http:", "ws:").rpartition("/")[0]
            assert await page.evaluate(socket, url) == 1006
        assert not service.started
