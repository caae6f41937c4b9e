"""`voxgate serve` with Asterisk's WebSocket channel, as an operator runs it."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from support.asterisk_websocket_peer import AsteriskWebSocketPeer
from support.served_process import GUARD_S, address_in, served

pytestmark = pytest.mark.timeout(2 * GUARD_S)

_USER = ("asterisk", "correct horse battery staple")
_CONFIG = """
lines:
  audiosocket: {enabled: false}
  asterisk_websocket: {enabled: true, port: 0, username_env: WS_U, password_env: WS_P}
"""


async def test_a_channel_can_be_put_on_it(tmp_path: Path) -> None:
    """With its password, a call that is answered and greeted; told to stop, it ends well."""
    async with served(tmp_path, _CONFIG, {"WS_U": _USER[0], "WS_P": _USER[1]}) as process:
        async with asyncio.timeout(GUARD_S):
            address = await address_in(process, "asterisk_websocket")
            with pytest.raises(InvalidStatus, match="401"):
                async with AsteriskWebSocketPeer.connect(address):
                    pass
            async with AsteriskWebSocketPeer.connect(address, user=_USER) as peer:
                await peer.hear(5)
                assert peer.commands[0] == "ANSWER"
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGTERM)
                assert (await peer.wait_closed())[0] == 1000
                assert peer.lost == []
            _, errors = await process.communicate()
    log = errors.decode()
    assert process.returncode == 0
    for event in ("asterisk_websocket.password_refused", "call.ended", "engine.stopped"):
        assert event in log
    for unwanted in (_USER[1], "Traceback", "Task was destroyed"):
        assert unwanted not in log


async def test_without_its_password_it_does_not_start(tmp_path: Path) -> None:
    """One line says what is missing."""
    async with (
        served(tmp_path, _CONFIG, {"WS_U": "asterisk", "WS_P": ""}) as process,
        asyncio.timeout(GUARD_S),
    ):
        _, errors = await process.communicate()
    text = errors.decode()
    assert process.returncode not in (0, None)
    assert "WS_P: is not set; lines.asterisk_websocket asks Asterisk for what is in it" in text
    assert "Traceback" not in text
