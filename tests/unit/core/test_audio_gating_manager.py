"""The public face of the gate: many calls, policies by kind, and the older face."""

from __future__ import annotations

import ast
import gc
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from support.gate_calls import AdamantVad, GateCall, ScriptedNearEnd, agent_voice, plain_manager
from support.signals import frames_of, silence, speech_like, white_noise
from voxgate import AudioGatingManager, EnhancedVADManager
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.config import (
    AudioGuardConfig,
    GatingConfig,
    GatingMode,
    ProviderGatingPolicy,
    SpeechEvidenceKind,
)
from voxgate.core.gate_decision import (
    PASS_THROUGH,
    GateAction,
    GateDecision,
    GateEventType,
    GateReason,
    GateState,
)
from voxgate.core.guard.speech_evidence import evidence_in_force

E = GateEventType
GATED, PASSING = "openai_realtime", ("deepgram", "local", "local_only", "deepgram_2")


def caller(duration_ms: int, *, level_dbfs: float = -18.0, seed: int = 1) -> list[bytes]:
    return frames_of(speech_like(duration_ms, level_dbfs=level_dbfs, seed=seed))


def gated(call_id: str = "call", **options: object) -> AudioGatingManager:
    manager = plain_manager(**options)
    manager.start_call(call_id, provider=GATED, now_ms=0.0)
    return manager


# -- pass-through ----------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PASSING)
def test_a_passing_provider_gets_the_very_frame_and_one_shared_decision(provider) -> None:
    """For deepgram and local every frame is its own audio, and every decision the same object."""
    manager = plain_manager(AdamantVad())
    manager.start_call("call", provider=provider, now_ms=0.0)
    for now_ms, frame in enumerate([*caller(200), b"", b"\1", bytes(99_999)]):
        decision = manager.process("call", frame, float(now_ms))
        assert decision is PASS_THROUGH
        (sent,) = decision.audio_for(frame)
        assert sent is frame


def test_a_passing_call_makes_no_detector() -> None:
    """No voice detector, no near-end detector, no gate: nothing is held for it."""
    made: list[ScriptedNearEnd] = []

    def make() -> ScriptedNearEnd:
        made.append(ScriptedNearEnd())
        return made[-1]

    vad = EnhancedVADManager()
    manager = plain_manager(vad, near_end_factory=make)
    manager.start_call("call", provider="deepgram", now_ms=0.0)
    for frame in caller(400):
        manager.process("call", frame, 0.0)
        manager.receive_far_end("call", frame, 0.0, is_agent_audio=True)
    manager.set_agent_speaking("call", True, 0.0)
    assert manager.process("call", bytes(320), 0.0) is PASS_THROUGH
    assert (len(vad), made) == (0, [])
    assert manager.get_stats("call") is None
    assert manager.get_state("call") is None


def test_time_that_passes_on_a_passing_call_sends_nothing() -> None:
    """A decision without audio, the same every time."""
    manager = plain_manager()
    manager.start_call("call", provider="local", now_ms=0.0)
    decision = manager.advance("call", 5000.0)
    assert decision is manager.advance("call", 6000.0)
    assert (decision.audio_for(b""), decision.reason) == ((), GateReason.PASS_THROUGH)


def test_on_a_passing_call_the_providers_word_is_followed() -> None:
    """Whoever hears everything knows when the caller interrupts."""
    manager = plain_manager()
    manager.start_call("call", provider="deepgram", now_ms=0.0)
    decision = manager.receive_provider_speech_started("call", 70.0)
    assert [(e.type, e.t_ms) for e in decision.events] == [(E.INTERRUPTED, 70.0)]
    assert decision.audio == ()
    manager.receive_provider_speech_stopped("call", 900.0)
    assert manager.counters.unknown_call_inputs == 0


def test_an_unknown_kind_passes_through_and_is_counted() -> None:
    """At run time an unknown provider is no reason to lose a call."""
    manager = plain_manager(AdamantVad())
    manager.start_call("call", provider="somebody_else", now_ms=0.0)
    assert manager.process("call", bytes(320), 20.0) is PASS_THROUGH
    assert manager.counters.unknown_provider_calls == 1
    manager.start_call("other", provider="deepgram", now_ms=0.0)
    assert manager.counters.unknown_provider_calls == 1


# -- policies by kind ------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["openai_realtime", "openai_realtime_2", "reception"])
def test_every_instance_of_a_gated_kind_is_gated(provider) -> None:
    """By kind, as a numbered instance, or by the kind configured for its name."""
    config = GatingConfig(kinds={"reception": "openai_realtime"})
    call = GateCall(plain_manager(config=config), provider=provider)
    call.quiet(500, agent=True)
    assert call.state is GateState.CLOSED


def test_a_policy_can_gate_any_kind() -> None:
    """The gate knows kinds by their policies only."""
    config = GatingConfig(providers={"robot": ProviderGatingPolicy(gating_enabled=True)})
    manager = plain_manager(config=config)
    manager.start_call("call", provider="robot_7", now_ms=0.0)
    manager.start_call("other", provider="openai_realtime", now_ms=0.0)
    assert manager.get_state("call") is GateState.OPEN
    assert manager.get_state("other") is None


def test_the_near_end_detector_is_made_where_it_is_used() -> None:
    """One for each echo-aware call, none for a call in another mode."""
    made = []

    def make() -> ScriptedNearEnd:
        made.append(ScriptedNearEnd())
        return made[-1]

    policies = {
        mode.value: ProviderGatingPolicy(gating_enabled=True, mode=mode) for mode in GatingMode
    }
    manager = plain_manager(config=GatingConfig(providers=policies), near_end_factory=make)
    for mode in GatingMode:
        manager.start_call(mode.value, provider=mode.value, now_ms=0.0)
    assert len(made) == 1
    manager.start_call("second", provider="echo_aware", now_ms=0.0)
    assert len(made) == 2
    manager.process("second", bytes(320), 20.0)
    assert (len(made[0].captures), len(made[1].captures)) == (0, 1)


def test_the_voice_detector_given_is_the_one_used() -> None:
    """Also one that has no call yet."""
    vad = EnhancedVADManager(smoothing_frames=1)
    manager = gated(vad_manager=vad)
    manager.process("call", bytes(320), 20.0)
    assert len(vad) == 1


def test_the_configuration_makes_the_voice_detector() -> None:
    """Without one given, the thresholds of the configuration count."""
    call = GateCall(plain_manager(config=GatingConfig()))
    call.play(caller(60))
    assert call.decisions[0].measurements.vad_confidence == pytest.approx(0.2)


def test_a_manager_without_calls_is_not_false() -> None:
    """``manager or default`` must not replace an idle manager."""
    assert plain_manager()


# -- a call's life ---------------------------------------------------------------------------------


def test_a_call_can_not_be_started_twice() -> None:
    """A second start of a living call is an error that names it."""
    manager = gated()
    with pytest.raises(ValueError, match="call_id: 'call'"):
        manager.start_call("call", provider="deepgram", now_ms=1.0)
    manager.cleanup_call("call")
    manager.start_call("call", provider="deepgram", now_ms=1.0)


def test_late_events_after_cleanup_bring_nothing_back() -> None:
    """Every input of both faces about an ended call is counted and leaves no state."""
    vad = EnhancedVADManager()
    manager = gated(vad_manager=vad)
    manager.process("call", bytes(320), 20.0)
    manager.cleanup_call("call")
    assert manager.process("call", bytes(320), 40.0) is PASS_THROUGH
    manager.advance("call", 40.0)
    manager.receive_far_end("call", bytes(320), 40.0, is_agent_audio=True)
    manager.set_agent_speaking("call", True, 40.0)
    manager.set_agent_speaking("call", True)
    manager.receive_provider_speech_started("call", 40.0)
    manager.receive_provider_speech_stopped("call", 40.0)
    manager.cleanup_call("call")
    assert manager.counters.unknown_call_inputs == 7
    assert (len(manager), len(vad)) == (0, 0)
    assert manager.get_stats("call") is None


async def test_late_audio_of_the_older_face_brings_nothing_back() -> None:
    """Audio after the cleanup passes through; there is no call and no detector for it."""
    vad = EnhancedVADManager()
    manager = plain_manager(vad)
    await manager.should_forward_audio("call", GATED, bytes(320))
    manager.cleanup_call("call")
    assert await manager.should_forward_audio("call", GATED, bytes(320)) == (True, ())
    assert (len(manager), len(vad)) == (0, 0)
    assert manager.counters.unknown_call_inputs == 1


@pytest.mark.parametrize("name", ["process", "advance", "far_end", "started", "stopped", "agent"])
def test_inputs_about_calls_never_started_are_counted_no_ops(name) -> None:
    """From any of them comes no state and no error; audio passes through."""
    manager = plain_manager()
    inputs = {
        "process": lambda: manager.process("nobody", bytes(320), 20.0),
        "advance": lambda: manager.advance("nobody", 20.0),
        "far_end": lambda: manager.receive_far_end("nobody", b"", 20.0, is_agent_audio=True),
        "started": lambda: manager.receive_provider_speech_started("nobody", 20.0),
        "stopped": lambda: manager.receive_provider_speech_stopped("nobody", 20.0),
        "agent": lambda: manager.set_agent_speaking("nobody", True, 20.0),
    }
    result = inputs[name]()
    assert not isinstance(result, GateDecision) or result.events == ()
    assert manager.counters.unknown_call_inputs == 1
    assert len(manager) == 0


def test_stats_are_a_copy() -> None:
    """What is handed out does not change the call, nor with it."""
    manager = gated()
    stats = manager.get_stats("call")
    stats.captured_frames = 99
    assert manager.get_stats("call").captured_frames == 0
    manager.process("call", bytes(320), 20.0)
    assert stats.captured_frames == 99


def test_a_thousand_calls_leave_nothing() -> None:
    """Started, used in every state and ended, they leave no call, no detector and no memory."""
    vad = EnhancedVADManager()
    manager = plain_manager(vad)
    speech, voice = caller(400), agent_voice(400)

    def live(call_id: str) -> None:
        manager.start_call(call_id, provider=GATED, now_ms=0.0)
        for number in range(15):
            now_ms = 20.0 * (number + 1)
            manager.receive_far_end(call_id, voice[number], now_ms, is_agent_audio=number > 2)
            manager.process(call_id, speech[number], now_ms)
        manager.cleanup_call(call_id)

    for number in range(300):  # fills what is remembered of ended calls
        live(f"warm-{number:04}")
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(1000):
            live(f"call-{number:04}")
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(manager), len(vad)) == (0, 0)
    # 256 names of ended calls that were not traced before are now: 15 KB, and no more than that.
    assert after - before < 40_000


def test_the_state_of_a_call_is_small() -> None:
    """24 KB a call at 8 kHz, held frames included."""
    manager = plain_manager()
    noise = frames_of(white_noise(1000, level_dbfs=-40.0))
    manager.start_call("another", provider=GATED, now_ms=0.0)  # reads what all calls share
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(100):
            call_id = f"call-{number}"
            manager.start_call(call_id, provider=GATED, now_ms=0.0)
            for slot, frame in enumerate(noise, 1):
                manager.receive_far_end(call_id, frame, slot * 20.0, is_agent_audio=slot > 10)
                manager.process(call_id, bytes(bytearray(frame)), slot * 20.0)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / 100 <= 24 * 1024


# -- isolation -------------------------------------------------------------------------------------


def decisions_of(call: GateCall, other: GateCall | None) -> list[GateDecision]:
    captured = [
        *frames_of(white_noise(1500, level_dbfs=-60.0, seed=1)),
        *caller(1000, seed=2),
        *frames_of(silence(500)),
        *caller(1200, seed=3),
        *frames_of(silence(2000)),
    ]
    playing = [None] * 140 + list(agent_voice(3000))
    noise = frames_of(white_noise(20 * len(captured), level_dbfs=-14.0, seed=4))
    for number, frame in enumerate(captured):
        if other is not None:
            other.slot(
                noise[number], agent=agent_voice(8000)[number] if number % 100 < 50 else None
            )
        call.slot(frame, agent=playing[number] if number < len(playing) else None)
    return call.decisions


@pytest.mark.parametrize("guarded", [True, False])
def test_calls_do_not_influence_each_other(guarded) -> None:
    """The decisions on a call are equal whether or not a loud, noisy call runs beside it."""
    alone = decisions_of(GateCall(plain_manager(audio_guard_enabled=guarded)), None)
    manager = plain_manager(audio_guard_enabled=guarded)
    call, other = GateCall(manager, call_id="mine"), GateCall(manager, call_id="loud")
    assert decisions_of(call, other) == alone
    assert other.stats.captured_frames == call.stats.captured_frames


def test_the_end_of_one_call_is_not_the_end_of_another() -> None:
    """Cleaning up one call in the middle changes nothing for the other."""
    manager = plain_manager()
    call, other = GateCall(manager, call_id="a"), GateCall(manager, call_id="b")
    call.quiet(500, agent=True)
    other.quiet(500)
    manager.cleanup_call("b")
    assert call.state is GateState.CLOSED
    assert len(manager) == 1


# -- the older face --------------------------------------------------------------------------------


class OlderEngine:
    """A foreign engine: it asks, and sends the chunk or silence of equal length."""

    def __init__(
        self, manager: AudioGatingManager, provider: str = GATED, audio_format: str = "pcm16"
    ) -> None:
        self.manager = manager
        self.sent: list[bytes] = []
        self._provider = provider
        self._format = audio_format

    async def capture(self, *chunks: bytes) -> list[bool]:
        answers = []
        for chunk in chunks:
            forward, released = await self.manager.should_forward_audio(
                "call", self._provider, chunk, audio_format=self._format
            )
            self.sent += [*released, chunk if forward else bytes(len(chunk))]
            answers.append(forward)
        return answers

    @property
    def sound(self) -> bytes:
        """What was sent, without the silence before and after."""
        return b"".join(self.sent).strip(b"\0")


def test_the_older_face_needs_one_import() -> None:
    """In a new process, with nothing but the two names, a call works from the first chunk on."""
    script = (
        "import asyncio, sys\n"
        "from voxgate import AudioGatingManager, EnhancedVADManager\n"
        "async def call():\n"
        "    manager = AudioGatingManager(vad_manager=EnhancedVADManager())\n"
        "    manager.set_agent_speaking('c', True)\n"
        "    closed = await manager.should_forward_audio('c', 'openai_realtime', bytes(320))\n"
        "    other = await manager.should_forward_audio('d', 'deepgram', bytes(320))\n"
        "    manager.cleanup_call('c')\n"
        "    return closed, other\n"
        "assert asyncio.run(call()) == ((False, ()), (True, ()))\n"
        "assert not {'pydantic', 'websockets', 'yaml', 'structlog'} & set(sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


async def test_no_voice_is_turned_down_or_counted_over_the_older_face() -> None:
    """A voice 20 dB below the caller, which a started call turns down."""
    sound = [*caller(4000), *caller(20_000, level_dbfs=-38.0), *caller(1000)]
    started = gated()
    for number, frame in enumerate(sound):
        started.process("call", frame, 20.0 * (number + 1))
    stats = started.get_stats("call")
    assert stats is not None
    assert stats.quieter_frames > 0
    older = OlderEngine(plain_manager())
    await older.capture(*sound)
    stats = older.manager.get_stats("call")
    assert stats is not None
    assert stats.quieter_frames == 0
    assert set(older.sent) <= {*sound, bytes(320)}


def test_the_package_imports_the_core_only() -> None:
    """What the one import pulls in is the core and the errors."""
    import voxgate

    tree = ast.parse(Path(voxgate.__file__).read_text(encoding="utf-8"))
    modules = [node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.level]
    assert modules
    assert {name.split(".")[0] for name in modules} <= {"core", "errors"}


async def test_a_call_comes_into_being_on_first_use() -> None:
    """The first chunk begins a gated call, and its state can be asked for."""
    engine = OlderEngine(plain_manager())
    await engine.capture(*caller(1000))
    assert engine.sound == b"".join(caller(1000)).strip(b"\0")
    assert engine.manager.get_stats("call").captured_frames == 50
    assert engine.manager.get_state("call") is GateState.OPEN


async def test_a_passing_provider_is_asked_about_nothing() -> None:
    """No voice detector and no format: what the gate does not judge may be anything."""
    engine = OlderEngine(plain_manager(AdamantVad()), "deepgram", "opus")
    assert await engine.capture(b"\1" * 77, b"") == [True, True]
    assert engine.manager.get_stats("call") is None


async def test_a_word_on_the_agent_may_come_before_any_audio() -> None:
    """The greeting is generated before the first chunk arrives: the gate starts closed."""
    engine = OlderEngine(plain_manager())
    engine.manager.set_agent_speaking("call", True)
    assert len(engine.manager) == 1
    echo = caller(1000, level_dbfs=-32.0)
    assert not any(await engine.capture(*echo))
    engine.manager.set_agent_speaking("call", False)
    await engine.capture(*[bytes(320)] * 25)
    assert engine.manager.get_state("call") is GateState.OPEN
    assert engine.sound == b""


async def test_a_greeting_generated_before_any_audio_is_heard_for_as_long_as_it_lasts() -> None:
    """2 s of audio generated and done before the first chunk keep the gate closed for 2 s."""
    engine = OlderEngine(plain_manager())
    engine.manager.set_agent_speaking("call", True, audio_ms=1500)
    engine.manager.set_agent_speaking("call", True, audio_ms=500)
    engine.manager.set_agent_speaking("call", False)
    assert not any(await engine.capture(*caller(2200, level_dbfs=-32.0)))
    await engine.capture(*[bytes(320)] * 5)
    assert engine.manager.get_state("call") is GateState.OPEN


async def test_without_playout_the_end_of_speech_is_derived() -> None:
    """The stream is the clock: 3 s generated at once keep the gate closed for 3 s and the grace."""
    engine = OlderEngine(plain_manager())
    await engine.capture(*[bytes(320)] * 50)
    engine.manager.set_agent_speaking("call", True, audio_ms=3000)
    engine.manager.set_agent_speaking("call", False)
    states = []
    for _ in range(200):
        await engine.capture(bytes(320))
        states.append(engine.manager.get_state("call"))
    closed_ms = 20 * states.count(GateState.CLOSED)
    assert 3240 <= closed_ms <= 3260


async def test_a_clock_may_be_given() -> None:
    """With one, its time counts and not the amount of audio."""
    now = [1000.0]
    engine = OlderEngine(plain_manager(clock=lambda: now[0]))
    await engine.capture(bytes(320))
    engine.manager.set_agent_speaking("call", True, audio_ms=500)
    engine.manager.set_agent_speaking("call", False)
    await engine.capture(*[bytes(320)] * 100)
    assert engine.manager.get_state("call") is GateState.CLOSED
    now[0] += 751.0
    await engine.capture(bytes(320))
    assert engine.manager.get_state("call") is GateState.OPEN


async def interrupted_by(chunk_bytes: int) -> OlderEngine:
    """Play an older call with a barge-in, in chunks of a size, and say when the agent speaks."""
    engine = OlderEngine(plain_manager())
    data = b"".join([*[bytes(320)] * 60, *caller(1500, level_dbfs=-16.0), *[bytes(320)] * 100])
    for at in range(0, len(data), chunk_bytes):
        if at == 19_200 // chunk_bytes // 2 * chunk_bytes:
            engine.manager.set_agent_speaking("call", True)
        await engine.capture(data[at : at + chunk_bytes])
    return engine


async def test_a_caller_can_interrupt_over_the_older_face() -> None:
    """The onset comes with the answer that opens the gate; sent first, nothing is lost."""
    engine = await interrupted_by(320)
    assert engine.sound == b"".join(caller(1500, level_dbfs=-16.0)).strip(b"\0")
    assert engine.manager.get_stats("call").interruptions == 1


@pytest.mark.parametrize("chunk_bytes", [80, 160, 240, 480, 640, 1000, 1600, 3200])
async def test_chunks_of_any_size_are_sent_once_and_whole(chunk_bytes) -> None:
    """5 to 200 ms a chunk: the caller's words go out as they were said, each byte once."""
    engine = await interrupted_by(chunk_bytes)
    assert engine.sound == b"".join(caller(1500, level_dbfs=-16.0)).strip(b"\0")


@pytest.mark.parametrize(
    ("name", "rate_hz", "audio_format"),
    [
        ("ulaw", 8000, AudioFormat(Encoding.MULAW)),
        ("alaw", 8000, AudioFormat(Encoding.ALAW)),
        ("pcm16_24k", 24_000, AudioFormat(Encoding.PCM16, 24_000)),
    ],
)
async def test_formats_have_the_names_that_engines_use(name, rate_hz, audio_format) -> None:
    """A caller in each of them is heard over the agent."""
    from voxgate.core.g711 import encode

    engine = OlderEngine(plain_manager(), audio_format=name)
    engine.manager.set_agent_speaking("call", True)
    data = encode(speech_like(1000, level_dbfs=-16.0, rate_hz=rate_hz), audio_format)
    size = audio_format.frame_bytes
    await engine.capture(*[data[at : at + size] for at in range(0, len(data), size)])
    assert engine.manager.get_stats("call").barge_ins == 1


async def test_an_unknown_format_of_a_gated_call_is_refused() -> None:
    """Before anything is made of it; a known one then begins the call."""
    engine = OlderEngine(plain_manager(), audio_format="opus")
    with pytest.raises(ValueError, match="audio_format: 'opus'"):
        await engine.capture(bytes(320))
    assert len(engine.manager) == 0


async def test_malformed_audio_of_the_older_face_is_withheld_and_counted() -> None:
    """An odd or empty chunk is answered with False, not with an exception."""
    engine = OlderEngine(plain_manager())
    assert await engine.capture(bytes(320), b"\1", b"") == [False, False, False]
    assert engine.manager.get_stats("call").malformed_chunks == 2


async def test_the_calls_of_the_older_face_are_bounded() -> None:
    """Of 1,100 calls that are never cleaned up the 1,024 used last are kept, detectors included."""
    vad = EnhancedVADManager()
    manager = plain_manager(vad)
    for number in range(1100):
        await manager.should_forward_audio(str(number), GATED, bytes(320))
    assert len(manager) == len(vad) == 1024
    assert manager.get_stats("75") is None
    assert manager.get_stats("76") is not None


async def test_a_call_that_was_dropped_for_room_is_gated_when_it_comes_back() -> None:
    """It was not ended: its next chunk begins it anew."""
    manager = plain_manager()
    for number in range(1025):
        manager.set_agent_speaking(str(number), True)
    assert len(manager) == 1024
    await manager.should_forward_audio("0", GATED, bytes(320))
    assert manager.get_state("0") is GateState.OPEN


async def test_calls_that_were_started_are_never_dropped_for_room() -> None:
    """The bound is for calls that nobody promises to end."""
    manager = gated("kept")
    await manager.should_forward_audio("kept", GATED, bytes(320))
    for number in range(1030):
        manager.set_agent_speaking(str(number), True)
    assert manager.get_stats("kept").captured_frames == 1


async def test_both_faces_speak_of_one_call() -> None:
    """A word without a time on a started call counts at the time of its last audio."""
    manager = plain_manager()
    manager.set_agent_speaking("call", True)
    manager.start_call("call", provider=GATED, now_ms=50_000.0)
    manager.process("call", bytes(320), 50_020.0)
    manager.set_agent_speaking("call", True, audio_ms=1000)
    manager.set_agent_speaking("call", False)
    assert manager.process("call", bytes(320), 51_000.0).state is GateState.CLOSED
    assert manager.process("call", bytes(320), 51_300.0).state is GateState.OPEN
    forward, _ = await manager.should_forward_audio("call", GATED, bytes(320))
    assert isinstance(forward, bool)
    assert manager.get_stats("call").captured_frames == 4


def test_pass_through_is_an_action_that_forwards() -> None:
    """Whoever looks at the action alone does the right thing."""
    assert PASS_THROUGH.action is GateAction.FORWARD


def test_evidence_is_made_ready_before_the_first_call() -> None:
    """The manager says which is in force; none where nobody is gated, or the guard is off."""
    light = GatingConfig(audio_guard=AudioGuardConfig(speech_evidence=SpeechEvidenceKind.LIGHT))
    assert AudioGatingManager(config=light).speech_evidence is SpeechEvidenceKind.LIGHT
    assert AudioGatingManager().speech_evidence is SpeechEvidenceKind.LIGHT
    auto = GatingConfig(audio_guard=AudioGuardConfig(speech_evidence=SpeechEvidenceKind.AUTO))
    assert AudioGatingManager(config=auto).speech_evidence is evidence_in_force()
    assert AudioGatingManager(audio_guard_enabled=False).speech_evidence is None
    ungated = GatingConfig(providers={"local": ProviderGatingPolicy(gating_enabled=False)})
    assert AudioGatingManager(config=ungated).speech_evidence is None


def test_a_chunk_that_was_captured_over_the_agent_is_judged_as_of_then() -> None:
    """One frame that comes late tells nothing by itself; the line's own clock does."""
    reasons = []
    for is_placed in (False, True):
        gate = AudioGatingManager()
        gate.start_call("a", provider="openai_realtime", now_ms=0.0)
        for slot in range(50):
            gate.receive_far_end("a", bytes(320), 20.0 * slot, is_agent_audio=True)
            gate.advance("a", 20.0 * slot)
            gate.process("a", bytes(320), 20.0 * slot)
        gate.advance("a", 3000.0)
        if is_placed:
            gate.place_capture("a", 1000.0)
        reasons.append(gate.process("a", bytes(320), 3020.0).reason)
    assert reasons[0] is not GateReason.AGENT_AUDIBLE
    assert reasons[1] is GateReason.AGENT_AUDIBLE


def test_placing_audio_of_a_call_that_is_not_gated_changes_nothing() -> None:
    """Nor of one that is not there."""
    gate = AudioGatingManager()
    gate.start_call("a", provider="deepgram", now_ms=0.0)
    gate.place_capture("a", 5.0)
    gate.place_capture("nobody", 5.0)
    assert gate.process("a", bytes(320), 20.0) is PASS_THROUGH
