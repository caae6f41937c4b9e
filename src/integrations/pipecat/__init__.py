"""The gate inside a Pipecat pipeline: an audio filter, a far-end tap, and a turn's start.

Needs the extra ``pipecat``; :class:`VoxgateGate` makes all parts of one call.
"""

from __future__ import annotations

__all__ = [
    "FarEndTap",
    "GateAudioFilter",
    "GateUserTurnStartStrategy",
    "TappedSerializer",
    "TurnFinder",
    "VoxgateGate",
]

from .audio_filter import GateAudioFilter
from .far_end_tap import FarEndTap
from .gate import TurnFinder, VoxgateGate
from .tapped_serializer import TappedSerializer
from .turn_start import GateUserTurnStartStrategy
