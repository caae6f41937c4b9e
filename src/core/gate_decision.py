"""What the gate says of one captured frame: the value that every caller of the gate acts on.

Invariant: a decision is complete by itself; acting on it needs no look into the gate.
"""

from __future__ import annotations

__all__ = [
    "PASS_THROUGH",
    "GateAction",
    "GateDecision",
    "GateEvent",
    "GateEventType",
    "GateMeasurements",
    "GateReason",
    "GateState",
]

from dataclasses import dataclass
from enum import StrEnum

from .gate_transitions import GateEventType, GateState


class GateAction(StrEnum):
    """What becomes of the captured frame."""

    FORWARD = "forward"
    """It goes to the provider: as it came, without its echo, or more softly."""
    WITHHOLD = "withhold"
    """It does not, or not now: a held frame may be released later."""


class GateReason(StrEnum):
    """Why the gate decided as it did."""

    PASS_THROUGH = "pass_through"  # noqa: S105 - no password
    """The gate does not concern itself with this provider or call."""
    AGENT_SILENT = "agent_silent"
    """The agent is silent and no guard is on: everything passes."""
    CALLER_SPEECH = "caller_speech"
    """The agent is silent and the guard hears speech."""
    HANGOVER = "hangover"
    """No speech in this frame, but some shortly before it."""
    LINE_SILENCE = "line_silence"
    """The guard found hard silence."""
    LINE_NOISE = "line_noise"
    """The guard found sound that is not speech."""
    LINE_MUSIC = "line_music"
    """The guard is in music mode."""
    LINE_TONE = "line_tone"
    """The guard found a tone of the telephone network: ringing, busy, a push button, a fax."""
    QUIETER_VOICE = "quieter_voice"
    """A voice well below the caller's: let out more softly, or kept back."""
    AGENT_AUDIBLE = "agent_audible"
    """The agent is heard by the caller, or its echo may still be coming back."""
    CANDIDATE = "candidate"
    """Early evidence of the caller over the agent, not yet enough."""
    BARGE_IN = "barge_in"
    """The caller's speech over the agent was committed."""
    CALLER_TURN = "caller_turn"
    """The caller was already talking when the agent started, or has interrupted it."""
    PROVIDER_SPEECH = "provider_speech"
    """The provider's turn detector heard the caller."""
    CONFIRM_TIMEOUT = "confirm_timeout"
    """A barge-in that nothing confirmed in time."""
    EVIDENCE_LOST = "evidence_lost"
    """A candidate whose evidence did not hold."""
    IDLE_FILL = "idle_fill"
    """The line delivers nothing; silence keeps the provider's turn detector running."""
    GAP_RECOVERY = "gap_recovery"
    """A small gap in the stream was filled."""
    MALFORMED_AUDIO = "malformed_audio"
    """The bytes were not audio of the call's format."""
    INCOMPLETE_FRAME = "incomplete_frame"
    """Not yet 20 ms of audio; decided when the rest is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateEvent:
    """One thing that happened on a call."""

    type: GateEventType
    """What happened."""
    t_ms: float
    """``now_ms`` of the input that caused it."""
    reason: GateReason
    """Why it happened."""
    count: int = 0
    """Frames concerned, where frames are concerned; else 0."""
    detail: str = ""
    """Closed-set detail for logs, such as the name of the mode fallen back to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateMeasurements:
    """What was measured on the frame that a decision is about."""

    capture_rms: float = 0.0
    """RMS of the frame in int16 units, 0..32768."""
    zcr_ratio: float = 0.0
    """Zero crossings per sample, 0..1."""
    vad_confidence: float = 0.0
    """Smoothed voice activity, 0..1."""
    noise_floor: float = 0.0
    """The guard's noise floor, RMS in int16 units."""
    near_end_logit: float | None = None
    """Log odds that the caller speaks, of the echo-aware detector; None without one."""
    evidence_ms: float = 0.0
    """Evidence of the caller over the agent gathered so far, in ms."""
    evidence_span_ms: float = 0.0
    """Time since the first frame of that evidence, that frame included, in ms; at a commitment, how
    long ago the caller began."""
    agent_audible: bool = False
    """The agent was heard by the caller, or its echo may still have been coming back."""
    speech_logit: float | None = None
    """Log odds of speech by the guard's networks; None where they were not asked."""
    near_end_dbfs: float | None = None
    """Level of the frame without the echo, in dBFS; None where no echo filter measures it."""
    echo_delay_ms: float | None = None
    """Echo path delay; None while it is unknown, or without a reference."""
    erl_db: float | None = None
    """Echo return loss: far-end level minus its echo's level in the capture; None as above."""
    erle_db: float | None = None
    """Further reduction of the echo by the detector's own filter; None as above."""
    attenuation_db: float = 0.0
    """By how much the frame, and held frames released with it, were turned down on the way out: 0,
    but for a voice well below the caller's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """What becomes of one captured frame.

    ``audio`` is what goes to the provider now, in order, each at most 20 ms in the format of the
    capture: released held frames, then the frame itself or the silence in its place. It is empty
    when nothing goes out, and for :data:`PASS_THROUGH`, where the frame itself goes out untouched;
    :meth:`audio_for` covers both.
    """

    action: GateAction
    """What became of the (last 20 ms of the) frame."""
    state: GateState
    """The state after the frame."""
    reason: GateReason
    """Why the frame met with that."""
    audio: tuple[bytes, ...] = ()
    """What goes to the provider now, in order; see above."""
    released: tuple[bytes, ...] = ()
    """The held frames among ``audio``, oldest first."""
    events: tuple[GateEvent, ...] = ()
    """What happened on the call with this frame, in order; mostly nothing."""
    measurements: GateMeasurements | None = None
    """What was measured on the frame; None where nothing was, as for :data:`PASS_THROUGH`."""

    def audio_for(self, frame: bytes) -> tuple[bytes, ...]:
        """Return what to send to the provider for ``frame``, in order."""
        if self.audio or self.action is not GateAction.FORWARD:
            return self.audio
        return (frame,)


PASS_THROUGH = GateDecision(
    action=GateAction.FORWARD, state=GateState.OPEN, reason=GateReason.PASS_THROUGH
)
"""The one decision of every frame that the gate does not concern itself with: the policy has no
gating, the kind of provider is unknown, or the call is."""
