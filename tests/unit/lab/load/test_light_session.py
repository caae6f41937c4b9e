"""The light session says what the protocol says, and finds turns by level."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.openai_events import validated
from support.openai_shapes import client_events
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import encode_mulaw
from voxgate.lab.load.frame_log import EventRow, FrameLog, frame_digest
from voxgate.lab.load.light_session import LightSession, SpokenAnswer
from voxgate.providers.openai_realtime.event_parser import parse_server_event
from voxgate.providers.openai_realtime.server_events import EventMalformed, EventUnknown
from voxgate.realtime_server import Pace

SILENCE = b"\xff" * 160
SPEECH = encode_mulaw((np.random.default_rng(1).standard_normal(160) * 3000).astype(np.int16))
HUM = encode_mulaw((np.random.default_rng(2).standard_normal(160) * 16).astype(np.int16))
PCMU = {
    "type": "realtime",
    "audio": {
        "input": {
            "format": {"type": "audio/pcmu"},
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
        },
        "output": {"format": {"type": "audio/pcmu"}},
    },
}


class Talk:
    """A client that talks to a session, and time that goes on with its audio."""

    def __init__(self) -> None:
        self.received, self.lengths = FrameLog(), FrameLog()
        self.noted: list[EventRow] = []
        self.now_ms = 0.0
        answer = SpokenAnswer("Yes, of course.", SPEECH * 100, 160)
        self.session = LightSession(
            1,
            [answer],
            pace=Pace(),
            received=self.received,
            lengths=self.lengths,
            events=self.noted,
        )

    def say(self, event_type: str, **fields: Any) -> list[dict[str, Any]]:
        """Send an event and return what came."""
        self.session.receive_message(json.dumps({"type": event_type, **fields}), self.now_ms)
        return self.hear()

    def speak(self, frame: bytes, n_frames: int) -> list[dict[str, Any]]:
        """Send frames, 20 ms apart."""
        heard = []
        for _ in range(n_frames):
            self.now_ms += 20
            audio = b64encode(frame).decode()
            heard += self.say("input_audio_buffer.append", audio=audio)
            self.session.handle_deadline(self.now_ms)
            heard += self.hear()
        return heard

    def hear(self) -> list[dict[str, Any]]:
        """Return what the session has to say."""
        heard = []
        while (text := self.session.next_output()) is not None:
            heard.append(json.loads(text))
        return heard

    def notes(self) -> list[str]:
        """Return the kinds of what was noted."""
        return [row.kind for row in self.noted]


@pytest.fixture
def talk() -> Talk:
    """Return a talk in mu-law."""
    talk = Talk()
    assert [event["type"] for event in talk.hear()] == ["session.created"]
    talk.say("session.update", session=PCMU)
    return talk


def test_a_turn_is_answered_in_the_order_of_the_protocol(talk: Talk) -> None:
    """Speech, silence, and a whole answer."""
    heard = talk.speak(SPEECH, 20) + talk.speak(SILENCE, 60)
    types = [event["type"] for event in heard]
    deltas = [event for event in heard if event["type"] == "response.output_audio.delta"]
    assert types[:6] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    assert types[-1] == "response.done"
    assert heard[-1]["response"]["status"] == "completed"
    assert b"".join(b64decode(delta["delta"]) for delta in deltas) == SPEECH * 100
    assert talk.notes() == ["speech_started", "speech_stopped", "answer"]


def test_every_event_is_one_of_the_protocol(talk: Talk) -> None:
    """By the models of the vendor's SDK, strictly; and the engine's parser knows them."""
    heard = talk.speak(SPEECH, 20) + talk.speak(SILENCE, 40) + talk.speak(SPEECH, 20)
    heard += talk.say("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=5)
    heard += talk.say("input_audio_buffer.clear") + talk.say("no.such.thing")
    assert len({event["type"] for event in heard}) >= 15
    for event in heard:
        parsed = parse_server_event(json.dumps(event))
        assert not isinstance(parsed, (EventMalformed, EventUnknown)), event["type"]
        if not event["type"].startswith("conversation.item."):  # these are cut short
            validated(event)


def test_the_caller_cuts_the_answer_off(talk: Talk) -> None:
    """As the API does it: the answer is cancelled, and the client truncates."""
    talk.speak(SPEECH, 20)
    talk.speak(SILENCE, 35)
    heard = talk.speak(SPEECH, 10)
    done = [event for event in heard if event["type"] == "response.done"]
    assert [event["response"]["status"] for event in done] == ["cancelled"]
    assert talk.notes()[-2:] == ["speech_started", "cancelled"]


def test_a_hum_and_a_click_are_no_speech(talk: Talk) -> None:
    """Neither a line's noise nor 40 ms of sound begin a turn."""
    heard = talk.speak(HUM, 100) + talk.speak(SPEECH, 2) + talk.speak(SILENCE, 20)
    assert heard == []


def test_every_frame_is_noted_by_its_digest(talk: Talk) -> None:
    """Also where several came in one message."""
    talk.speak(SPEECH + HUM, 1)
    talk.speak(SILENCE, 1)
    taken = talk.received.take()
    assert taken.mark.tolist() == [frame_digest(each) for each in (SPEECH, HUM, SILENCE)]
    assert taken.t_ms.tolist() == [20.0, 20.0, 40.0]
    assert talk.lengths.take().mark.tolist() == [320, 160]


@pytest.mark.parametrize(
    ("name", "audio_format"),
    [("audio/pcma", AudioFormat(Encoding.ALAW)), ("audio/pcm", AudioFormat(rate_hz=24_000))],
)
def test_other_formats_are_heard_and_spoken(name: str, audio_format: AudioFormat) -> None:
    """An engine that speaks no mu-law finds its turns, and is answered in its format."""
    talk = Talk()
    audio = {"input": {"format": {"type": name}}, "output": {"format": {"type": name}}}
    talk.say("session.update", session={"type": "realtime", "audio": audio})
    loud = bytes(np.random.default_rng(3).integers(0, 256, audio_format.frame_bytes, np.uint8))
    heard = talk.speak(loud, 20) + talk.speak(audio_format.silence(len(loud)), 60)
    deltas = [event for event in heard if event["type"] == "response.output_audio.delta"]
    assert len(deltas) == 13
    assert len(b64decode(deltas[0]["delta"])) == pytest.approx(8 * len(loud), rel=0.1)
    assert talk.lengths.take().mark.tolist() == [160] * 80


def test_a_buffer_that_is_cleared_is_noted(talk: Talk) -> None:
    """What comes next may have come before."""
    talk.say("input_audio_buffer.clear")
    assert talk.notes() == ["cleared"]


def test_one_answer_at_a_time(talk: Talk) -> None:
    """A second request is refused, a cancelled one ends."""
    assert talk.say("response.create")[0]["type"] == "response.created"
    assert talk.say("response.create")[0]["type"] == "error"
    assert talk.say("response.cancel")[-1]["response"]["status"] == "cancelled"
    assert talk.session.next_deadline_ms() is None


def test_without_turn_detection_the_client_says_when() -> None:
    """Speech alone is not answered."""
    talk = Talk()
    audio = {"input": {"format": {"type": "audio/pcmu"}, "turn_detection": None}}
    talk.say("session.update", session={"type": "realtime", "audio": audio})
    assert talk.speak(SPEECH, 20) + talk.speak(SILENCE, 40) == []


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60)))
def test_no_bytes_of_a_client_raise(message: str | bytes) -> None:
    """What is no event gets an error, or nothing."""
    talk = Talk()
    talk.hear()
    talk.session.receive_message(message, 0.0)
    assert {event["type"] for event in talk.hear()} <= {"error"}


@pytest.mark.parametrize("seed", range(20))
def test_no_event_of_a_client_raises(seed: int) -> None:
    """Whatever the vendor's SDK can say."""
    talk = Talk()
    for event in client_events(np.random.default_rng(seed)):
        talk.session.receive_message(json.dumps(event), 0.0)
    talk.session.handle_deadline(1e6)
    assert talk.hear()
