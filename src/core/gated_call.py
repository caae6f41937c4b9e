"""One call's gate inside an engine of somebody else's: audio in, audio out, and what happened.

The engine gives what the caller says and what it writes to the caller's telephone, as both pass;
it gets what its provider is to be sent, and the gate's events. Which 20 ms the telephone plays in
which slot is worked out here, from the captured frames as far as they come and from time where they
don't.

Invariant: nothing raised by the gate reaches the engine. A chunk whose gate failed goes out as it
came or as silence of its length, as chosen, and is counted.
"""

from __future__ import annotations

__all__ = ["FailureMode", "GatedCall", "GatedCallCounters"]

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from .audio import FRAME_MS, AudioFormat
from .audio_gating_manager import AudioGatingManager
from .call_options import required_audio_format, required_member, required_provider
from .far_end_timeline import FarEndTimeline
from .gate_decision import GateDecision, GateEvent
from .gate_transitions import GateState
from .pacing import SlotPacer

_PCM16_8K = AudioFormat()

_GUARD_MS = FRAME_MS / 2
"""A slot is shown to the gate half a slot after it began, so that captured frames that are up to
10 ms early or late each come after one more slot."""

_MAX_SLOTS = 50
"""Slots made good at once after a time without frames, in which time passes at the gate."""

_MAX_SHOWN_SLOTS = 500
"""Slots beyond those that the gate is shown all the same: its reference holds no more, 10 s."""

_MAX_EVENTS = 256
"""Events that wait to be taken; the oldest go first."""


class FailureMode(StrEnum):
    """What goes to the provider where the gate itself fails."""

    OPEN = "open"
    """The captured audio, as it came: the agent may hear itself."""
    CLOSED = "closed"
    """Silence of the same length: the caller is not heard."""


@dataclass(slots=True)
class GatedCallCounters:
    """What happened on one call besides what the gate counts."""

    failures: int = 0
    """Inputs on which the gate raised."""
    last_failure: str = ""
    """Type of the error that was raised last; empty without one."""
    dropped_events: int = 0
    """Events that nobody took in time."""
    skipped_slots: int = 0
    """Slots of 20 ms that passed without the gate being asked: nothing came for over a second."""


class GatedCall:
    """The gate of one call, for an engine that has its own lines and providers.

    Args:
        manager: Decides; may be shared by all calls of the process.
        call_id: Unique among the manager's calls.
        provider: Instance name, kind or alias of who hears the caller: chooses the policy.
        capture_format: Format of what the caller says.
        far_end_format: Format of what is written to the caller's telephone; that of the capture if
            left out.
        on_failure: What goes out where the gate fails.
        shows_far_end: The engine shows what it writes to the telephone. False where it may not:
            until it does, the agent is audible by :meth:`receive_agent_speaking`.
        fills_idle: Silence goes to the provider while the line delivers nothing, as its turn
            detector would wait for ever. False where a pause is meant: of a caller who pushes to
            talk, or of an engine that fills in itself. Time passes at the gate all the same.
        now_ms: Now; the first chunk's time starts the slots.
        allows_unknown_provider: A call of a provider that no policy knows passes through, and the
            manager counts it.

    All times are in ms on one monotonic clock of the engine's. One thread at a time may use the
    calls of a manager; nothing waits, and nothing needs an event loop.

    Raises:
        ValueError: the manager has a call of that id, no policy knows the provider, or
            ``on_failure`` is none of the modes.
        TypeError: a format is none.
    """

    def __init__(
        self,
        manager: AudioGatingManager,
        call_id: str,
        *,
        provider: str = "openai_realtime",
        capture_format: AudioFormat = _PCM16_8K,
        far_end_format: AudioFormat | None = None,
        on_failure: FailureMode = FailureMode.OPEN,
        shows_far_end: bool = True,
        fills_idle: bool = True,
        now_ms: float = 0.0,
        allows_unknown_provider: bool = False,
    ) -> None:
        required_audio_format(capture_format, "capture_format")
        if far_end_format is not None:
            required_audio_format(far_end_format, "far_end_format")
        if not allows_unknown_provider:
            required_provider(manager.config, provider)
        self.call_id = call_id
        """Its name at the manager."""
        self.counters = GatedCallCounters()
        """What happened besides what the gate counts."""
        self.far_end = FarEndTimeline(far_end_format or capture_format)
        """What the caller's telephone plays; written through :meth:`receive_agent_audio`."""
        self.last_decision: GateDecision | None = None
        """On the last captured chunk; None before the first one."""
        self._manager = manager
        self._capture_format = capture_format
        self._on_failure = required_member(FailureMode, on_failure, "on_failure")
        self._events: list[GateEvent] = []
        self._pacer: SlotPacer | None = None
        self._shows_far_end = shows_far_end
        self._fills_idle = fills_idle
        self._is_closed = False
        manager.start_call(
            call_id,
            provider=provider,
            now_ms=now_ms,
            capture_format=capture_format,
            far_end_format=far_end_format,
        )

    @property
    def state(self) -> GateState | None:
        """Where the gate stands; None where the call is not gated, or closed."""
        return self._manager.get_state(self.call_id)

    # -- inputs ------------------------------------------------------------------------------------

    def receive_capture(self, audio: bytes, now_ms: float) -> bytes:
        """Judge what the caller's line delivered.

        Args:
            audio: In the capture format, best 20 ms; at most 1 s.
            now_ms: When it came.

        Returns:
            What the provider is to be sent now: over time as much as came, but for the onset that
            is released when the gate opens (up to 500 ms more, taken back as silence later). Empty
            while less than 20 ms are there, and for what is malformed: half a sample, over 1 s.
        """
        if self._is_closed or not audio:
            return b""
        return self._guarded(
            partial(self._judge, audio, now_ms),
            audio
            if self._on_failure is FailureMode.OPEN
            else self._capture_format.silence(len(audio)),
        )

    def receive_agent_audio(self, audio: bytes, now_ms: float) -> None:
        """Take what is written to the caller's telephone, paced or faster than it is played.

        Args:
            audio: In the far-end format, any whole number of samples.
            now_ms: When it was written.

        It may begin before the caller is heard. Later, while the line delivers nothing, time has to
        be told by :meth:`advance`: what is written then is else taken to be played too early.
        """
        if not self._is_closed:
            self._guarded(partial(self._write, audio, now_ms), b"")

    def flush_agent_audio(self) -> float:
        """Take that the telephone was told to forget what it has not played.

        Returns:
            How much that was, in ms.
        """
        return self.far_end.flush()

    def receive_agent_speaking(
        self, now_ms: float, *, is_speaking: bool, audio_ms: float = 0.0
    ) -> None:
        """Take the provider's word on whether it generates agent audio.

        For an engine that can't show what it writes (``shows_far_end``): the agent is taken to be
        audible for as long as what was generated plays, and local voice activity decides.

        Args:
            now_ms: When the word came.
            is_speaking: False when generation has ended; playing goes on.
            audio_ms: Agent audio generated since the last word, in ms.
        """
        self._guarded(partial(self._hear_agent, now_ms, is_speaking, audio_ms), b"")

    def receive_speech_started(self, now_ms: float, *, capture_ms: float | None = None) -> None:
        """Take the provider's word that the caller speaks; it confirms a barge-in.

        Args:
            now_ms: When the word came.
            capture_ms: Since when, on the same clock, if the provider says it.
        """
        self._guarded(partial(self._confirm, now_ms, capture_ms), b"")

    def receive_speech_stopped(self, now_ms: float) -> None:
        """Take the provider's word that the caller's turn has ended."""
        self._guarded(partial(self._end_turn, now_ms), b"")

    def advance(self, now_ms: float) -> bytes:
        """Let time pass while the line delivers nothing; best every 20 ms.

        Returns:
            What the provider is to be sent now, mostly nothing: silence that keeps its turn
            detector running, if the call is filled in for, and the caller's onset where the agent
            falls silent behind it.
        """
        return b"" if self._is_closed else self._guarded(partial(self._pass_time, now_ms), b"")

    def close(self) -> None:
        """End the call and forget its state; idempotent. What comes later changes nothing."""
        if not self._is_closed:
            self._is_closed = True
            self.far_end.flush()
            self._manager.cleanup_call(self.call_id)

    # -- outputs -----------------------------------------------------------------------------------

    def take_events(self) -> tuple[GateEvent, ...]:
        """Return what happened at the gate since it was last asked, oldest first.

        ``BARGE_IN_COMMITTED`` says that the caller speaks over the agent: an engine whose provider
        has no turn detector of its own interrupts the agent now. Another one may wait for
        ``INTERRUPTED``, which says that the provider has heard the caller, too, or that the caller
        goes on speaking.
        """
        events, self._events = tuple(self._events), []
        return events

    # -- private steps -----------------------------------------------------------------------------

    def _guarded(self, step: Callable[[], bytes], otherwise: bytes) -> bytes:
        try:
            return step()
        except Exception as error:  # noqa: BLE001 - an engine's audio path is not ours to break
            self.counters.failures += 1
            self.counters.last_failure = type(error).__name__
            return otherwise

    def _judge(self, audio: bytes, now_ms: float) -> bytes:
        duration_ms = self._capture_format.duration_ms(len(audio))
        pacer = self._started_pacer(now_ms - duration_ms)
        passed = self._pass_slots(pacer, now_ms)
        pacer.on_inbound(now_ms, duration_ms)
        decision = self._manager.process(self.call_id, audio, now_ms)
        self.last_decision = decision
        self._keep(decision)
        return passed + b"".join(decision.audio_for(audio))

    def _pass_time(self, now_ms: float) -> bytes:
        return self._pass_slots(self._started_pacer(now_ms), now_ms)

    def _started_pacer(self, start_ms: float) -> SlotPacer:
        """Return what tells the slots; its first one begins at ``start_ms`` if it is new."""
        if self._pacer is None:
            self._pacer = SlotPacer(start_ms, max_catch_up_slots=_MAX_SLOTS)
            self.far_end.skip_to(start_ms)
        return self._pacer

    def _write(self, audio: bytes, now_ms: float) -> bytes:
        self._shows_far_end = True
        if self._pacer is None:
            self.far_end.skip_to(now_ms)
        self.far_end.write(audio, now_ms)
        return b""

    def _pass_slots(self, pacer: SlotPacer, now_ms: float) -> bytes:
        """Show the gate what the telephone played in the slots that are due; let time pass."""
        n_skipped_before = pacer.skipped_slots
        n_due = pacer.slots_due(now_ms - _GUARD_MS)
        n_skipped = pacer.skipped_slots - n_skipped_before
        self.counters.skipped_slots += n_skipped
        n_shown = min(n_skipped, _MAX_SHOWN_SLOTS)
        slot_ms = pacer.next_deadline_ms - (n_shown + n_due) * FRAME_MS
        if n_shown < n_skipped:
            self.far_end.skip_to(slot_ms)
        out: list[bytes] = []
        for number in range(n_shown + n_due):
            slot = self.far_end.play_slot(slot_ms)
            if self._shows_far_end:
                self._manager.receive_far_end(
                    self.call_id, slot.audio, slot_ms, is_agent_audio=slot.is_agent_audio
                )
            if number >= n_shown:
                decision = self._manager.advance(self.call_id, slot_ms)
                self._keep(decision)
                # An onset that is released is the caller's voice, whoever fills in.
                out += decision.audio if self._fills_idle else decision.released
            slot_ms += FRAME_MS
        return b"".join(out)

    def _hear_agent(self, now_ms: float, is_speaking: bool, audio_ms: float) -> bytes:  # noqa: FBT001
        if not self._is_closed:
            self._manager.set_agent_speaking(self.call_id, is_speaking, now_ms, audio_ms=audio_ms)
        return b""

    def _confirm(self, now_ms: float, capture_ms: float | None) -> bytes:
        if not self._is_closed:
            self._keep(
                self._manager.receive_provider_speech_started(
                    self.call_id, now_ms, capture_ms=capture_ms
                )
            )
        return b""

    def _end_turn(self, now_ms: float) -> bytes:
        if not self._is_closed:
            self._manager.receive_provider_speech_stopped(self.call_id, now_ms)
        return b""

    def _keep(self, decision: GateDecision) -> None:
        self._events += decision.events
        surplus = len(self._events) - _MAX_EVENTS
        if surplus > 0:
            self.counters.dropped_events += surplus
            del self._events[:surplus]
