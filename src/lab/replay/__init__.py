"""Recorded calls through a gate anew: to the bit with the same configuration, or with another."""

from __future__ import annotations

__all__ = [
    "Comparison",
    "FrameSpan",
    "PointChange",
    "PointPair",
    "PreviewResult",
    "PreviewedCall",
    "PreviewedPoint",
    "ReplayedCall",
    "RunDecision",
    "compare",
    "preview",
    "replay_call",
    "version_differences",
]

from .comparison import Comparison, FrameSpan, RunDecision
from .decision_points import PointChange, PointPair
from .preview import PreviewedCall, PreviewedPoint, PreviewResult, preview
from .replayed_call import ReplayedCall, compare, replay_call
from .versions import version_differences
