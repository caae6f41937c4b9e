"""AudioSocket over real loopback connections, with a peer that behaves as Asterisk does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from structlog.testing import capture_logs

from integration.call_conformance import CallConformance, LineCall
from integration.line_conformance import (
    GUARD_S,
    LineConformance,
    assert_is_well,
    collected,
    ending,
    frame_of,
    heard_audio,
    next_event,
    until,
)
from support.audiosocket_peer import AUDIO, DTMF, ERROR, HANGUP, AudioSocketPeer, wire_frame
from support.signals import white_noise
from voxgate.config.hook_models import CallHooksConfig
from voxgate.core.g711 import decode_mulaw, encode_mulaw
from voxgate.errors import TransportError
from voxgate.transports.audiosocket import AudioSocketLine, AudioSocketTransport
from voxgate.transports.audiosocket.protocol import AUDIO_RATES_HZ
from voxgate.transports.base import Line, LineAudio, LineHangup, LineWarning, Transfer
from voxgate.transports.call_hooks import CallHooks

pytestmark = pytest.mark.timeout(GUARD_S)

HANGUP_FRAME = (HANGUP, b"")


class AudioSocketCaller:
    """Plays the caller behind an Asterisk."""

    def __init__(self, peer: AudioSocketPeer, line: AudioSocketLine) -> None:
        self.peer = peer
        self.line = line

    async def speak(self, audio: bytes) -> None:
        kind = AUDIO + AUDIO_RATES_HZ.index(self.line.capture_format.rate_hz)
        await self.peer.send(kind, audio)

    async def press(self, digit: str) -> None:
        await self.peer.send_digit(digit)

    async def hear(self, n_frames: int) -> list[bytes]:
        return await self.peer.read_audio(n_frames)

    async def stop_reading(self) -> None:
        """The peer reads only when asked to."""

    async def misbehave(self) -> None:
        await self.peer.send(DTMF, b"123")

    async def hang_up(self) -> None:
        self.peer.hang_up()

    async def finish_sending(self) -> None:
        self.peer.finish_sending()

    async def vanish(self) -> None:
        self.peer.reset()

    async def is_over(self) -> None:
        await until(lambda: self.line._connection.events.is_closed)

    async def is_told_to_hang_up(self) -> bool:
        frames = await self.peer.read_to_end()
        self.peer.hang_up()
        return frames[-1:] == [HANGUP_FRAME]


class AudioSocketExchange:
    """Runs a server and places calls to it."""

    def __init__(self, transport: AudioSocketTransport, peers: AsyncExitStack) -> None:
        self.transport = transport
        self.may_end = asyncio.Event()
        self._peers = peers
        self._served: asyncio.Queue[AudioSocketLine] = asyncio.Queue()

    async def serve(self, line: Line) -> None:
        assert isinstance(line, AudioSocketLine)
        self._served.put_nowait(line)
        await self.may_end.wait()

    async def connect(self, *, is_identified: bool = True) -> AudioSocketPeer:
        peer = await AudioSocketPeer.connect(self.transport.address, is_identified=is_identified)
        return await self._peers.enter_async_context(peer)

    async def served(self) -> AudioSocketLine:
        return await self._served.get()

    async def place_call(self) -> AudioSocketCaller:
        peer = await self.connect()
        line = await self.served()
        assert line.call_id == str(peer.call_id)
        return AudioSocketCaller(peer, line)


async def running(transport: AudioSocketTransport) -> AsyncIterator[AudioSocketExchange]:
    async with AsyncExitStack() as peers:
        exchange = AudioSocketExchange(transport, peers)
        await transport.start(exchange.serve)
        yield exchange
        await transport.stop()
        exchange.may_end.set()
    await transport.wait_closed()


@pytest.fixture
async def exchange(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AudioSocketExchange]:
    monkeypatch.setattr("voxgate.transports.audiosocket.intake._FIRST_AUDIO_TIMEOUT_S", 0.01)
    async for each in running(AudioSocketTransport(port=0)):
        yield each


class TestAudioSocketLine(LineConformance):
    """A line over TCP."""


class TestWideAudioSocketLine(LineConformance):
    """A line over TCP at 16 kHz, both ways."""

    @pytest.fixture
    async def exchange(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AudioSocketExchange]:
        monkeypatch.setattr("voxgate.transports.audiosocket.intake._FIRST_AUDIO_TIMEOUT_S", 0.01)
        async for each in running(AudioSocketTransport(port=0, playout_rate_hz=16_000)):
            yield each


class _Hearing:
    """A caller whose Asterisk plays what comes, as it comes."""

    def __init__(self) -> None:
        self.arrived: list[bytes] = []

    @property
    def played(self) -> list[bytes]:
        return self.arrived

    async def listen(self, peer: AudioSocketPeer) -> None:
        while (frame := await peer.read_frame()) is not None and frame[0] != HANGUP:
            self.arrived.append(frame[1])


class TestAudioSocketCalls(CallConformance):
    """A call over TCP."""

    @asynccontextmanager
    async def placed(self) -> AsyncIterator[LineCall]:
        async for exchange in running(AudioSocketTransport(port=0)):
            placed = await exchange.place_call()
            caller = _Hearing()
            call = LineCall(placed.line, caller)
            tasks = [
                asyncio.create_task(call.session.run()),
                asyncio.create_task(caller.listen(placed.peer)),
            ]
            await asyncio.sleep(0.05)
            yield call
            placed.peer.finish_sending()
            await asyncio.wait(tasks)


async def test_call_without_audio_is_served_after_a_short_wait():
    """A caller with DTX sends its UUID and then nothing; the agent can greet all the same."""
    async for exchange in running(AudioSocketTransport(port=0)):
        call = await exchange.place_call()
        assert call.line.capture_format.rate_hz == 8000
        call.line.send_audio(frame_of(call.line, 1))
        assert await call.hear(1) == [frame_of(call.line, 1)]


@pytest.mark.parametrize(("kind", "rate_hz"), list(enumerate(AUDIO_RATES_HZ, AUDIO)))
async def test_a_call_is_played_at_the_rate_at_which_it_began(kind: int, rate_hz: int):
    """Whatever its kind: Asterisk's channel plays what it sends, and nothing else."""
    frame = bytes(rate_hz * 20 // 1000 * 2)
    async for exchange in running(AudioSocketTransport(port=0)):
        peer = await exchange.connect()
        await peer.send(kind, frame)
        line = await exchange.served()
        assert line.capture_format.rate_hz == line.playout_format.rate_hz == rate_hz
        assert await next_event(line) == LineAudio(frame)
        line.send_audio(frame)
        assert await peer.read_frame() == (kind, frame)


async def test_a_playout_rate_that_is_fixed_is_sent_under_its_kind():
    """Also where the telephone says nothing at first, and then speaks at that rate."""
    async for exchange in running(AudioSocketTransport(port=0, playout_rate_hz=16_000)):
        call = await exchange.place_call()
        call.line.send_audio(bytes(640))
        assert await call.peer.read_frame() == (0x12, bytes(640))
        assert call.line.capture_format.rate_hz == 16_000
        await call.peer.send(0x12, bytes(640))
        assert await next_event(call.line) == LineAudio(bytes(640))


async def test_a_playout_rate_that_is_fixed_leaves_the_capture_as_it_comes():
    """A telephone of another rate is heard as it is."""
    async for exchange in running(AudioSocketTransport(port=0, playout_rate_hz=16_000)):
        peer = await exchange.connect()
        await peer.send(AUDIO, bytes(320))
        line = await exchange.served()
        assert line.capture_format.rate_hz == 8_000
        assert line.playout_format.rate_hz == 16_000


async def test_rate_that_changes_in_the_call_is_converted(exchange: AudioSocketExchange):
    """Audio of a wide codec after a quiet start keeps its length in time, and a warning says so."""
    call = await exchange.place_call()
    for _ in range(10):
        await call.peer.send(0x12, bytes(640))
    call.peer.hang_up()
    events = await collected(call.line)
    codes = [event.code for event in events if isinstance(event, LineWarning)]
    assert codes == ["audiosocket.rate_changed"]
    assert len(heard_audio(events)) == 10 * 320


async def test_mislabelled_mulaw_is_heard_right(exchange: AudioSocketExchange):
    """``Dial(AudioSocket/...)`` without ``c(slin)``: the caller is understood, the log is told."""
    data = encode_mulaw(white_noise(400, level_dbfs=-45))
    call = await exchange.place_call()
    for at in range(0, len(data), 160):
        await call.speak(data[at : at + 160])
    call.peer.hang_up()
    events = await collected(call.line)
    codes = [event.code for event in events if isinstance(event, LineWarning)]
    assert codes == ["audiosocket.mislabelled_mulaw"]
    assert heard_audio(events) == decode_mulaw(data).astype("<i2").tobytes()


async def test_frames_that_arrive_byte_by_byte_are_frames(exchange: AudioSocketExchange):
    """A network may cut a stream anywhere."""
    peer = await exchange.connect(is_identified=False)
    frames = wire_frame(AUDIO, b"\x01\x02\x03\x04") + wire_frame(ERROR, b"\x01")
    for byte in wire_frame(1, peer.call_id.bytes) + frames:
        await peer.send_bytes(bytes((byte,)))
        await asyncio.sleep(0)
    line = await exchange.served()
    peer.hang_up()
    events = await collected(line)
    assert line.call_id == str(peer.call_id)
    assert heard_audio(events) == b"\x01\x02\x03\x04"
    assert ending(events) == "caller_hangup"


async def test_header_and_payload_arrive_together(exchange: AudioSocketExchange):
    """One write per frame: what a reading peer gets in one piece is a whole frame."""
    call = await exchange.place_call()
    for number in range(50):
        call.line.send_audio(frame_of(call.line, number))
        data = await asyncio.get_running_loop().sock_recv(call.peer._socket, 65_536)
        assert data == wire_frame(AUDIO, frame_of(call.line, number))


async def test_hangup_reaches_a_peer_that_is_still_talking(exchange: AudioSocketExchange):
    """Captured audio on its way must not turn our hangup into a reset."""
    call = await exchange.place_call()
    for number in range(20):
        await call.speak(bytes((number, 0)) * 160)
    hangup = asyncio.create_task(call.line.hangup())
    for number in range(20):
        await call.speak(bytes((number, 0)) * 160)
    assert await call.is_told_to_hang_up()
    await hangup


async def test_peer_that_says_hangup_is_answered_in_kind(exchange: AudioSocketExchange):
    """Kind 0x00 from the peer ends the call as a FIN does, without waiting for the engine."""
    call = await exchange.place_call()
    await call.peer.send(HANGUP)
    assert await call.is_told_to_hang_up()
    assert ending(await collected(call.line)) == "caller_hangup"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        wire_frame(AUDIO, bytes(320)),
        wire_frame(1, b"short"),
        wire_frame(HANGUP),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_peer_that_is_not_asterisk_is_refused(exchange: AudioSocketExchange, data: bytes):
    """A scanner is told to hang up and closed; calls go on."""
    good = await exchange.place_call()
    peer = await exchange.connect(is_identified=False)
    await peer.send_bytes(data)
    assert await peer.read_to_end() == [HANGUP_FRAME]
    peer.hang_up()
    await assert_is_well(good)
    assert exchange.transport.stats.unidentified_connections == 1


async def test_silent_connection_loses_its_place():
    """Connections that never say a UUID can't lock callers out."""
    transport = AudioSocketTransport(port=0, max_connections=1, uuid_timeout_s=0.05)
    async for exchange in running(transport):
        silent = await exchange.connect(is_identified=False)
        assert await silent.read_to_end() == [HANGUP_FRAME]
        silent.hang_up()
        await until(lambda: transport.stats.open_connections == 0)
        await assert_is_well(await exchange.place_call())


async def test_connection_over_the_limit_is_refused():
    """The limit is said politely, and the calls within it go on."""
    async for exchange in running(AudioSocketTransport(port=0, max_connections=2)):
        calls = [await exchange.place_call() for _ in range(2)]
        refused = await exchange.connect(is_identified=False)
        assert await refused.read_to_end() == [HANGUP_FRAME]
        assert exchange.transport.stats.refused_connections == 1
        for call in calls:
            await assert_is_well(call)


async def test_one_host_can_t_have_more_than_its_share():
    """A further connection is told to hang up, though there are places left."""
    transport = AudioSocketTransport(port=0, max_connections=10, max_connections_per_peer=1)
    async for exchange in running(transport):
        call = await exchange.place_call()
        with capture_logs() as logs:
            refused = await exchange.connect(is_identified=False)
            assert await refused.read_to_end() == [HANGUP_FRAME]
        assert [log["reason"] for log in logs] == ["max_connections_per_peer"]
        assert transport.stats.refused_connections == 1
        await assert_is_well(call)


async def test_who_never_says_a_uuid_makes_room_for_who_does():
    """Ever more silent connections cost the oldest of them, and no call its place."""
    transport = AudioSocketTransport(
        port=0, max_connections=5, max_unidentified=2, uuid_timeout_s=60.0
    )
    async for exchange in running(transport):
        call = await exchange.place_call()
        silent = [await exchange.connect(is_identified=False) for _ in range(6)]
        await until(lambda: transport.stats.unidentified_connections == 4)
        assert transport.stats.evicted_connections == 4
        for peer in silent[:4]:
            with suppress(ConnectionError):
                assert await peer.read_to_end() == []
        await assert_is_well(call)
        await assert_is_well(await exchange.place_call())


async def test_goodbyes_to_who_is_refused_are_bounded():
    """A flood of connections that don't close is cut without a word beyond a hundred."""
    transport = AudioSocketTransport(port=0, max_connections=1)
    async for exchange in running(transport):
        call = await exchange.place_call()
        flood = [await exchange.connect(is_identified=False) for _ in range(110)]
        await until(lambda: transport.stats.refused_connections == 110)
        told = []
        for peer in flood:
            try:
                told.append(await peer.read_to_end())
            except ConnectionError:
                told.append([])
        assert told.count([HANGUP_FRAME]) <= 100
        assert [HANGUP_FRAME] in told
        await assert_is_well(call)


@pytest.mark.parametrize("allowed", [["127.0.0.0/8"], ["::1", "127.0.0.1"], None])
async def test_a_host_that_may_connect_is_served(allowed: list[str] | None):
    """One of the networks is enough; no list admits everyone."""
    async for exchange in running(AudioSocketTransport(port=0, allowed_peers=allowed)):
        await assert_is_well(await exchange.place_call())
        assert exchange.transport.stats.refused_peers == 0


async def test_a_host_that_may_not_connect_is_closed_before_a_word():
    """It learns nothing, takes no place, and is named once however often it tries."""
    transport = AudioSocketTransport(port=0, allowed_peers=["192.0.2.0/24"], max_connections=1)
    async for exchange in running(transport):
        with capture_logs() as logs:
            for _ in range(5):
                peer = await exchange.connect(is_identified=False)
                assert await peer.read_to_end() == []
        assert transport.stats.refused_peers == 5
        assert transport.stats.open_connections == transport.stats.accepted_calls == 0
        assert [(log["event"], log["peer"], log["refused"]) for log in logs] == [
            ("audiosocket.peer_refused", "127.0.0.1", 1)
        ]


class Pbx(CallHooks):
    """An operator's system, without its socket."""

    def __init__(self, answer: Mapping[str, str] | TransportError) -> None:
        super().__init__(CallHooksConfig(), {}, section="hooks")
        self.answer = answer
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.transfers: list[tuple[str, str]] = []
        self.is_closed = False

    async def fetch_metadata(self, call_id: str) -> Mapping[str, str]:
        await self.may_answer.wait()
        if isinstance(self.answer, TransportError):
            raise self.answer
        return {**self.answer, "asked": call_id}

    def transfer_of(self, call_id: str) -> Transfer | None:
        async def transfer(target: str) -> None:
            self.transfers.append((call_id, target))

        return transfer

    async def close(self) -> None:
        self.is_closed = True


async def test_a_call_is_what_the_file_and_the_operators_system_know_of_it():
    """What is known of this call now goes before what is known of all such calls."""
    pbx = Pbx({"caller_number": "+15550100", "language": "de"})
    known = {"*": {"called_number": "700", "language": "en"}}
    async for exchange in running(AudioSocketTransport(port=0, known_calls=known, hooks=pbx)):
        call = await exchange.place_call()
        assert call.line.metadata == {
            "called_number": "700",
            "caller_number": "+15550100",
            "language": "de",
            "asked": call.line.call_id,
        }
    assert pbx.is_closed


async def test_without_an_answer_a_call_goes_on_and_says_so():
    """With what the file knows; one warning, which shows no number."""
    pbx = Pbx(TransportError("hook at pbx", "no answer in 1 s", code="timeout", retryable=False))
    known = {"*": {"called_number": "700"}}
    async for exchange in running(AudioSocketTransport(port=0, known_calls=known, hooks=pbx)):
        call = await exchange.place_call()
        assert call.line.metadata == {"called_number": "700"}
        assert await next_event(call.line) == LineWarning(
            "audiosocket.metadata_unavailable", "hook at pbx: no answer in 1 s [timeout]"
        )
        assert exchange.transport.stats.metadata_failures == 1
        await assert_is_well(call)


async def test_nothing_said_is_lost_while_the_operators_system_thinks():
    """The audio waits, and the format is that of its first frame."""
    pbx = Pbx({})
    pbx.may_answer.clear()
    async for exchange in running(AudioSocketTransport(port=0, hooks=pbx)):
        peer = await exchange.connect()
        for number in range(5):
            await peer.send(0x12, bytes((number, 0)) * 320)
        pbx.may_answer.set()
        line = await exchange.served()
        peer.hang_up()
        events = await collected(line)
        assert heard_audio(events) == b"".join(bytes((n, 0)) * 320 for n in range(5))
        assert line.playout_format.rate_hz == 16_000


async def test_a_transfer_is_the_operators_systems_to_do():
    """It is asked for this call; Asterisk then takes the call off this line."""
    pbx = Pbx({})
    async for exchange in running(AudioSocketTransport(port=0, hooks=pbx)):
        call = await exchange.place_call()
        assert call.line.transfer is not None
        await call.line.transfer("+15550100")
        assert pbx.transfers == [(call.line.call_id, "+15550100")]
        call.peer.hang_up()
        assert ending(await collected(call.line)) == "caller_hangup"


async def test_a_line_without_hooks_can_not_transfer(exchange: AudioSocketExchange):
    """The agent is told so, rather than that it failed."""
    call = await exchange.place_call()
    assert call.line.transfer is None


async def test_second_connection_with_a_live_uuid_is_refused(exchange: AudioSocketExchange):
    """A dialplan with a fixed UUID: the first caller goes on, the second is told to hang up."""
    call = await exchange.place_call()
    with capture_logs() as logs:
        twin = await AudioSocketPeer.connect(exchange.transport.address, call_id=call.peer.call_id)
        async with twin:
            assert await twin.read_to_end() == [HANGUP_FRAME]
    assert [entry["event"] for entry in logs] == ["audiosocket.duplicate_call_refused"]
    await assert_is_well(call)


async def test_two_hundred_broken_peers_disturb_nobody(exchange: AudioSocketExchange):
    """Garbage, resets, half frames and silence, all at once, while a call goes on."""
    call = await exchange.place_call()
    generator = random.Random(7)  # noqa: S311 - seeded, to repeat a failure

    async def misbehave() -> None:
        is_identified = generator.random() < 0.5
        peer = await exchange.connect(is_identified=is_identified)
        try:
            await peer.send_bytes(generator.randbytes(generator.randrange(700)))
        except ConnectionError:
            return
        if generator.random() < 0.5:
            peer.reset()
        else:
            peer.hang_up()

    for _ in range(20):
        async with asyncio.TaskGroup() as peers:
            for _ in range(10):
                peers.create_task(misbehave())
        await assert_is_well(call)
    exchange.may_end.set()
    await until(lambda: exchange.transport.stats.open_connections == 0)


async def test_ended_calls_leave_nothing_behind(exchange: AudioSocketExchange):
    """A hundred calls later there is no task, no connection and no name more than before."""
    exchange.may_end.set()
    tasks_before = len(asyncio.all_tasks())
    for _ in range(100):
        call = await exchange.place_call()
        call.peer.hang_up()
    await until(lambda: exchange.transport.stats.open_connections == 0)
    assert exchange.transport.stats.accepted_calls == 100
    assert exchange.transport._live_call_ids == set()
    assert len(asyncio.all_tasks()) <= tasks_before


async def test_stopped_server_takes_no_call_and_keeps_the_old_ones(exchange: AudioSocketExchange):
    """Draining: the port is closed, the running call goes on to its end."""
    call = await exchange.place_call()
    address = exchange.transport.address
    await exchange.transport.stop()
    with pytest.raises(ConnectionError):
        await AudioSocketPeer.connect(address)
    await assert_is_well(call)
    exchange.may_end.set()
    assert await call.is_told_to_hang_up()


async def test_port_in_use_is_named(exchange: AudioSocketExchange):
    """The error says which address, and that it may become free."""
    port = exchange.transport.address[1]
    with pytest.raises(TransportError, match=f"127.0.0.1:{port}: can't listen") as caught:
        await AudioSocketTransport(port=port).start(exchange.serve)
    assert (caught.value.code, caught.value.retryable) == ("EADDRINUSE", True)


async def test_paced_call_both_ways(exchange: AudioSocketExchange):
    """A short call as Asterisk runs it: paced, with a key press, ended by a bare FIN."""
    call = await exchange.place_call()
    spoken = [bytes((number, 2)) * 160 for number in range(25)]

    async def agent() -> list[bytes]:
        heard = []
        async for event in call.line.events():
            if isinstance(event, LineAudio):
                heard.append(event.audio)
                call.line.send_audio(event.audio)
            elif isinstance(event, LineHangup):
                break
        return heard

    answering = asyncio.create_task(agent())
    await call.peer.send_paced(spoken, interval_s=0.002)
    await call.press("1")
    assert await call.hear(25) == spoken
    call.peer.hang_up()
    assert await answering == spoken
    assert call.line.stats.received_frames == call.line.stats.sent_frames == 25
