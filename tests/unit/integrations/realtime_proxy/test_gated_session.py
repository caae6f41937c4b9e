"""What goes on of each message, and what the gate learns from both sides."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest

from support.gate_calls import ScriptedNearEnd
from support.golden_call import AgentWrite, GoldenCall, golden_call
from support.golden_trace import event_differences, run_alone
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.config import GatingConfig, GatingMode, ProviderGatingPolicy
from voxgate.core.gate_transitions import GateState
from voxgate.core.gated_call import FailureMode
from voxgate.integrations.realtime_proxy.gated_session import GatedRealtimeSession
from voxgate.integrations.realtime_proxy.session_shape import SessionShape

MULAW = AudioFormat(Encoding.MULAW)
PCM = AudioFormat(Encoding.PCM16, 24_000)
ULAW_SESSION = {
    "type": "realtime",
    "audio": {
        "input": {"format": {"type": "audio/pcmu"}},
        "output": {"format": {"type": "audio/pcmu"}},
    },
}
SPEECH = bytes(range(1, 161))
"""20 ms of mu-law that is not silence."""
SILENCE = b"\xff" * 160


def _manager(mode: GatingMode = GatingMode.HALF_DUPLEX) -> AudioGatingManager:
    """Half duplex: while the agent is audible nothing passes, else everything does."""
    policy = ProviderGatingPolicy(gating_enabled=True, mode=mode, post_speech_grace_ms=40)
    config = GatingConfig(providers={"openai_realtime": policy})
    return AudioGatingManager(config=config, audio_guard_enabled=False)


class Talk:
    """A session whose time passes as the client sends."""

    def __init__(self, manager: AudioGatingManager | None = None, **options: Any) -> None:
        self.now_ms = 1000.0
        self.session = GatedRealtimeSession(
            _manager() if manager is None else manager, "s", now_ms=self.now_ms, **options
        )
        self.slices = 0

    def client(self, event: dict[str, Any] | bytes) -> list[bytes]:
        """Send an event; return what goes on."""
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        out = list(self.session.receive_client(data, self.now_ms))
        self.slices += out.count(None)
        return [each for each in out if each is not None]

    def server(self, event_type: str, **fields: Any) -> None:
        event = {"type": event_type, **fields}
        self.session.receive_server(json.dumps(event).encode(), self.now_ms)

    def append(self, audio: bytes, duration_ms: float | None = None) -> list[bytes]:
        """Let the audio's duration pass, and send it."""
        self.now_ms += MULAW.duration_ms(len(audio)) if duration_ms is None else duration_ms
        text = b64encode(audio).decode()
        return self.client({"type": "input_audio_buffer.append", "audio": text})

    def heard(self, audio: bytes, duration_ms: float | None = None) -> bytes:
        """Append; return the audio that goes on."""
        return b"".join(_audio(data) for data in self.append(audio, duration_ms))

    def say(self, duration_ms: int, item_id: str = "i", response_id: str = "r") -> None:
        """Let the agent's audio come, at once."""
        delta = b64encode(SPEECH * (duration_ms // 20)).decode()
        self.server(
            "response.output_audio.delta", item_id=item_id, response_id=response_id, delta=delta
        )


def _audio(data: bytes) -> bytes:
    event = json.loads(data)
    assert event["type"] == "input_audio_buffer.append"
    return b64decode(event["audio"])


@pytest.fixture
def talk() -> Talk:
    """A mu-law session that is set up."""
    talk = Talk()
    assert len(talk.client({"type": "session.update", "session": ULAW_SESSION})) == 1
    talk.server("session.updated", session=ULAW_SESSION)
    return talk


def test_what_concerns_nobody_passes_byte_for_byte(talk: Talk) -> None:
    """Unknown events, no events at all, and appends that the gate leaves alone."""
    messages = [
        b'{"type" : "future.event" }',
        b"no json",
        b"\xff\xfe",
        b'{"type":"input_audio_buffer.append","audio":5}',
        b'{"type":"input_audio_buffer.append","audio":"%"}',
        b'{ "type":"input_audio_buffer.append", "audio" : "%s" }' % b64encode(SPEECH),
    ]
    assert [talk.client(each) for each in messages] == [[each] for each in messages]
    counters = talk.session.running_counters
    assert (counters.appends_unread, counters.appends_passed) == (2, 1)
    assert counters.client_events == 7


def test_while_the_agent_plays_the_provider_gets_silence_one_for_one(talk: Talk) -> None:
    """400 ms that came at once play for 400 ms."""
    assert talk.heard(SPEECH) == SPEECH
    talk.say(400)
    heard = [talk.heard(SPEECH) for _ in range(40)]
    assert heard[3:18] == [SILENCE] * 15
    assert heard[-5:] == [SPEECH] * 5
    counters = talk.session.running_counters
    assert counters.appends_rewritten == heard.count(SILENCE)
    assert counters.silence_ms == 20 * heard.count(SILENCE)


def test_other_fields_of_a_rewritten_append_stay(talk: Talk) -> None:
    """Its event_id above all."""
    talk.say(1000)
    for _ in range(5):
        talk.heard(SPEECH)
    talk.now_ms += 20
    text = '{"event_id":"e 1","audio":"%s","type":"input_audio_buffer.append"}'
    (out,) = talk.client((text % b64encode(SPEECH).decode()).encode())
    assert out == (text % b64encode(SILENCE).decode()).encode()


@pytest.mark.parametrize("n_bytes", [40, 80, 160, 200, 1000, 1600, 16_000])
def test_chunks_of_any_size_lose_nothing(n_bytes: int) -> None:
    """Over time as much goes on as came; long ones let others have their turn."""
    talk = Talk(shape=SessionShape(input_format=MULAW, output_format=MULAW))
    audio = bytes(n % 251 for n in range(16_000))
    heard = b"".join(
        talk.heard(audio[start : start + n_bytes]) for start in range(0, 16_000, n_bytes)
    )
    heard += b"".join(map(_audio, talk.client({"type": "input_audio_buffer.commit"})[:-1]))
    assert heard[:16_000] == audio
    assert len(heard) - 16_000 < 160
    assert (talk.slices >= 20) == (n_bytes >= 1600)


def test_a_long_chunk_is_judged_as_its_parts_would_be() -> None:
    """The agent's second lies inside: what was captured then is silence, before and after not."""
    heard = {}
    for n_frames in (1, 5, 10, 100):
        talk = Talk(shape=SessionShape(input_format=MULAW, output_format=MULAW))
        talk.heard(SPEECH * n_frames)
        talk.say(600)
        heard[n_frames] = b"".join(talk.heard(SPEECH * n_frames) for _ in range(200 // n_frames))
    counts = {n: audio.count(SILENCE) for n, audio in heard.items()}
    assert len(set(map(len, heard.values()))) == 1
    assert counts[1] in range(28, 40)
    assert all(abs(count - counts[1]) <= 2 for n, count in counts.items() if n < 100), counts


def test_samples_may_be_cut_between_appends() -> None:
    """PCM in chunks of an odd number of bytes."""
    talk = Talk()
    audio = bytes(n % 251 for n in range(960 * 3))
    heard = b"".join(talk.heard(audio[n : n + 321], 6.7) for n in range(0, len(audio), 321))
    assert heard == audio


@pytest.mark.parametrize("event_type", ["input_audio_buffer.commit", "input_audio_buffer.clear"])
def test_what_waits_goes_before_the_end_of_the_buffer(talk: Talk, event_type: str) -> None:
    """Filled up to 20 ms, as an event of our own; nothing is added where nothing waits."""
    assert talk.append(SPEECH[:100]) == []
    event = json.dumps({"type": event_type}).encode()
    rest, end = talk.client(event)
    assert _audio(rest) == SPEECH[:100] + SILENCE[100:]
    assert end == event
    assert talk.client(event) == [event]
    counters = talk.session.running_counters
    assert (counters.appends_added, counters.appends_withheld) == (1, 1)
    assert talk.heard(SPEECH) == SPEECH


def test_a_client_that_pauses_is_not_filled_in_for(talk: Talk) -> None:
    """Push to talk: three seconds of nothing are nothing in the buffer."""
    assert talk.heard(SPEECH) == SPEECH
    for _ in range(6):
        talk.now_ms += 500
        list(talk.session.advance(talk.now_ms))
    assert talk.heard(SPEECH) == SPEECH
    talk.now_ms += 5000
    assert talk.heard(SPEECH) == SPEECH


def test_silence_that_is_not_sent_is_not_counted(talk: Talk) -> None:
    """The gate's own count of what it would fill in with is not the session's."""
    talk.heard(SPEECH)
    for _ in range(20):
        talk.now_ms += 500
        list(talk.session.advance(talk.now_ms))
    talk.heard(SPEECH)
    assert talk.session.running_counters.silence_ms == 0


@pytest.mark.parametrize("then", ["append", "pause and append", "pause and commit"])
def test_the_first_words_over_the_end_of_an_answer_are_not_lost(then: str) -> None:
    """The gate lets them out as the agent falls silent, be it while the client sends nothing."""
    detector = ScriptedNearEnd(logits=lambda number: 1.0 if number > 21 else -5.0)
    manager = AudioGatingManager(near_end_factory=lambda: detector)
    talk = Talk(manager, shape=SessionShape(input_format=MULAW, output_format=MULAW))
    caller = [bytes([n]) + SPEECH[1:] for n in range(1, 41)]
    talk.heard(caller[0])
    talk.say(200)
    heard = b"".join(talk.heard(frame) for frame in caller[1:24])
    assert talk.session.state is not GateState.OPEN
    if then != "append":
        talk.now_ms += 1000
        list(talk.session.advance(talk.now_ms))
    if then == "pause and commit":
        heard += b"".join(map(_audio, talk.client({"type": "input_audio_buffer.commit"})[:-1]))
    else:
        heard += b"".join(talk.heard(frame) for frame in caller[24:])
    assert b"".join(caller[20:24]) in heard
    assert talk.session.running_counters.onset_ms > 0


def test_a_gate_that_ends_amid_an_append_costs_nothing_of_it(talk: Talk) -> None:
    """While others have their turn the server may say that it takes another format."""
    text = b64encode(SPEECH * 12).decode()
    append = json.dumps({"type": "input_audio_buffer.append", "audio": text}).encode()
    going_on = talk.session.receive_client(append, talk.now_ms + 240)
    assert next(going_on) is None
    talk.server("session.updated", session={"audio": {"input": {"format": {"type": "audio/pcma"}}}})
    (sent,) = [data for data in going_on if data is not None]
    assert _audio(sent) == SPEECH * 12


def test_time_that_passed_is_made_good_in_slices(talk: Talk) -> None:
    """A second of it takes longer than others are to wait, be it at a tick or before an append."""
    talk.heard(SPEECH)
    assert list(talk.session.advance(talk.now_ms + 300)) == []
    talk.now_ms += 1000
    assert len(list(talk.session.advance(talk.now_ms))) == 12
    talk.now_ms += 1000
    before = talk.slices
    assert talk.heard(SPEECH) == SPEECH
    assert talk.slices - before == 13


def test_the_far_end_plays_on_while_the_client_sends_nothing(talk: Talk) -> None:
    """An agent that greets before the microphone is on has finished when it comes on."""
    talk.say(2000)
    for _ in range(5):
        talk.now_ms += 500
        list(talk.session.advance(talk.now_ms))
    assert talk.heard(SPEECH * 5)[-160:] == SPEECH


@pytest.mark.parametrize(
    "event",
    [
        {"type": "conversation.item.truncate", "item_id": "i", "audio_end_ms": 300},
        {"type": "response.cancel"},
        {"type": "response.cancel", "response_id": "r"},
        {"type": "output_audio_buffer.clear"},
    ],
)
def test_a_client_that_stops_playing_opens_the_gate(talk: Talk, event: dict[str, Any]) -> None:
    """It says so in one of several ways, which pass as they come."""
    talk.say(60_000)
    assert [talk.heard(SPEECH) for _ in range(20)][-5:] == [SILENCE] * 5
    assert talk.client(event) == [json.dumps(event).encode()]
    assert [talk.heard(SPEECH) for _ in range(30)][-5:] == [SPEECH] * 5
    assert talk.session.running_counters.playback_flushes == 1


@pytest.mark.parametrize("interrupts", [True, False])
def test_speech_started_stops_the_agent_where_it_interrupts(talk: Talk, interrupts: bool) -> None:
    """Without interrupt_response the client decides, and plays on until it says otherwise."""
    turns = {"type": "server_vad", "interrupt_response": interrupts}
    session = {"type": "realtime", "audio": {"input": {"turn_detection": turns}}}
    talk.client({"type": "session.update", "session": session})
    talk.say(60_000)
    for _ in range(20):
        talk.heard(SPEECH)
    talk.server("input_audio_buffer.speech_started", audio_start_ms=100, item_id="x")
    talk.server("input_audio_buffer.speech_stopped", audio_end_ms=200, item_id="x")
    heard = [talk.heard(SPEECH) for _ in range(30)][-5:]
    assert heard == [SPEECH if interrupts else SILENCE] * 5


@pytest.mark.parametrize(
    ("audio_start_ms", "is_open"), [(0, True), (650, False), ("0", False), (None, False)]
)
def test_what_the_provider_heard_before_the_agent_began_opens_the_gate(
    talk: Talk, audio_start_ms: object, is_open: bool
) -> None:
    """It counts what it was sent, which is mapped to when that was captured."""
    turns = {"type": "server_vad", "interrupt_response": False}
    session = {"type": "realtime", "audio": {"input": {"turn_detection": turns}}}
    talk.client({"type": "session.update", "session": session})
    talk.now_ms += 5000  # the client begins to send later: the provider counts from there
    for _ in range(30):
        talk.heard(SPEECH)
    talk.say(2000)
    for _ in range(5):
        talk.heard(SPEECH)
    assert talk.session.state is GateState.CLOSED
    talk.server("input_audio_buffer.speech_started", audio_start_ms=audio_start_ms)
    assert (talk.session.state is GateState.OPEN) is is_open


def test_after_audio_that_can_t_be_counted_the_provider_s_times_are_not_used(talk: Talk) -> None:
    """What nobody here can read may be any length."""
    turns = {"type": "server_vad", "interrupt_response": False}
    session = {"type": "realtime", "audio": {"input": {"turn_detection": turns}}}
    talk.client({"type": "session.update", "session": session})
    talk.client({"type": "input_audio_buffer.append", "audio": "%"})
    for _ in range(30):
        talk.heard(SPEECH)
    talk.say(2000)
    for _ in range(5):
        talk.heard(SPEECH)
    talk.server("input_audio_buffer.speech_started", audio_start_ms=0)
    assert talk.session.state is GateState.CLOSED


def test_the_older_names_are_known() -> None:
    """Compatible servers still use them."""
    talk = Talk()
    session = {"input_audio_format": "g711_ulaw", "output_audio_format": "g711_ulaw"}
    talk.server("session.created", session=session)
    talk.server("response.audio.delta", item_id="i", delta=b64encode(SPEECH * 50).decode())
    assert [talk.heard(SPEECH) for _ in range(10)][-3:] == [SILENCE] * 3


def test_an_update_holds_for_the_appends_behind_it(talk: Talk) -> None:
    """The server handles them in order; its answer comes later."""
    pcm = {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}}}}
    talk.client({"type": "session.update", "session": pcm, "event_id": "e"})
    audio = b"\x01\x02" * 480
    assert talk.heard(audio, 20) == audio
    assert talk.session.shape.input_format == PCM
    assert talk.session.shape.output_format == MULAW


@pytest.mark.parametrize(
    "error", [{"event_id": "e"}, {"param": "session.audio.input.format", "event_id": None}]
)
def test_a_refused_update_is_taken_back(talk: Talk, error: dict[str, Any]) -> None:
    """What the server told last holds; other errors change nothing."""
    pcm = {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm"}}}}
    talk.client({"type": "session.update", "session": pcm, "event_id": "e"})
    talk.server("error", error={"event_id": "other", "param": "x"})
    assert talk.session.shape.input_format == PCM
    talk.server("error", error=error)
    assert talk.session.shape.input_format == MULAW


@pytest.mark.parametrize(
    "session", [{"type": "transcription"}, {"type": "realtime", "output_modalities": ["text"]}]
)
def test_sessions_without_an_agents_voice_pass_untouched(
    talk: Talk, session: dict[str, Any]
) -> None:
    """Whatever is in the audio, the message goes on as it is; no gate is kept."""
    talk.client({"type": "session.update", "session": session})
    talk.say(1000)
    assert [talk.heard(SPEECH[:7]) for _ in range(20)] == [SPEECH[:7]] * 20
    assert talk.session.state is None


def test_a_change_of_format_takes_a_new_gate_and_keeps_the_counts(talk: Talk) -> None:
    """Sessions set up late begin in the API's default."""
    talk.say(1000)
    for _ in range(10):
        talk.heard(SPEECH)
    before = talk.session.running_counters.silence_ms
    assert before > 0
    talk.server("session.updated", session={"audio": {"input": {"format": {"type": "audio/pcma"}}}})
    talk.heard(SPEECH)
    counters = talk.session.running_counters
    assert (counters.gates, counters.silence_ms) == (2, before)


def test_other_sessions_of_the_manager_are_not_touched() -> None:
    """A session that is closed leaves nothing behind, and a late message brings nothing back."""
    manager = _manager()
    talk = Talk(manager)
    talk.heard(SPEECH)
    assert len(manager) == 1
    talk.session.close()
    talk.session.close()
    assert len(manager) == 0
    talk.say(100)
    assert talk.heard(SPEECH) == SPEECH
    assert len(manager) == 0


class _Broken(AudioGatingManager):
    """Raises where it is told to."""

    def __init__(self, *where: str) -> None:
        super().__init__()
        for name in where:
            setattr(self, name, self._raise)

    def _raise(self, *_args: Any, **_named: Any) -> Any:
        raise RuntimeError


@pytest.mark.parametrize("where", ["start_call", "process", "advance", "receive_far_end"])
@pytest.mark.parametrize(
    ("mode", "expected"), [(FailureMode.OPEN, SPEECH), (FailureMode.CLOSED, SILENCE)]
)
def test_a_gate_that_raises_ends_nothing(where: str, mode: FailureMode, expected: bytes) -> None:
    """The audio goes on as it came or as silence, as configured, and it is counted."""
    shape = SessionShape(input_format=MULAW, output_format=MULAW)
    talk = Talk(_Broken(where), shape=shape, on_failure=mode)
    talk.say(100)
    heard = [talk.heard(SPEECH) for _ in range(5)]
    if where in ("start_call", "process"):
        assert heard == [expected] * 5
    assert len(heard[-1]) == 160
    talk.server("input_audio_buffer.speech_started")
    talk.client({"type": "input_audio_buffer.commit"})
    talk.session.close()
    assert talk.session.counters.gate_failures > 0
    assert talk.session.last_failure == "RuntimeError"


def test_the_state_is_that_of_the_gate(talk: Talk) -> None:
    """For who watches a session."""
    assert talk.session.state is None
    talk.heard(SPEECH)
    assert talk.session.state is GateState.OPEN


def test_binary_messages_are_counted(talk: Talk) -> None:
    """They pass as they are."""
    talk.session.pass_binary(from_client=True)
    talk.session.pass_binary(from_client=False)
    assert talk.session.counters.server_events == 2
    assert talk.session.counters.client_events == 2


PCM_8K = {
    "type": "realtime",
    "audio": {
        "input": {"format": {"type": "audio/pcm", "rate": 8000}},
        "output": {"format": {"type": "audio/pcm", "rate": 8000}},
    },
}


@pytest.mark.parametrize(
    "writes", [GoldenCall.paced_writes, GoldenCall.burst_writes], ids=["paced", "burst"]
)
def test_the_golden_call_is_decided_as_stored(writes: Any) -> None:
    """Heard through the proxy the gate does as by itself: the same events, the same bytes."""
    call = golden_call()
    talk = Talk(AudioGatingManager())
    talk.client({"type": "session.update", "session": PCM_8K})
    waiting = list(reversed(writes(call)))
    sent = b""
    events = []
    for at_ms, frame in call.arrivals():
        while waiting and waiting[-1].now_ms <= at_ms:
            each = waiting.pop()
            talk.now_ms = 1000.0 + each.now_ms
            if isinstance(each, AgentWrite):
                delta = b64encode(each.audio).decode()
                talk.server("response.output_audio.delta", item_id="i", delta=delta)
            else:
                talk.client({"type": "output_audio_buffer.clear"})
        talk.now_ms = 980.0 + at_ms
        sent += talk.heard(frame, 20.0)
        events += talk.session.take_events()
    assert event_differences(events, start_ms=1000.0) == []
    assert sent == run_alone().sent
    assert talk.session.running_counters.gate_failures == 0
