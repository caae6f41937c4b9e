"""Every parser of what others send or write, and how it is fed with something wrong.

Each target is made of a generator of random numbers and takes one input a step: so a seed gives the
same inputs again. Invariant: a step returns the name of what came of its input, one of a few; all
that a parser may not raise goes through, and is a finding.
"""

from __future__ import annotations

__all__ = ["TARGETS", "Step"]

import atexit
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

import numpy as np
from wyoming.event import Event

from support import browser_messages, twilio_messages
from support.asterisk_websocket_messages import control, media_start, plain_start
from support.config_fuzz import ConfigFuzz
from support.message_fuzz import mutated, swapped
from support.openai_shapes import client_events, server_events
from support.recorded_calls import header_of, taped_call, write_call
from support.recordings import manifest_line
from voxgate.config.edited_document import edited_text
from voxgate.config.load import parse_config
from voxgate.config.peer_networks import parse_network
from voxgate.core.audio import AudioFormat
from voxgate.core.wav import parse_wav
from voxgate.errors import (
    ConfigError,
    ProviderError,
    RemoteProtocolError,
)
from voxgate.lab.evaluate.manifest import parse_manifest
from voxgate.local_agent.worker_wire import (
    Message,
    MessageKind,
    MessageReader,
    serialize_message,
)
from voxgate.local_agent.wyoming_events import (
    parse_info,
    parse_speech_event,
    parse_text_event,
    raise_error_event,
)
from voxgate.local_agent.wyoming_stream import EventReader, serialize_event
from voxgate.observe.desk.config_api import changes_of
from voxgate.observe.desk.origins import is_known_host, is_own_page
from voxgate.observe.desk.peer import peer_name
from voxgate.observe.desk.refusal import Refusal
from voxgate.observe.desk.request_body import parse_object
from voxgate.providers.deepgram.server_messages import parse_server_message
from voxgate.providers.openai_realtime.event_parser import parse_server_event
from voxgate.realtime_server.client_events import parse_client_event
from voxgate.realtime_server.request_error import RequestError
from voxgate.recordings import RecordingError, open_call
from voxgate.recordings.wav_head import parse_wav_tracks, wav_head
from voxgate.transports.asterisk_websocket.credentials import BasicCredentials
from voxgate.transports.asterisk_websocket.events import ProtocolViolated as ChannelViolated
from voxgate.transports.asterisk_websocket.protocol import ChannelParser
from voxgate.transports.audiosocket.protocol import (
    AudioSocketParser,
    PeerHungUp,
    ProtocolViolated,
    serialize_audio,
    serialize_call_id,
    serialize_dtmf,
)
from voxgate.transports.browser.origins import is_allowed_origin
from voxgate.transports.browser.protocol import BrowserParser
from voxgate.transports.call_metadata import parse_metadata
from voxgate.transports.peer_allow_list import PeerAllowList
from voxgate.transports.twilio.protocol import TwilioParser
from voxgate.transports.twilio.webhook import parse_call_fields, parse_form

Step = Callable[[], str]
"""Feeds one input; returns the name of what came of it."""

_REFUSED = "refused"
_TAKEN = "taken"


def _changed_bytes(originals: Sequence[bytes], rng: np.random.Generator) -> bytes:
    """Return one of the originals with bits flipped, numbers replaced, parts cut and doubled."""
    data = bytearray(originals[rng.integers(len(originals))])
    for _ in range(rng.integers(0, 5)):
        at, end = sorted(int(place) for place in rng.integers(0, len(data) + 1, 2))
        match rng.integers(6):
            case 0 if data:
                data[min(at, len(data) - 1)] ^= 1 << int(rng.integers(8))
            case 1:
                size = int(rng.choice((1, 2, 4)))
                value = int(rng.choice((0, 1, 2, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)))
                data[at : at + size] = (value % 256**size).to_bytes(size, "little")
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end]
            case 4:
                data[at:at] = rng.bytes(int(rng.integers(1, 40)))
            case _:
                data = data[:end]
    return bytes(data)


def _broken(originals: Sequence[str], rng: np.random.Generator) -> str | bytes:
    """Return one of the originals with a value exchanged, or with more wrong in it than that."""
    return swapped(originals, rng) if rng.random() < 0.5 else mutated(originals, rng)


def _as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def _text(message: str | bytes) -> str:
    return message if isinstance(message, str) else message.decode("latin-1")


def _pieces(data: bytes, rng: np.random.Generator) -> list[bytes]:
    """Return the data in pieces of any sizes."""
    cuts = sorted(int(at) for at in rng.integers(0, len(data) + 1, int(rng.integers(0, 6))))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


# -- lines -----------------------------------------------------------------------------------------


def _audiosocket(rng: np.random.Generator) -> Step:
    head = serialize_call_id(UUID(int=7))
    originals = (
        head + serialize_audio(b"\1\2" * 160) * 3 + serialize_dtmf("5") + b"\0\0\0",
        head + serialize_audio(b"\0\1" * 320, rate_hz=16_000) + b"\xff\0\1\4" + b"\x77\0\2ab",
        head,
    )

    def step() -> str:
        data = _changed_bytes(originals, rng)
        whole = AudioSocketParser()
        events = [*whole.receive_data(data), *whole.receive_eof()]
        cut, again = AudioSocketParser(), []
        for piece in _pieces(data, rng):
            again += cut.receive_data(piece, max_events=int(rng.integers(1, 4)))
            while cut.may_have_more:
                again += cut.receive_data(b"", max_events=2)
        again += cut.receive_eof()
        assert list(map(repr, again)) == list(map(repr, events)), "it depends on the cuts"
        ends = [isinstance(event, PeerHungUp | ProtocolViolated) for event in events]
        assert sum(ends) == 1
        assert ends[-1]
        return type(events[-1]).__name__

    return step


def _twilio(rng: np.random.Generator) -> Step:
    generator = random.Random(int(rng.integers(2**32)))  # noqa: S311 - of a test
    media = twilio_messages.media(b"\xff" * 160, timestamp_ms=20)
    begun = [json.dumps(make()) for make in (twilio_messages.connected, twilio_messages.start)]
    originals = [*begun, json.dumps(media), json.dumps(twilio_messages.stop())]
    parser = TwilioParser()

    def step() -> str:
        nonlocal parser
        is_simple = generator.random() < 0.5
        message = _text(_broken(originals, rng)) if is_simple else _twilio_message(generator)
        event = parser.receive_text(message)
        if event is None or type(event).__name__ in ("ProtocolViolated", "StreamStopped"):
            parser = TwilioParser()
            for text in begun[: int(rng.integers(3))]:
                parser.receive_text(text)
        return type(event).__name__

    return step


def _twilio_message(generator: random.Random) -> str:
    try:
        return twilio_messages.mutated(generator)
    except ValueError:  # it has put a message into itself
        return "{}"


def _asterisk_websocket(rng: np.random.Generator) -> Step:
    originals = [
        message
        for is_json in (False, True)
        for message in (
            media_start(is_json=is_json, variables={"a": "b"}),
            control("DTMF_END", is_json=is_json, digit="5", channel_id="1.2"),
            control("MEDIA_MARK_PROCESSED", is_json=is_json, correlation_id="17"),
            control("ERROR", is_json=is_json, channel_id="1.2", error_text="no such thing"),
            control("STATUS", is_json=is_json, queue_length=1, queue_full="true"),
        )
    ]
    parser = ChannelParser()

    def step() -> str:
        nonlocal parser
        message = _broken(originals, rng)
        is_text = isinstance(message, str)
        event = parser.receive_text(message) if is_text else parser.receive_binary(message)
        if event is None or isinstance(event, ChannelViolated):
            parser = ChannelParser()
            if rng.random() < 0.8:
                parser.receive_text(plain_start())
        return type(event).__name__

    return step


def _browser(rng: np.random.Generator) -> Step:
    parser = BrowserParser()

    def step() -> str:
        nonlocal parser
        message = browser_messages.mutated(rng)
        is_text = isinstance(message, str)
        event = parser.receive_text(message) if is_text else parser.receive_binary(message)
        if event is None or type(event).__name__ in ("ProtocolViolated", "CallerHungUp"):
            parser = BrowserParser()
            if rng.random() < 0.8:
                parser.receive_text(json.dumps(browser_messages.start()))
        return type(event).__name__

    return step


def _call_metadata(rng: np.random.Generator) -> Step:
    originals = ('{"customer": "1001", "plan": "gold", "number": 7, "vip": true}', "{}", "[]")

    def step() -> str:
        try:
            metadata = parse_metadata(_as_bytes(_broken(originals, rng)))
        except RemoteProtocolError:
            return _REFUSED
        assert all(isinstance(text, str) for pair in metadata.items() for text in pair)
        return _TAKEN

    return step


_FORM = "application/x-www-form-urlencoded"


def _twilio_form(rng: np.random.Generator) -> Step:
    originals = (b"CallSid=CA1&From=%2B49301&To=%2B49302&Caller=x%26y", b"a=1&a=2", b"")

    def step() -> str:
        kind = _FORM if rng.random() < 0.9 else "text/plain"
        try:
            fields = parse_call_fields(parse_form(kind, _changed_bytes(originals, rng)))
        except RemoteProtocolError:
            return _REFUSED
        assert all(text.isprintable() for text in fields.numbers.values())
        return _TAKEN

    return step


# -- who may ask -----------------------------------------------------------------------------------


def _headers(rng: np.random.Generator) -> Step:
    """What peers write into headers: hosts, origins, addresses, Basic credentials."""
    originals = (
        "127.0.0.1:8094", "[::1]:8094", "desk.example.com", "https://desk.example.com", "null",
        "http://[fe80::1%25eth0]:80", "192.0.2.7", "::ffff:192.0.2.7", "10.0.0.0/8", "fe80::1%eth0",
        "Basic dXNlcjpwYXNzd29yZA==", "Bearer x", "http://user@host/", "localhost.",
    )  # fmt: skip
    credentials = BasicCredentials("user", "password")
    peers = PeerAllowList(["192.0.2.0/24", "::1"])

    def step() -> str:
        first, second = (_text(_broken(originals, rng)) for _ in range(2))
        outcomes = (
            is_known_host(first, {"desk.example.com"}),
            is_own_page(first, second, first) and is_own_page(first, None, second),
            credentials.admit(first),
            is_allowed_origin(first, second, {"https://desk.example.com"}),
            peers.admits(first),
        )
        assert peer_name(first, second, has_proxy=bool(rng.integers(2))) is not None
        try:
            parse_network(first)
        except ValueError:
            return f"{_REFUSED} {any(outcomes)}"
        return f"{_TAKEN} {any(outcomes)}"

    return step


def _desk_bodies(rng: np.random.Generator) -> Step:
    originals = (
        json.dumps({"revision": "r", "changes": {"vad.aggressiveness": 2, "barge_in.min_ms": 9.5}}),
        json.dumps({"changes": {"gating.providers.openai_realtime.sensitivity": "high"}}),
        json.dumps({"id": "c1", "minutes": 10, "changes": {"barge_in.is_on": True}}),
        json.dumps({"token": "t"}),
    )
    document = "barge_in:\n  min_ms: 100  # why\nvad: {aggressiveness: 2}\n"

    def step() -> str:
        try:
            changes = changes_of(parse_object(_as_bytes(_broken(originals, rng))))
            text = edited_text(document, changes, "a.yaml")
            parse_config(text, "a.yaml", {})
        except (Refusal, ConfigError) as refusal:
            return type(refusal).__name__
        return _TAKEN

    return step


# -- providers -------------------------------------------------------------------------------------


def _openai_server_events(rng: np.random.Generator) -> Step:
    originals = [json.dumps(event) for _ in range(2) for event in server_events(rng)]

    def step() -> str:
        return type(parse_server_event(_broken(originals, rng))).__name__

    return step


_CALL = {"id": "c-1", "name": "weather", "arguments": '{"city":"Ulm"}', "client_side": True}
_DEEPGRAM: tuple[Mapping[str, Any], ...] = (
    {"type": "Welcome", "request_id": "r-1"},
    {"type": "SettingsApplied"},
    {"type": "ConversationText", "role": "user", "content": "Hi"},
    {"type": "AgentStartedSpeaking", "total_latency": 1.0, "tts_latency": 0.1},
    {"type": "FunctionCallRequest", "functions": [_CALL, {**_CALL, "id": "c-2"}]},
    {"type": "FunctionCallCancelled", "functions": [{"id": "c-1", "name": "weather"}]},
    {"type": "Error", "code": "C", "description": "d"},
    {"type": "Warning", "code": "W", "description": "d"},
)


def _deepgram_messages(rng: np.random.Generator) -> Step:
    originals = [json.dumps(message) for message in _DEEPGRAM]

    def step() -> str:
        return type(parse_server_message(_broken(originals, rng))).__name__

    return step


def _realtime_client_events(rng: np.random.Generator) -> Step:
    originals = [json.dumps(event) for _ in range(2) for event in client_events(rng)]

    def step() -> str:
        try:
            return type(parse_client_event(_broken(originals, rng))).__name__
        except RequestError:
            return _REFUSED

    return step


# -- the local agent -------------------------------------------------------------------------------

_SOUND = {"rate": 16_000, "width": 2, "channels": 1}
_INFO = {
    "asr": [{"name": "a", "attribution": {"name": "n", "url": "u"}, "installed": True,
             "models": [{"name": "m", "attribution": {"name": "n", "url": "u"},
                         "installed": True, "languages": ["en"]}]}],
    "tts": [{"name": "t", "attribution": {"name": "n", "url": "u"}, "installed": True,
             "voices": [{"name": "v", "attribution": {"name": "n", "url": "u"},
                         "installed": True, "languages": ["en"]}]}],
}  # fmt: skip
_WYOMING = (
    Event("transcript", {"text": "hello"}),
    Event("transcript-chunk", {"text": "he"}),
    Event("audio-start", _SOUND),
    Event("audio-chunk", _SOUND, b"abcdef"),
    Event("error", {"text": "no", "code": "c"}),
    Event("info", _INFO),
)


def _wyoming(rng: np.random.Generator) -> Step:
    texts = [serialize_event(event).decode() for event in _WYOMING]

    def step() -> str:
        is_stream_broken = rng.random() < 0.3
        stream = (
            _as_bytes(mutated(texts, rng)) + b"\n" if is_stream_broken else _wyoming_stream(rng)
        )
        try:
            events = _events_of(_pieces(stream, rng))
            for event in events:
                parse_text_event(event)
                parse_speech_event(event)
                parse_info(event)
                raise_error_event(event, "peer", tell_text=False)
        except (RemoteProtocolError, ProviderError) as error:
            return type(error).__name__
        return f"{min(len(events), 1)} events"

    return step


def _wyoming_stream(rng: np.random.Generator) -> bytes:
    """Return a whole event, with something wrong in what it holds."""
    event = _WYOMING[rng.integers(len(_WYOMING))]
    data = _broken((json.dumps(event.data),), rng)
    header = {"type": event.type, "data_length": len(_as_bytes(data))}
    payload = event.payload or b""
    header["payload_length"] = len(payload)
    return json.dumps(header).encode() + b"\n" + _as_bytes(data) + payload


def _events_of(pieces: Iterable[bytes]) -> list[Event]:
    reader = EventReader()
    return [event for piece in pieces for event in reader.receive(piece)]


def _worker_wire(rng: np.random.Generator) -> Step:
    originals = [
        b"".join(serialize_message(Message(kind, 3, b"payload")) for kind in MessageKind),
        serialize_message(Message(MessageKind.AUDIO, 1, bytes(300))),
    ]

    def step() -> str:
        reader = MessageReader()
        try:
            for piece in _pieces(_changed_bytes(originals, rng), rng):
                for message in reader.receive(piece):
                    assert isinstance(message.text, str)
        except RemoteProtocolError:
            return _REFUSED
        return _TAKEN

    return step


# -- files -----------------------------------------------------------------------------------------


def _wav(rng: np.random.Generator) -> Step:
    sound = bytes(range(256)) * 4
    heads = (
        wav_head(AudioFormat(rate_hz=rate_hz), n_channels=n_channels, n_bytes=len(sound))
        for rate_hz in (8000, 16_000, 22_050)
        for n_channels in (1, 2)
    )
    originals = [head + sound for head in heads]

    def step() -> str:
        data = _changed_bytes(originals, rng)
        outcomes = []
        for parse in (parse_wav, parse_wav_tracks):
            try:
                parse(data)
                outcomes.append(_TAKEN)
            except ValueError:
                outcomes.append(_REFUSED)
        return " ".join(outcomes)

    return step


def _manifest(rng: np.random.Generator) -> Step:
    originals = (
        manifest_line(),
        manifest_line(agent_speaking=[[0, 500], [900, 1200.5]], tags={"erl_db": 12}),
        f"{manifest_line(id='a')}\n\n{manifest_line(id='b')}",
    )

    def step() -> str:
        manifest = parse_manifest(_as_bytes(_broken(originals, rng)), Path("/nowhere"))
        assert all(map(str, (*manifest.problems, *manifest.notes)))
        return f"{bool(manifest.rows)} {bool(manifest.problems)}"

    return step


def _trace(rng: np.random.Generator) -> Step:
    """A recorded call, the trace of which somebody has changed."""
    folder = mkdtemp(prefix="voxgate-fuzz-")
    atexit.register(rmtree, folder, ignore_errors=True)
    entries = taped_call()
    few = [*entries[:6], *entries[-3:]]
    call = write_call(Path(folder), header_of(has_audio=True), few)
    path = call / "trace.jsonl"
    lines = path.read_text().splitlines(keepends=True)

    def step() -> str:
        at = int(rng.integers(len(lines)))
        changed = _text(mutated((lines[at].rstrip("\n"),), rng))
        text = [*lines[:at], changed.encode("utf-8", "replace").decode() + "\n", *lines[at + 1 :]]
        path.write_text("".join(text))
        try:
            recorded = open_call(call)
            n_steps = len(list(recorded.steps()))
            n_inputs = len(list(recorded.inputs()))
            list(recorded.events())
            recorded.audio()
        except RecordingError:
            return "RecordingError"
        is_whole = recorded.damage is None
        return f"whole {is_whole}" if n_steps >= n_inputs else "more inputs than steps"

    return step


def _config(rng: np.random.Generator) -> Step:
    fuzz = ConfigFuzz(int(rng.integers(2**32)))

    def step() -> str:
        text, environ = fuzz.next()
        try:
            parse_config(text, "a.yaml", environ)
        except ConfigError as error:
            return _REFUSED if _is_complete(error) else "refused without a reason"
        return _TAKEN

    return step


def _is_complete(error: ConfigError) -> bool:
    return bool(str(error)) and all(problem.key and problem.rule for problem in error.problems)


TARGETS: Mapping[str, Callable[[np.random.Generator], Step]] = {
    "audiosocket": _audiosocket,
    "twilio": _twilio,
    "twilio-form": _twilio_form,
    "asterisk-websocket": _asterisk_websocket,
    "browser": _browser,
    "call-metadata": _call_metadata,
    "headers": _headers,
    "desk-bodies": _desk_bodies,
    "openai-server-events": _openai_server_events,
    "deepgram-messages": _deepgram_messages,
    "realtime-client-events": _realtime_client_events,
    "wyoming": _wyoming,
    "worker-wire": _worker_wire,
    "wav": _wav,
    "manifest": _manifest,
    "trace": _trace,
    "config": _config,
}
"""By name."""
