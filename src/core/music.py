"""Background music: sound that goes on at one level for seconds, as speech never does.

Between words and in the closures of stops speech falls by more than 12 dB several times a second;
held and layered notes do not. Invariant: the caller can be heard over music: a sound well above its
level is not music.
"""

from __future__ import annotations

__all__ = ["MusicDetector"]

_ENTER_FRAMES = 200
"""4 s without a dip: the longest sentence spoken without one that was found took 1.6 s."""
_LEAVE_FRAMES = 25
"""500 ms of quiet end the music: longer than the rest between two notes."""
_DIP_RATIO = 0.25
"""A dip is a frame 12 dB below the running level."""
_MEAN_UPDATE = 0.02
"""Smoothing of the running level per 20 ms frame: a time constant of 1 s."""


class MusicDetector:
    """Whether a line plays music, frame by frame."""

    __slots__ = ("_mean_level", "music_cooldown_frames", "music_frames", "music_mode")

    def __init__(self) -> None:
        self.music_mode = False
        self.music_frames = 0
        """Frames of sound without a dip so far."""
        self.music_cooldown_frames = 0
        """Frames of quiet since the music was last heard."""
        self._mean_level = 0.0

    def update(self, level: float, *, is_sound: bool) -> None:
        """Follow one 20 ms frame.

        Args:
            level: RMS of the frame in int16 units.
            is_sound: The frame is above the line's noise.
        """
        if not self.music_mode:
            is_dip = not is_sound or level < _DIP_RATIO * self._mean_level
            self.music_frames = 0 if is_dip else self.music_frames + 1
            self.music_mode = self.music_frames >= _ENTER_FRAMES
            self.music_cooldown_frames = 0
        else:
            is_quiet = not is_sound or level < _DIP_RATIO * self._mean_level
            self.music_cooldown_frames = self.music_cooldown_frames + 1 if is_quiet else 0
            if self.music_cooldown_frames >= _LEAVE_FRAMES:
                self.music_mode = False
                self.music_frames = 0
        if is_sound and not self.is_above_music(level):
            self._mean_level += _MEAN_UPDATE * (level - self._mean_level)

    def is_above_music(self, level: float) -> bool:
        """Say whether a frame is so loud that it is not the music: 6 dB above its level."""
        return self.music_mode and level > 2 * self._mean_level
