"""One session between a client and a Realtime provider, without sockets: what goes on of a message.

Everything passes as it came but ``input_audio_buffer.append``, whose audio goes through the gate.
The far end is learned from the server's audio and from what the client says of its playback.

Invariant: whatever raises in here, the message still goes on - an append as it came or as silence,
as configured - and is counted.
"""

from __future__ import annotations

__all__ = ["GatedRealtimeSession"]

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from ...core.audio import AudioFormat
from ...core.audio_clock import AudioClock
from ...core.audio_gating_manager import AudioGatingManager
from ...core.gate_decision import GateEvent
from ...core.gate_transitions import GateState
from ...core.gated_call import FailureMode, GatedCall
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
from .session_gate import SessionGate
from .session_setup import SessionSetup
from .session_shape import SessionShape

_FRAMES_AT_ONCE = 4
"""Frames judged before other sessions get their turn: a frame takes 0.2 to 0.4 ms (measured)."""

_IDLE_MS = 400.0
"""Time without captured audio from which time passes at the gate by itself."""

_BUFFER_ENDS = frozenset({"input_audio_buffer.commit", "input_audio_buffer.clear"})
_UPDATES = frozenset({"session.update", "transcription_session.update"})
_CREATED = frozenset({"session.created", "transcription_session.created"})
_UPDATED = frozenset({"session.updated", "transcription_session.updated"})

_T = TypeVar("_T")


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
        self._setup = SessionSetup(SessionShape() if shape is None else shape)
        self._provider_clock: AudioClock | None = AudioClock()
        """What the provider counts of what it was sent; None once that can't be known."""
        self._gate: SessionGate | None = None
        self._odd = b""
        """First byte of a sample whose second one is in the next append."""
        self._now_ms = now_ms
        self._is_closed = False

    @property
    def shape(self) -> SessionShape:
        """How the session is set up, as far as both sides have said."""
        return self._setup.shape

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

    def advance(self, now_ms: float) -> Iterator[None]:
        """Let time pass; every 100 ms or so, so that little is left to be made up for.

        Yields where others may have their turn; nothing is done where audio comes.
        """
        self._now_ms = max(self._now_ms, now_ms)
        gate = self._gate
        if gate is not None and now_ms - gate.fed_ms >= _IDLE_MS:
            yield from self._catch_up(gate, now_ms)

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
            yield self._ungated(data, audio)
            return
        whole = self._whole_samples(audio, gate.capture_format)
        yield from self._catch_up(gate, self._now_ms - gate.capture_format.duration_ms(len(whole)))
        out: list[bytes] = []
        for n_frames, (piece, end_ms) in enumerate(gate.pieces(whole, self._now_ms), start=1):
            out.append(self._judged(gate, piece, end_ms))
            if n_frames % _FRAMES_AT_ONCE == 0:
                yield None
        yield from self._went_on(data, audio, b"".join(out))

    def _judged(self, gate: SessionGate, piece: bytes, end_ms: float) -> bytes:
        """Judge a piece by a gate, if that is still in force: others had their turn meanwhile."""
        judged = self._guarded(lambda: gate.judge(piece, end_ms)) if gate is self._gate else None
        if judged is None:
            is_open = self._on_failure is FailureMode.OPEN
            judged = piece if is_open else gate.capture_format.silence(len(piece))
        self._count_sent(judged, gate.capture_format, gate.fed_ms)
        return judged

    def _ungated(self, data: bytes, audio: bytes | None) -> bytes:
        """Return an append that nothing judges: as it came, but where a gate is missing."""
        shape = self._setup.shape
        self._count_sent(audio, shape.input_format, self._now_ms)
        is_failed = shape.is_gateable and audio is not None
        if is_failed and self._on_failure is FailureMode.CLOSED and audio:
            self.counters.appends_rewritten += 1
            audio_format = shape.input_format or AudioFormat()
            return self._rewritten(data, audio_format.silence(len(audio)))
        self.counters.appends_unread += audio is None
        self.counters.appends_passed += audio is not None
        return data

    def _whole_samples(self, audio: bytes, audio_format: AudioFormat) -> bytes:
        """Return audio behind what was left over before, without an incomplete last sample."""
        audio, self._odd = self._odd + audio, b""
        n_whole = len(audio) - len(audio) % audio_format.sample_bytes
        audio, self._odd = audio[:n_whole], audio[n_whole:]
        return audio

    def _count_sent(
        self, audio: bytes | None, audio_format: AudioFormat | None, end_ms: float
    ) -> None:
        """Count what the provider is sent, as it does: its times are places in it."""
        if audio is None or audio_format is None:
            self._provider_clock = None
        elif self._provider_clock is not None:
            self._provider_clock.receive_appended(audio_format.duration_ms(len(audio)), end_ms)

    def _went_on(self, data: bytes, audio: bytes, judged: bytes) -> Iterator[bytes]:
        if judged == audio:
            self.counters.appends_passed += 1
            yield data
        elif judged:
            self.counters.appends_rewritten += 1
            yield self._rewritten(data, judged)
        else:
            self.counters.appends_withheld += 1

    def _rewritten(self, data: bytes, audio: bytes) -> bytes:
        changed = self._guarded(lambda: with_audio(data, audio))
        return serialize_append(audio) if changed is None else changed

    def _take_rest(self) -> bytes:
        """Return what waits at the gate, for whatever ends the buffer."""
        gate, self._odd = self._gate, b""
        if gate is None:
            return b""
        rest = gate.take_rest(self._now_ms)
        self._count_sent(rest, gate.capture_format, gate.fed_ms)
        return rest

    def _learn_from_client(self, message: ClientMessage) -> None:
        if message.type in _UPDATES:
            self._setup.receive_update(message.session, message.event_id)
            self._follow_setup()
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
            self._receive_speech_started(message.audio_start_ms)
        elif message.type == "input_audio_buffer.speech_stopped" and self._gate is not None:
            self._gate.call.receive_speech_stopped(self._now_ms)
        elif message.type == "error":
            self._setup.receive_error(message.error)
            self._follow_setup()
        elif message.type in _CREATED:
            self._setup.receive_created(message.session)
            self._follow_setup()
        elif message.type in _UPDATED:
            self._setup.receive_updated(message.session)
            self._follow_setup()

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

    def _receive_speech_started(self, audio_start_ms: object) -> None:
        gate = self._gate
        if gate is None:
            return
        gate.pass_time(self._now_ms)
        gate.call.receive_speech_started(
            self._now_ms, capture_ms=self._capture_ms_at(audio_start_ms)
        )
        if self._setup.shape.interrupts:
            gate.playback.flush()

    def _capture_ms_at(self, provider_ms: object) -> float | None:
        """Return when that was captured which stands at a time of the provider's."""
        if self._provider_clock is None or not isinstance(provider_ms, int | float):
            return None
        return self._provider_clock.capture_ms_at(provider_ms)

    # -- the gate's life ---------------------------------------------------------------------------

    def _follow_setup(self) -> None:
        """End a gate that is for other formats than those of now; another one is made on use."""
        gate, shape = self._gate, self._setup.shape
        if gate is None:
            self._odd = b""
        elif not shape.is_gateable or (shape.input_format, shape.output_format) != (
            gate.capture_format,
            gate.far_end_format,
        ):
            self._end_gate()
            self._odd = b""

    def _catch_up(self, gate: SessionGate, until_ms: float) -> Iterator[None]:
        for _ in gate.catch_up(until_ms):
            yield
            if gate is not self._gate:
                return

    def _gate_in_force(self) -> SessionGate | None:
        """Return the gate, made when it is needed first; None where nothing is to be gated."""
        shape = self._setup.shape
        if self._gate is None and shape.is_gateable and not self._is_closed:
            assert shape.input_format is not None, "it is gateable"  # noqa: S101
            assert shape.output_format is not None, "it is gateable"  # noqa: S101
            self._gate = self._make_gate(shape.input_format, shape.output_format)
        return self._gate

    def _make_gate(self, capture_format: AudioFormat, far_end_format: AudioFormat) -> SessionGate:
        call = GatedCall(
            self._manager,
            f"{self._session_id}.{self.counters.gates}",
            provider=self._provider,
            capture_format=capture_format,
            far_end_format=far_end_format,
            on_failure=self._on_failure,
            fills_idle=False,
            now_ms=self._now_ms,
            allows_unknown_provider=True,
        )
        self.counters.gates += 1
        return SessionGate(call, capture_format, far_end_format, self._now_ms)

    def _end_gate(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            self._count_gate(gate, self.counters)
            self.last_failure = gate.call.counters.last_failure or self.last_failure
            gate.call.close()

    def _count_gate(self, gate: SessionGate, counters: SessionCounters) -> None:
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
