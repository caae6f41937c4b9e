"""One session between a client and a Realtime provider, without sockets: what goes on of a message.

Everything passes as it came but ``input_audio_buffer.append``, whose audio goes through the gate.
The far end is learned from the server's audio and from what the client says of its playback.

Invariant: whatever raises in here, the message still goes on - an append as it came or as silence,
as configured - and is counted.
"""

from __future__ import annotations

__all__ = ["GatedRealtimeSession"]

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from ...core.audio import FRAME_MS, AudioFormat
from ...core.audio_gating_manager import AudioGatingManager
from ...core.gate_decision import GateEvent
from ...core.gate_transitions import GateState
from ...core.gated_call import FailureMode, GatedCall
from .client_playback import ClientPlayback
from .realtime_messages import (
    APPEND,
    AUDIO_DELTAS,
    ClientMessage,
    ServerMessage,
    audio_in,
    parse_client_message,
    parse_server_message,
    serialize_append,
    with_audio,
)
from .session_counters import SessionCounters
from .session_shape import SessionShape

_FRAMES_AT_ONCE = 4
"""Frames judged before other sessions get their turn: a frame takes 0.2 to 0.4 ms (measured)."""

_IDLE_MS = 400.0
"""Time without captured audio from which time passes at the gate by itself."""

_BUFFER_ENDS = frozenset({"input_audio_buffer.commit", "input_audio_buffer.clear"})
_UPDATES = frozenset({"session.update", "transcription_session.update"})
_TOLD = frozenset({"session.created", "session.updated"})

_T = TypeVar("_T")

_MAX_UPDATES = 32
"""Updates that wait for the server's word; one that never answers is not waited for longer."""


class _Gate:
    """The gate of a session in one pair of formats."""

    __slots__ = (
        "_has_begun",
        "call",
        "capture_format",
        "far_end_format",
        "fed_ms",
        "n_pending",
        "playback",
    )

    def __init__(self, call: GatedCall, shape: SessionShape, now_ms: float) -> None:
        assert shape.input_format is not None, "a gate is made where formats are known"  # noqa: S101
        assert shape.output_format is not None, "a gate is made where formats are known"  # noqa: S101
        self.call = call
        self.capture_format = shape.input_format
        self.far_end_format = shape.output_format
        self.playback = ClientPlayback(call.far_end)
        self.fed_ms = now_ms
        """Time up to which the gate was told what happened."""
        self.n_pending = 0
        """Bytes that wait for the rest of their 20 ms."""
        self._has_begun = False

    def judge(self, piece: bytes, end_ms: float) -> bytes:
        """Return what the provider is to be sent for at most 20 ms that ended at a time."""
        if not self._has_begun:
            self._has_begun = True
            self.call.advance(end_ms - self.capture_format.duration_ms(len(piece)))
        self.pass_time(end_ms)
        self.n_pending = (self.n_pending + len(piece)) % self.capture_format.frame_bytes
        return self.call.receive_capture(piece, self.fed_ms)

    def pass_time(self, now_ms: float) -> None:
        """Let time pass; a client that sends nothing is not filled in for, as it may want that."""
        self._has_begun = True
        self.fed_ms = max(self.fed_ms, now_ms)
        self.call.advance(self.fed_ms)


class GatedRealtimeSession:
    """What goes on of each message, and what is learned from it.

    Args:
        manager: Decides; shared by all sessions.
        session_id: Unique among them.
        provider: Kind whose policy holds.
        on_failure: What goes on where the gate fails.
        shape: How the session begins.
        now_ms: Now, monotonic, as in all inputs.
    """

    def __init__(
        self,
        manager: AudioGatingManager,
        session_id: str,
        *,
        provider: str = "openai_realtime",
        on_failure: FailureMode = FailureMode.OPEN,
        shape: SessionShape | None = None,
        now_ms: float,
    ) -> None:
        self.counters = SessionCounters()
        """What happened; complete once the session is closed."""
        self.last_failure = ""
        """Type of the error that was raised last; empty without one."""
        self._manager = manager
        self._session_id = session_id
        self._provider = provider
        self._on_failure = on_failure
        self._asked = self._told = SessionShape() if shape is None else shape
        self._updates: deque[object] = deque(maxlen=_MAX_UPDATES)
        """Event ids of updates that the server has not answered; None for one without."""
        self._gate: _Gate | None = None
        self._odd = b""
        """First byte of a sample whose second one is in the next append."""
        self._now_ms = now_ms
        self._is_closed = False

    @property
    def shape(self) -> SessionShape:
        """How the session is set up, as far as both sides have said."""
        return self._asked

    @property
    def state(self) -> GateState | None:
        """Where the gate stands; None where nothing is gated."""
        return None if self._gate is None else self._gate.call.state

    @property
    def running_counters(self) -> SessionCounters:
        """The counters up to now, with what the running gate has counted; a copy."""
        counters = replace(self.counters)
        if self._gate is not None:
            self._count_gate(self._gate, counters)
        return counters

    # -- inputs ------------------------------------------------------------------------------------

    def receive_client(self, data: bytes, now_ms: float) -> Iterator[bytes | None]:
        """Yield what goes to the server for a client's text message, in order.

        None in between says that others may have their turn: long audio takes long to judge.
        """
        self.counters.client_events += 1
        self._now_ms = max(self._now_ms, now_ms)
        message = parse_client_message(data)
        if message is None:
            yield data
        elif message.type == APPEND:
            yield from self._receive_append(data, message)
        else:
            if message.type in _BUFFER_ENDS and (rest := self._guarded(self._take_rest)):
                self.counters.appends_added += 1
                yield serialize_append(rest)
            self._guarded(lambda: self._learn_from_client(message))
            yield data

    def receive_server(self, data: bytes, now_ms: float) -> None:
        """Learn from a server's text message, which goes to the client as it is."""
        self.counters.server_events += 1
        self._now_ms = max(self._now_ms, now_ms)
        message = parse_server_message(data)
        if message is not None:
            self._guarded(lambda: self._learn_from_server(message))

    def pass_binary(self, *, from_client: bool) -> None:
        """Count a binary message, which goes on as it is."""
        if from_client:
            self.counters.client_events += 1
        else:
            self.counters.server_events += 1

    def advance(self, now_ms: float) -> None:
        """Let time pass; every half second or so, so that little is left to be made up for."""
        self._now_ms = max(self._now_ms, now_ms)
        gate = self._gate
        if gate is not None and now_ms - gate.fed_ms >= _IDLE_MS:
            self._guarded(lambda: gate.pass_time(now_ms))

    def close(self) -> None:
        """End the session's gate and complete the counters; idempotent."""
        self._is_closed = True
        self._end_gate()

    # -- outputs -----------------------------------------------------------------------------------

    def take_events(self) -> tuple[GateEvent, ...]:
        """Return what happened at the gate since it was last asked, oldest first.

        Nobody need ask: of those that nobody takes the oldest go.
        """
        return () if self._gate is None else self._gate.call.take_events()

    # -- what the client says ----------------------------------------------------------------------

    def _receive_append(self, data: bytes, message: ClientMessage) -> Iterator[bytes | None]:
        audio = audio_in(message.audio)
        gate = self._guarded(self._gate_in_force)
        if audio is None or gate is None:
            yield self._ungated(data, message, audio)
            return
        out: list[bytes] = []
        for n_frames, (piece, end_ms) in enumerate(self._pieces(audio, gate), start=1):
            out.append(self._judged(gate, piece, end_ms))
            if n_frames % _FRAMES_AT_ONCE == 0:
                yield None
        yield from self._went_on(data, message, audio, b"".join(out))

    def _judged(self, gate: _Gate, piece: bytes, end_ms: float) -> bytes:
        judged = self._guarded(lambda: gate.judge(piece, end_ms))
        if judged is not None:
            return judged
        is_open = self._on_failure is FailureMode.OPEN
        return piece if is_open else gate.capture_format.silence(len(piece))

    def _ungated(self, data: bytes, message: ClientMessage, audio: bytes | None) -> bytes:
        """Return an append that nothing judges: as it came, but where a gate is missing."""
        is_failed = self._asked.is_gateable and audio is not None
        if is_failed and self._on_failure is FailureMode.CLOSED and audio:
            self.counters.appends_rewritten += 1
            audio_format = self._asked.input_format or AudioFormat()
            return with_audio(data, message, audio_format.silence(len(audio)))
        self.counters.appends_unread += audio is None
        self.counters.appends_passed += audio is not None
        return data

    def _pieces(self, audio: bytes, gate: _Gate) -> Iterator[tuple[bytes, float]]:
        """Yield whole samples of at most 20 ms, and when each of them ended at the client."""
        audio, self._odd = self._odd + audio, b""
        n_whole = len(audio) - len(audio) % gate.capture_format.sample_bytes
        audio, self._odd = audio[:n_whole], audio[n_whole:]
        frame_bytes, now_ms = gate.capture_format.frame_bytes, self._now_ms
        # The first piece completes what waits, so that each further one is a frame.
        end = min(len(audio), frame_bytes - gate.n_pending)
        start = 0
        while start < len(audio):
            later_ms = gate.capture_format.duration_ms(len(audio) - end)
            yield audio[start:end], now_ms - later_ms
            start, end = end, min(len(audio), end + frame_bytes)

    def _went_on(
        self, data: bytes, message: ClientMessage, audio: bytes, judged: bytes
    ) -> Iterator[bytes]:
        if judged == audio:
            self.counters.appends_passed += 1
            yield data
        elif judged:
            self.counters.appends_rewritten += 1
            yield with_audio(data, message, judged)
        else:
            self.counters.appends_withheld += 1

    def _take_rest(self) -> bytes:
        """Return what waits for the rest of its 20 ms, filled up with silence."""
        gate, self._odd = self._gate, b""
        if gate is None or gate.n_pending == 0:
            return b""
        n_missing = gate.capture_format.frame_bytes - gate.n_pending
        return gate.judge(gate.capture_format.silence(n_missing), self._now_ms)

    def _learn_from_client(self, message: ClientMessage) -> None:
        if message.type in _UPDATES:
            self._updates.append(message.event_id)
            self._follow(self._asked.merged(message.session))
            return
        gate = self._gate
        if gate is None:
            return
        gate.pass_time(self._now_ms)
        if message.type == "conversation.item.truncate":
            gate.playback.receive_truncate(message.item_id, message.audio_end_ms)
        elif message.type == "response.cancel":
            gate.playback.receive_cancel(message.response_id)
        elif message.type == "output_audio_buffer.clear":
            gate.playback.flush()

    # -- what the server says ----------------------------------------------------------------------

    def _learn_from_server(self, message: ServerMessage) -> None:
        if message.type in AUDIO_DELTAS:
            self._receive_delta(message)
        elif message.type == "input_audio_buffer.speech_started":
            self._receive_speech_started()
        elif message.type == "input_audio_buffer.speech_stopped" and self._gate is not None:
            self._gate.call.receive_speech_stopped(self._now_ms)
        elif message.type in _TOLD:
            self._told = self._told.merged(message.session)
            self._answer_update(is_created=message.type == "session.created")
        elif message.type == "error":
            self._receive_error(message.error)

    def _receive_delta(self, message: ServerMessage) -> None:
        gate, audio = self._gate_in_force(), audio_in(message.delta)
        if gate is None or not audio:
            return
        gate.playback.receive_delta(
            message.item_id,
            message.response_id,
            audio,
            gate.far_end_format.duration_ms(len(audio)),
            self._now_ms,
        )

    def _receive_speech_started(self) -> None:
        gate = self._gate
        if gate is None:
            return
        gate.pass_time(self._now_ms)
        gate.call.receive_speech_started(self._now_ms)
        if self._asked.interrupts:
            gate.playback.flush()

    def _receive_error(self, error: object) -> None:
        """Go back to what the server told last where it refuses an update."""
        if not isinstance(error, dict) or not self._updates:
            return
        event_id, param = error.get("event_id"), error.get("param")
        names_session = isinstance(param, str) and param.startswith("session")
        if names_session or (event_id is not None and event_id in self._updates):
            self._answer_update(is_created=False)

    def _answer_update(self, *, is_created: bool) -> None:
        if self._updates and not is_created:
            self._updates.popleft()
        if not self._updates:
            self._follow(self._told)

    # -- the gate's life ---------------------------------------------------------------------------

    def _follow(self, shape: SessionShape) -> None:
        """Take how the session is set up from now on; another format takes another gate."""
        before, self._asked = self._asked, shape
        is_same = (before.input_format, before.output_format) == (
            shape.input_format,
            shape.output_format,
        )
        if not is_same or not shape.is_gateable:
            self._end_gate()
            self._odd = b""

    def _gate_in_force(self) -> _Gate | None:
        """Return the gate, made when it is needed first; None where nothing is to be gated."""
        if self._gate is None and self._asked.is_gateable and not self._is_closed:
            self._gate = self._make_gate(self._asked)
        return self._gate

    def _make_gate(self, shape: SessionShape) -> _Gate:
        assert shape.input_format is not None, "a gate is made where formats are known"  # noqa: S101
        call = GatedCall(
            self._manager,
            f"{self._session_id}.{self.counters.gates}",
            provider=self._provider,
            capture_format=shape.input_format,
            far_end_format=shape.output_format,
            on_failure=self._on_failure,
            now_ms=self._now_ms,
        )
        self.counters.gates += 1
        return _Gate(call, shape, self._now_ms - FRAME_MS)

    def _end_gate(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            self._count_gate(gate, self.counters)
            self.last_failure = gate.call.counters.last_failure or self.last_failure
            gate.call.close()

    def _count_gate(self, gate: _Gate, counters: SessionCounters) -> None:
        stats = self._manager.get_stats(gate.call.call_id)
        if stats is not None:
            counters.add_gate(stats)
        counters.gate_failures += gate.call.counters.failures
        counters.playback_flushes += gate.playback.flushes
        counters.ignored_deltas += gate.playback.ignored_deltas

    def _guarded(self, step: Callable[[], _T]) -> _T | None:
        try:
            return step()
        except Exception as error:  # noqa: BLE001 - a session is not ours to break
            self.counters.gate_failures += 1
            self.last_failure = type(error).__name__
            return None
