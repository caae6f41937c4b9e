"""The demonstration call over real sockets, shortened; its phone, held to what Asterisk does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from support.audiosocket_peer import AUDIO, CALL_ID, HANGUP, wire_frame
from voxgate.core.gate_decision import GateState
from voxgate.errors import TransportError
from voxgate.lab.call_judge import judge_call
from voxgate.lab.call_record import CallRecord
from voxgate.lab.call_script import Say, ScriptedCaller, Step, WaitForAgent
from voxgate.lab.demo import DemoProgress, run_demo
from voxgate.lab.echo_path import EchoPath
from voxgate.lab.phone import Phone

Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SHORT = (
    WaitForAgent(talking=True, for_ms=200, timeout_ms=10_000),
    WaitForAgent(talking=False, for_ms=900, timeout_ms=5000),
    Say("hello"),
    WaitForAgent(talking=True, for_ms=200, timeout_ms=10_000),
)
"""The greeting, a word of the caller, and the beginning of an answer."""


@pytest.fixture(scope="module")
def guard_s() -> float:
    """Time after which a call on the busiest machine has come to nothing."""
    return 120.0


# --- the whole path -------------------------------------------------------------------------------


async def test_the_same_call_with_each_gate(
    guard_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through phone, line, engine, gate, provider and server; what is told of it fits together."""
    monkeypatch.setenv("VOXGATE__BARGE_IN__MIN_MS", "nonsense")  # no variable is read
    told: list[DemoProgress] = []
    async with asyncio.timeout(guard_s):
        records = await run_demo(script=SHORT, progress=told.append)

    assert list(records) == ["gate off", "VAD only", "echo-aware"]
    for title, record in records.items():
        assert record.is_complete, record.end_reason
        assert record.end_reason == "caller_hangup"
        _check_structure(record)
        elapsed_s = [progress.elapsed_s for progress in told if progress.title == title]
        assert np.allclose(elapsed_s, 0.02 * np.arange(1, len(record.slots) + 1))
    _check_ungated(records["gate off"])
    _check_gated(records["VAD only"])
    _check_gated(records["echo-aware"])
    _check_echo(records["echo-aware"])


def _check_structure(record: CallRecord) -> None:
    """One state a captured frame, but for those under way when the caller hung up."""
    n_slots = len(record.slots)
    assert n_slots > 100
    assert 0 <= n_slots - len(record.states) < 50
    assert max(record.forwarded) < n_slots
    times_ms = np.array([slot.t_ms for slot in record.slots])
    assert np.allclose(np.diff(times_ms), 20.0)
    assert all(slot.noise.any() for slot in record.slots), "the room is never silent"
    assert any(slot.far_end.any() for slot in record.slots), "the agent was heard"
    assert {len(slot.capture) for slot in record.slots} == {160}
    reported = np.array(record.provider_speech_ms)
    assert np.all((reported > times_ms[0]) & (reported < times_ms[-1] + 10_000))


def _check_ungated(record: CallRecord) -> None:
    """Everything reaches the provider, the echo too."""
    assert set(record.states) == {GateState.OPEN}
    assert record.forwarded == set(range(len(record.states)))
    figures = judge_call(record)
    assert figures.echo.through_ms > 0.9 * figures.echo.total_ms > 0


def _check_gated(record: CallRecord) -> None:
    """Something of the caller reaches the provider.

    How much of either is a matter of the detectors, and of how evenly a busy machine runs.
    """
    assert {GateState.OPEN, GateState.CLOSED} <= set(record.states)
    figures = judge_call(record)
    assert figures.caller_turns == 1
    assert figures.caller_lost_ratio is not None
    assert figures.caller_lost_ratio < 1.0


def _check_echo(record: CallRecord) -> None:
    """Not all of the echo reaches the provider; by voice activity alone it may, after a mistake."""
    figures = judge_call(record)
    assert figures.echo.through_ms < figures.echo.total_ms


async def test_a_demonstration_that_is_cancelled_leaves_nothing_running(guard_s: float) -> None:
    """As on Ctrl-C: every task is gone, and so is every socket."""
    has_begun = asyncio.Event()
    async with asyncio.timeout(guard_s):
        placing = asyncio.create_task(
            run_demo(script=SHORT, progress=lambda _progress: has_begun.set())
        )
        await has_begun.wait()
        placing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await placing
    assert asyncio.all_tasks() == {asyncio.current_task()}


# --- the phone ------------------------------------------------------------------------------------


def phone_with(record: CallRecord, *script: Step) -> Phone:
    sentences = {"word": np.full(1600, 1000, np.int16)}
    return Phone(ScriptedCaller(script, sentences), EchoPath(delay_ms=0, erl_db=24), record)


@asynccontextmanager
async def engine_that(serve: Served) -> AsyncIterator[tuple[str, int]]:
    """Yield the address of an engine of which each connection is served so."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()


async def test_the_phone_speaks_as_asterisk_does(guard_s: float) -> None:
    """The call's id, frames of 20 ms one by one, and to hang up a bare FIN."""
    received = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.set_result(await reader.read(-1))
        writer.close()

    record = CallRecord()
    async with asyncio.timeout(guard_s), engine_that(serve) as address:
        await phone_with(record, Say("word")).call(address)
        data = await received
    frames = list(_frames(data))
    assert [(kind, len(payload)) for kind, payload in frames] == [
        (CALL_ID, 16),
        *[(AUDIO, 320)] * 10,
    ]
    captured = [slot.capture.astype("<i2").tobytes() for slot in record.slots]
    assert [payload for _, payload in frames[1:]] == captured
    assert record.is_complete


def _frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        end = 3 + int.from_bytes(data[1:3], "big")
        yield data[0], data[3:end]
        data = data[end:]


async def test_the_phone_plays_what_it_receives(guard_s: float) -> None:
    """Without holes or repetitions, after its buffer."""
    loud = [np.full(160, 500 + n, np.int16) for n in range(5)]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(wire_frame(AUDIO, frame.astype("<i2").tobytes()) for frame in loud))
        await reader.read(-1)
        writer.close()

    record = CallRecord()
    script = WaitForAgent(talking=False, for_ms=300, timeout_ms=5000)
    async with asyncio.timeout(guard_s), engine_that(serve) as address:
        silence_first = WaitForAgent(talking=True, for_ms=20, timeout_ms=5000)
        await phone_with(record, silence_first, script).call(address)
    heard = [int(slot.far_end[0]) for slot in record.slots if slot.far_end.any()]
    assert heard == [500, 501, 502, 503, 504]


@pytest.mark.parametrize("ending", ["hangup", "fin", "reset"])
async def test_a_call_that_the_engine_ends_leaves_a_record(guard_s: float, ending: str) -> None:
    """In whichever way: what there was of it can be judged, and it is not complete."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(19 + 323 * 3)
        if ending == "hangup":
            writer.write(wire_frame(HANGUP))
        if ending == "reset":
            writer.transport.abort()
        writer.close()

    record = CallRecord()
    wait = WaitForAgent(talking=True, for_ms=20, timeout_ms=100_000)
    async with asyncio.timeout(guard_s), engine_that(serve) as address:
        await phone_with(record, wait).call(address)
    assert not record.is_complete
    assert 3 <= len(record.slots) < 5000
    assert judge_call(record).caller_turns == 0


async def test_an_engine_that_does_not_answer_is_an_error(guard_s: float) -> None:
    """Which names the address."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    server.close()
    await server.wait_closed()
    async with asyncio.timeout(guard_s):
        with pytest.raises(TransportError, match=f"phone to 127.0.0.1:{address[1]}: no answer"):
            await phone_with(CallRecord(), Say("word")).call(address)
