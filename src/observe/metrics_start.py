"""What is shown before anything was counted, so that a first increase is seen as one.

Invariant: as much as is known from the configuration, and no label that is not likely to come.
"""

from __future__ import annotations

__all__ = ["lines_with_providers", "show_from_the_start"]

import platform
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import version
from itertools import pairwise, product

from ..config.models import AppConfig
from ..core.gate_decision import GateEventType, GateState
from .metrics_labels import ANSWER_STATUSES, END_REASONS, ERROR_EFFECTS, ErrorCause
from .metrics_values import MetricValues

_REFUSALS = ("max_calls", "not_running", "duplicate_call_id", "internal_error")
_LEFT_OUT = ("dropped_received_frames", "dropped_received_events", "dropped_sent_frames")
"""What every line counts that may lose something."""
_TIMES_OF_PROVIDERS = (
    "barge_in_commit_seconds",
    "barge_in_silence_seconds",
    "caller_wait_seconds",
    "provider_turn_seconds",
)


def show_from_the_start(config: AppConfig, values: MetricValues) -> None:
    """Show at 0 what is likely to be counted, and what runs here."""
    values.set("build_info", version("voxgate"), platform.python_version(), value=1)
    for reason in _REFUSALS:
        values.count("calls_refused_total", reason, by=0)
    for source, outcome in product(("file", "desk"), ("applied", "refused")):
        values.count("config_changes_total", source, outcome, by=0)
    for state in GateState:
        values.buckets("gate_state_seconds", state.value)
    for provider in config.answering_providers:
        _show_provider(provider, values)
    for previous, provider in _takeovers(config):
        for when in ("start", "mid_call"):
            values.count("provider_fall_backs_total", previous, provider, when, by=0)
    for line, provider in lines_with_providers(config):
        values.buckets("call_duration_seconds", line)
        values.count("calls_started_total", line, provider, by=0)
        for event in _LEFT_OUT:
            values.count("line_call_events_total", line, event, by=0)
        for reason in END_REASONS:
            values.count("calls_ended_total", line, provider, reason, by=0)


def lines_with_providers(config: AppConfig) -> Iterator[tuple[str, str]]:
    """Return every line that listens with every provider that can answer."""
    names = (line.name for line in fields(config.lines))
    enabled = [name for name in names if getattr(config.lines, name).enabled]
    return product(enabled, config.answering_providers)


def _show_provider(provider: str, values: MetricValues) -> None:
    values.count("provider_reconnects_total", provider, by=0)
    for fate in ("held", "dropped"):
        values.count("provider_away_frames_total", provider, fate, by=0)
    for event_type in GateEventType:
        values.count("gate_events_total", provider, event_type.value, by=0)
    for effect, cause in product(ERROR_EFFECTS, ErrorCause):
        values.count("provider_errors_total", provider, effect, cause.value, by=0)
    for status in ANSWER_STATUSES:
        values.count("provider_answers_total", provider, status, by=0)
    for direction in ("capture", "far_end"):
        values.count("gate_malformed_total", provider, direction, by=0)
    for histogram in _TIMES_OF_PROVIDERS:
        values.buckets(histogram, provider)


def _takeovers(config: AppConfig) -> Iterator[tuple[str, str]]:
    """Return who can take over whose calls."""
    for candidates in (config.engine.candidates, *(each.candidates for each in config.routes)):
        yield from pairwise(candidates)
