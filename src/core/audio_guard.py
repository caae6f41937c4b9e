"""The guard on noisy lines: what is not the caller's speech does not reach a gated provider.

At work while the agent is silent. Level and zero crossings settle silence; a small network judges
the rest by its spectrum and its course. Invariant: its cost per frame is bounded, it does no I/O,
and it is taught only by the line itself, never by the agent's echo.
"""

from __future__ import annotations

__all__ = ["AUDIO_GUARD_ENABLED", "AudioGuard", "GuardVerdict", "is_probable_speech"]

from enum import Enum

import numpy as np
import numpy.typing as npt

from .audio import FRAME_MS
from .config import AudioGuardConfig
from .guard.speech_evidence import SpeechEvidence
from .music import MusicDetector
from .noise_floor import NoiseFloor
from .vad_manager import VADResult

AUDIO_GUARD_ENABLED: bool = True
"""The switch, in code on purpose: without the guard, gap recovery is on in its place, and a gated
provider hears everything that a noisy line carries."""

_SPEECH_ZCR = (0.01, 0.45)
"""Zero crossings per sample of voiced to unvoiced speech at 8 kHz; hum lies below, hiss above."""
_LOSS_FRAMES = 5
"""Of zeros in a row, 100 ms: what a line loses at a time; more is digital silence."""
_SURE_TONE_FRAMES = 3
"""Of a tone in a row, that end a hangover: voices hold two lines for a frame or two."""
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
    TONE = "tone"

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
        evidence: Tells speech by its sound; without one, voice activity and level do.
    """

    __slots__ = (
        "_evidence",
        "_floor",
        "_hangover_frames",
        "_lost_networks",
        "_music",
        "_noise_hangover_frames",
        "_since_speech",
        "_tone_frames",
        "_zero_frames",
        "degradations",
        "prev_rms",
        "speech_threshold_factor",
    )

    def __init__(self, config: AudioGuardConfig, evidence: SpeechEvidence | None = None) -> None:
        self.speech_threshold_factor = config.speech_threshold_factor
        self.prev_rms = 0.0
        """RMS of the last frame in int16 units."""
        self._evidence = evidence
        self._floor = NoiseFloor(config.initial_noise_floor)
        self._music = MusicDetector()
        self._set_hangover(config)
        self._since_speech = self._hangover_frames
        """Frames since the last speech, up to those of the hangover."""
        self._tone_frames = 0
        """Frames in a row that were a tone."""
        self._zero_frames = 0
        """Frames in a row without a sample but zero, up to those of a loss."""
        self._lost_networks = 0
        self.degradations = 0
        """Networks that raised, and are not used any more."""

    @property
    def noise_floor(self) -> float:
        """The line's noise, RMS in int16 units."""
        return self._floor.rms

    @property
    def effective_threshold(self) -> float:
        """Level from which a frame is loud, RMS in int16 units."""
        return self.noise_floor * self.speech_threshold_factor

    @property
    def speech_logit(self) -> float | None:
        """Log odds of speech in the last frame, by the networks; None if they were not asked."""
        return None if self._evidence is None else self._evidence.logit

    @property
    def music_mode(self) -> bool:
        """The line plays music."""
        return self._music.music_mode

    def process(
        self,
        level: float,
        zcr_ratio: float,
        voice: VADResult | None,
        samples: npt.NDArray[np.int16] | None = None,
    ) -> GuardVerdict:
        """Judge one 20 ms frame captured while the agent is silent.

        Args:
            level: RMS of the frame in int16 units.
            zcr_ratio: Zero crossings per sample, 0..1.
            voice: Voice activity of the frame; None where there is no detector any more.
            samples: int16 [shape=(160,), mono, 8 kHz]; without them, and without evidence, what is
                probably speech and has voice counts as speech.
        """
        threshold = self.effective_threshold
        is_probable = is_probable_speech(level, zcr_ratio, threshold, self.prev_rms)
        if not self._is_loss(level):
            self._music.update(level)
            if not self.music_mode:
                self._floor.update(level)
            self.prev_rms = level
        is_speech = None
        if samples is not None:
            is_speech = self._ask_evidence(
                samples, level, zcr_ratio, voice, is_probable=is_probable
            )
        if is_speech is None:
            is_speech = is_probable and self._is_voice(level, voice)
        return self._verdict(level, threshold, is_probable=is_probable, is_speech=is_speech)

    def reconfigure(self, config: AudioGuardConfig) -> None:
        """Judge by other thresholds from the next frame on; what the line has taught stays.

        The floor that a call starts at, and the networks, are those of the construction.
        """
        is_over = self._since_speech >= self._hangover_frames
        self.speech_threshold_factor = config.speech_threshold_factor
        self._set_hangover(config)
        longest = self._hangover_frames
        self._since_speech = longest if is_over else min(self._since_speech, longest)
        if self._evidence is not None:
            self._evidence.set_sensitivity(config.sensitivity)

    def pass_slot(self) -> None:
        """Let 20 ms pass in which the guard was not asked: the hangover runs on."""
        self._since_speech += self._since_speech < self._hangover_frames
        if self._evidence is not None:
            try:
                self._evidence.skip()
            except Exception:  # noqa: BLE001 - as below
                self._lose_evidence()
        self._follow_evidence()

    def hear_speech(self) -> None:
        """Begin the hangover anew: the caller was heard by the gate."""
        self._since_speech = 0

    def _set_hangover(self, config: AudioGuardConfig) -> None:
        self._hangover_frames = config.hangover_ms // FRAME_MS
        is_alone = self._evidence is None
        noise_hangover_ms = config.hangover_ms if is_alone else config.noise_hangover_ms
        self._noise_hangover_frames = noise_hangover_ms // FRAME_MS

    def _is_loss(self, level: float) -> bool:
        """Say whether a frame is one that the line lost, and no digital silence."""
        self._zero_frames = min(self._zero_frames + 1, _LOSS_FRAMES + 1) if level == 0.0 else 0
        return 0 < self._zero_frames <= _LOSS_FRAMES

    def _ask_evidence(
        self,
        samples: npt.NDArray[np.int16],
        level: float,
        zcr_ratio: float,
        voice: VADResult | None,
        *,
        is_probable: bool,
    ) -> bool | None:
        """Return whether a frame is speech by its sound; None if nothing can tell."""
        evidence = self._evidence
        if evidence is None:
            return None
        try:
            if not is_probable:
                evidence.skip(samples)
                return False
            return evidence.process(
                samples,
                level,
                zcr_ratio=zcr_ratio,
                is_voice=voice is not None and voice.webrtc_result,
                noise_floor=self.noise_floor,
                is_in_turn=self._since_speech < self._hangover_frames,
            )
        except Exception:  # noqa: BLE001 - any network may stand here, and the call goes on
            self._lose_evidence()
            return None
        finally:
            self._follow_evidence()

    def _lose_evidence(self) -> None:
        """Go on by voice activity and level."""
        self._evidence = None
        self._lost_networks += 1
        self._noise_hangover_frames = self._hangover_frames

    def _follow_evidence(self) -> None:
        within = 0 if self._evidence is None else self._evidence.degradations
        self.degradations = max(self.degradations, self._lost_networks + within)

    def _is_voice(self, level: float, voice: VADResult | None) -> bool:
        is_covered = self.music_mode and not self._music.is_above_music(level)
        return (voice is None or voice.is_speech) and not is_covered

    def _verdict(
        self, level: float, threshold: float, *, is_probable: bool, is_speech: bool
    ) -> GuardVerdict:
        if is_speech:
            self._since_speech = self._tone_frames = 0
            return GuardVerdict.SPEECH
        is_near = self._since_speech < self._noise_hangover_frames
        is_left = self._since_speech < self._hangover_frames
        self._since_speech += is_left
        is_tone = self._evidence is not None and self._evidence.is_tone
        self._tone_frames = self._tone_frames + 1 if is_tone else 0
        if is_left and (is_near or not is_probable) and self._tone_frames < _SURE_TONE_FRAMES:
            return GuardVerdict.HANGOVER
        if is_tone:
            return GuardVerdict.TONE
        if self.music_mode:
            return GuardVerdict.MUSIC
        return GuardVerdict.NOISE if level >= 0.5 * threshold else GuardVerdict.SILENCE
