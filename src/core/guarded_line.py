"""What the guard's verdicts stand for while the agent is silent: frames kept back, let out, told.

Invariant: a frame that the guard keeps back is held, so that speech that was heard late still goes
out from its onset on.
"""

from __future__ import annotations

__all__ = ["QUIETER_VOICE_ATTENUATION_DB", "GuardedLine"]

from .audio import FRAME_MS
from .audio_guard import AudioGuard, GuardVerdict
from .call_stats import CallStats
from .capture_analyzer import CaptureAnalysis
from .config import AudioGuardConfig, QuieterVoices
from .frame_gain import FrameGain
from .gate_decision import GateReason
from .gate_output import GateOutput, Outlet
from .gate_transitions import GateEventType
from .guard.caller_level import CallerLevel, LevelRule
from .guard_summary import GuardSummary

_REASONS = {
    GuardVerdict.SPEECH: GateReason.CALLER_SPEECH,
    GuardVerdict.HANGOVER: GateReason.HANGOVER,
    GuardVerdict.SILENCE: GateReason.LINE_SILENCE,
    GuardVerdict.NOISE: GateReason.LINE_NOISE,
    GuardVerdict.MUSIC: GateReason.LINE_MUSIC,
    GuardVerdict.TONE: GateReason.LINE_TONE,
}

_NOISES = (GuardVerdict.NOISE, GuardVerdict.TONE)

QUIETER_VOICE_ATTENUATION_DB = 24.0
"""By how much a voice well below the caller's is turned down (ADR 8)."""


class GuardedLine:
    """One call's line behind its guard.

    Args:
        guard: Gives the verdicts.
        outlet: Where the call's frames leave.
        stats: The call's counters.
        config: Pre-roll, and what becomes of voices well below the caller's.
        start_ms: When the call began.
    """

    __slots__ = (
        "_caller_level",
        "_gain",
        "_guard",
        "_outlet",
        "_preroll_frames",
        "_quieter_voices",
        "_stats",
        "_summary",
        "_was_music",
    )

    def __init__(
        self,
        guard: AudioGuard,
        outlet: Outlet,
        stats: CallStats,
        *,
        config: AudioGuardConfig,
        start_ms: float,
    ) -> None:
        self._guard = guard
        self._outlet = outlet
        self._stats = stats
        self._summary = GuardSummary(start_ms)
        self._was_music = False
        self._caller_level: CallerLevel | None = None
        """None where every voice has passed so far."""
        self._gain: FrameGain | None = None
        """None where nothing was ever turned down."""
        self._take(config)

    @property
    def noise_floor(self) -> float:
        """The line's noise, RMS in int16 units."""
        return self._guard.noise_floor

    @property
    def speech_logit(self) -> float | None:
        """Log odds of speech in the last frame, by the guard's networks; None if not asked."""
        return self._guard.speech_logit

    @property
    def degradations(self) -> int:
        """Networks of the guard that raised, and are not used any more."""
        return self._guard.degradations

    def process(self, unit: bytes, analysis: CaptureAnalysis, output: GateOutput) -> bool:
        """Let out or hold one 20 ms frame; return True if it is the caller's speech."""
        verdict = self._guard.process(
            analysis.level, analysis.zcr_ratio, analysis.voice, analysis.samples
        )
        self._follow_music(output)
        is_speech = verdict is GuardVerdict.SPEECH
        is_quieter = self._is_quieter(analysis.level, is_speech=is_speech) and verdict.passes
        reason = GateReason.QUIETER_VOICE if is_quieter else _REASONS[verdict]
        is_noise = verdict in _NOISES
        is_music = verdict is GuardVerdict.MUSIC
        self._stats.quieter_frames += is_quieter
        is_turned_down = self._quieter_voices is QuieterVoices.ATTENUATE
        if verdict.passes and (is_turned_down or not is_quieter):
            self._let_out(unit, reason, output, is_quieter=is_quieter)
        else:
            self._stats.noise_frames += is_noise
            self._stats.music_frames += is_music
            self._outlet.hold(
                unit, reason, output, level=analysis.level, is_echo=verdict is GuardVerdict.TONE
            )
        self._summary.count(output, is_noise=is_noise, is_music=is_music, is_quieter=is_quieter)
        return is_speech and not is_quieter

    def reconfigure(self, config: AudioGuardConfig) -> None:
        """Judge by other thresholds from the next frame on; what the line has taught stays."""
        self._guard.reconfigure(config)
        self._take(config)

    def pass_slot(self) -> None:
        """Let 20 ms pass in which the line delivered nothing."""
        self._guard.pass_slot()
        if self._caller_level is not None:
            self._caller_level.pass_slot()

    def hear_speech(self) -> None:
        """The gate itself heard the caller: the hangover begins anew."""
        self._guard.hear_speech()
        if self._caller_level is not None:
            self._caller_level.begin_anew()
        if self._gain is not None:
            self._gain.restart(is_down=False)

    def _is_quieter(self, level: float, *, is_speech: bool) -> bool:
        """Say whether the voice heard is well below the caller's."""
        if self._caller_level is None:
            return False
        if is_speech:
            self._caller_level.hear(level)
        else:
            self._caller_level.pass_slot()
        return self._caller_level.is_quieter and self._quieter_voices is not QuieterVoices.PASS

    def _take(self, config: AudioGuardConfig) -> None:
        """Take the thresholds, and make what they ask for."""
        self._preroll_frames = config.preroll_ms // FRAME_MS
        self._quieter_voices = config.quieter_voices
        if self._caller_level is not None:
            self._caller_level.set_below(config.quieter_voice_db)
        elif config.quieter_voices is not QuieterVoices.PASS:
            self._caller_level = CallerLevel(LevelRule(below_db=config.quieter_voice_db))
        if config.quieter_voices is QuieterVoices.ATTENUATE and self._gain is None:
            self._gain = FrameGain(self._outlet.audio_format, QUIETER_VOICE_ATTENUATION_DB)

    def _let_out(
        self, unit: bytes, reason: GateReason, output: GateOutput, *, is_quieter: bool
    ) -> None:
        """Let out a frame and what was held before it, turned down if need be."""
        gain = self._gain
        if gain is None:
            self._outlet.release(self._preroll_frames, reason, output)
            self._outlet.forward(unit, reason, output)
            return
        if self._outlet.is_holding:
            gain.restart(is_down=is_quieter)
        self._outlet.release(
            self._preroll_frames,
            reason,
            output,
            change=lambda frame: gain.process(frame, is_down=is_quieter),
        )
        self._outlet.forward(
            gain.process(unit, is_down=is_quieter),
            reason,
            output,
            attenuation_db=gain.attenuation_db if is_quieter else 0.0,
        )

    def _follow_music(self, output: GateOutput) -> None:
        is_music = self._guard.music_mode
        if is_music != self._was_music:
            self._was_music = is_music
            event_type = GateEventType.MUSIC_ENTERED if is_music else GateEventType.MUSIC_LEFT
            output.report(event_type, GateReason.LINE_MUSIC)
