"""``voxgate serve`` with a Twilio line, as an operator runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from twilio.request_validator import RequestValidator

from support.twilio_peer import TwilioPeer

_GUARD_S = 120.0
"""No wait in a passing test comes near it, on however slow a machine."""

_COMMAND = "from voxgate.cli import main; main()"
_TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 - nobody's
_PUBLIC_URL = "wss://voice.example.com/twilio"
_CONFIG = f"""
lines:
  audiosocket: {{enabled: false}}
  twilio: {{enabled: true, port: 0, public_url: "{_PUBLIC_URL}"}}
"""


@asynccontextmanager
async def serving(folder: Path, environ: dict[str, str]) -> AsyncIterator[Process]:
    """Run it in a process of its own; killed at the end of the block if need be."""
    path = folder / "agent.yaml"
    path.write_text(_CONFIG, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _COMMAND, "serve", str(path)),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **environ},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def signed(url: str) -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(_TOKEN).compute_signature(url, {})}


@pytest.mark.timeout(2 * _GUARD_S)
async def test_a_number_can_be_put_on_it(tmp_path: Path) -> None:
    """TwiML, then a call that the agent greets on; told to stop, it ends in good order."""
    async with serving(tmp_path, {"TWILIO_AUTH_TOKEN": _TOKEN}) as process:
        assert process.stdout is not None
        async with asyncio.timeout(_GUARD_S):
            line = (await process.stdout.readline()).decode()
            assert line.startswith("twilio listens on 127.0.0.1:")
            address = ("127.0.0.1", int(line.rpartition(":")[2]))
            url = f"http://127.0.0.1:{address[1]}/twiml"
            async with (
                aiohttp.ClientSession() as session,
                session.get(url, headers=signed("https://voice.example.com/twiml")) as response,
            ):
                assert _PUBLIC_URL in await response.text()
            async with TwilioPeer.connect(address, headers=signed(_PUBLIC_URL)) as peer:
                await peer.hear(5)
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGTERM)
                await peer.stop()
            _, errors = await process.communicate()
    log = errors.decode()
    assert process.returncode == 0
    for event in ("twilio.started", "twilio.stream_started", "call.ended", "engine.stopped"):
        assert event in log
    assert _TOKEN not in log
    assert "Traceback" not in log
    assert "Task was destroyed" not in log


@pytest.mark.timeout(2 * _GUARD_S)
async def test_without_its_token_it_does_not_start(tmp_path: Path) -> None:
    """One line says what is missing."""
    async with serving(tmp_path, {"TWILIO_AUTH_TOKEN": ""}) as process:
        async with asyncio.timeout(_GUARD_S):
            _, errors = await process.communicate()
    text = errors.decode()
    assert process.returncode not in (0, None)
    assert "TWILIO_AUTH_TOKEN: is not set; lines.twilio checks Twilio's signatures" in text
    assert "Traceback" not in text
