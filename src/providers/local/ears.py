"""What tells the caller from the agent's echo and from noise: a gate of the agent's own.

It judges and changes nothing: what the recogniser gets are the line's very frames. What the line
plays is not shown to a provider, so a playout of the same kind as the engine's follows it, slot by
slot. Where the operator has put the engine's gate in front of the agent, that one is asked instead.
Invariant: a slot that passes here has passed on the line.
"""

from __future__ import annotations

__all__ = ["Ears", "GatedEars", "OwnEars"]

from typing import Protocol

from ...config.local_models import LocalTurnsConfig
from ...core.audio_gating_manager import AudioGatingManager
from ...core.config import (
    AudioGuardConfig,
    BargeInConfig,
    GatingConfig,
    ProviderGatingPolicy,
    SpeechEvidenceKind,
)
from ...core.gate_decision import GateDecision
from ...core.playout import Playout
from ..base import CallAudio
from ..gating import GatingManager

_KIND = "local"
_NEVER_BY_ITSELF_MS = 5000
"""The gate's own confirmation is left aside: whether the agent is interrupted, the turns say."""


class Ears(Protocol):
    """What judges the captured frames of one call."""

    @property
    def is_agent_heard(self) -> bool:
        """Whether the line plays the agent, as far as is known."""

    def process(self, frame: bytes, now_ms: float) -> GateDecision:
        """Judge one captured frame."""

    def advance(self, now_ms: float) -> GateDecision:
        """Let one slot of 20 ms pass, in which the line has played what it plays."""

    def enqueue(self, item_id: str, audio: bytes) -> None:
        """Take audio that playout gets now."""

    def finish(self, item_id: str) -> None:
        """Take that playout has all of an item."""

    def interrupt(self, now_ms: float) -> None:
        """Take that playout forgets what it has not played: the caller has the turn."""

    def close(self) -> None:
        """Forget the call."""


class OwnEars:
    """A gate that nobody but this agent asks.

    Args:
        turns: How much evidence interrupts the agent.
        call_audio: Formats of the call's line.
        now_ms: When the call began.
    """

    def __init__(self, turns: LocalTurnsConfig, call_audio: CallAudio, now_ms: float) -> None:
        self._manager = AudioGatingManager(config=_own_config(turns))
        self._playout = Playout(call_audio.playout)
        self._is_agent_heard = False
        self._manager.start_call(
            _KIND,
            provider=_KIND,
            now_ms=now_ms,
            capture_format=call_audio.capture,
            far_end_format=call_audio.playout,
        )

    @property
    def is_agent_heard(self) -> bool:
        """Whether the last slot played the agent."""
        return self._is_agent_heard

    def process(self, frame: bytes, now_ms: float) -> GateDecision:
        """Judge one captured frame; what the decision says of its audio is of no concern."""
        return self._manager.process(_KIND, frame, now_ms)

    def advance(self, now_ms: float) -> GateDecision:
        """Let one slot pass: what playout has for it is what the line has played."""
        slot = self._playout.next_frame()
        self._is_agent_heard = slot.is_agent_audio
        self._manager.receive_far_end(_KIND, slot.audio, now_ms, is_agent_audio=slot.is_agent_audio)
        return self._manager.advance(_KIND, now_ms)

    def enqueue(self, item_id: str, audio: bytes) -> None:
        """Take audio that playout gets now."""
        self._playout.enqueue(item_id, audio)

    def finish(self, item_id: str) -> None:
        """Take that playout has all of an item."""
        self._playout.finish(item_id)

    def interrupt(self, now_ms: float) -> None:
        """Take that playout forgets what it has not played."""
        self._playout.flush()
        self._manager.receive_provider_speech_started(_KIND, now_ms)

    def close(self) -> None:
        """Forget the call."""
        self._manager.cleanup_call(_KIND)


class GatedEars:
    """The engine's gate, which sees the line's playout itself.

    Args:
        manager: The gate.
        call_id: The call, as the gate knows it.
    """

    def __init__(self, manager: GatingManager, call_id: str) -> None:
        self._manager = manager
        self._call_id = call_id

    @property
    def is_agent_heard(self) -> bool:
        """Always: when it is not, the gate says so."""
        return True

    def process(self, frame: bytes, now_ms: float) -> GateDecision:
        """Ask the gate about one captured frame."""
        return self._manager.process(self._call_id, frame, now_ms)

    def advance(self, now_ms: float) -> GateDecision:
        """Let time pass without a frame."""
        return self._manager.advance(self._call_id, now_ms)

    def enqueue(self, item_id: str, audio: bytes) -> None:
        """Nothing: the engine shows the gate what the line plays."""

    def finish(self, item_id: str) -> None:
        """Nothing, as above."""

    def interrupt(self, now_ms: float) -> None:
        """Nothing: the gate has said so."""

    def close(self) -> None:
        """Nothing: the call is the engine's."""


def _own_config(turns: LocalTurnsConfig) -> GatingConfig:
    defaults = BargeInConfig()
    return GatingConfig(
        providers={_KIND: ProviderGatingPolicy(gating_enabled=True)},
        audio_guard=AudioGuardConfig(speech_evidence=SpeechEvidenceKind.LIGHT),
        barge_in=BargeInConfig(
            confirm_speech_ms=_NEVER_BY_ITSELF_MS,
            confirm_timeout_ms=max(defaults.confirm_timeout_ms, 4 * turns.interruption_ms),
        ),
    )
