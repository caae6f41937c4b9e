"""Audio that was recorded lately is found again."""

from __future__ import annotations

from voxgate.recordings.audio_tracks import Stretch
from voxgate.recordings.recent_audio import RecentAudio


def remembered(*pieces: tuple[bytes, float]) -> tuple[RecentAudio, list[Stretch]]:
    recent = RecentAudio()
    stretches = [Stretch(len(audio)) for audio, _ in pieces]
    for (audio, now_ms), stretch in zip(pieces, stretches, strict=True):
        recent.remember(audio, now_ms, stretch)
    return recent, stretches


def test_of_equal_pieces_that_of_the_time_is_found() -> None:
    """Silence is the same in every slot."""
    recent, stretches = remembered((b"s", 0.0), (b"s", 20.0), (b"s", 40.0))
    assert recent.find(b"s", 20.0) is stretches[1]
    assert recent.find(b"s", 29.9) is stretches[1]
    assert recent.find(b"s", 30.1) is stretches[2]
    assert recent.find(b"s", 50.1) is None
    assert recent.find(b"x", 20.0) is None


def test_of_a_place_that_is_settled_only_the_place_is_kept() -> None:
    """The other is asked when it is needed."""
    recent = RecentAudio()
    recent.remember(b"a", 0.0, Stretch(1, at=7))
    recent.remember(b"b", 20.0, Stretch(1))
    assert recent.find(b"a", 0.0) == 7
    assert isinstance(recent.find(b"b", 20.0), Stretch)


def test_the_newest_is_found_whenever_it_was() -> None:
    """For bytes that are looked for at another time."""
    recent, stretches = remembered((b"a", 0.0), (b"b", 20.0), (b"a", 40.0))
    assert recent.find_any(b"a") is stretches[2]
    assert recent.find_any(b"c") is None


def test_what_is_old_is_forgotten() -> None:
    """Its memory is bounded by time."""
    recent, _ = remembered((b"a", 0.0), (b"b", 10_000.0), (b"c", 15_001.0))
    assert recent.find_any(b"a") is None
    assert recent.find_any(b"b") is not None
    recent.remember(b"d", 99_000.0, Stretch(1))
    assert recent.find_any(b"c") is None
