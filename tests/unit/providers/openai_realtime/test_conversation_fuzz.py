"""Whatever a server sends, in whatever order: a call goes on, or its session ends with a reason."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np

from support.message_fuzz import mutated
from support.openai_shapes import server_events
from support.realtime_peer import judge_client_event
from support.scripted_gate import ScriptedGate
from voxgate.config.provider_models import (
    OpenAIRealtimeConfig,
    TurnDetectionConfig,
    TurnDetectionType,
)
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.errors import ProviderError
from voxgate.providers.base import (
    AgentAudio,
    CallAudio,
    ProviderEvent,
    ResponseDone,
    ResponseStarted,
)
from voxgate.providers.openai_realtime.conversation import Conversation

FUZZ_MESSAGES = 3000
"""Of the seeded run; a million once: ``fuzzed(1_000_000, seed)``."""

_CALL_MESSAGES = 300
_LINES = (
    AudioFormat(Encoding.MULAW),
    AudioFormat(Encoding.ALAW),
    AudioFormat(),
    AudioFormat(Encoding.PCM16, 16_000),
    AudioFormat(Encoding.PCM16, 24_000),
)


class Caller:
    """One call, to which everything happens by chance."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.now_ms = 0.0
        self.line = _LINES[rng.integers(len(_LINES))]
        turns = TurnDetectionConfig(type=list(TurnDetectionType)[rng.integers(3)])
        self.conversation = Conversation(
            OpenAIRealtimeConfig(turn_detection=turns),
            call_id="call-1",
            call_audio=CallAudio(capture=self.line, playout=self.line),
            manager=ScriptedGate(),
            hold_ms=1000.0,
        )
        self.told: Counter[ProviderEvent] = Counter()
        self.kinds: Counter[str] = Counter()
        self.open_session()

    def open_session(self) -> None:
        """Begin a session, nearly always one that is configured."""
        self.told.clear()
        self.conversation.open_session()
        if self.rng.random() < 0.9:
            self.receive('{"type":"session.created"}')
            self.send()
            self.receive('{"type":"session.updated"}')

    def receive(self, message: str | bytes) -> None:
        """Let a message come; an error that ends the session is followed by another session."""
        self.now_ms += float(self.rng.integers(0, 60))
        try:
            events = self.conversation.receive_message(message, self.now_ms)
        except ProviderError as error:
            self.kinds[f"ended, retryable={error.retryable}"] += 1
            self.lose_session()
            return
        for event in events:
            self.take(event)

    def take(self, event: ProviderEvent) -> None:
        """Take an event as the engine does, and hold it to what it promises."""
        self.kinds[type(event).__name__] += 1
        is_delivered = self.conversation.deliver(event)
        if isinstance(event, ResponseStarted | ResponseDone):
            self.told[event] += 1
            assert self.told[event] == 1, f"told twice: {event}"
        if isinstance(event, AgentAudio) and is_delivered:
            assert event.audio

    def lose_session(self) -> None:
        for event in self.conversation.lose_session(self.now_ms):
            self.conversation.deliver(event)
        self.open_session()

    def live(self) -> None:
        """Let what may happen on our side happen, or not."""
        chance = self.rng.random()
        if chance < 0.3:
            self.conversation.process(self.line.silence(self.line.frame_bytes), self.now_ms)
        elif chance < 0.4:
            self.conversation.advance(self.now_ms)
        elif chance < 0.5:
            heard_ms = float(self.rng.integers(0, 3000))
            self.conversation.interrupt({"a": heard_ms, "b": 0.0}, self.now_ms)
        elif chance < 0.52:
            self.lose_session()
        elif chance < 0.7:
            while (request := self.conversation.next_function()) is not None:
                self.conversation.return_function(request, '{"sun":true}')
        self.send()

    def send(self) -> None:
        """Take all that is to be sent; the server would understand each."""
        while (message := self.conversation.next_message(self.now_ms)) is not None:
            judge_client_event(json.loads(message))
        while (event := self.conversation.next_event()) is not None:
            self.take(event)


def fuzzed(n_messages: int, seed: int) -> Counter[str]:
    """Hold calls with a server gone wild; return what the engine was told, by kind."""
    rng = np.random.default_rng(seed)
    kinds: Counter[str] = Counter()
    for _ in range(n_messages // _CALL_MESSAGES):
        originals = [json.dumps(event) for event in server_events(rng)]
        caller = Caller(rng)
        for _ in range(_CALL_MESSAGES):
            is_whole = rng.random() < 0.5
            caller.receive(
                originals[rng.integers(len(originals))] if is_whole else mutated(originals, rng)
            )
            caller.live()
        kinds += caller.kinds
    return kinds


def test_a_server_gone_wild_is_no_end_of_the_process() -> None:
    """Events of every type, whole and damaged, in any order, with interruptions, lost sessions and
    functions between: answers start and end once, and what we send stays in the protocol."""
    kinds = fuzzed(FUZZ_MESSAGES, seed=11)

    for kind in ("AgentAudio", "ResponseDone", "Transcript", "ProviderReady"):
        assert kinds[kind], f"no {kind} came, so that nothing was tried"
