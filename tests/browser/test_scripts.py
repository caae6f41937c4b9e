"""The parts of the JavaScript client, each by itself in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Page

from browser.headless import browsing
from voxgate.transports.browser import script_files

ASSETS = Path(script_files.__file__).parent / "assets"

pytestmark = pytest.mark.timeout(120)

RESAMPLE = """async ([fromHz, toHz, toneHz]) => {
    const { Resampler } = await import("/assets/voxgate-resampler.js");
    const resampler = new Resampler(fromHz, toHz);
    const out = [];
    for (let i = 0; i < fromHz; i++) {
        resampler.push(Math.sin((2 * Math.PI * toneHz * i) / fromHz), (x) => out.push(x));
    }
    return out;
}"""

PLAY = """async ([frames, flushAtS, after]) => {
    const context = new OfflineAudioContext(1, 48000, 48000);
    await context.audioWorklet.addModule("/assets/voxgate-playout.js");
    const node = new AudioWorkletNode(context, "voxgate-playout", {
        numberOfInputs: 0, outputChannelCount: [1],
    });
    const reports = [];
    node.port.onmessage = ({ data }) => reports.push([data.frames, data.flush]);
    node.connect(context.destination);
    const send = (count, level) => {
        for (let n = 0; n < count; n++) {
            const samples = new Int16Array(320).fill(level);
            node.port.postMessage({ type: "audio", samples }, [samples.buffer]);
        }
    };
    send(frames, 16384);
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (flushAtS !== null) {
        context.suspend(flushAtS).then(async () => {
            node.port.postMessage({ type: "flush", flush: 1 });
            send(after, -8192);
            await new Promise((resolve) => setTimeout(resolve, 100));
            context.resume();
        });
    }
    const rendered = await context.startRendering();
    await new Promise((resolve) => setTimeout(resolve, 100));
    return [Array.from(rendered.getChannelData(0)), reports];
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def page() -> AsyncIterator[Page]:
    """A page that can load the scripts one by one."""
    async with browsing(assets=ASSETS) as opened:
        yield opened


async def resampled(page: Page, from_hz: int, to_hz: int, tone_hz: float) -> np.ndarray:
    """Return what is left of a second of a tone, without its first and last 10 ms."""
    out = np.array(await page.evaluate(RESAMPLE, [from_hz, to_hz, tone_hz]))
    assert len(out) == to_hz
    return out[to_hz // 100 : -to_hz // 100]


def level_db(samples: np.ndarray) -> float:
    """Return a level against a full-scale tone."""
    return float(10 * np.log10(2 * np.mean(samples**2) + 1e-20))


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 22_050])
async def test_speech_passes_and_nothing_else_comes_of_it(page: Page, rate_hz: int) -> None:
    """Down to 16 kHz and up again, up to 6.9 kHz unchanged; what lies above 8 kHz is 65 dB down."""
    for tone_hz in (100, 1000, 6900):
        down = await resampled(page, rate_hz, 16_000, tone_hz)
        assert level_db(down) == pytest.approx(0, abs=0.1)
        times = np.arange(len(down))
        basis = np.stack([f(2 * np.pi * tone_hz * times / 16_000) for f in (np.cos, np.sin)], 1)
        rest = down - basis @ np.linalg.lstsq(basis, down, rcond=None)[0]
        assert level_db(rest) < -60
        up = await resampled(page, 16_000, rate_hz, tone_hz)
        assert level_db(up) == pytest.approx(0, abs=0.1)
    for tone_hz in (8_100, 9_000, 12_000, 20_000):
        if tone_hz < rate_hz / 2:
            assert level_db(await resampled(page, rate_hz, 16_000, tone_hz)) < -65


async def test_frames_are_played_at_once_and_reported_one_by_one(page: Page) -> None:
    """Ten frames are 200 ms of sound, and ten reports."""
    samples, reports = await page.evaluate(PLAY, [10, None, 0])
    sound = np.flatnonzero(np.abs(np.array(samples)) > 0.25)
    assert sound[0] / 48 < 6
    assert (sound[-1] - sound[0]) / 48 == pytest.approx(200, abs=2)
    assert [frames for frames, _ in reports] == list(range(1, 11))


async def test_beyond_5_s_the_oldest_is_over_unheard(page: Page) -> None:
    """A page that stood still is in step at once: no report is ever made up for by silence."""
    _, reports = await page.evaluate(PLAY, [300, None, 0])
    assert reports[0][0] in {50, 51}
    assert [frames for frames, _ in reports[1:]] == list(
        range(reports[0][0] + 1, reports[0][0] + len(reports))
    )


async def test_a_flush_fades_out_within_5_ms(page: Page) -> None:
    """No click, nothing of the rest, and reports that name the flush."""
    samples, reports = await page.evaluate(PLAY, [30, 0.1, 0])
    sound = np.array(samples)
    audible = np.flatnonzero(np.abs(sound) > 0.001)
    assert 100 < audible[-1] / 48 < 110
    fade = sound[int(0.1 * 48_000) : audible[-1]]
    assert np.abs(np.diff(fade)).max() < 0.02
    assert all(flush == 0 for _, flush in reports)
    assert 4 <= reports[-1][0] <= 5


async def test_what_comes_after_a_flush_fades_in_and_is_counted_anew(page: Page) -> None:
    """Both fades lie over each other: there is no hole between them, and no click."""
    samples, reports = await page.evaluate(PLAY, [30, 0.1, 3])
    sound = np.array(samples)
    assert np.abs(np.diff(sound[int(0.1 * 48_000) : int(0.15 * 48_000)])).max() < 0.02
    after = sound[int(0.112 * 48_000) : int(0.155 * 48_000)]
    assert after == pytest.approx(-0.25, abs=0.005)
    assert [report for report in reports if report[1] == 1] == [[1, 1], [2, 1], [3, 1]]
