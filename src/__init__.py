"""voxgate: the caller can interrupt an AI voice agent at once, and the agent never hears itself.

The gate by itself needs nothing but these names; engine, lines and providers are imported from
their own packages.
"""

from __future__ import annotations

__all__ = [
    "AUDIO_GUARD_ENABLED",
    "PASS_THROUGH",
    "AudioFormat",
    "AudioGatingManager",
    "AudioGuardConfig",
    "BargeInConfig",
    "CallStats",
    "ConfigError",
    "ConfigProblem",
    "Encoding",
    "EnhancedVADManager",
    "FailureMode",
    "FarEndSlot",
    "FarEndTimeline",
    "ForwardedAudio",
    "GateAction",
    "GateDecision",
    "GateEvent",
    "GateEventType",
    "GateMeasurements",
    "GateReason",
    "GateState",
    "GatedCall",
    "GatedCallCounters",
    "GatingConfig",
    "GatingMode",
    "IdleFillConfig",
    "LocalProtocolError",
    "ManagerCounters",
    "NearEndDetector",
    "NearEndVerdict",
    "NullNearEndDetector",
    "ProviderError",
    "ProviderGatingPolicy",
    "RemoteProtocolError",
    "TransportError",
    "VADResult",
    "VadConfig",
    "VoxgateError",
    "WithheldAudio",
    "__version__",
    "gating_config_from",
    "is_probable_speech",
]

from .core.audio import AudioFormat, Encoding
from .core.audio_gating_manager import AudioGatingManager, ManagerCounters
from .core.audio_guard import AUDIO_GUARD_ENABLED, is_probable_speech
from .core.call_stats import CallStats
from .core.config import (
    AudioGuardConfig,
    BargeInConfig,
    ForwardedAudio,
    GatingConfig,
    GatingMode,
    IdleFillConfig,
    ProviderGatingPolicy,
    VadConfig,
    WithheldAudio,
)
from .core.config_sections import gating_config_from
from .core.echo.near_end import NearEndDetector, NearEndVerdict, NullNearEndDetector
from .core.far_end_timeline import FarEndSlot, FarEndTimeline
from .core.gate_decision import (
    PASS_THROUGH,
    GateAction,
    GateDecision,
    GateEvent,
    GateMeasurements,
    GateReason,
)
from .core.gate_transitions import GateEventType, GateState
from .core.gated_call import FailureMode, GatedCall, GatedCallCounters
from .core.vad_manager import EnhancedVADManager, VADResult
from .errors import (
    ConfigError,
    ConfigProblem,
    LocalProtocolError,
    ProviderError,
    RemoteProtocolError,
    TransportError,
    VoxgateError,
)

__version__ = "0.1.0"
