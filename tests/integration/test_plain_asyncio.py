"""examples/plain_asyncio.py, as its reader would run it: a call over Twilio's protocol, with echo.

The cloud is the embedded server, the telephone a peer that speaks Twilio's protocol.
"""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import socket
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import serve

from support.telephone import spoken, until
from support.twilio_phone import TwilioPhone, sentence_frames
from support.virtual_time import in_socket_time, virtual_ms
from voxgate.realtime_server import Pace, RealtimeServer, SessionOptions

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plain_asyncio.py"
PACE = SessionOptions(pace=Pace(speed_ratio=8.0, first_delta_ms=0.0))
"""Faster than real time, as the cloud is."""


def _load(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("REALTIME_URL", f"{url}?model=any")
    spec = importlib.util.spec_from_file_location("plain_asyncio", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "now_ms", virtual_ms)
    return module


def _sounding(line_id: str) -> list[bytes]:
    return [frame for frame in sentence_frames(line_id) if frame.strip(b"\xff\x7f")]


@in_socket_time
async def test_the_caller_interrupts_and_the_echo_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A long answer, its echo 12 dB weaker, is played until the caller says something.

    The model is told how much of it was heard, and nothing empty is ever sent.
    """
    options = {"replies": ["service_time", "card_payment"], "options": PACE, "clock": virtual_ms}
    async with RealtimeServer(**options) as server:  # type: ignore[arg-type]
        example = _load(server.url, monkeypatch)
        async with serve(example.answer, "127.0.0.1", 0) as twilio:
            address = twilio.sockets[0].getsockname()[:2]
            async with TwilioPhone.calling(address, echo_loss_db=12.0) as phone:
                phone.say(spoken("question"))
                first, second = map(_sounding, ("service_time", "card_payment"))
                await until(lambda: phone.heard_of(first) > 150)
                assert phone.heard_of(second) == 0
                phone.say(spoken("interruption"))
                await until(lambda: phone.heard_of(second) > 20)
                assert phone.heard_of(first) < len(first)
                (truncated,) = server.sessions[-1].events("truncated")
                heard_ms = 20 * phone.heard_of(sentence_frames("service_time"))
                assert truncated.at_ms == pytest.approx(heard_ms, abs=100)
            await until(lambda: len(example.MANAGER) == 0)
        assert server.sessions[-1].events("error") == ()


@in_socket_time
async def test_a_cloud_that_can_t_be_reached_leaves_no_call_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody cleans up after the example but the example."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    example = _load(f"ws://127.0.0.1:{port}", monkeypatch)
    async with serve(example.answer, "127.0.0.1", 0) as twilio:
        address = twilio.sockets[0].getsockname()[:2]
        async with TwilioPhone.calling(address) as phone:
            await phone.peer.connection.wait_closed()
    assert len(example.MANAGER) == 0


@in_socket_time
async def test_a_cloud_that_goes_away_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RealtimeServer(replies=["hello"], options=PACE, clock=virtual_ms) as server:
        example = _load(server.url, monkeypatch)
        async with serve(example.answer, "127.0.0.1", 0) as twilio:
            address = twilio.sockets[0].getsockname()[:2]
            async with TwilioPhone.calling(address) as phone:
                await until(lambda: server.sessions)
                await server.stop()
                await phone.peer.connection.wait_closed()
            await until(lambda: len(example.MANAGER) == 0)


def test_the_example_has_as_few_lines_as_it_says() -> None:
    """Of code: docstrings, imports and empty lines aside."""
    text = EXAMPLE.read_text(encoding="utf-8")
    tree = ast.parse(text)
    aside: set[int] = set()
    for node in ast.walk(tree):
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or isinstance(node, (ast.Import, ast.ImportFrom)):
            assert node.end_lineno is not None
            aside |= set(range(node.lineno, node.end_lineno + 1))
    lines = [n for n, line in enumerate(text.splitlines(), 1) if line.strip() and n not in aside]
    assert len(lines) <= 40


@in_socket_time
async def test_a_caller_who_hangs_up_before_the_start_ends_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next call is served."""
    async with RealtimeServer(replies=["hello"], options=PACE, clock=virtual_ms) as server:
        example = _load(server.url, monkeypatch)
        async with serve(example.answer, "127.0.0.1", 0) as twilio:
            address = twilio.sockets[0].getsockname()[:2]
            _, writer = await asyncio.open_connection(*address)
            writer.close()
            async with TwilioPhone.calling(address) as phone:
                phone.say(spoken("hello"))
                await until(lambda: phone.heard_of(_sounding("hello")) > 5)
