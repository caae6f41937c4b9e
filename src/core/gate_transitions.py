"""The gate as a state machine: its states, its inputs, and one table with every pair of both.

Invariant: the table is total; a pair that changes nothing is listed as such, with the reason beside
it where that is not plain.
"""

from __future__ import annotations

__all__ = [
    "TRANSITIONS",
    "GateEventType",
    "GateInput",
    "GateState",
    "Transition",
    "mermaid_diagram",
]

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class GateState(StrEnum):
    """Where one call's gate stands."""

    OPEN = "open"
    """The caller is heard: the agent is silent, or the caller holds the turn."""
    CLOSED = "closed"
    """The agent is audible: captured frames are held, the provider gets silence."""
    CANDIDATE = "candidate"
    """Early evidence of the caller: playout pauses, nothing is released yet."""
    BARGE_IN = "barge_in"
    """The evidence held: the onset is released and live frames follow, playout stays paused."""


class GateInput(StrEnum):
    """What the state machine is told."""

    AGENT_STARTED = "agent_started"
    """The agent became audible while the caller was silent."""
    AGENT_STARTED_OVER_CALLER = "agent_started_over_caller"
    """The agent became audible while the caller was talking."""
    AGENT_ENDED = "agent_ended"
    """The agent's last audio was played and its echo tail has passed; a pause of our own, in which
    the agent still has something to say, is not that."""
    EVIDENCE_SEEN = "evidence_seen"
    """Evidence of the caller has reached ``candidate_ms``."""
    EVIDENCE_HELD = "evidence_held"
    """Evidence of the caller has reached ``min_ms``."""
    EVIDENCE_LOST = "evidence_lost"
    """No evidence for ``evidence_release_ms``."""
    PROVIDER_SPEECH = "provider_speech"
    """The provider's turn detector heard the caller; the agent has nothing to say."""
    PROVIDER_SPEECH_OVER_AGENT = "provider_speech_over_agent"
    """The provider's turn detector heard the caller while the agent speaks or is about to."""
    PROVIDER_SPEECH_BEFORE_AGENT = "provider_speech_before_agent"
    """The provider's turn detector heard what the caller said before the gate closed."""
    CALLER_CONTINUED = "caller_continued"
    """The caller spoke on for ``confirm_speech_ms`` after the gate opened."""
    CONFIRM_TIMED_OUT = "confirm_timed_out"
    """``confirm_timeout_ms`` after the gate opened nothing confirms, and the caller is silent."""
    CALLER_TURN_ENDED = "caller_turn_ended"
    """The caller, heard over an audible agent, has been silent for ``turn_end_ms``."""


class GateEventType(StrEnum):
    """What happened on a call, for the engine to act on and for logs and traces to keep."""

    GATE_CLOSED = "gate_closed"
    """The agent is audible: captured frames are held from now on."""
    GATE_OPENED = "gate_opened"
    """The agent has fallen silent, its echo too: the caller is heard again."""
    CANDIDATE_STARTED = "candidate_started"
    """Early evidence of the caller over the agent: pause playout."""
    CANDIDATE_DROPPED = "candidate_dropped"
    """That evidence did not hold: resume playout where it stopped."""
    BARGE_IN_COMMITTED = "barge_in_committed"
    """The evidence held, and the gate opened over the agent: keep playout paused."""
    INTERRUPTED = "interrupted"
    """The caller has the turn: flush playout, and truncate the response at what was heard."""
    RESUMED = "resumed"
    """Nothing confirmed the barge-in: resume playout where it stopped."""
    HELD_DISCARDED = "held_discarded"
    """Held frames were judged echo and dropped."""
    ONSET_RELEASED = "onset_released"
    """Held frames of the caller's onset were released."""
    DETECTOR_DEGRADED = "detector_degraded"
    """A detector or a network of the guard raised, and is not used for the rest of the call."""
    MUSIC_ENTERED = "music_entered"
    """The guard takes what the line delivers for music."""
    MUSIC_LEFT = "music_left"
    """That is over."""
    GUARD_SUMMARY = "guard_summary"
    """At most every 5 s: frames that the guard kept from the provider since the last one."""


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an input leads, and what happens on the way."""

    state: GateState
    event: GateEventType | None = None


_S, _I, _E = GateState, GateInput, GateEventType


def _stay(state: GateState, *inputs: GateInput) -> dict[tuple[GateState, GateInput], Transition]:
    return {(state, gate_input): Transition(state) for gate_input in inputs}


TRANSITIONS: Mapping[tuple[GateState, GateInput], Transition] = MappingProxyType(
    {
        # OPEN: the guard alone decides about frames.
        (_S.OPEN, _I.AGENT_STARTED): Transition(_S.CLOSED, _E.GATE_CLOSED),
        (_S.OPEN, _I.CALLER_TURN_ENDED): Transition(_S.CLOSED, _E.GATE_CLOSED),
        (_S.OPEN, _I.PROVIDER_SPEECH_OVER_AGENT): Transition(_S.OPEN, _E.INTERRUPTED),
        **_stay(
            _S.OPEN,
            _I.PROVIDER_SPEECH_BEFORE_AGENT,
            _I.AGENT_STARTED_OVER_CALLER,
            _I.AGENT_ENDED,
            _I.EVIDENCE_SEEN,  # nothing to open
            _I.EVIDENCE_HELD,
            _I.EVIDENCE_LOST,
            _I.PROVIDER_SPEECH,
            _I.CALLER_CONTINUED,
            _I.CONFIRM_TIMED_OUT,
        ),
        # CLOSED: the provider hears silence only; what it reports without a time is ignored.
        (_S.CLOSED, _I.AGENT_ENDED): Transition(_S.OPEN, _E.GATE_OPENED),
        (_S.CLOSED, _I.EVIDENCE_SEEN): Transition(_S.CANDIDATE, _E.CANDIDATE_STARTED),
        (_S.CLOSED, _I.EVIDENCE_HELD): Transition(_S.BARGE_IN, _E.BARGE_IN_COMMITTED),
        **_stay(
            _S.CLOSED,
            _I.AGENT_STARTED,
            _I.AGENT_STARTED_OVER_CALLER,
            _I.EVIDENCE_LOST,
            _I.PROVIDER_SPEECH,
            _I.PROVIDER_SPEECH_OVER_AGENT,
            _I.CALLER_CONTINUED,
            _I.CONFIRM_TIMED_OUT,
            _I.CALLER_TURN_ENDED,
        ),
        (_S.CLOSED, _I.PROVIDER_SPEECH_BEFORE_AGENT): Transition(_S.OPEN, _E.INTERRUPTED),
        # CANDIDATE: playout is paused by us, unless the agent had nothing left to say.
        (_S.CANDIDATE, _I.AGENT_ENDED): Transition(_S.OPEN, _E.GATE_OPENED),
        (_S.CANDIDATE, _I.EVIDENCE_HELD): Transition(_S.BARGE_IN, _E.BARGE_IN_COMMITTED),
        (_S.CANDIDATE, _I.PROVIDER_SPEECH_BEFORE_AGENT): Transition(_S.OPEN, _E.INTERRUPTED),
        (_S.CANDIDATE, _I.EVIDENCE_LOST): Transition(_S.CLOSED, _E.CANDIDATE_DROPPED),
        **_stay(
            _S.CANDIDATE,
            _I.AGENT_STARTED,
            _I.AGENT_STARTED_OVER_CALLER,
            _I.EVIDENCE_SEEN,
            _I.PROVIDER_SPEECH,
            _I.PROVIDER_SPEECH_OVER_AGENT,
            _I.CALLER_CONTINUED,
            _I.CONFIRM_TIMED_OUT,
            _I.CALLER_TURN_ENDED,
        ),
        # BARGE_IN: the provider hears the caller; it, or more of the caller's speech, confirms.
        (_S.BARGE_IN, _I.PROVIDER_SPEECH): Transition(_S.OPEN, _E.INTERRUPTED),
        (_S.BARGE_IN, _I.PROVIDER_SPEECH_OVER_AGENT): Transition(_S.OPEN, _E.INTERRUPTED),
        (_S.BARGE_IN, _I.CALLER_CONTINUED): Transition(_S.OPEN, _E.INTERRUPTED),
        (_S.BARGE_IN, _I.AGENT_ENDED): Transition(_S.OPEN, _E.GATE_OPENED),
        (_S.BARGE_IN, _I.CONFIRM_TIMED_OUT): Transition(_S.CLOSED, _E.RESUMED),
        **_stay(
            _S.BARGE_IN,
            _I.PROVIDER_SPEECH_BEFORE_AGENT,
            _I.AGENT_STARTED,
            _I.AGENT_STARTED_OVER_CALLER,
            _I.EVIDENCE_SEEN,
            _I.EVIDENCE_HELD,
            _I.EVIDENCE_LOST,
            _I.CALLER_TURN_ENDED,
        ),
    }
)
"""Where each input leads from each state, and the event that comes of it."""


def mermaid_diagram() -> str:
    """Return the transitions that change something as a Mermaid state diagram, for the docs."""
    lines = ["stateDiagram-v2", f"    [*] --> {GateState.OPEN}"]
    for (state, gate_input), transition in TRANSITIONS.items():
        if transition.event is not None:
            lines.append(f"    {state} --> {transition.state}: {gate_input} / {transition.event}")
    return "\n".join(lines) + "\n"
