"""What providers say, as metrics.

Invariant: of an error its cause is kept, of an answer its status and its tokens; never what was
said.
"""

from __future__ import annotations

__all__ = ["ProviderMetrics"]

from ..call_observer import ProviderSwitched
from ..core.gate_decision import GateReason
from ..errors import ProviderError
from ..providers.base import (
    CallerSpeechStarted,
    ProviderDisconnected,
    ProviderEnded,
    ProviderEvent,
    ProviderReady,
    ProviderWarning,
    ResponseDone,
    TokenUsage,
    UsageReported,
)
from .metrics_labels import ANSWER_STATUSES, OTHER, cause_of
from .metrics_tally import CallTally
from .metrics_values import MetricValues


class ProviderMetrics:
    """Counts what providers say of calls.

    Args:
        values: Where it is counted.
    """

    def __init__(self, values: MetricValues) -> None:
        self._values = values

    def receive(self, tally: CallTally, now_ms: float, event: ProviderEvent) -> None:
        """Take an event of a call."""
        turn_ms = tally.turns.receive(now_ms, event)
        if turn_ms is not None:
            self._values.observe("provider_turn_seconds", turn_ms / 1000, tally.provider)
        match event:
            case CallerSpeechStarted(decision, float(capture_ms)):
                if decision.reason is GateReason.PASS_THROUGH and decision.events:
                    tally.interrupt(capture_ms)
            case ResponseDone(_, status):
                label = status if status in ANSWER_STATUSES else OTHER
                self._values.count("provider_answers_total", tally.provider, label)
            case UsageReported(usage):
                self._count_tokens(tally.provider, usage)
            case _:
                self._follow_connection(tally.provider, event)

    def receive_switch(self, event: ProviderSwitched) -> None:
        """Take that a provider has taken over a call."""
        when = "mid_call" if event.was_ready else "start"
        self._values.count("provider_fall_backs_total", event.previous, event.provider, when)
        self._count_away(event.provider, event.held_frames, event.dropped_frames)

    def _follow_connection(self, provider: str, event: ProviderEvent) -> None:
        match event:
            case ProviderReady(reconnected, held_frames, dropped_frames):
                self._values.count("provider_reconnects_total", provider, by=float(reconnected))
                self._count_away(provider, held_frames, dropped_frames)
            case ProviderWarning(error):
                self._count_error(provider, "warning", error)
            case ProviderDisconnected(error):
                self._count_error(provider, "disconnected", error)
            case ProviderEnded(ProviderError() as error):
                self._count_error(provider, "ended", error)

    def _count_error(self, provider: str, effect: str, error: ProviderError) -> None:
        cause = cause_of(error.code).value
        self._values.count("provider_errors_total", provider, effect, cause)

    def _count_away(self, provider: str, held: int, dropped: int) -> None:
        for fate, count in (("held", held), ("dropped", dropped)):
            if count:
                self._values.count("provider_away_frames_total", provider, fate, by=count)

    def _count_tokens(self, provider: str, usage: TokenUsage) -> None:
        for direction, total, audio in (
            ("input", usage.input_tokens, usage.input_audio_tokens),
            ("output", usage.output_tokens, usage.output_audio_tokens),
        ):
            for modality, count in (("audio", audio), ("text", max(0, total - audio))):
                labels = (provider, direction, modality)
                self._values.count("provider_tokens_total", *labels, by=count)
        self._values.count("provider_cached_tokens_total", provider, by=usage.cached_input_tokens)
