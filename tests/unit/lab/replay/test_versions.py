"""Software of another version than when a call was recorded is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.taped_calls import memory_call
from voxgate.core.guard import speech_evidence
from voxgate.lab.replay.versions import version_differences


def test_the_same_software_has_nothing_to_name() -> None:
    """Replayed where it was recorded."""
    assert version_differences(memory_call().header) == ()


def test_another_version_is_named_with_both_numbers() -> None:
    """So that a difference in the last bit is no riddle."""
    header = replace(memory_call().header, voxgate_version="0.0.9", numpy_version="1.26.4")
    voxgate, numpy = version_differences(header)
    assert (voxgate.package, voxgate.recorded) == ("voxgate", "0.0.9")
    assert str(numpy) == f"numpy 1.26.4 then, {np.__version__} now"


def test_networks_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call guarded by both is replayed by the small ones where nothing runs the others."""
    header = replace(memory_call().header, speech_evidence="joined")
    monkeypatch.setattr(speech_evidence, "packaged_silero_network", lambda: None)
    (difference,) = version_differences(header)
    assert str(difference) == "audio_guard.speech_evidence joined then, light now"
    assert version_differences(replace(header, speech_evidence="light")) == ()
    assert version_differences(replace(header, speech_evidence="of a later version")) == ()
