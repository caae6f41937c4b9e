"""What a report calls the gate's states, events and reasons, for people who do not know its code.

Invariant: every state, event and reason has its words; a test holds this module to that.
"""

from __future__ import annotations

__all__ = ["EVENT_WORDS", "REASON_WORDS", "STATE_WORDS", "EventWords"]

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ...core.gate_decision import GateEventType, GateReason, GateState


class EventWords(NamedTuple):
    """How an event is told."""

    name: str
    meaning: str
    """What came of it, in a sentence."""


_S, _E, _R = GateState, GateEventType, GateReason

STATE_WORDS: Mapping[GateState, str] = MappingProxyType(
    {
        _S.OPEN: "open: the caller is heard",
        _S.CLOSED: "closed: the agent is audible",
        _S.CANDIDATE: "candidate: the agent pauses",
        _S.BARGE_IN: "barge-in: the caller is heard over the agent",
    }
)
"""What each state is for, beside its name."""

EVENT_WORDS: Mapping[GateEventType, EventWords] = MappingProxyType(
    {
        _E.GATE_CLOSED: EventWords("gate closed", "The agent is heard; its echo is kept back."),
        _E.GATE_OPENED: EventWords("gate opened", "The agent is silent; the caller is heard."),
        _E.CANDIDATE_STARTED: EventWords(
            "candidate", "First evidence of the caller over the agent; the agent pauses."
        ),
        _E.CANDIDATE_DROPPED: EventWords(
            "candidate dropped", "The evidence did not hold; the agent goes on where it stopped."
        ),
        _E.BARGE_IN_COMMITTED: EventWords(
            "barge-in", "The evidence held; the caller is heard over the agent, which is paused."
        ),
        _E.INTERRUPTED: EventWords(
            "interrupted", "The caller has the turn; what the agent had left to say is dropped."
        ),
        _E.RESUMED: EventWords(
            "resumed", "Nothing confirmed the barge-in; the agent goes on where it stopped."
        ),
        _E.HELD_DISCARDED: EventWords("echo discarded", "Held frames were echo and are dropped."),
        _E.ONSET_RELEASED: EventWords(
            "onset released", "Held frames of the caller's first words went to the provider."
        ),
        _E.DETECTOR_DEGRADED: EventWords(
            "detector lost", "A detector raised an error; the next simpler one takes over."
        ),
        _E.MUSIC_ENTERED: EventWords("music begins", "The guard takes the line's sound for music."),
        _E.MUSIC_LEFT: EventWords("music ends", "The line's sound is no music any more."),
        _E.GUARD_SUMMARY: EventWords(
            "guard", "Frames that the guard has kept from the provider since the last such line."
        ),
    }
)
"""Name and meaning of each event."""

REASON_WORDS: Mapping[GateReason, str] = MappingProxyType(
    {
        _R.PASS_THROUGH: "this provider is not gated",
        _R.AGENT_SILENT: "the agent is silent",
        _R.CALLER_SPEECH: "speech of the caller",
        _R.HANGOVER: "shortly after speech",
        _R.LINE_SILENCE: "silence on the line",
        _R.LINE_NOISE: "noise on the line",
        _R.LINE_MUSIC: "music on the line",
        _R.LINE_TONE: "a tone of the network",
        _R.QUIETER_VOICE: "a voice well below the caller's",
        _R.AGENT_AUDIBLE: "the agent is audible",
        _R.CANDIDATE: "early evidence of the caller",
        _R.BARGE_IN: "speech over the agent",
        _R.CALLER_TURN: "the caller has the turn",
        _R.PROVIDER_SPEECH: "the provider heard the caller",
        _R.CONFIRM_TIMEOUT: "nothing confirmed it in time",
        _R.EVIDENCE_LOST: "the evidence did not hold",
        _R.IDLE_FILL: "the line delivers nothing",
        _R.GAP_RECOVERY: "a small gap was filled",
        _R.MALFORMED_AUDIO: "not audio of the call's format",
        _R.INCOMPLETE_FRAME: "not yet 20 ms of audio",
    }
)
"""Why the gate decided so."""
