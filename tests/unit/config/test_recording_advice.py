"""What an operator is told of recordings that are probably not meant so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from voxgate.config import recording_advice
from voxgate.config.advice import config_warnings
from voxgate.config.models import AppConfig
from voxgate.config.recording_advice import recording_warnings
from voxgate.config.recording_model import IDENTITY_VARIABLE, RecordedCalls, RecordingConfig
from voxgate.config.route_models import RouteMatch

KEY = "age10ajk2ykadtz80xysv826q72n23nhkkq3e4fl98r8h9q4t75cfcmsh0damv"
ALL, SAMPLED = RecordedCalls.ALL, RecordedCalls.SAMPLED


def warnings(**fields: Any) -> dict[str, str]:
    return dict(recording_warnings(replace(AppConfig(), recording=RecordingConfig(**fields))))


def test_the_defaults_give_no_warning() -> None:
    """Nothing is recorded, and nothing was turned."""
    assert warnings() == {}


def test_a_recording_that_nobody_can_read_but_its_owner_gives_no_warning() -> None:
    """Audio, encrypted, bounded."""
    assert warnings(calls=ALL, audio=True, encrypt_to=(KEY,)) == {}


def test_what_is_turned_while_nothing_is_recorded() -> None:
    """But for what holds for recordings that are there."""
    found = warnings(audio=True, encrypt_to=(KEY,), folder="/var/calls", retention_days=3)
    assert found.keys() == {"recording.audio", "recording.encrypt_to"}
    assert "recording.calls is none" in found["recording.audio"]


@pytest.mark.parametrize(
    ("fields", "key", "text"),
    [
        ({"calls": ALL}, "audio", "can't be replayed"),
        ({"calls": ALL, "audio": True}, "encrypt_to", "voices lie on the disk"),
        ({"calls": ALL, "sample_percent": 5.0}, "sample_percent", "no effect"),
        ({"calls": SAMPLED, "sample_percent": 0.0}, "sample_percent", "no call is recorded"),
        ({"calls": ALL, "retention_days": None, "max_gb": None}, "retention_days", "disk is full"),
        ({"calls": ALL, "match": RouteMatch(line="twilio")}, "match.line", "is not enabled"),
    ],
)
def test_what_is_probably_not_meant(fields: dict[str, Any], key: str, text: str) -> None:
    """Each with what to do."""
    assert text in warnings(**fields)[f"recording.{key}"]


def test_encryption_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told before ``serve`` says it."""
    monkeypatch.setattr(recording_advice, "find_spec", lambda name: None)
    found = warnings(calls=ALL, audio=True, encrypt_to=(KEY,))
    assert "pip install 'voxgate[encryption]'" in found["recording.encrypt_to"]


def test_the_key_that_opens_recordings_is_no_mistyped_key_of_the_configuration() -> None:
    """Though its name begins as those do."""
    environ = {IDENTITY_VARIABLE: "AGE-SECRET-KEY-1..."}
    assert config_warnings(AppConfig(), environ) == config_warnings(AppConfig(), {})
    assert config_warnings(AppConfig(), {"VOXGATE_RECORDING_CALLS": "all"})
