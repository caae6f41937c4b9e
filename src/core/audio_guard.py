"""The guard on noisy lines: what is not the caller's speech does not reach a gated provider.

At work while the agent is silent. Invariant: its cost per frame is constant, it does no I/O, and it
is taught only by the line itself, never by the agent's echo.
"""

from __future__ import annotations

__all__ = ["AUDIO_GUARD_ENABLED", "AudioGuard", "GuardVerdict", "is_probable_speech"]

from enum import Enum

from .audio import FRAME_MS
from .config import AudioGuardConfig
from .music import MusicDetector
from .noise_floor import NoiseFloor
from .vad_manager import VADResult

AUDIO_GUARD_ENABLED: bool = True
"""The switch, in code on purpose: without the guard, gap recovery is on in its place, and a gated
provider hears everything that a noisy line carries."""

_SPEECH_ZCR = (0.01, 0.45)
"""Zero crossings per sample of voiced to unvoiced speech at 8 kHz; hum lies below, hiss above."""
_LEVEL_CHANGE_RATIO = 0.3
"""Speech changes its level by more than this from one 20 ms frame to the next; steady noise does
not."""


class GuardVerdict(Enum):
    """What the guard makes of one 20 ms frame."""

    SPEECH = "speech"
    HANGOVER = "hangover"
    SILENCE = "silence"
    NOISE = "noise"
    MUSIC = "music"

    @property
    def passes(self) -> bool:
        """Say whether the provider is to hear the frame."""
        return self in _PASSING


_PASSING = (GuardVerdict.SPEECH, GuardVerdict.HANGOVER)


def is_probable_speech(rms: float, zcr: float, effective_threshold: float, prev_rms: float) -> bool:
    """Judge a frame by its level and zero crossings: the cheap first stage of the verdict.

    Args:
        rms: RMS of the frame in int16 units.
        zcr: Zero crossings per sample, 0..1.
        effective_threshold: Level from which a frame is loud, RMS in int16 units.
        prev_rms: RMS of the frame before.

    Returns:
        False below half the threshold (hard silence), True above 1.5 times it; in between, True if
        the zero crossings are those of speech or the level has changed as speech does.
    """
    if rms < 0.5 * effective_threshold:
        return False
    if rms > 1.5 * effective_threshold:
        return True
    has_speech_zcr = _SPEECH_ZCR[0] <= zcr <= _SPEECH_ZCR[1]
    has_changed = abs(rms - prev_rms) > _LEVEL_CHANGE_RATIO * max(rms, prev_rms)
    return has_speech_zcr or has_changed


class AudioGuard:
    """The guard of one call.

    Args:
        config: Floor, factor and hangover.
    """

    __slots__ = (
        "_floor",
        "_hangover_frames",
        "_music",
        "_since_speech",
        "prev_rms",
        "speech_threshold_factor",
    )

    def __init__(self, config: AudioGuardConfig) -> None:
        self.speech_threshold_factor = config.speech_threshold_factor
        self.prev_rms = 0.0
        """RMS of the last frame in int16 units."""
        self._floor = NoiseFloor(config.initial_noise_floor)
        self._music = MusicDetector()
        self._hangover_frames = config.hangover_ms // FRAME_MS
        self._since_speech = self._hangover_frames + 1

    @property
    def noise_floor(self) -> float:
        """The line's noise, RMS in int16 units."""
        return self._floor.rms

    @property
    def effective_threshold(self) -> float:
        """Level from which a frame is loud, RMS in int16 units."""
        return self.noise_floor * self.speech_threshold_factor

    @property
    def music_mode(self) -> bool:
        """The line plays music."""
        return self._music.music_mode

    def process(self, level: float, zcr_ratio: float, voice: VADResult | None) -> GuardVerdict:
        """Judge one 20 ms frame captured while the agent is silent.

        Args:
            level: RMS of the frame in int16 units.
            zcr_ratio: Zero crossings per sample, 0..1.
            voice: Voice activity of the frame; None where there is no detector any more: what is
                probably speech then counts as speech.
        """
        threshold = self.effective_threshold
        is_probable = is_probable_speech(level, zcr_ratio, threshold, self.prev_rms)
        self._music.update(level)
        if not self.music_mode:
            self._floor.update(level)
        self.prev_rms = level
        is_covered = self.music_mode and not self._music.is_above_music(level)
        is_voice = voice is None or voice.is_speech
        if is_probable and is_voice and not is_covered:
            self.hear_speech()
            return GuardVerdict.SPEECH
        self._since_speech += 1
        if self._since_speech <= self._hangover_frames:
            return GuardVerdict.HANGOVER
        if self.music_mode:
            return GuardVerdict.MUSIC
        return GuardVerdict.NOISE if level >= 0.5 * threshold else GuardVerdict.SILENCE

    def pass_slot(self) -> None:
        """Let 20 ms pass in which the line delivered nothing: the hangover runs on."""
        self._since_speech += 1

    def hear_speech(self) -> None:
        """Begin the hangover anew: the caller was heard, by the guard or by the gate."""
        self._since_speech = 0
