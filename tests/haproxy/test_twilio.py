"""Twilio's WebSockets through ``config/haproxy/twilio.cfg``: TLS, one engine a call, drain."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from haproxy.proxied_engines import GUARD_S, Engine, Haproxy, proxy, two_engines
from support.twilio_messages import connected, start

_NAME = "localhost"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with a certificate of our own and its key, as HAProxy wants it."""
    key, path = tmp_path / "key.pem", tmp_path / "voice.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={_NAME}"),
            *("-addext", f"subjectAltName=DNS:{_NAME}", "-keyout", str(key), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + key.read_text())
    return path


class Twilio:
    """What Twilio does, as far as a proxy sees it."""

    def __init__(self, session: aiohttp.ClientSession, haproxy: Haproxy) -> None:
        self._session = session
        self._base = f"https://{_NAME}:{haproxy.address[1]}"

    async def ask(self, path: str, **fields: str) -> tuple[int, str]:
        """Post a form, and return status and text."""
        async with self._session.post(self._base + path, data=fields) as answer:
            return answer.status, await answer.text()

    async def call(
        self, stack: AsyncExitStack, call_sid: str
    ) -> tuple[aiohttp.ClientWebSocketResponse, str, str]:
        """Place a call; return its WebSocket, its engine, and where to ask what comes after it."""
        status, twiml = await self.ask("/twiml", CallSid=call_sid, From="+15550100")
        assert status == 200
        stream, after = (
            re.search(rf'{name}="[a-z]+://[^/]+(/(engine[12])/[^"]+)"', twiml)
            for name in ("url", "action")
        )
        assert stream is not None
        assert after is not None
        assert stream[2] == after[2]
        socket = await stack.enter_async_context(self._session.ws_connect(self._base + stream[1]))
        stream_sid = f"MZ{call_sid[2:]}"
        await socket.send_json(connected())
        await socket.send_json(start(stream_sid=stream_sid, call_sid=call_sid))
        await hears_on(socket)
        return socket, stream[2], after[1]


async def hears_on(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Wait for a few frames of the agent, each of which is said to have been played."""
    frames = 0
    async with asyncio.timeout(GUARD_S):
        while frames < 5:
            message = json.loads(await socket.receive_str())
            frames += message["event"] == "media"
            if message["event"] == "mark":
                await socket.send_json(message)


@pytest.fixture
async def session(certificate: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a client that trusts the certificate, and no other."""
    trust = ssl.create_default_context(cafile=str(certificate))
    connector = aiohttp.TCPConnector(ssl=trust, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as client:
        yield client


def line(engine: str) -> str:
    """Return the line of an engine that has addresses of its own."""
    return (
        "{audiosocket: {enabled: false}, twilio: {enabled: true, port: PORT,"
        f" public_url: 'wss://{_NAME}/{engine}/twilio', twiml_url: 'https://{_NAME}/twiml',"
        f" after_url: 'https://{_NAME}/{engine}/twiml', validate_signature: false}}}}"
    )


async def test_all_of_a_call_reaches_one_engine(
    tmp_path: Path, certificate: Path, session: aiohttp.ClientSession
) -> None:
    """Also while that drains: its stream goes on, and what comes after it is asked there."""
    async with (
        AsyncExitStack() as stack,
        two_engines(tmp_path, line("engine1"), line("engine2")) as engines,
        proxy(tmp_path, "twilio.cfg", engines, certificate) as haproxy,
    ):
        twilio = Twilio(session, haproxy)
        assert (await twilio.ask("/metrics"))[0] == 404
        assert (await twilio.ask("/engine1/metrics"))[0] == 404
        calls = [await twilio.call(stack, f"CA{number:032d}") for number in range(4)]
        assert sorted(engine for _, engine, _ in calls) == ["engine1"] * 2 + ["engine2"] * 2

        by_name: dict[str, Engine] = {engine.name: engine for engine in engines}
        socket, name, after = calls[0]
        drained = by_name[name]
        assert drained.process is not None
        drained.process.terminate()
        await haproxy.until(lambda now: now[name][0] == "DOWN")
        late, other, _ = await twilio.call(stack, f"CA{9:032d}")
        assert other != name
        for each in (socket, late):
            await hears_on(each)
        status, twiml = await twilio.ask(after, CallSid=f"CA{0:032d}")
        assert (status, "<Hangup" in twiml) == (200, True)
        assert (await twilio.ask(f"/{name}/twiml", CallSid="CA1"))[0] == 503
        for each, engine, _ in calls:
            if engine == name:
                await each.close()
        assert await drained.wait() == 0
