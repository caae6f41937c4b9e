"""What is allowed in the section ``recording`` but probably not meant.

Invariant: as long as nothing is recorded, only what was turned in vain is told.
"""

from __future__ import annotations

__all__ = ["recording_warnings"]

from collections.abc import Iterator
from dataclasses import fields
from importlib.util import find_spec

from .models import AppConfig
from .recording_model import RecordedCalls, RecordingConfig

_FOR_EXISTING = {"calls", "folder", "retention_days", "max_gb"}
"""Keys with an effect though no call is recorded: on recordings that are there."""


def recording_warnings(config: AppConfig) -> Iterator[tuple[str, str]]:
    """Yield key and message of each thing that an operator should know."""
    section = config.recording
    if not section.is_on:
        default = RecordingConfig()
        for field in fields(section):
            is_turned = getattr(section, field.name) != getattr(default, field.name)
            if is_turned and field.name not in _FOR_EXISTING:
                yield f"recording.{field.name}", "has no effect: recording.calls is none"
        return
    yield from _choice(config)
    yield from _audio(section)
    if section.encrypt_to and find_spec("pyrage") is None:
        message = (
            "needs pyrage, which is not installed (pip install 'voxgate[encryption]'): serve will "
            "not start"
        )
        yield "recording.encrypt_to", message
    if section.retention_days is None and section.max_gb is None:
        message = "is null, and max_gb too: recordings are kept until the disk is full"
        yield "recording.retention_days", message


def _choice(config: AppConfig) -> Iterator[tuple[str, str]]:
    """Find a choice that chooses nothing, or that something else makes."""
    section = config.recording
    is_sampled = section.calls is RecordedCalls.SAMPLED
    if is_sampled and section.sample_percent == 0.0:
        yield "recording.sample_percent", "is 0: no call is recorded"
    if not is_sampled and section.sample_percent != RecordingConfig().sample_percent:
        yield "recording.sample_percent", "has no effect: recording.calls is all"
    line = section.match.line
    if line is not None and not getattr(config.lines, line).enabled:
        yield "recording.match.line", f"{line} is not enabled: no call comes by it"


def _audio(section: RecordingConfig) -> Iterator[tuple[str, str]]:
    if not section.audio:
        message = (
            "is false: what is recorded shows every decision, but can't be replayed, drawn with "
            "its sound, or tuned on"
        )
        yield "recording.audio", message
    elif not section.encrypt_to:
        message = (
            "is empty: callers' voices lie on the disk for whoever can read it; give the public "
            "key of somebody who may hear them (age-keygen makes one)"
        )
        yield "recording.encrypt_to", message
