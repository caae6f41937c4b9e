"""An engine with its desk, as an operator runs it: from a configuration file, with everything on.

The embedded server answers; its sentences are named. :func:`at_the_desk` opens the desk's page, and
fails the test if anything was asked of another host.
"""

from __future__ import annotations

__all__ = ["DeskedEngine", "at_the_desk", "caller_over_the_agent"]

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

import numpy as np
import yaml
from numpy.typing import NDArray
from playwright.async_api import Page

from browser.headless import browsing, write_microphone
from support.telephone import spoken
from support.voice_service import CallRecord, Recorder
from voxgate.call_observer import CallStarted
from voxgate.clock import monotonic_ms
from voxgate.config.load import load_config
from voxgate.engine import AIEngine
from voxgate.observe.operations import Operations
from voxgate.providers.base import ProviderEvent
from voxgate.realtime_server import RealtimeServer, agent_voices
from voxgate.transports.base import LineAudio, LineEvent

LARGE = {"width": 1440, "height": 900}
"""A screen."""


class DeskedEngine(Recorder):
    """Runs until the end of a block; tells a test what it would tell an observer."""

    engine_kind: type[AIEngine] = AIEngine

    def __init__(self, engine_config: Path, environ: Mapping[str, str]) -> None:
        super().__init__()
        self.engine = self.engine_kind(load_config(engine_config), observers=[self])
        self.operations = Operations(self.engine, config_path=engine_config, environ=environ)
        self.file = engine_config
        self.captured: dict[str, list[LineAudio]] = {}

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        folder: Path,
        *,
        greeting: str = "service_time",
        replies: tuple[str, ...] = ("go_on",),
        environ: Mapping[str, str] = MappingProxyType({}),
        **sections: Any,
    ) -> AsyncIterator[Self]:
        """Run one.

        Args:
            folder: Where its configuration is written.
            greeting: Id of the sentence that the agent greets with.
            replies: Ids of its answers.
            environ: Where the desk's token is.
            sections: More of the configuration.
        """
        async with RealtimeServer(clock=monotonic_ms, replies=replies, speed_ratio=8.0) as server:
            service = cls(_write_config(folder, server.url, greeting, sections), environ)
            try:
                await service.operations.start()
                await service.engine.start()
                yield service
            finally:
                await service.engine.stop()
                await service.operations.stop()

    @property
    def url(self) -> str:
        """Where the desk's page is."""
        notice = next(each for each in self.operations.notices if each.startswith("desk "))
        return notice.rpartition(" ")[2]

    @property
    def newest_call(self) -> CallRecord:
        """The record of the call that began last."""
        return list(self.calls.values())[-1]

    def captured_level_dbfs(self) -> float:
        """Return the level of the newest second that the line of the newest call delivered."""
        newest = list(self.captured.values())[-1][-50:]
        audio: NDArray[np.int16] = np.frombuffer(b"".join(each.audio for each in newest), "<i2")
        level = np.sqrt(np.mean(np.square(audio.astype(float)))) if len(audio) else 0.0
        return float(20 * np.log10(level / 32768 + 1e-9))

    def on_call_started(self, event: CallStarted) -> None:
        super().on_call_started(event)
        self.captured[event.call_id] = []

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:
        if isinstance(event, LineAudio):
            self.captured[call_id].append(event)

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        if call_id in self.calls:
            super().on_provider_event(call_id, now_ms, event)


def _write_config(folder: Path, server_url: str, greeting: str, sections: dict[str, Any]) -> Path:
    agent = {
        "kind": "openai_realtime",
        "url": server_url,
        "api_key_env": None,
        "greeting": agent_voices()[greeting].text,
    }
    tree = {
        "engine": {"default_provider": "embedded"},
        "lines": {"audiosocket": {"port": 0}},
        "providers": {"embedded": agent},
        "desk": {"port": 0},
        **sections,
    }
    path = folder / "ai-agent.yaml"
    path.write_text("# kept by the operator\n" + yaml.safe_dump(tree), encoding="utf-8")
    return path


def caller_over_the_agent(folder: Path, *, after_s: float = 6.0) -> Path:
    """Return a microphone in front of a caller who interrupts, and does it again later.

    A busy machine may take long to begin the call: what then came too early comes again.
    """
    quiet = np.zeros(int(after_s * 8000), np.int16)
    audio = np.concatenate([quiet, spoken("interruption"), np.zeros(8000 * 10, np.int16)])
    return write_microphone(folder / "microphone.wav", audio, 8000)


@asynccontextmanager
async def at_the_desk(
    url: str,
    view: str = "live",
    *,
    microphone: Path | None = None,
    requests: list[str] | None = None,
    switches: Sequence[str] | None = None,
    **options: Any,
) -> AsyncIterator[Page]:
    """Open a view of the desk for the length of a block.

    Args:
        url: Of the desk.
        view: As in the page's address, behind ``#/``.
        microphone: What it captures.
        requests: Takes what the page asks for.
        switches: Of the browser.
        options: Of the page.
    """
    asked: list[str] = [] if requests is None else requests
    more = {} if switches is None else {"switches": switches}
    settings = {"viewport": LARGE, "color_scheme": "light", **options}
    async with browsing(
        microphone, page=f"{url}#/{view}", requests=asked, **more, **settings
    ) as page:
        yield page
    own = {urlsplit(url).netloc}
    outside = {each for each in asked if urlsplit(each).netloc not in own | {""}}
    assert not outside, "the desk works offline"
