"""The docstrings of attributes, which Python does not keep."""

from __future__ import annotations

import pytest

from voxgate.core.audio_guard import GuardVerdict
from voxgate.core.config import BargeInConfig
from voxgate.core.gate_decision import GateEventType, GateReason
from voxgate.observe.desk.attribute_docs import attribute_docs, first_line


def test_each_field_and_member_is_explained_in_plain_words() -> None:
    """One line, without the marks of markup; what has no docstring is left out."""
    docs = attribute_docs(BargeInConfig)
    assert docs["turn_end_ms"].startswith("Silence of the caller after which")
    assert docs["candidate_ms"].startswith("Mode vad, and where no far-end reference is shown:")
    assert attribute_docs(GateReason)["LINE_MUSIC"] == "The guard is in music mode."
    assert attribute_docs(GateEventType)["CANDIDATE_DROPPED"].startswith("That evidence did")
    assert attribute_docs(GuardVerdict) == {}


def test_a_class_says_what_it_is_in_its_first_paragraph() -> None:
    """The rest of its docstring is for programmers."""
    assert first_line(BargeInConfig).startswith("Evidence and times of an interruption")


def test_without_sources_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a frozen program: no explanation rather than an error."""
    made = type("Made", (), {})
    assert attribute_docs(made) == {}
