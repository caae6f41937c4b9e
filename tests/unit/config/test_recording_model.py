"""The section of recorded calls: nothing unasked for, and only keys that open nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.config.load import parse_config
from voxgate.config.recording_model import RecordedCalls, RecordingConfig, broken_recipient
from voxgate.errors import ConfigError

KEY = "age10ajk2ykadtz80xysv826q72n23nhkkq3e4fl98r8h9q4t75cfcmsh0damv"
"""A public key; its secret one was thrown away."""


def test_nothing_is_recorded_unasked() -> None:
    """Neither calls nor their audio."""
    config = RecordingConfig()
    assert not config.is_on
    assert not config.audio
    assert RecordingConfig(calls=RecordedCalls.SAMPLED).is_on


@pytest.mark.parametrize(
    ("fields", "is_kept"),
    [
        ({}, False),
        ({"audio": True, "sample_percent": 3.0}, False),
        ({"calls": RecordedCalls.SAMPLED}, True),
        ({"folder": "/var/lib/calls"}, True),
        ({"retention_days": 7}, True),
        ({"max_gb": None}, True),
    ],
)
def test_nothing_is_deleted_unasked(fields: dict[str, Any], is_kept: bool) -> None:
    """Recordings in the folder of the default may be somebody else's."""
    assert RecordingConfig(**fields).is_kept == is_kept


def test_the_folder_may_be_in_somebody_s_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell has it; a home that nobody has is a name."""
    monkeypatch.setenv("HOME", "/home/operator")
    assert str(RecordingConfig(folder="~/calls").root) == "/home/operator/calls"
    assert str(RecordingConfig(folder="calls").root) == "calls"
    assert str(RecordingConfig(folder="~no-such-user/calls").root) == "~no-such-user/calls"


def test_public_keys_are_accepted() -> None:
    """As age-keygen writes them."""
    assert broken_recipient(KEY) == ""
    assert RecordingConfig(encrypt_to=(KEY,)).encrypt_to == (KEY,)


@given(st.integers(4, len(KEY) - 1), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_a_wrong_character_is_found(place: int, letter: str) -> None:
    """Whichever it is: a recording encrypted to it could never be read."""
    mistyped = KEY[:place] + letter + KEY[place + 1 :]
    assert (broken_recipient(mistyped) == "") == (mistyped == KEY)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"encrypt_to": ("age1short",)}, r"encrypt_to\[0\]: 'age1short' is not an age public key"),
        ({"encrypt_to": (KEY, "ssh-rsa AAAA")}, r"encrypt_to\[1\]: 'ssh-rsa AAAA' is not an age"),
        ({"encrypt_to": (7,)}, r"encrypt_to\[0\]: 7 is not text"),
        ({"calls": "some"}, "calls: 'some' is not one of none, sampled, all"),
        ({"sample_percent": 101.0}, "sample_percent: 101.0 is not in"),
        ({"retention_days": 0}, "retention_days: 0 is not in"),
        ({"max_gb": 0.0}, "max_gb: 0.0 is not in"),
        ({"folder": ""}, "folder: '' is empty"),
    ],
)
def test_what_can_not_be_meant_is_refused(fields: dict[str, Any], problem: str) -> None:
    """By the key, and in words."""
    with pytest.raises(ValueError, match=problem):
        RecordingConfig(**fields)


def test_a_secret_key_is_refused_and_not_shown() -> None:
    """Neither by the model nor by the loader, whatever its case."""
    secret = "AGE-SECRET-KEY-1" + "Q" * 58
    with pytest.raises(ValueError, match=r"encrypt_to\[0\]: is a secret key") as raised:
        RecordingConfig(encrypt_to=(secret,))
    assert "QQQ" not in str(raised.value)
    with pytest.raises(ConfigError) as refused:
        parse_config(f"recording: {{encrypt_to: [{secret.lower()}]}}", "file.yaml", {})
    assert "recording.encrypt_to[0]: is a secret key" in str(refused.value)
    assert "qqq" not in str(refused.value).lower()


def test_a_wrong_key_is_named_in_full() -> None:
    """With its place in the list and the file."""
    with pytest.raises(ConfigError) as refused:
        parse_config(f"recording: {{encrypt_to: [{KEY}, age1none]}}", "file.yaml", {})
    expected = "recording.encrypt_to[1]: 'age1none' is not an age public key"
    assert str(refused.value).startswith(expected)


def test_a_kind_of_line_that_is_none_is_refused() -> None:
    """As in routes."""
    with pytest.raises(ConfigError, match=r"recording\.match\.line: 'telex' is not a kind of line"):
        parse_config("recording: {match: {line: telex}}", "file.yaml", {})
