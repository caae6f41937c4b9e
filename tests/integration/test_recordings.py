"""Whole calls are recorded, read back, and replayed to the bit: real sockets, the engine, its gate.

The time is made up, and stands still while anything is under way.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from support.deepgram_peer import DeepgramPeer
from support.realtime_peer import RealtimePeer
from support.recorded_calls import header_of, simulate_call
from support.signals import at_level, speech_like
from support.telephone import Telephone, mulaw_frames, spoken, until
from support.virtual_time import in_socket_time, virtual_ms
from support.voice_service import Recorder, VoiceService, realtime_config
from voxgate.config.line_models import AudioSocketConfig, LinesConfig
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.config.provider_models import DeepgramConfig, ProviderConfig
from voxgate.config.recording_model import RecordedCalls, RecordingConfig
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.config import BargeInConfig
from voxgate.core.gate_decision import GateEventType
from voxgate.core.gate_tape import FrameCaptured, GateBegun, GateReconfigured, TimePassed
from voxgate.core.taped_gating_manager import TapedGatingManager, apply_input
from voxgate.engine import AIEngine
from voxgate.errors import RecordingError
from voxgate.observe.call_recorder import CallRecorder
from voxgate.observe.recording_thread import CallRecording, RecordingThread
from voxgate.realtime_server import RealtimeServer, agent_voices
from voxgate.recordings import RecordedCall, RecordedDecision, list_calls, open_call
from voxgate.recordings.call_folders import folder_name
from voxgate.recordings.call_writer import CallWriter
from voxgate.recordings.encryption import decrypted, recipients

pyrage = pytest.importorskip("pyrage")

_JUDGED = (FrameCaptured, TimePassed)
NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


@asynccontextmanager
async def running(
    providers: Mapping[str, ProviderConfig], recording: RecordingConfig, **engine: Any
) -> AsyncIterator[tuple[VoiceService, CallRecorder]]:
    """Run an engine that records; ``first`` is the default provider."""
    config = AppConfig(
        engine=EngineConfig(default_provider="first", **engine),
        lines=LinesConfig(audiosocket=AudioSocketConfig(port=0)),
        providers=providers,
        recording=recording,
    )
    told = Recorder()
    running_engine = AIEngine(config, observers=[told], clock=virtual_ms, environ={})
    recorder = CallRecorder(recording, running_engine.manager, wall_clock=lambda: NOW)
    running_engine.add_observer(recorder)
    await recorder.start()
    await running_engine.start()
    try:
        yield VoiceService(running_engine, told), recorder
    finally:
        async with asyncio.timeout(60):
            await running_engine.stop()
            await recorder.stop()


@asynccontextmanager
async def embedded() -> AsyncIterator[ProviderConfig]:
    async with RealtimeServer(clock=virtual_ms, replies=("go_on",), speed_ratio=8.0) as server:
        yield realtime_config(server.url, greeting=agent_voices()["hello"].text)


def all_of(folder: Path, **fields: Any) -> RecordingConfig:
    return RecordingConfig(calls=RecordedCalls.ALL, folder=str(folder), **{"audio": True, **fields})


def the_call(folder: Path, identity: str | None = None) -> RecordedCall:
    (summary,) = list_calls(folder)
    return open_call(summary.folder, identity=identity)


def decisions_again(call: RecordedCall) -> list[RecordedDecision | None]:
    """Return what a new gate decides of what was recorded."""
    begun = next(each.given for each in call.inputs() if isinstance(each.given, GateBegun))
    manager = AudioGatingManager(config=begun.config)
    again = [apply_input(manager, "again", each.given) for each in call.inputs()]
    return [None if made is None else RecordedDecision.of(made) for made in again]


def recorded_decisions(call: RecordedCall) -> list[RecordedDecision | None]:
    return [each.decision for each in call.inputs()]


async def talk(phone: Telephone) -> None:
    """Hear the greeting, interrupt it, hear an answer."""
    await until(lambda: len(phone.sounds()) > 40)
    await phone.say_to_the_end(spoken("interruption"))
    heard = len(phone.sounds())
    await until(lambda: len(phone.sounds()) > heard + 40)


@in_socket_time
async def test_a_recorded_call_is_replayed_to_the_bit(tmp_path: Path) -> None:
    """Of a telephone with echo, from which the caller interrupts the agent."""
    async with (
        embedded() as provider,
        running({"first": provider}, all_of(tmp_path)) as (service, recorder),
        Telephone.calling(service.address, echo_loss_db=16.0) as phone,
    ):
        await talk(phone)
        record = service.record(phone)
        ended = await service.ended_after_hangup(phone)
    call = the_call(tmp_path)
    assert call.is_complete
    assert (call.header.call_id, call.header.line) == (phone.call_id, "audiosocket")
    assert call.header.started_at == NOW
    assert call.end is not None
    assert (call.end.reason, call.end.gate) == (ended.reason, ended.gate)
    made = recorded_decisions(call)
    assert decisions_again(call) == made
    judged = [each.decision for each in call.inputs() if isinstance(each.given, _JUDGED)]
    assert judged == [RecordedDecision.of(decision) for _, decision in record.decisions]
    events = {event.type for decision in made if decision for event in decision.events}
    assert events >= {GateEventType.BARGE_IN_COMMITTED, GateEventType.INTERRUPTED}
    assert (recorder.counters.chosen, recorder.counters.cut, recorder.failures) == (1, 0, 0)


@in_socket_time
async def test_what_the_operator_turns_in_mid_call_is_replayed_at_its_time(tmp_path: Path) -> None:
    """A gate that waits for nothing but the provider's word from then on."""
    async with (
        embedded() as provider,
        running({"first": provider}, all_of(tmp_path)) as (service, _),
        Telephone.calling(service.address, echo_loss_db=16.0) as phone,
    ):
        await until(lambda: len(phone.sounds()) > 20)
        config = service.engine.config
        turned = replace(config, barge_in=BargeInConfig(turn_end_ms=400, confirm_timeout_ms=400))
        await service.engine.reconfigure(turned)
        await talk(phone)
        await service.ended_after_hangup(phone)
    call = the_call(tmp_path)
    told = [each.given for each in call.inputs() if isinstance(each.given, GateReconfigured)]
    assert [given.config.barge_in.turn_end_ms for given in told] == [400]
    assert decisions_again(call) == recorded_decisions(call)


@in_socket_time
async def test_both_sides_are_recorded_as_they_were(tmp_path: Path) -> None:
    """What the telephone heard and what it delivered, in one file, on one time axis."""
    async with (
        embedded() as provider,
        running({"first": provider}, all_of(tmp_path)) as (service, _),
        Telephone.calling(service.address) as phone,
    ):
        await talk(phone)
        await service.ended_after_hangup(phone)
    tracks = the_call(tmp_path).audio()
    assert tracks is not None
    assert tracks.rate_hz == 8000
    delivered = np.frombuffer(b"".join(phone.delivered), "<i2")
    n_both = min(len(tracks.capture), len(delivered))
    assert n_both > 8000
    assert np.array_equal(tracks.capture[:n_both], delivered[:n_both])
    heard = np.trim_zeros(np.frombuffer(b"".join(phone.heard), "<i2"))
    played = np.trim_zeros(tracks.far_end)
    n_heard = min(len(played), len(heard))
    assert n_heard > 8000
    assert np.array_equal(played[:n_heard], heard[:n_heard])


def echo_delays_ms(call: RecordedCall) -> list[float]:
    """Return how much later than the far end the capture has it, for seconds of sound."""
    tracks = call.audio()
    assert tracks is not None
    delays = []
    for at in range(0, len(tracks.far_end) - 12_000, 4000):
        played = tracks.far_end[at : at + 8000].astype(float)
        heard = tracks.capture[at : at + 12_000].astype(float)
        if np.abs(played).mean() > 100 and np.abs(heard).max() > 0:
            delays.append(float(np.correlate(heard, played, "valid").argmax()) / 8)
    return delays


@in_socket_time
async def test_an_echo_lies_where_it_was_behind_its_cause(tmp_path: Path) -> None:
    """On both sides of a stall of the line, in which 600 ms came at once."""
    async with (
        embedded() as provider,
        running({"first": provider}, all_of(tmp_path)) as (service, _),
        Telephone.calling(service.address, echo_loss_db=12.0, echo_delay_ms=200.0) as phone,
    ):
        await until(lambda: len(phone.sounds()) > 70)
        phone.stall()
        await asyncio.sleep(0.6)
        await phone.catch_up()
        await asyncio.sleep(3)
        await service.ended_after_hangup(phone)
    delays = echo_delays_ms(the_call(tmp_path))
    assert len(delays) >= 4
    assert min(delays) >= 200.0  # and the slots in which it waits for the line to be read
    assert max(delays) <= 260.0
    assert max(delays) - min(delays) <= 1.0


@in_socket_time
async def test_a_fall_back_is_replayed_too(tmp_path: Path) -> None:
    """The second gate is shown the past once more, and none of its audio is recorded twice."""
    async with embedded() as second:
        providers = {"first": realtime_config("ws://127.0.0.1:9/v1/realtime"), "second": second}
        recording = all_of(tmp_path)
        async with (
            running(providers, recording, fall_back_provider="second") as (service, _),
            Telephone.calling(service.address, echo_loss_db=20.0) as phone,
        ):
            await phone.say_to_the_end(spoken("stop"))
            await until(lambda: phone.heard_of(mulaw_frames("hello")) > 40)
            await service.ended_after_hangup(phone)
    call = the_call(tmp_path)
    begun = [each.given for each in call.inputs() if isinstance(each.given, GateBegun)]
    assert [given.provider for given in begun] == ["first", "second"]
    assert decisions_again(call) == recorded_decisions(call)
    assert "call.provider_switched" in [event.name for event in call.events()]
    assert '"audio":' not in (call.folder / "trace.jsonl").read_text(encoding="ascii")


@in_socket_time
async def test_a_provider_lost_in_mid_call_is_replayed_too(tmp_path: Path) -> None:
    """In the middle of what it said."""
    async with RealtimePeer() as first, embedded() as second:
        providers = {"first": realtime_config(first.url, max_reconnects=0), "second": second}
        recording = all_of(tmp_path)
        async with (
            running(providers, recording, fall_back_provider="second") as (service, _),
            Telephone.calling(service.address, echo_loss_db=20.0) as phone,
        ):
            session = await first.accept_configured()
            await session.start_response("r1")
            voice = at_level(speech_like(4000, seed=1, rate_hz=24_000), -20.0)
            await session.send_voice("r1", "i1", voice.astype("<i2").tobytes())
            await until(lambda: len(phone.sounds()) > 50)
            session.abort()
            await until(lambda: phone.heard_of(mulaw_frames("hello")) > 40)
            await service.ended_after_hangup(phone)
    call = the_call(tmp_path)
    assert decisions_again(call) == recorded_decisions(call)


@in_socket_time
async def test_a_call_without_a_gate_has_audio_and_events(tmp_path: Path) -> None:
    """Deepgram's, which finds turns itself."""
    async with DeepgramPeer() as peer:
        provider = DeepgramConfig(url=peer.url, api_key_env=None, greeting=None)
        async with (
            running({"first": provider}, all_of(tmp_path)) as (service, _),
            Telephone.calling(service.address) as phone,
        ):
            session = await peer.accept_configured()
            await phone.say_to_the_end(spoken("stop"))
            await session.receive_audio(8000)
            await service.ended_after_hangup(phone)
    call = the_call(tmp_path)
    tracks = call.audio()
    assert tracks is not None
    said = spoken("stop")
    assert np.abs(tracks.capture).max() == np.abs(said).max()
    assert "provider.ready" in [event.name for event in call.events()]
    assert decisions_again(call) == recorded_decisions(call)


@in_socket_time
async def test_an_encrypted_recording_is_read_with_its_key_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing on the disk can be read without it; with it, all is as it would be."""
    owner, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    recording = all_of(tmp_path, encrypt_to=(str(owner.to_public()),))
    async with (
        embedded() as provider,
        running({"first": provider}, recording) as (service, _),
        Telephone.calling(service.address, echo_loss_db=16.0) as phone,
    ):
        await talk(phone)
        await service.ended_after_hangup(phone)
    (summary,) = list_calls(tmp_path)
    assert summary.is_encrypted
    assert {path.suffix for path in summary.folder.iterdir()} == {".age"}
    for path in summary.folder.iterdir():
        assert path.read_bytes().startswith(b"age-encryption.org/v1\n")
    monkeypatch.delenv("VOXGATE_RECORDING_IDENTITY", raising=False)
    with pytest.raises(RecordingError, match="VOXGATE_RECORDING_IDENTITY"):
        open_call(summary.folder)
    with pytest.raises(RecordingError, match="does not open it"):
        open_call(summary.folder, identity=str(other))
    call = the_call(tmp_path, identity=str(owner))
    assert call.is_complete
    assert decisions_again(call) == recorded_decisions(call)


@in_socket_time
async def test_no_word_and_no_number_is_in_a_trace(tmp_path: Path) -> None:
    """Not what was said, nor what was dialled, nor keys that were pressed."""
    async with (
        embedded() as provider,
        running({"first": provider}, all_of(tmp_path, audio=False)) as (service, _),
        Telephone.calling(service.address) as phone,
    ):
        await until(lambda: phone.heard_of(mulaw_frames("hello")) > 20)
        await phone.peer.send(0x03, b"7")
        await talk(phone)
        await service.ended_after_hangup(phone)
    call = the_call(tmp_path)
    names = [event.name for event in call.events()]
    assert {"provider.transcribed", "line.key_pressed"} <= set(names)
    (path,) = call.folder.iterdir()
    text = path.read_text(encoding="ascii").lower()
    words = [word for word in agent_voices()["hello"].text.lower().split() if len(word) > 4]
    assert words
    assert [word for word in words if word in text] == []
    assert '"digit"' not in text
    with pytest.raises(RecordingError, match="no audio was recorded"):
        call.inputs()
    assert any(step.decision is not None for step in call.steps())


@in_socket_time
async def test_a_folder_that_can_not_be_written_costs_the_call_nothing(tmp_path: Path) -> None:
    """One line in the log, and the call goes on to its end."""
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with capture_logs() as logged:
        async with (
            embedded() as provider,
            running({"first": provider}, all_of(tmp_path / "file" / "calls")) as running_now,
        ):
            service, recorder = running_now
            async with Telephone.calling(service.address) as phone:
                await talk(phone)
                ended = await service.ended_after_hangup(phone)
    assert ended.reason == "caller_hangup"
    assert recorder.failures == 1
    (failed,) = [entry for entry in logged if entry["event"].startswith("recording.")]
    assert (failed["event"], failed["reason"]) == ("recording.failed", "Not a directory")


_KILLED = """
import os, signal, sys
from pathlib import Path
from support.recorded_calls import header_of, simulate_call
from voxgate.core.taped_gating_manager import TapedGatingManager
from voxgate.observe.recording_thread import CallRecording, RecordingThread
from voxgate.recordings.call_writer import CallWriter
from voxgate.recordings.encryption import recipients

thread = RecordingThread(recipients(sys.argv[2:]))
recording = CallRecording(Path(sys.argv[1]), header_of())
entries = simulate_call(TapedGatingManager())
for at in range(0, len(entries), 50):
    thread.put(recording, [(CallWriter.receive_input, *each) for each in entries[at : at + 50]])
    thread.write_waiting()
print("written", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "encrypted"])
def test_a_killed_process_leaves_what_it_had_written(tmp_path: Path, is_encrypted: bool) -> None:
    """Readable, an exact beginning of the call, and known to be no more than that."""
    owner = pyrage.x25519.Identity.generate()
    keys = [str(owner.to_public())] if is_encrypted else []
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path), *keys],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    call = the_call(tmp_path, identity=str(owner))
    assert not call.is_complete
    assert call.end is None
    made = recorded_decisions(call)
    assert len(made) > 2000
    assert decisions_again(call) == made


def test_any_program_that_knows_age_reads_what_was_written(tmp_path: Path) -> None:
    """A whole file of its own, with nothing of ours around it."""
    owner = pyrage.x25519.Identity.generate()
    thread = RecordingThread(recipients([str(owner.to_public())]))
    recording = CallRecording(tmp_path, header_of())
    entries = simulate_call(TapedGatingManager())
    thread.put_last(recording, [(CallWriter.receive_input, *each) for each in entries])
    thread.write_waiting()
    folder = tmp_path / folder_name(recording.header.started_at, "call")
    sealed = (folder / "trace.jsonl.age").read_bytes()
    plain = pyrage.decrypt(sealed, [owner])
    assert plain == decrypted(sealed, str(owner))
    assert json.loads(plain.splitlines()[0])["type"] == "header"
    assert pyrage.decrypt((folder / "audio.wav.age").read_bytes(), [owner])[:4] == b"RIFF"
