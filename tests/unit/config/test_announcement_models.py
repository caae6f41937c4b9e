"""What callers may hear."""

from __future__ import annotations

import pytest

from voxgate.config.announcement_models import AnnouncementConfig, AnnouncementsConfig


def test_there_is_a_sentence_for_every_failure() -> None:
    """An operator who configures nothing does not leave callers in silence."""
    defaults = AnnouncementsConfig()
    for announcement in (defaults.fall_back, defaults.lost, defaults.unreachable):
        assert announcement.text
        assert announcement.file is None


def test_null_is_a_text_and_nothing_is_not() -> None:
    """Who wants silence says so."""
    assert AnnouncementConfig(text=None).text is None
    for text in ("", "x" * 501):
        with pytest.raises(ValueError, match="text: "):
            AnnouncementConfig(text=text)
    with pytest.raises(ValueError, match="file: '' is empty"):
        AnnouncementConfig(text="Hello.", file="")
