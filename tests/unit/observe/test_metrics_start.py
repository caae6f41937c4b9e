"""What is shown before anything was counted."""

from __future__ import annotations

from voxgate.config.line_models import LinesConfig, TwilioConfig
from voxgate.config.models import AppConfig, EngineConfig
from voxgate.config.route_models import RouteConfig
from voxgate.observe.metrics_start import lines_with_providers, show_from_the_start
from voxgate.observe.metrics_values import MetricValues

_CONFIG = AppConfig(
    engine=EngineConfig(default_provider="openai", fall_back_provider="embedded"),
    routes=(RouteConfig(provider="local", fall_back_provider="deepgram"),),
    lines=LinesConfig(twilio=TwilioConfig(enabled=True, public_url="wss://a.example/twilio")),
)


def test_every_line_that_listens_goes_with_every_provider_that_can_answer() -> None:
    """And no other: what is configured and unused would be noise."""
    answering = ("deepgram", "embedded", "local", "openai")
    assert sorted(lines_with_providers(_CONFIG)) == [
        *(("audiosocket", provider) for provider in answering),
        *(("twilio", provider) for provider in answering),
    ]


def test_what_alerts_go_by_is_there_at_zero() -> None:
    """A counter that appears with its first value has no increase that Prometheus could see."""
    values = MetricValues()
    show_from_the_start(_CONFIG, values)
    shown = {
        (sample.name.removeprefix("voxgate_"), *sample.labels.values()): sample.value
        for family in values.families()
        for sample in family.samples
    }
    for key in (
        ("calls_ended_total", "twilio", "embedded", "internal_error"),
        ("calls_refused_total", "max_calls"),
        ("config_changes_total", "file", "refused"),
        ("gate_events_total", "openai", "resumed"),
        ("provider_away_frames_total", "openai", "dropped"),
        ("provider_turn_seconds_count", "embedded"),
        ("provider_errors_total", "openai", "disconnected", "key_refused"),
        ("provider_errors_total", "embedded", "warning", "other"),
        ("provider_answers_total", "openai", "failed"),
        ("provider_fall_backs_total", "openai", "embedded", "mid_call"),
        ("provider_fall_backs_total", "local", "deepgram", "start"),
        ("gate_malformed_total", "openai", "capture"),
        ("barge_in_silence_seconds_count", "openai"),
        ("caller_wait_seconds_count", "openai"),
        ("call_duration_seconds_count", "twilio"),
    ):
        assert shown[key] == 0, key
    assert {value for key, value in shown.items() if key[0] != "build_info"} == {0.0}
    fall_backs = [key for key in shown if key[0] == "provider_fall_backs_total"]
    assert len(fall_backs) == 4, "nobody else can take over"
