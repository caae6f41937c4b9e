"""docs/embedding.md, followed to the letter: its program takes a call and stops when told to."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from support.audiosocket_peer import AUDIO, AudioSocketPeer
from support.served_process import GUARD_S, address_in
from voxgate.engine import AIEngine

DOCS = Path(__file__).resolve().parents[2] / "docs"
CALL = ("opening_hours", '{"day": "monday"}')


def block(page: str, language: str) -> str:
    """Return the one block in a language."""
    (code,) = re.findall(
        rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL
    )
    return str(code)


@pytest.mark.skipif(sys.platform == "win32", reason="the page says so")
async def test_the_program_of_the_page_takes_a_call_and_stops(tmp_path: Path) -> None:
    """The caller hears the agent; told to stop it ends by itself, and the log has the call."""
    (tmp_path / "agent.yaml").write_text(block("embedding.md", "yaml"), encoding="utf-8")
    (tmp_path / "agent.py").write_text(block("embedding.md", "python"), encoding="utf-8")
    environ = {
        "VOXGATE__LINES__AUDIOSOCKET__PORT": "0",
        "VOXGATE__REALTIME_SERVER__ANSWERED_BY": "scripted",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "agent.py"),
        cwd=tmp_path,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **environ},
    )
    try:
        async with asyncio.timeout(GUARD_S):
            async with await AudioSocketPeer.connect(
                await address_in(process, "audiosocket")
            ) as peer:
                await peer.send(AUDIO, bytes(320))
                heard = await peer.read_audio(25)
                peer.hang_up()
            process.send_signal(signal.SIGTERM)
            _, log = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert any(any(frame) for frame in heard)
    assert process.returncode == 0, log.decode()
    assert [log.count(event) for event in (b"call.ended", b"engine.stopped")] == [1, 1]


async def test_the_functions_of_the_pages_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same on both pages; the engine of the other one is complete too."""
    program: dict[str, Any] = {"__name__": "agent"}
    exec(block("embedding.md", "python"), program)  # noqa: S102 - our own page
    result = await program["make_tools"]().call(*CALL, call_id="c")
    assert json.loads(result) == {"open": "9-18", "day": "monday"}
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "ai-agent.yaml").write_text("engine: {max_calls: 7}\n")
    monkeypatch.chdir(tmp_path)
    snippet: dict[str, Any] = {}
    exec(block("providers/openai-realtime.md", "python"), snippet)  # noqa: S102 - our own page
    assert await snippet["tools"].call(*CALL, call_id="c") == result
    assert isinstance(snippet["engine"], AIEngine)
    assert snippet["engine"].config.engine.max_calls == 7
