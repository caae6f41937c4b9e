"""A gating manager whose calls can be listened to: every input of a call, and every decision.

Invariant: a tap changes nothing of what the gate decides; a call without one costs nothing more
than a look into an empty table.
"""

from __future__ import annotations

__all__ = ["TapedGatingManager", "apply_input"]

from collections.abc import Callable
from typing import Any

from .audio import AudioFormat
from .audio_gating_manager import AudioGatingManager
from .config import GatingConfig
from .gate_decision import GateDecision
from .gate_tape import (
    AgentSpeaking,
    FarEndPlayed,
    FrameCaptured,
    GateBegun,
    GateEnded,
    GateInput,
    GateReconfigured,
    GateTap,
    ProviderSpeechStarted,
    ProviderSpeechStopped,
    TimePassed,
)

_PCM16_8K = AudioFormat()


class TapedGatingManager(AudioGatingManager):
    """Decides as :class:`AudioGatingManager` does, and tells taps of it.

    Calls of the older face (``should_forward_audio``) can't be tapped.
    """

    def __init__(self, *args: Any, **keys: Any) -> None:
        super().__init__(*args, **keys)
        self._taps: dict[str, GateTap] = {}
        self._placed_ms: dict[str, float] = {}
        """When the next chunk of a tapped call was captured, where its line says."""
        self.tap_failures = 0
        """Taps that raised, and are told nothing more."""

    def tap_call(self, call_id: str, tap: GateTap) -> None:
        """Tell a tap of a call from now on, best before it starts; it takes another one's place."""
        self._taps[call_id] = tap

    def untap_call(self, call_id: str) -> None:
        """Tell nobody of a call any more; nothing happens where nobody is told."""
        self._taps.pop(call_id, None)
        self._placed_ms.pop(call_id, None)

    def reconfigure(self, config: GatingConfig, now_ms: float) -> None:  # noqa: D102 - as in the base
        super().reconfigure(config, now_ms)
        for call_id in [each for each in self._taps if each in self._gates]:
            self._tell(call_id, GateReconfigured(now_ms=now_ms, config=config))

    def start_call(  # noqa: D102
        self,
        call_id: str,
        *,
        provider: str,
        now_ms: float,
        capture_format: AudioFormat = _PCM16_8K,
        far_end_format: AudioFormat | None = None,
    ) -> None:
        super().start_call(
            call_id,
            provider=provider,
            now_ms=now_ms,
            capture_format=capture_format,
            far_end_format=far_end_format,
        )
        if call_id in self._taps:
            self._tell(
                call_id,
                GateBegun(
                    now_ms=now_ms,
                    provider=provider,
                    capture_format=capture_format,
                    far_end_format=far_end_format or capture_format,
                    config=self.config,
                ),
            )

    def cleanup_call(self, call_id: str) -> None:  # noqa: D102
        super().cleanup_call(call_id)
        if call_id in self._taps:
            self._tell(call_id, GateEnded())

    def place_capture(self, call_id: str, captured_ms: float) -> None:  # noqa: D102
        super().place_capture(call_id, captured_ms)
        if call_id in self._taps:
            self._placed_ms[call_id] = captured_ms

    def process(self, call_id: str, frame: bytes, now_ms: float) -> GateDecision:  # noqa: D102
        decision = super().process(call_id, frame, now_ms)
        if call_id in self._taps:
            placed_ms = self._placed_ms.pop(call_id, None)
            captured = FrameCaptured(now_ms=now_ms, audio=frame, placed_ms=placed_ms)
            self._tell(call_id, captured, decision)
        return decision

    def advance(self, call_id: str, now_ms: float) -> GateDecision:  # noqa: D102
        decision = super().advance(call_id, now_ms)
        if call_id in self._taps:
            self._tell(call_id, TimePassed(now_ms=now_ms), decision)
        return decision

    def receive_far_end(  # noqa: D102
        self, call_id: str, frame: bytes, now_ms: float, *, is_agent_audio: bool
    ) -> None:
        super().receive_far_end(call_id, frame, now_ms, is_agent_audio=is_agent_audio)
        if call_id in self._taps:
            played = FarEndPlayed(now_ms=now_ms, audio=frame, is_agent_audio=is_agent_audio)
            self._tell(call_id, played)

    def set_agent_speaking(  # noqa: D102
        self,
        call_id: str,
        is_speaking: bool,  # noqa: FBT001
        now_ms: float | None = None,
        *,
        audio_ms: float = 0.0,
    ) -> None:
        super().set_agent_speaking(call_id, is_speaking, now_ms, audio_ms=audio_ms)
        if now_ms is not None and call_id in self._taps:
            word = AgentSpeaking(now_ms=now_ms, is_speaking=is_speaking, audio_ms=audio_ms)
            self._tell(call_id, word)

    def receive_provider_speech_started(  # noqa: D102
        self, call_id: str, now_ms: float, *, capture_ms: float | None = None
    ) -> GateDecision:
        decision = super().receive_provider_speech_started(call_id, now_ms, capture_ms=capture_ms)
        if call_id in self._taps:
            word = ProviderSpeechStarted(now_ms=now_ms, capture_ms=capture_ms)
            self._tell(call_id, word, decision)
        return decision

    def receive_provider_speech_stopped(self, call_id: str, now_ms: float) -> None:  # noqa: D102
        super().receive_provider_speech_stopped(call_id, now_ms)
        if call_id in self._taps:
            self._tell(call_id, ProviderSpeechStopped(now_ms=now_ms))

    def _tell(self, call_id: str, given: GateInput, decision: GateDecision | None = None) -> None:
        try:
            self._taps[call_id].receive(given, decision)
        except Exception:  # noqa: BLE001 - whoever listens, the call goes on
            self.tap_failures += 1
            self.untap_call(call_id)


def apply_input(manager: AudioGatingManager, call_id: str, given: GateInput) -> GateDecision | None:
    """Tell a manager what a tape says of a call; return its decision, where it decides.

    ``GateBegun`` starts the call with the manager's own configuration: that of the tape, or another
    one to compare with. ``GateReconfigured`` changes it as it was changed then: leave it out where
    another one is to hold for the whole call.
    """
    return _APPLY[type(given)](manager, call_id, given)


def _begin(manager: AudioGatingManager, call_id: str, given: GateBegun) -> None:
    manager.start_call(
        call_id,
        provider=given.provider,
        now_ms=given.now_ms,
        capture_format=given.capture_format,
        far_end_format=given.far_end_format,
    )


def _capture(manager: AudioGatingManager, call_id: str, given: FrameCaptured) -> GateDecision:
    if given.placed_ms is not None:
        manager.place_capture(call_id, given.placed_ms)
    return manager.process(call_id, given.audio, given.now_ms)


def _play(manager: AudioGatingManager, call_id: str, given: FarEndPlayed) -> None:
    manager.receive_far_end(call_id, given.audio, given.now_ms, is_agent_audio=given.is_agent_audio)


def _speak(manager: AudioGatingManager, call_id: str, given: AgentSpeaking) -> None:
    manager.set_agent_speaking(call_id, given.is_speaking, given.now_ms, audio_ms=given.audio_ms)


def _hear(manager: AudioGatingManager, call_id: str, given: ProviderSpeechStarted) -> GateDecision:
    return manager.receive_provider_speech_started(
        call_id, given.now_ms, capture_ms=given.capture_ms
    )


_APPLY: dict[type, Callable[[Any, str, Any], GateDecision | None]] = {
    GateBegun: _begin,
    FrameCaptured: _capture,
    TimePassed: lambda manager, call_id, given: manager.advance(call_id, given.now_ms),
    FarEndPlayed: _play,
    AgentSpeaking: _speak,
    ProviderSpeechStarted: _hear,
    ProviderSpeechStopped: lambda manager, call_id, given: manager.receive_provider_speech_stopped(
        call_id, given.now_ms
    ),
    GateReconfigured: lambda manager, _call_id, given: manager.reconfigure(
        given.config, given.now_ms
    ),
    GateEnded: lambda manager, call_id, _given: manager.cleanup_call(call_id),
}
