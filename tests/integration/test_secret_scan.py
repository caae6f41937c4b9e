"""A service with a secret for everything, as an operator runs it: none of them is ever told.

Calls come on every line, good ones and forged ones; garbage comes at every port, a broken
configuration is read, the desk is asked for all that it knows, a call is recorded. Then everything
that was written or answered is searched.
"""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import Process
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from twilio.request_validator import RequestValidator
from websockets.exceptions import InvalidStatus

from support.asterisk_websocket_peer import AsteriskWebSocketPeer
from support.audiosocket_peer import AudioSocketPeer
from support.browser_peer import BrowserPeer
from support.scripted_call import loud_frame
from support.served_process import GUARD_S, served
from support.twilio_peer import TwilioPeer

_SECRETS = {
    "SCAN_OPENAI": "sk-planted-openai-key-0123456789",
    "SCAN_TWILIO": "planted-twilio-token-0123456789",
    "SCAN_BROWSER": "planted-browser-token-0123456789",
    "SCAN_USER": "plantedasteriskuser",
    "SCAN_PASSWORD": "planted-asterisk-password-0123456789",
    "SCAN_HOOK": "planted-hook-token-0123456789",
    "SCAN_DESK": "planted-desk-token-0123456789",
}
_NUMBER = "+4930planted1234"
_PARAMETER = "planted customer of the page"
_WRONG = "planted wrong guess"
_GARBAGE = "planted garbage"
_IN_FILE = "sk-planted-in-the-file-0123456789abcdef"
_INSTRUCTIONS = "planted instructions"
_PUBLIC_URL = "wss://voice.example.com/twilio"
_CONFIG = f"""
engine:
  {{log_level: debug, log_format: FORMAT, default_provider: main, fall_back_provider: embedded}}
providers:
  main: {{kind: openai_realtime, url: "ws://127.0.0.1:9/v1/realtime", api_key_env: SCAN_OPENAI,
         instructions: "{_INSTRUCTIONS}", max_reconnects: 0}}
  embedded: {{kind: openai_realtime, url: embedded, instructions: "{_INSTRUCTIONS}"}}
realtime_server: {{answered_by: scripted}}
lines:
  audiosocket:
    port: 0
    hooks: {{metadata_url: "http://127.0.0.1:9/{{call_id}}", token_env: SCAN_HOOK}}
  twilio: {{enabled: true, port: 0, public_url: "{_PUBLIC_URL}", auth_token_env: SCAN_TWILIO}}
  browser: {{enabled: true, port: 0, token_env: SCAN_BROWSER}}
  asterisk_websocket:
    {{enabled: true, port: 0, username_env: SCAN_USER, password_env: SCAN_PASSWORD}}
desk: {{port: 0, token_env: SCAN_DESK}}
recording: {{calls: all, folder: FOLDER}}
"""
_PATHS = (
    "/metrics", "/api/overview", "/api/calls", "/api/thresholds", "/api/thresholds/history",
    "/api/recordings", "/api/session", "/healthz", "/readyz",
)  # fmt: skip


class Service:
    """The process, with all that it says."""

    def __init__(self, process: Process) -> None:
        self.said = ""
        self._process = process
        self._has_news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self.said += line.decode()
            self._has_news.set()

    async def addresses(self) -> dict[str, tuple[str, int]]:
        """Return where each line and the desk listen, as the first lines of the output say it."""
        assert self._process.stdout is not None
        found: dict[str, tuple[str, int]] = {}
        while "desk" not in found:
            line = (await self._process.stdout.readline()).decode()
            assert line, self.said
            name, _, where = line.partition(" listens on ")
            self.said += line
            port = where.strip().rstrip("/").rpartition(":")[2]
            found[name] = ("127.0.0.1", int(port))
        return found

    async def until_said(self, words: str) -> None:
        """Wait until the log has these words."""
        while words not in self.said:
            self._has_news.clear()
            await self._has_news.wait()

    async def end(self) -> None:
        """Stop it, and take the last words."""
        self._process.send_signal(signal.SIGTERM)
        self._process.send_signal(signal.SIGTERM)
        await self._process.wait()
        await self._reading


def _signed(url: str) -> dict[str, str]:
    signature = RequestValidator(_SECRETS["SCAN_TWILIO"]).compute_signature(url, {})
    return {"X-Twilio-Signature": signature}


async def _talk(service: Service, lines: Mapping[str, tuple[str, int]]) -> None:
    """Place a good call on each line, and say, press and send something on it."""
    async with await AudioSocketPeer.connect(lines["audiosocket"]) as phone:
        for _ in range(20):
            await phone.send(0x10, loud_frame())
        await phone.send_digit("7")
        await service.until_said("call.provider_fell_back")
    parameters = {"caller_number": _NUMBER, "customer": _PARAMETER}
    async with TwilioPeer.connect(
        lines["twilio"], headers=_signed(_PUBLIC_URL), parameters=parameters
    ) as peer:
        await peer.press("7")
        await peer.speak(loud_frame()[:160])
        await peer.stop()
    token = _SECRETS["SCAN_BROWSER"]
    async with BrowserPeer.connect(lines["browser"], token=token, parameters=parameters) as page:
        await page.ready()
        await page.press("7")
        await page.speak(loud_frame() * 2)
        await page.hang_up()
    user = (_SECRETS["SCAN_USER"], _SECRETS["SCAN_PASSWORD"])
    async with AsteriskWebSocketPeer.connect(lines["asterisk_websocket"], user=user) as channel:
        await channel.speak(loud_frame()[:160])


async def _attack(lines: Mapping[str, tuple[str, int]]) -> list[str]:
    """Show wrong secrets everywhere, and send garbage to every port; return what was answered."""
    with suppress(InvalidStatus):
        async with TwilioPeer.connect(
            lines["twilio"], headers={"X-Twilio-Signature": _WRONG.replace(" ", "-")}
        ):
            pass
    async with BrowserPeer.connect(lines["browser"], token=_WRONG) as page:
        closed = await page.wait_closed()
    with suppress(InvalidStatus):
        async with AsteriskWebSocketPeer.connect(
            lines["asterisk_websocket"], user=(_SECRETS["SCAN_USER"], _WRONG)
        ):
            pass
    answers = [str(closed)]
    for address in lines.values():
        for garbage in (
            f"{_GARBAGE}\r\n\r\n",
            f"GET /{_GARBAGE.replace(' ', '%20')} HTTP/1.1\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(garbage.encode())
            with suppress(ConnectionError):
                answers.append((await reader.read()).decode("latin-1"))
            writer.close()
    return answers


async def _ask_desk(address: tuple[str, int]) -> list[str]:
    """Return what the desk answers to who knows its token, and to who guesses."""
    url = f"http://127.0.0.1:{address[1]}"
    answers = []
    async with aiohttp.ClientSession() as session:
        for token in (_WRONG, _SECRETS["SCAN_DESK"]):
            headers = {"Authorization": f"Bearer {token}"}
            for path in _PATHS if token is not _WRONG else ("/metrics", "/api/calls"):
                async with session.get(url + path, headers=headers) as response:
                    answers.append(f"{response.headers} {await response.text()}")
        body = {"revision": _WRONG, "changes": {"providers.main.api_key_env": _IN_FILE}}
        for path in ("/api/thresholds/check", "/api/thresholds/apply"):
            async with session.post(url + path, json=body, headers=headers) as response:
                answers.append(await response.text())
    return answers


@pytest.mark.timeout(2 * GUARD_S)
@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_no_secret_and_nothing_of_a_call_is_told(tmp_path: Path, log_format: str) -> None:
    """Not in the log at its lowest level, in answers, metrics, recordings, errors."""
    folder = tmp_path / "recorded"
    text = _CONFIG.replace("FORMAT", log_format).replace("FOLDER", json.dumps(str(folder)))
    async with served(tmp_path, text, _SECRETS) as process, asyncio.timeout(GUARD_S):
        service = Service(process)
        lines = await service.addresses()
        desk = lines["desk"]
        await _talk(service, lines)
        answers = await _attack(lines)
        answers += await _ask_desk(desk)
        broken = text.replace("log_level: debug", f"log_level: debug, api_key: {_IN_FILE}")
        (tmp_path / "agent.yaml").write_text(broken, encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        await service.until_said("config.reload_refused")
        await service.end()
    for event in (
        "call.ended",
        "call.provider_fell_back",
        "audiosocket.metadata_unavailable",
        "twilio.signature_refused",
        "asterisk_websocket.password_refused",
        "desk.login_refused",
        "websocket.call_unidentified",
    ):
        assert event in service.said, f"{event} was not logged, so that the search proves nothing"
    recorded = "".join(path.read_text() for path in folder.rglob("*.jsonl"))
    assert '"call_ended"' in recorded
    everything = {"log": service.said, "answers": "\n".join(answers), "recordings": recorded}
    traces = {
        **_SECRETS,
        "a number": _NUMBER,
        "a parameter": _PARAMETER,
        "a guess": _WRONG,
        "garbage": _GARBAGE,
        "a key in the file": _IN_FILE,
        "instructions": _INSTRUCTIONS,
        "a password in base64": b64encode(
            f"{_SECRETS['SCAN_USER']}:{_SECRETS['SCAN_PASSWORD']}".encode()
        ).decode(),
        "audio": b64encode(loud_frame()[:60]).decode(),
        "audio in hex": loud_frame()[:8].hex(),
        "audio as Python shows it": repr(loud_frame()[:8])[2:-1],
        "a digit": '"digit"',
    }
    assert [(where, what) for where, said in everything.items() for what, trace in traces.items()
            if trace in said] == []  # fmt: skip
