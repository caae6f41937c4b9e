"""The gate inside LiveKit Agents: a frame processor, a link before the audio output, interruptions.

Needs the extra ``livekit``; :class:`SessionGate` makes all parts of one session.
"""

from __future__ import annotations

__all__ = [
    "FarEndOutput",
    "GateFrameProcessor",
    "GatedAudioInput",
    "SessionGate",
    "SessionGateCounters",
    "TurnDetection",
]

from .far_end_output import FarEndOutput
from .frame_processor import GateFrameProcessor
from .gated_input import GatedAudioInput
from .session_gate import SessionGate, SessionGateCounters, TurnDetection
