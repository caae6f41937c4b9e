"""The desk, open to whoever is on this machine as by default, against what a web page can do to it.

Each attack is written to the socket byte by byte: no library puts it right. The desk has a call and
a file with thresholds; after all attacks both are as they were.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from integration.test_desk import Running, running
from support.telephone import until

_WATCH = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
_EVIL = "Origin: http://evil.example\r\n"
_CHANGE = json.dumps({"changes": {"barge_in.min_ms": 500}})


def _post(path: str, body: str, headers: str = "") -> str:
    return (
        f"POST {path} HTTP/1.1\r\nHost: HOST\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}"
    )


_JSON = "Content-Type: application/json\r\n"
_ATTACKS = {
    "a form of another page": _post(
        "/api/thresholds/apply",
        "changes=1",
        f"{_EVIL}Content-Type: application/x-www-form-urlencoded\r\n",
    ),
    "JSON as text, which needs no preflight": _post(
        "/api/thresholds/apply", _CHANGE, f"{_EVIL}Content-Type: text/plain\r\n"
    ),
    "the same without an origin": _post(
        "/api/thresholds/apply", _CHANGE, "Content-Type: text/plain\r\n"
    ),
    "a page without an origin of its own": _post(
        "/api/thresholds/apply", _CHANGE, f"Origin: null\r\n{_JSON}"
    ),
    "another port of this machine": _post(
        "/api/thresholds/apply", _CHANGE, f"Origin: http://127.0.0.1:1\r\n{_JSON}"
    ),
    "what a browser says of another site": _post(
        "/api/thresholds/apply", _CHANGE, f"Sec-Fetch-Site: cross-site\r\n{_JSON}"
    ),
    "a hang-up by another page": _post("/api/calls/victim/hangup", "{}", _EVIL + _JSON),
    "two origins": _post(
        "/api/thresholds/apply", _CHANGE, f"{_EVIL}Origin: http://HOST\r\n{_JSON}"
    ),
    "a rebound name": (
        "GET /api/calls HTTP/1.1\r\nHost: evil.example:PORT\r\n"
        "Origin: http://evil.example:PORT\r\n\r\n"
    ),
    "a rebound name that begins like an address": (
        "GET /api/calls HTTP/1.1\r\nHost: 127.0.0.1.evil.example:PORT\r\n\r\n"
    ),
    "a name with a user in it": "GET /api/calls HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n",
    "no name": "GET /api/calls HTTP/1.1\r\nHost:\r\n\r\n",
    "two names": "GET /api/calls HTTP/1.1\r\nHost: evil.example\r\nHost: HOST\r\n\r\n",
    "an address in full by another name": (
        "GET http://evil.example/api/calls HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    ),
    "a WebSocket of another page": f"GET /live HTTP/1.1\r\nHost: HOST\r\n{_EVIL}{_WATCH}\r\n",
    "a WebSocket by a rebound name": (
        f"GET /live HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n{_WATCH}\r\n"
    ),
    "the phone for another page": f"GET /phone HTTP/1.1\r\nHost: HOST\r\n{_EVIL}{_WATCH}\r\n",
    "the metrics as a script of another page": (
        f"GET /metrics HTTP/1.1\r\nHost: HOST\r\n{_EVIL}Sec-Fetch-Site: cross-site\r\n\r\n"
    ),
    "files outside of the assets": (
        "GET /assets/../../../../../../etc/passwd HTTP/1.1\r\nHost: HOST\r\n\r\n"
    ),
    "the same in escapes": (
        "GET /assets/..%2f..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: HOST\r\n\r\n"
    ),
    "a recording outside of its folder": (
        "GET /recordings/..%2f..%2fetc/report HTTP/1.1\r\nHost: HOST\r\n\r\n"
    ),
    "a header within a header": (
        "GET /api/calls/x%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: HOST\r\n\r\n"
    ),
    "two lengths": (
        f"POST /api/login HTTP/1.1\r\nHost: HOST\r\n{_JSON}"
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}"
        "POST /api/thresholds/apply HTTP/1.1\r\nHost: HOST\r\n\r\n"
    ),
}  # fmt: skip


async def _answer(it: Running, attack: str) -> str:
    host, port = it.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(attack.replace("HOST", f"{host}:{port}").replace("PORT", port).encode("latin-1"))
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer.decode("latin-1")


@pytest.mark.parametrize("name", _ATTACKS)
async def test_what_a_web_page_can_do_to_the_desk_does_nothing(name: str, tmp_path: Path) -> None:
    """It is refused, tells nothing of a call, and changes neither call nor file."""
    async with running(folder=tmp_path) as it:
        line = it.place_call("victim")
        await until(lambda: it.engine.running_calls == 1)
        before = (tmp_path / "agent.yaml").read_text(encoding="utf-8")
        answer = await _answer(it, _ATTACKS[name])
        assert answer.startswith("HTTP/1.1 4")
        for told in ("victim", "root:", "101 Switching", "set-cookie", "access-control-allow"):
            assert told.lower() not in answer.lower(), told
        assert it.engine.running_calls == 1
        assert line.hangup_event is None
        assert (tmp_path / "agent.yaml").read_text(encoding="utf-8") == before


async def test_the_page_can_t_be_framed_and_runs_no_script_but_its_own() -> None:
    """On every answer, refusals too."""
    async with running() as it:
        for request in ("GET / HTTP/1.1\r\nHost: HOST\r\n\r\n", _ATTACKS["a rebound name"]):
            answer = (await _answer(it, request)).lower()
            assert "frame-ancestors 'none'" in answer
            assert "x-frame-options: deny" in answer
            assert "script-src 'self';" in answer
            assert "unsafe" not in answer.partition("\r\n\r\n")[0]
            assert "nosniff" in answer
