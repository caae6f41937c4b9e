"""From a connection to a line: its format, and what is known of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from support.audiosocket_peer import AUDIO, wire_frame
from support.fake_socket_transport import FakeSocketTransport
from support.virtual_time import in_virtual_time
from voxgate.config.hook_models import CallHooksConfig
from voxgate.errors import TransportError
from voxgate.transports.audiosocket.connection import AudioSocketConnection
from voxgate.transports.audiosocket.intake import AudioSocketIntake
from voxgate.transports.base import LineWarning, Transfer
from voxgate.transports.call_hooks import CallHooks

ID = "c0ffee00-1234-4abc-8def-000000000700"
UUID_FRAME = wire_frame(1, bytes.fromhex(ID.replace("-", "")))


class Hooks(CallHooks):
    """An operator's system that answers after a while, or fails."""

    def __init__(self, *, after_s: float = 0.0, is_broken: bool = False) -> None:
        super().__init__(CallHooksConfig(), {}, section="hooks")
        self.after_s = after_s
        self.is_broken = is_broken
        self.n_closed = 0

    async def fetch_metadata(self, call_id: str) -> Mapping[str, str]:
        await asyncio.sleep(self.after_s)
        if self.is_broken:
            raise TransportError("hook at pbx", "gone", code="unreachable", retryable=False)
        return {"called_number": "told"}

    def transfer_of(self, call_id: str) -> Transfer | None:
        async def transfer(target: str) -> None: ...

        return transfer

    async def close(self) -> None:
        self.n_closed += 1


def connected(*frames: bytes) -> tuple[AudioSocketConnection, FakeSocketTransport]:
    connection = AudioSocketConnection(lambda _: None)
    transport = FakeSocketTransport(connection, closes_when_told=True)
    connection.connection_made(transport)
    for frame in (UUID_FRAME, *frames):
        transport.receive(frame)
    return connection, transport


def intake(
    playout_rate_hz: int | None = None,
    hooks: CallHooks | None = None,
    known_calls: Mapping[str, Mapping[str, str]] | None = None,
) -> AudioSocketIntake:
    return AudioSocketIntake(
        playout_rate_hz=playout_rate_hz, known_calls=known_calls or {}, hooks=hooks
    )


@pytest.mark.parametrize(
    ("kind", "fixed_hz", "rates_hz"),
    [
        (AUDIO, None, (8_000, 8_000)),
        (0x12, None, (16_000, 16_000)),
        (0x12, 8_000, (16_000, 8_000)),
        (AUDIO, 24_000, (8_000, 24_000)),
    ],
)
@in_virtual_time
async def test_a_call_is_played_as_it_began_unless_told_otherwise(
    kind: int, fixed_hz: int | None, rates_hz: tuple[int, int]
) -> None:
    """What is captured is what comes, in any case."""
    connection, _ = connected(wire_frame(kind, bytes(640)))
    line = await intake(fixed_hz).line_of(ID, connection)
    assert (line.capture_format.rate_hz, line.playout_format.rate_hz) == rates_hz
    assert (line.call_id, line.metadata, line.transfer) == (ID, {}, None)


@pytest.mark.parametrize(("fixed_hz", "assumed_hz"), [(None, 8_000), (16_000, 16_000)])
@in_virtual_time
async def test_a_silent_caller_is_waited_for_200_ms(fixed_hz: int | None, assumed_hz: int) -> None:
    """Then the rate that is played is taken for that of the capture."""
    connection, _ = connected()
    began_s = asyncio.get_running_loop().time()
    with capture_logs() as logs:
        line = await intake(fixed_hz).line_of(ID, connection)
    assert asyncio.get_running_loop().time() - began_s == pytest.approx(0.2)
    assert line.capture_format.rate_hz == line.playout_format.rate_hz == assumed_hz
    assert [(log["event"], log["rate_hz"]) for log in logs] == [
        ("audiosocket.capture_format_assumed", assumed_hz)
    ]


@in_virtual_time
async def test_both_waits_are_one() -> None:
    """The operator's system thinks while the caller's first frame is waited for."""
    connection, _ = connected()
    began_s = asyncio.get_running_loop().time()
    line = await intake(hooks=Hooks(after_s=0.2)).line_of(ID, connection)
    assert asyncio.get_running_loop().time() - began_s == pytest.approx(0.2)
    assert line.metadata == {"called_number": "told"}
    assert line.transfer is not None


@in_virtual_time
async def test_what_is_told_of_this_call_goes_before_what_is_known_of_all() -> None:
    """And without an answer, what is known is what there is."""
    known = {"*700": {"called_number": "700", "site": "north"}}
    connection, _ = connected(wire_frame(AUDIO, bytes(320)))
    line = await intake(hooks=Hooks(), known_calls=known).line_of(ID, connection)
    assert line.metadata == {"called_number": "told", "site": "north"}

    broken = intake(hooks=Hooks(is_broken=True), known_calls=known)
    connection, _ = connected()
    line = await broken.line_of(ID, connection)
    assert line.metadata == known["*700"]
    assert broken.metadata_failures == 1
    assert await anext(line.events()) == LineWarning(
        "audiosocket.metadata_unavailable", "hook at pbx: gone [unreachable]"
    )


async def test_the_hooks_are_closed_with_the_intake() -> None:
    """Where there are any."""
    hooks = Hooks()
    await intake(hooks=hooks).close()
    await intake().close()
    assert hooks.n_closed == 1
