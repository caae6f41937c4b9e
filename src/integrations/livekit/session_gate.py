"""All parts of the gate of one LiveKit agent session, and what its verdict does to the session.

Invariant: one object per session. Nothing of ours raises into the session; it is counted.
"""

from __future__ import annotations

__all__ = ["SessionGate", "SessionGateCounters", "TurnDetection"]

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from inspect import signature
from typing import Any

from .required import LIVEKIT as _LIVEKIT  # noqa: F401 - before any other import of LiveKit

# isort: split
from livekit.agents import AgentSession, SpeechCreatedEvent, UserStateChangedEvent
from livekit.agents.voice import io
from livekit.agents.voice.room_io import AudioInputOptions

from ...clock import Clock, monotonic_ms
from ...core.audio_gating_manager import AudioGatingManager
from ...core.call_options import required_member
from ...core.gate_decision import GateEvent, GateEventType, GateReason, GateState
from ...core.gated_call import FailureMode
from ...core.vad_manager import EnhancedVADManager
from ..failure_log import log_failures
from ..plugged_call import PluggedCall, PluggedCallCounters
from ..turn_end import TurnEnd, is_caller_speech
from .far_end_output import FarEndOutput
from .frame_processor import GateFrameProcessor
from .gated_input import GatedAudioInput

_FRAME_SIZE_MS = 20


class TurnDetection(StrEnum):
    """Who finds the caller's turns."""

    SERVER = "server"
    """The provider, in the audio that it is sent; it interrupts the agent, too. OpenAI Realtime's
    default."""
    SESSION = "session"
    """The session, by a VAD or a turn detector of its own, in the audio that the gate lets through;
    the gate's verdict interrupts the agent before that."""
    GATE = "gate"
    """The gate: its verdict interrupts, and the silence after the caller's speech commits the turn.
    For a realtime model with ``turn_detection=None`` in a session with
    ``turn_detection="manual"``."""


@dataclass(slots=True)
class SessionGateCounters:
    """What the gate did to the session."""

    interruptions: int = 0
    """Times that the gate's verdict interrupted the agent."""
    commits: int = 0
    """Turns of the caller that were committed."""
    refusals: int = 0
    """Interruptions and commits that the session refused: it was not running, or what the agent
    said allows no interruption."""


class SessionGate:
    """The gate of one agent session.

    Args:
        manager: Decides; share one between the sessions of a process. One of its own if left out.
        call_id: Unique among the manager's calls; made up if left out.
        provider: Instance name, kind or alias of who hears the caller: chooses the policy.
        turn_detection: Who finds the caller's turns.
        turn_end_ms: Silence that ends the caller's turn, where the gate finds them.
        sample_rate_hz: Of the captured audio: 8, 16, 24, 32 or 48 kHz.
        on_failure: What goes on where the gate fails: the captured audio, or silence.
        on_event: Told of every event of the gate, in order, in the session's event loop.
        clock: Monotonic clock in ms.

    :meth:`attach` it to the session, before or after the session's start, and give the room
    :meth:`audio_input_options`. It ends with the session.

    Raises:
        ValueError: no policy knows the provider, or ``turn_detection`` or ``on_failure`` is no such
            value.
    """

    def __init__(
        self,
        manager: AudioGatingManager | None = None,
        call_id: str | None = None,
        *,
        provider: str = "openai_realtime",
        turn_detection: TurnDetection | str = TurnDetection.SERVER,
        turn_end_ms: float = 500.0,
        sample_rate_hz: int = 24_000,
        on_failure: FailureMode = FailureMode.OPEN,
        on_event: Callable[[GateEvent], None] | None = None,
        clock: Clock = monotonic_ms,
    ) -> None:
        self.session_counters = SessionGateCounters()
        """What the gate did to the session."""
        self._turn_detection = required_member(TurnDetection, turn_detection, "turn_detection")
        on_failure = required_member(FailureMode, on_failure, "on_failure")
        self._on_event = on_event
        self._clock = clock
        self._sample_rate_hz = sample_rate_hz
        self._session: AgentSession[Any] | None = None
        self._is_closed = False
        self._turn_end = TurnEnd(turn_end_ms)
        finds_turns = self._turn_detection is TurnDetection.GATE
        self._call = PluggedCall(
            manager or AudioGatingManager(EnhancedVADManager()),
            call_id or uuid.uuid4().hex,
            provider=provider,
            turn_event=_TURN_EVENTS[finds_turns],
            on_failure=on_failure,
            on_event=self._follow,
            fills_idle=False,  # LiveKit's audio stream goes on while a caller is silent
        )
        self._call.start(sample_rate_hz, clock())
        self.frame_processor = GateFrameProcessor(
            self._call,
            clock=clock,
            on_failure=on_failure,
            on_judged=self._watch_turn if finds_turns else None,
        )
        """For ``noise_cancellation=`` of a room's audio input."""

    @property
    def call_id(self) -> str:
        """Its name at the manager."""
        return self._call.call_id

    @property
    def counters(self) -> PluggedCallCounters:
        """What went wrong on this call, and what was done about it."""
        return self._call.counters

    @property
    def state(self) -> GateState | None:
        """Where the gate stands; None where the session is not gated, or over."""
        return self._call.state

    def session_options(self) -> dict[str, Any]:
        """Return keyword arguments for ``AgentSession``.

        The blind seconds at the start go (``aec_warmup_duration``), in which LiveKit lets nobody
        interrupt; the gate tells echo from the first word on. Where the gate finds the turns, the
        session is told that nobody else does.
        """
        options: dict[str, Any] = {}
        if "aec_warmup_duration" in signature(AgentSession.__init__).parameters:
            options["aec_warmup_duration"] = None  # since 1.5
        if self._turn_detection is TurnDetection.GATE:
            options["turn_detection"] = "manual"
        return options

    def audio_input_options(self, **options: Any) -> AudioInputOptions:
        """Return the options for ``RoomOptions(audio_input=...)``.

        Frames of 20 ms, the gate as their processor, and no gain control: a level that goes up in
        the agent's pauses makes its echo louder, and what the gate has learnt of the echo wrong.

        Args:
            options: Further fields of ``AudioInputOptions``, or others in place of these.
        """
        chosen: dict[str, Any] = {
            "sample_rate": self._sample_rate_hz,
            "frame_size_ms": _FRAME_SIZE_MS,
            "noise_cancellation": self.frame_processor,
            "auto_gain_control": False,
        }
        known = {field.name for field in fields(AudioInputOptions)}
        if "auto_gain_control" not in known:  # before 1.5 there is none
            del chosen["auto_gain_control"]
        return AudioInputOptions(**{**chosen, **options})

    def gated_input(self, source: io.AudioInput) -> GatedAudioInput:
        """Return the audio input to use in place of ``source``, for a session without a room."""
        return GatedAudioInput(source, self.frame_processor)

    def far_end_output(self, next_in_chain: io.AudioOutput) -> FarEndOutput:
        """Return the audio output to use in place of ``next_in_chain``; :meth:`attach` does so."""
        return FarEndOutput(self._call, next_in_chain, clock=self._clock)

    def attach(self, session: AgentSession[Any]) -> None:
        """Follow a session: what it plays, when its caller speaks, and its end.

        A room's output comes into being while the session starts; so the link before it is made at
        once where there is an output, and else, at the latest, when the first speech is created.
        """
        self._session = session
        self.frame_processor.outlives_streams = True
        session.on("speech_created", self._link)
        session.on("user_state_changed", self._receive_user_state)
        session.on("close", self._close)
        self._link()

    def close(self) -> None:
        """End the call at the gate; idempotent. Frames then go on as on a failure."""
        if not self._is_closed:
            self._is_closed = True
            self.frame_processor.end()
            log_failures(self._call)

    # -- what the session tells --------------------------------------------------------------------

    def _link(self, _event: SpeechCreatedEvent | None = None) -> None:
        """Put the far-end link before the session's audio output, unless it is there."""
        session = self._session
        output = None if session is None else session.output.audio
        if session is None or output is None or _is_linked(output):
            return
        try:
            session.output.audio = self.far_end_output(output)
        except Exception as error:  # noqa: BLE001 - see the invariant
            self._call.count_failure(error)

    def _receive_user_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._call.receive_speech_started(self._clock())
        elif event.old_state == "speaking":
            self._call.receive_speech_stopped(self._clock())

    def _close(self) -> None:
        self.close()

    # -- what the gate tells -----------------------------------------------------------------------

    def _follow(self, event: GateEvent) -> None:
        """Act on an event of the gate; whoever listens is told after that."""
        if event.type is GateEventType.BARGE_IN_COMMITTED:
            self._begin_turn()
        elif event.type is GateEventType.INTERRUPTED:
            # The provider's word has stopped the agent by itself.
            if event.reason is not GateReason.PROVIDER_SPEECH and not self._is_muted:
                self._interrupt()
        elif event.type is GateEventType.GATE_OPENED:
            self._forget_silence()
        if self._on_event is not None:
            self._on_event(event)

    @property
    def _is_muted(self) -> bool:
        """The application has taken the caller's audio from the session."""
        return self._session is not None and not self._session.input.audio_enabled

    def _begin_turn(self) -> None:
        if self._turn_detection is TurnDetection.SERVER or self._is_muted:
            return
        self._interrupt()
        self._forget_silence()
        self._turn_end.begin()

    def _forget_silence(self) -> None:
        """Empty the provider's buffer of the silence that it got while the agent spoke."""
        if self._turn_detection is TurnDetection.GATE and not self._turn_end.is_in_turn:
            self._ask(lambda session: session.clear_user_turn())

    def _interrupt(self) -> None:
        if self._ask(lambda session: session.interrupt()):
            self.session_counters.interruptions += 1

    def _watch_turn(self, duration_ms: float) -> None:
        """Commit the caller's turn where it has ended."""
        decision = None if self._call.gated is None else self._call.gated.last_decision
        is_speech = decision is not None and is_caller_speech(decision) and not self._is_muted
        if not self._turn_end.observe(duration_ms, is_speech=is_speech):
            return
        self._call.receive_speech_stopped(self._clock())
        # An answer to the turn before, of which nothing has been heard yet, is not waited for.
        self._ask(lambda session: session.interrupt())
        if self._ask(_commit):
            self.session_counters.commits += 1

    def _ask(self, step: Callable[[AgentSession[Any]], object]) -> bool:
        """Ask something of the session; return whether it did it."""
        if self._session is None:
            return False
        try:
            answer = step(self._session)
        except RuntimeError:
            self.session_counters.refusals += 1
            return False
        if isinstance(answer, asyncio.Future):
            answer.add_done_callback(self._count_refusal)
        return True

    def _count_refusal(self, answer: asyncio.Future[Any]) -> None:
        if not answer.cancelled() and answer.exception() is not None:
            self.session_counters.refusals += 1


_TURN_EVENTS = {False: GateEventType.INTERRUPTED, True: GateEventType.BARGE_IN_COMMITTED}


def _commit(session: AgentSession[Any]) -> object:
    """End the caller's turn, and have it answered."""
    commit: Callable[[], object] = session.commit_user_turn
    answer = commit()
    if answer is None and session.stt is None:
        # Before 1.5 a session commits what it recognised itself, and nothing else.
        session.current_agent.realtime_llm_session.commit_audio()
        session.generate_reply()
    return answer


def _is_linked(output: io.AudioOutput | None) -> bool:
    """Say whether a chain of outputs has a link of ours."""
    while output is not None:
        if isinstance(output, FarEndOutput):
            return True
        output = output.next_in_chain
    return False
