"""All parts of the gate of one call of a Pipecat pipeline, made together.

Invariant: one object per call; it is of no use for a second one at the same time.
"""

from __future__ import annotations

__all__ = ["TurnFinder", "VoxgateGate"]

import uuid
from collections.abc import Callable, Sequence
from enum import StrEnum

from .required import PIPECAT as _PIPECAT  # noqa: F401 - before any other import of Pipecat

# isort: split
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.turns.user_start import (
    BaseUserTurnStartStrategy,
    ExternalUserTurnStartStrategy,
    TranscriptionUserTurnStartStrategy,
    VADUserTurnStartStrategy,
)
from pipecat.turns.user_stop import BaseUserTurnStopStrategy, ExternalUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies

from ...clock import Clock, monotonic_ms
from ...core.audio_gating_manager import AudioGatingManager
from ...core.call_options import required_member
from ...core.gate_decision import GateEvent, GateEventType, GateState
from ...core.gated_call import FailureMode
from ..plugged_call import PluggedCall, PluggedCallCounters
from .audio_filter import GateAudioFilter
from .far_end_tap import FarEndTap
from .tapped_serializer import TappedSerializer
from .turn_start import GateUserTurnStartStrategy


class TurnFinder(StrEnum):
    """Who finds the caller's turns."""

    SERVER = "server"
    """The provider, in the audio that it is sent, as OpenAI Realtime does by default."""
    LOCAL = "local"
    """The pipeline, by its VAD; the provider's own turn detection is off."""


class VoxgateGate:
    """The gate of one call: give its parts to the transport, the aggregator and the pipeline.

    Args:
        manager: Decides; share one between all calls of the process.
        call_id: Unique among the manager's calls; made up if left out.
        provider: Instance name, kind or alias of who hears the caller: chooses the policy.
        turn_finder: Who finds the caller's turns.
        on_failure: What goes on where the gate fails: the captured audio, or silence.
        on_event: Told of every event of the gate, in order, in the pipeline's event loop.
        clock: Monotonic clock in ms.

    Raises:
        ValueError: no policy knows the provider, or ``turn_finder`` or ``on_failure`` is no such
            value.
    """

    def __init__(
        self,
        manager: AudioGatingManager,
        call_id: str | None = None,
        *,
        provider: str = "openai_realtime",
        turn_finder: TurnFinder | str = TurnFinder.SERVER,
        on_failure: FailureMode = FailureMode.OPEN,
        on_event: Callable[[GateEvent], None] | None = None,
        clock: Clock = monotonic_ms,
    ) -> None:
        self._turn_finder = required_member(TurnFinder, turn_finder, "turn_finder")
        self._clock = clock
        self._call = PluggedCall(
            manager,
            call_id or uuid.uuid4().hex,
            provider=provider,
            turn_event=_TURN_EVENTS[self._turn_finder],
            on_failure=on_failure,
            on_event=on_event,
        )
        self.audio_filter = GateAudioFilter(self._call, clock)
        """For ``TransportParams.audio_in_filter``."""
        self.far_end_tap = FarEndTap(self._call, clock=clock)
        """For the pipeline, right behind ``transport.output()``."""

    @property
    def call_id(self) -> str:
        """Its name at the manager."""
        return self._call.call_id

    @property
    def counters(self) -> PluggedCallCounters:
        """What went wrong on this call, and what was done about it."""
        return self._call.counters

    @property
    def state(self) -> GateState | None:
        """Where the gate stands; None before the start, where nothing is gated, or at the end."""
        return self._call.state

    def tap(self, serializer: FrameSerializer) -> FrameSerializer:
        """Return the serializer to use in place of ``serializer``: it shows the gate the wire.

        From then on the far-end tap leaves agent audio to it.
        """
        self.far_end_tap.takes_audio = False
        return TappedSerializer(serializer, self._call, self._clock)

    def turn_start_strategy(
        self, *, enable_interruptions: bool = True
    ) -> BaseUserTurnStartStrategy:
        """Return the strategy that starts a turn by the gate's verdict; put it before others."""
        return GateUserTurnStartStrategy(
            self._call, enable_interruptions=enable_interruptions, clock=self._clock
        )

    def user_turn_strategies(
        self, *, stop: Sequence[BaseUserTurnStopStrategy] | None = None
    ) -> UserTurnStrategies:
        """Return the strategies for ``LLMUserAggregatorParams.user_turn_strategies``.

        Args:
            stop: Who ends a turn; left out, the provider's word where it detects turns, and
                Pipecat's default where the pipeline does.
        """
        start: list[BaseUserTurnStartStrategy] = [self.turn_start_strategy()]
        if self._turn_finder is TurnFinder.SERVER:
            start.append(ExternalUserTurnStartStrategy())
            ending: Sequence[BaseUserTurnStopStrategy] = stop or [ExternalUserTurnStopStrategy()]
            return UserTurnStrategies(start=start, stop=list(ending))
        start += [VADUserTurnStartStrategy(), TranscriptionUserTurnStartStrategy()]
        return UserTurnStrategies(start=start, stop=list(stop) if stop else None)


_TURN_EVENTS = {
    TurnFinder.SERVER: GateEventType.INTERRUPTED,
    TurnFinder.LOCAL: GateEventType.BARGE_IN_COMMITTED,
}
