"""``voxgate serve`` with a Twilio line, as an operator runs it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from twilio.request_validator import RequestValidator

from support.served_process import GUARD_S, address_in, served
from support.twilio_messages import CALL_SID
from support.twilio_peer import TwilioPeer

_TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 - nobody's
_PUBLIC_URL = "wss://voice.example.com/twilio"
_CONFIG = f"""
lines:
  audiosocket: {{enabled: false}}
  twilio: {{enabled: true, port: 0, public_url: "{_PUBLIC_URL}"}}
"""


def signed(url: str, form: Mapping[str, str] | None = None) -> dict[str, str]:
    signature = RequestValidator(_TOKEN).compute_signature(url, dict(form or {}))
    return {"X-Twilio-Signature": signature}


@pytest.mark.timeout(2 * GUARD_S)
async def test_a_number_can_be_put_on_it(tmp_path: Path) -> None:
    """TwiML, then a call that the agent greets on; told to stop, it ends in good order."""
    async with served(tmp_path, _CONFIG, {"TWILIO_AUTH_TOKEN": _TOKEN}) as process:
        async with asyncio.timeout(GUARD_S):
            address = await address_in(process, "twilio")
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


@pytest.mark.timeout(2 * GUARD_S)
async def test_twilio_is_told_to_hang_up_by_a_server_that_stops(tmp_path: Path) -> None:
    """It asks when its call has been ended, and the caller hears no error message."""
    form = {"CallSid": CALL_SID}
    async with served(tmp_path, _CONFIG, {"TWILIO_AUTH_TOKEN": _TOKEN}) as process:
        async with asyncio.timeout(GUARD_S):
            address = await address_in(process, "twilio")
            async with TwilioPeer.connect(
                address, headers=signed(_PUBLIC_URL), parameters={"voxgate_transfer": "yes"}
            ) as peer:
                await peer.hear(5)
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGTERM)
                assert await peer.wait_closed() == (1000, "")
            url = "https://voice.example.com/twiml?after=stream"
            async with (
                aiohttp.ClientSession() as session,
                session.post(
                    f"http://127.0.0.1:{address[1]}/twiml?after=stream",
                    data=form,
                    headers=signed(url, form),
                ) as response,
            ):
                assert "<Hangup />" in await response.text()
            await process.communicate()
    assert process.returncode == 0


@pytest.mark.timeout(2 * GUARD_S)
async def test_without_its_token_it_does_not_start(tmp_path: Path) -> None:
    """One line says what is missing."""
    async with served(tmp_path, _CONFIG, {"TWILIO_AUTH_TOKEN": ""}) as process:
        async with asyncio.timeout(GUARD_S):
            _, errors = await process.communicate()
    text = errors.decode()
    assert process.returncode not in (0, None)
    assert "TWILIO_AUTH_TOKEN: is not set; lines.twilio checks Twilio's signatures" in text
    assert "Traceback" not in text
