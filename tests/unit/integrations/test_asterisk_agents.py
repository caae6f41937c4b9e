"""The older face for Asterisk voice agents: their calls, their answers, and what ours adds."""

from __future__ import annotations

import inspect
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from support.gate_calls import agent_voice
from support.golden_call import PROVIDER, GoldenCall, golden_call
from support.golden_trace import event_differences, golden_trace, run_alone
from support.signals import frames_of, speech_like
from voxgate import (
    AudioGatingManager,
    EnhancedVADManager,
    FailureMode,
    ForwardedAudio,
    GateEvent,
    GateEventType,
    GatingConfig,
    ProviderGatingPolicy,
)
from voxgate.integrations.asterisk_agents import AsteriskGatingManager, asterisk_agents_config

SILENT = bytes(320)
Result = TypeVar("Result")


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now_ms = 0.0

    def __call__(self) -> float:
        return self.now_ms


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that never waits: no event loop is needed for it."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("it waits")


def ask(
    gating: AsteriskGatingManager, chunk: bytes, **keys: Any
) -> tuple[bool, list[bytes] | None]:
    return run(gating.should_forward_audio("call", PROVIDER, chunk, "pcm16_8k", **keys))


def send(gating: AsteriskGatingManager, chunk: bytes) -> bytes:
    return run(gating.audio_to_send("call", PROVIDER, chunk, "pcm16_8k"))


def test_the_methods_are_those_of_the_older_face() -> None:
    """Names, order and defaults of what such an engine calls; more may follow by keyword."""
    expected = {
        "__init__": ["self", "vad_manager=None"],
        "should_forward_audio": [
            "self",
            "call_id",
            "provider_name",
            "audio_chunk",
            "audio_format='pcm16'",
        ],
        "set_agent_speaking": ["self", "call_id", "is_speaking", "provider_name='unknown'"],
        "get_stats": ["self", "call_id"],
        "cleanup_call": ["self", "call_id"],
    }
    for name, parameters in expected.items():
        signature = inspect.signature(getattr(AsteriskGatingManager, name))
        positional = [
            parameter.name
            if parameter.default is parameter.empty
            else f"{parameter.name}={parameter.default!r}"
            for parameter in signature.parameters.values()
            if parameter.kind is not parameter.KEYWORD_ONLY
        ]
        assert positional == parameters, name
    assert inspect.iscoroutinefunction(AsteriskGatingManager.cleanup_call)
    assert not inspect.iscoroutinefunction(AsteriskGatingManager.set_agent_speaking)


@pytest.mark.parametrize("vad_manager", [None, object(), EnhancedVADManager()])
def test_it_is_made_with_whatever_detector_the_engine_has(vad_manager: object) -> None:
    """And is there for ``if self._gating_manager``, without a call in it."""
    gating = AsteriskGatingManager(vad_manager=vad_manager)
    assert gating
    assert len(gating) == 0


@pytest.mark.parametrize(
    "provider",
    ["deepgram", "local", "local_only", "hybrid_support", "elevenlabs_agent", "google_live", "new"],
)
def test_providers_that_need_no_gate_get_the_chunk(provider: str) -> None:
    """The very object, agent or not, and nothing before it."""
    gating = AsteriskGatingManager(clock=Clock())
    gating.set_agent_speaking("call", True, provider)
    chunk = bytes(range(64)) * 5
    assert run(gating.should_forward_audio("call", provider, chunk)) == (True, None)
    assert run(gating.audio_to_send("other", provider, chunk)) is not None
    assert run(gating.audio_to_send("other", provider, chunk)) == chunk


@pytest.mark.parametrize("provider", ["openai_realtime", "azure_openai_realtime", "grok"])
def test_providers_of_openai_s_protocol_are_gated_at_their_rate(provider: str) -> None:
    """Their ``pcm16`` is at 24 kHz: 960 bytes are a frame."""
    clock = Clock()
    gating = AsteriskGatingManager(clock=clock)
    gating.set_agent_speaking("call", True, provider)
    answers = []
    for _ in range(10):
        clock.now_ms += 20.0
        answers.append(run(gating.should_forward_audio("call", provider, bytes(960))))
    assert answers[-1] == (False, None)
    assert gating.get_stats("call")["total_buffered"] == 10


def test_a_rate_may_be_told() -> None:
    """Of a provider whose engine converts to another."""
    clock = Clock()
    gating = AsteriskGatingManager(clock=clock, sample_rates_hz={PROVIDER: 16_000})
    for _ in range(5):
        clock.now_ms += 20.0
        assert len(run(gating.audio_to_send("call", PROVIDER, bytes(640)))) == 640
    assert gating.get_stats("call")["total_buffered"] == 5


def test_a_configuration_keeps_its_policies() -> None:
    """Only names that it does not know are added."""
    own = ProviderGatingPolicy(gating_enabled=True, aliases=("grok",))
    config = asterisk_agents_config(GatingConfig(providers={"google_live": own}))
    assert config.policy_for("google_live") is own
    assert config.policy_for("grok") is own
    assert config.policy_for("elevenlabs_agent") is not None


@pytest.mark.parametrize("writes", [GoldenCall.paced_writes, GoldenCall.burst_writes])
def test_the_golden_call_is_sent_as_by_the_gate_alone(writes: Any) -> None:
    """To the byte, told of what is written to the channel."""
    gating, clock = _golden_gating()
    call = golden_call()
    waiting, sent, events = list(writes(call))[::-1], b"", list[GateEvent]()
    for now_ms, frame in call.arrivals():
        while waiting and waiting[-1].now_ms <= now_ms:
            _write(gating, clock, waiting.pop())
        clock.now_ms = now_ms
        sent += send(gating, frame)
        events += gating.take_events("call")
    assert sent == run_alone().sent
    assert event_differences(events) == []
    assert gating.get_stats("call")["failures"] == 0


def test_the_golden_call_is_forwarded_as_the_gate_alone_decides() -> None:
    """Asked about each chunk, it says True where the gate forwards, with the onset before it."""
    gating, clock = _golden_gating()
    call = golden_call()
    waiting, answers = list(call.paced_writes())[::-1], []
    for now_ms, frame in call.arrivals():
        while waiting and waiting[-1].now_ms <= now_ms:
            _write(gating, clock, waiting.pop())
        clock.now_ms = now_ms
        answers.append(ask(gating, frame))
    stored = [run["action"] == "forward" for run in golden_trace().slots for _ in range(run["n"])]
    assert [is_forwarded for is_forwarded, _ in answers] == stored
    released = {slot: before for slot, (_, before) in enumerate(answers) if before}
    starts = [
        run["first"] for run in golden_trace().slots if run["sent"].count(",") and run["n"] == 1
    ]
    assert sorted(released) == starts
    assert all(
        before == list(call.capture[slot - len(before) : slot]) for slot, before in released.items()
    )


def test_without_the_far_end_the_agent_lasts_as_long_as_was_generated() -> None:
    """Words from before the first chunk count, too."""
    clock = Clock()
    gating = AsteriskGatingManager(clock=clock)
    gating.set_agent_speaking("call", True, PROVIDER, audio_ms=600.0)
    gating.set_agent_speaking("call", False, PROVIDER)
    states = []
    for _ in range(80):
        clock.now_ms += 20.0
        send(gating, SILENT)
        states.append(gating.manager.get_state("call"))
    assert states.count("closed") * 20 == pytest.approx(600 + 250, abs=40)


def test_what_was_written_before_the_first_chunk_is_played_by_then() -> None:
    """A greeting may begin before the caller is heard: its end is where the channel has it."""
    clock = Clock()
    gating = AsteriskGatingManager(clock=clock)
    gating.receive_agent_audio("call", b"".join(agent_voice(1000)))
    clock.now_ms = 800.0
    states = []
    for _ in range(40):
        clock.now_ms += 20.0
        send(gating, SILENT)
        states.append(gating.manager.get_state("call"))
    assert states[0] == "closed"
    assert states.count("closed") * 20 == pytest.approx(220 + 250, abs=60)


def test_an_interruption_is_confirmed_by_the_provider() -> None:
    """Its word is an event only while the caller is heard over the agent."""
    clock = Clock()
    gating = AsteriskGatingManager(clock=clock)
    gating.receive_agent_audio("call", b"".join(agent_voice(5000)))
    events = list[GateEvent]()
    caller = [SILENT] * 50 + frames_of(speech_like(1500, level_dbfs=-14.0, seed=3))
    for frame in caller:
        clock.now_ms += 20.0
        send(gating, frame)
        new = gating.take_events("call")
        if any(event.type is GateEventType.BARGE_IN_COMMITTED for event in new):
            gating.receive_speech_started("call")
            gating.flush_agent_audio("call")
        events += new
    kinds = [event.type for event in events]
    assert GateEventType.INTERRUPTED in kinds
    assert gating.get_stats("call")["interruptions"] == 1
    gating.receive_speech_stopped("call")


def test_after_the_end_nothing_brings_a_call_back() -> None:
    """Late events are counted; late chunks pass."""
    clock = Clock()
    gating = AsteriskGatingManager(clock=clock)
    send(gating, SILENT)
    run(gating.cleanup_call("call"))
    run(gating.cleanup_call("call"))
    gating.set_agent_speaking("call", True)
    gating.receive_agent_audio("call", SILENT)
    assert ask(gating, SILENT) == (True, None)
    assert send(gating, SILENT) == SILENT
    assert len(gating) == 0
    assert len(gating.manager) == len(gating.chunk_manager) == 0
    assert gating.late_inputs == 4
    assert gating.get_stats("call") == {
        "total_buffered": 0,
        "total_dropped": 0,
        "total_forwarded": 0,
    }


def test_calls_are_bounded() -> None:
    """The one unused for longest is forgotten, at the gate too; so are ended ones."""
    gating = AsteriskGatingManager(clock=Clock())
    for number in range(1030):
        run(gating.audio_to_send(f"call-{number}", "deepgram", SILENT))
    assert len(gating) == len(gating.manager) == 1024
    for number in range(400):
        run(gating.cleanup_call(f"gone-{number}"))
    run(gating.audio_to_send("gone-0", "deepgram", SILENT))
    assert gating.late_inputs == 0


@pytest.mark.parametrize(
    ("mode", "expected"), [(FailureMode.OPEN, True), (FailureMode.CLOSED, False)]
)
def test_a_gate_that_fails_never_ends_a_call(
    mode: FailureMode,
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The chunk goes out or not, as chosen, and each failure is counted."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(AudioGatingManager, "process", fail)
    gating = AsteriskGatingManager(clock=Clock(), on_failure=mode)
    chunk = b"\1\2" * 160
    assert ask(gating, chunk) == (expected, None)
    assert gating.get_stats("call")["failures"] == 1
    run(gating.cleanup_call("call"))
    assert gating.failures == 1


@pytest.mark.parametrize("mode", FailureMode)
def test_an_unknown_format_is_a_counted_failure(mode: FailureMode) -> None:
    """Of a chunk, and of what is written to the channel."""
    gating = AsteriskGatingManager(clock=Clock(), on_failure=mode)
    gating.receive_agent_audio("call", SILENT, "opus")
    answer = run(gating.should_forward_audio("call", PROVIDER, SILENT, "opus"))
    assert answer == (mode is FailureMode.OPEN, None)
    sent = run(gating.audio_to_send("call", PROVIDER, b"\1" * 320, "opus"))
    assert sent == (b"\1" * 320 if mode is FailureMode.OPEN else SILENT)
    run(gating.cleanup_call("call"))
    assert gating.failures == 3


def test_inputs_about_calls_that_never_were_change_nothing() -> None:
    """No call comes into being by a flush or a word on the caller."""
    gating = AsteriskGatingManager(clock=Clock())
    gating.flush_agent_audio("call")
    gating.receive_speech_started("call")
    gating.receive_speech_stopped("call")
    assert gating.take_events("call") == ()
    assert len(gating) == 0


def test_chunks_asked_about_are_never_changed() -> None:
    """So what is released before them is not, either: echo stays in both."""
    gating = AsteriskGatingManager()
    policy = gating.chunk_manager.config.policy_for(PROVIDER)
    assert policy is not None
    assert policy.forwarded_audio is ForwardedAudio.RAW


def _golden_gating() -> tuple[AsteriskGatingManager, Clock]:
    clock = Clock()
    return AsteriskGatingManager(clock=clock), clock


def _write(gating: AsteriskGatingManager, clock: Clock, each: Any) -> None:
    clock.now_ms = each.now_ms
    if hasattr(each, "audio"):
        gating.receive_agent_audio("call", each.audio)
    else:
        gating.flush_agent_audio("call")


@pytest.mark.parametrize("provider", ["openai_realtime_2", "house_model"])
def test_instances_and_aliases_have_the_rate_of_their_kind(provider: str) -> None:
    policy = ProviderGatingPolicy(gating_enabled=True, aliases=("house_model",))
    config = asterisk_agents_config(GatingConfig(providers={"openai_realtime": policy}))
    clock = Clock()
    gating = AsteriskGatingManager(config=config, clock=clock)
    for _ in range(5):
        clock.now_ms += 20.0
        run(gating.audio_to_send("call", provider, bytes(960)))
    assert gating.get_stats("call")["total_buffered"] == 5


def test_failures_of_calls_that_run_are_counted_as_well() -> None:
    gating = AsteriskGatingManager(clock=Clock())
    gating.receive_agent_audio("one", SILENT, "opus")
    gating.receive_agent_audio("two", SILENT, "opus")
    run(gating.cleanup_call("one"))
    assert gating.failures == 2


def test_chunks_that_are_malformed_are_counted() -> None:
    """They are no failure of the gate, and nothing of them goes out."""
    clock = Clock()
    gating = AsteriskGatingManager(clock=clock)
    for chunk in (bytes(960), bytes(961), bytes(48_002)):
        clock.now_ms += 20.0
        sent = run(gating.audio_to_send("call", PROVIDER, chunk))
        assert len(sent) == (960 if len(chunk) == 960 else 0)
    stats = gating.get_stats("call")
    assert (stats["malformed"], stats["failures"]) == (2, 0)


def test_a_failure_mode_that_there_is_none_of_is_an_error() -> None:
    with pytest.raises(ValueError, match="not one of open, closed"):
        AsteriskGatingManager(on_failure="opn")  # type: ignore[arg-type]
