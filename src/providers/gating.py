"""What a provider asks of the gate: the part of the gating manager that providers know.

Invariant: a provider reports and asks, and acts on the answer; the times that it gives are readings
of one monotonic clock, the same for every call of one manager.
"""

from __future__ import annotations

__all__ = ["GatingManager"]

from typing import Protocol

from ..core.gate_decision import GateDecision


class GatingManager(Protocol):
    """The gating manager as providers see it; the engine starts and cleans up its calls.

    Calls that the manager does not know are no-ops there, so that nothing here raises.
    """

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:
        """Judge one captured frame in the call's capture format."""

    def advance(self, call_id: str, now_ms: float) -> GateDecision:
        """Let time pass without a frame."""

    def set_agent_speaking(
        self,
        call_id: str,
        is_speaking: bool,  # noqa: FBT001 - the public signature that integrators know
        now_ms: float,
        *,
        audio_ms: float = 0.0,
    ) -> object:
        """Report that agent audio of so many ms was generated just now, or that no more comes."""

    def receive_provider_speech_started(
        self, call_id: str, now_ms: float, *, capture_ms: float | None = None
    ) -> GateDecision:
        """Report that the provider heard the caller; the events say if the agent is interrupted.

        ``capture_ms`` is the start of the speech on the clock of ``now_ms``, prefix padding
        included, converted from the provider's audio time; None if the provider does not say it.
        """

    def receive_provider_speech_stopped(self, call_id: str, now_ms: float) -> object:
        """Report that the provider heard the end of the caller's turn."""
