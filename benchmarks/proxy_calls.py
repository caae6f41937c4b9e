"""The same scripted calls to a Realtime server, straight and through the proxy: who cuts whom off.

    python -m benchmarks.proxy_calls [--calls 40] [--corpus FOLDER] [--json FILE]

The client is one as Twilio's samples are: it sends what the line captures, plays what it gets at
1x, and when the server hears the caller it forgets what it has not played and truncates. Session,
proxy and server are those of the package, without their sockets, in stepped time: an hour of calls
takes minutes, and the same seed gives the same figures on every machine.
"""

from __future__ import annotations

__all__ = ["main"]

import argparse
import json
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxgate import AudioGatingManager
from voxgate.core.audio import FRAME_MS, AudioFormat, Encoding
from voxgate.core.g711 import decode, encode
from voxgate.integrations.realtime_proxy.gated_session import GatedRealtimeSession
from voxgate.lab.bench.sounds import gather_sounds
from voxgate.realtime_server import Speech
from voxgate.realtime_server.outbox import AskAnswer, SendEvent
from voxgate.realtime_server.session import RealtimeSession, SessionOptions
from voxgate.realtime_server.session_shell import event_text

from .telephone_calls import ERL_DB, ScriptedCall, TurnRecord, judge_turns

_MULAW = AudioFormat(Encoding.MULAW)
_SESSION = {
    "type": "realtime",
    "audio": {
        "input": {"format": {"type": "audio/pcmu"}, "turn_detection": {"type": "server_vad"}},
        "output": {"format": {"type": "audio/pcmu"}},
    },
}
_NETWORK_MS = 40.0
"""One way to the server, from wherever the client and the proxy are."""
_CHUNK_SLOTS = (1, 2, 5)
"""20 ms, as telephone lines send; 40 and 100, as others do."""
_LONGEST_S = 240
_STEP_MS = float(FRAME_MS)
_SETTINGS = ("without the proxy", "with it")

Samples = npt.NDArray[np.int16]


class _Server:
    """The embedded server's session, fed and drained at the times of the call."""

    def __init__(self, answers: Sequence[Samples]) -> None:
        self._answers = [encode(answer, _MULAW) for answer in answers]
        self._n_answers = 0
        self._session = RealtimeSession(
            session_id="s",
            model="gpt-realtime",
            expires_at_s=2_000_000_000,
            now_ms=0.0,
            options=SessionOptions(),
        )

    def step(self, messages: Iterable[bytes], now_ms: float) -> list[bytes]:
        """Give the session what has arrived; return what it sends."""
        sent: list[bytes] = []
        for message in messages:
            self._session.receive_message(message.decode(), now_ms)
            self._drain(sent, now_ms)
        self._session.handle_deadline(now_ms)
        self._drain(sent, now_ms)
        return sent

    def _drain(self, sent: list[bytes], now_ms: float) -> None:
        while (output := self._session.next_output()) is not None:
            if isinstance(output, SendEvent):
                sent.append(event_text(output.event).encode())
            elif isinstance(output, AskAnswer):
                audio = self._answers[self._n_answers % len(self._answers)]
                self._n_answers += 1
                speech = Speech(text="said", audio=audio, audio_format=_MULAW)
                self._session.receive_speech(output.response_id, speech, now_ms)
                self._session.receive_answer_end(output.response_id, now_ms)


class _Client:
    """One call's client."""

    def __init__(self, call: ScriptedCall, chunk_slots: int) -> None:
        self._call = call
        self._chunk_slots = chunk_slots
        self._queue: deque[tuple[str, bytes]] = deque()
        self._played_ms: dict[str, float] = {}
        self._captured = b""

    def receive(self, message: bytes) -> list[bytes]:
        """Take a message of the server; return what is answered."""
        event = json.loads(message)
        if event["type"] == "response.output_audio.delta":
            audio = b64decode(event["delta"])
            frames = [audio[at : at + 160] for at in range(0, len(audio), 160)]
            self._queue.extend((event["item_id"], frame) for frame in frames)
        elif event["type"] == "input_audio_buffer.speech_started" and self._queue:
            item_id = self._queue[0][0]
            self._queue.clear()
            self._call.cut_off()
            heard_ms = int(self._played_ms.get(item_id, 0.0))
            return [_event("conversation.item.truncate", item_id=item_id, audio_end_ms=heard_ms)]
        return []

    def step(self) -> list[bytes]:
        """Play 20 ms; return what is sent of what the line captured."""
        item_id, frame = self._queue.popleft() if self._queue else ("", b"\xff" * 160)
        self._played_ms[item_id] = self._played_ms.get(item_id, 0.0) + _STEP_MS
        agent = decode(frame.ljust(160, b"\xff"), _MULAW)
        self._captured += encode(self._call.step(agent), _MULAW)
        if len(self._captured) < self._chunk_slots * 160:
            return []
        captured, self._captured = self._captured, b""
        return [_event("input_audio_buffer.append", audio=b64encode(captured).decode())]


def _event(event_type: str, **fields: Any) -> bytes:
    return json.dumps({"type": event_type, **fields}).encode()


def run_call(call: ScriptedCall, chunk_slots: int, *, is_gated: bool) -> list[TurnRecord]:
    """Live through a call; return what became of the agent's turns."""
    client, server = _Client(call, chunk_slots), _Server(call.answers)
    proxy = GatedRealtimeSession(AudioGatingManager(), "s", now_ms=0.0) if is_gated else None
    to_server: deque[tuple[float, bytes]] = deque()
    to_client: deque[tuple[float, bytes]] = deque()

    def send(messages: Iterable[bytes], now_ms: float) -> None:
        for message in messages:
            passed = [message] if proxy is None else proxy.receive_client(message, now_ms)
            to_server.extend((now_ms + _NETWORK_MS, each) for each in passed if each is not None)

    send([_event("session.update", session=_SESSION)], 0.0)
    now_ms = 0.0
    while not call.is_over and now_ms < _LONGEST_S * 1000:
        now_ms += _STEP_MS
        sent = server.step(_arrived(to_server, now_ms), now_ms)
        to_client.extend((now_ms + _NETWORK_MS, each) for each in sent)
        for message in _arrived(to_client, now_ms):
            if proxy is not None:
                proxy.receive_server(message, now_ms)
            send(client.receive(message), now_ms)
        send(client.step(), now_ms)
    return call.turns


def _arrived(network: deque[tuple[float, bytes]], now_ms: float) -> Iterable[bytes]:
    while network and network[0][0] <= now_ms:
        yield network.popleft()[1]


def main() -> None:
    """Place the calls and print what came of them."""
    options = _options()
    sounds = gather_sounds(options.corpus, options.split)
    calls = [
        ScriptedCall(sounds.bank, sounds.split, options.seed * 1000 + n, options.turns)
        for n in range(options.calls)
    ]
    chunks = [_CHUNK_SLOTS[n % len(_CHUNK_SLOTS)] for n in range(options.calls)]
    figures = {}
    with ProcessPoolExecutor(options.jobs) as pool:
        for is_gated, name in enumerate(_SETTINGS):
            run = partial(run_call, is_gated=bool(is_gated))
            figures[name] = _figures(pool.map(run, deepcopy(calls), chunks))
    report = {"erl_db": ERL_DB, "calls": options.calls, "settings": figures}
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print("\n".join(_lines(figures)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="benchmarks.proxy_calls")
    parser.add_argument("--calls", type=int, default=40, help="calls of each setting")
    parser.add_argument("--turns", type=int, default=6, help="turns of the agent's in a call")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--split", default="all")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


def _figures(calls: Iterable[list[TurnRecord]]) -> dict[str, Any]:
    judged = judge_turns(turn for turns in calls for turn in turns)
    latencies = judged.latencies_ms or [0.0]
    return {
        "turns": judged.n_turns,
        "not_judged": judged.n_skipped,
        "false": judged.n_false,
        "false_pct": round(100 * judged.n_false / max(1, judged.n_turns), 1),
        "with_caller": judged.n_over,
        "right": judged.n_right,
        "right_pct": round(100 * judged.n_right / max(1, judged.n_over), 1),
        "latency_ms_p50": round(float(np.percentile(latencies, 50))),
        "latency_ms_p95": round(float(np.percentile(latencies, 95))),
    }


def _lines(figures: dict[str, dict[str, Any]]) -> Iterable[str]:
    yield f"{'':20}{'turns':>7}{'false':>14}{'with caller':>13}{'right':>15}{'p50':>9}{'p95':>9}"
    for name, each in figures.items():
        false = f"{each['false']} ({each['false_pct']} %)"
        right = f"{each['right']} ({each['right_pct']} %)"
        yield (
            f"{name:20}{each['turns']:>7}{false:>14}{each['with_caller']:>13}{right:>15}"
            f"{each['latency_ms_p50']:>6} ms{each['latency_ms_p95']:>6} ms"
        )


if __name__ == "__main__":
    main()
