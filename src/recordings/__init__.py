"""Recorded calls: the decision trace and the audio behind it, written, read and kept.

A recorded call is a folder that has everything that its gate was told, so that it can be replayed
to the bit. The format is documented in ``docs/recordings.md``.
"""

from __future__ import annotations

__all__ = [
    "CallEvent",
    "CallHeader",
    "CallSummary",
    "CallTracks",
    "RecordedCall",
    "RecordedDecision",
    "RecordedEnd",
    "RecordedStep",
    "RecordingError",
    "TapedInput",
    "list_calls",
    "open_call",
]

from ..errors import RecordingError
from .call_folders import list_calls
from .recorded_call import RecordedCall, open_call
from .trace_values import (
    CallEvent,
    CallHeader,
    CallSummary,
    CallTracks,
    RecordedDecision,
    RecordedEnd,
    RecordedStep,
    TapedInput,
)
