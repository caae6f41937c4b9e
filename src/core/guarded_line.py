"""What the guard's verdicts stand for while the agent is silent: frames kept back, let out, told.

Invariant: a frame that the guard keeps back is held, so that speech that was heard late still goes
out from its onset on.
"""

from __future__ import annotations

__all__ = ["GuardedLine"]

from .audio import FRAME_MS
from .audio_guard import AudioGuard, GuardVerdict
from .call_stats import CallStats
from .capture_analyzer import CaptureAnalysis
from .gate_decision import GateReason
from .gate_output import GateOutput, Outlet
from .gate_transitions import GateEventType
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


class GuardedLine:
    """One call's line behind its guard.

    Args:
        guard: Gives the verdicts.
        outlet: Where the call's frames leave.
        stats: The call's counters.
        preroll_ms: Audio from before the first speech frame that is let out with it.
        start_ms: When the call began.
    """

    __slots__ = ("_guard", "_outlet", "_preroll_frames", "_stats", "_summary", "_was_music")

    def __init__(
        self,
        guard: AudioGuard,
        outlet: Outlet,
        stats: CallStats,
        *,
        preroll_ms: int,
        start_ms: float,
    ) -> None:
        self._guard = guard
        self._outlet = outlet
        self._stats = stats
        self._preroll_frames = preroll_ms // FRAME_MS
        self._summary = GuardSummary(start_ms)
        self._was_music = False

    @property
    def noise_floor(self) -> float:
        """The line's noise, RMS in int16 units."""
        return self._guard.noise_floor

    def process(self, unit: bytes, analysis: CaptureAnalysis, output: GateOutput) -> bool:
        """Let out or hold one 20 ms frame; return True if it is the caller's speech."""
        verdict = self._guard.process(
            analysis.level, analysis.zcr_ratio, analysis.voice, analysis.samples
        )
        self._follow_music(output)
        reason = _REASONS[verdict]
        is_noise = verdict in _NOISES
        is_music = verdict is GuardVerdict.MUSIC
        if verdict.passes:
            self._outlet.release(self._preroll_frames, reason, output)
            self._outlet.forward(unit, reason, output)
        else:
            self._stats.noise_frames += is_noise
            self._stats.music_frames += is_music
            self._outlet.hold(unit, reason, output, level=analysis.level, is_echo=False)
        self._summary.count(output, is_noise=is_noise, is_music=is_music)
        return verdict is GuardVerdict.SPEECH

    def pass_slot(self) -> None:
        """Let 20 ms pass in which the line delivered nothing."""
        self._guard.pass_slot()

    def hear_speech(self) -> None:
        """The gate itself heard the caller: the hangover begins anew."""
        self._guard.hear_speech()

    def _follow_music(self, output: GateOutput) -> None:
        is_music = self._guard.music_mode
        if is_music != self._was_music:
            self._was_music = is_music
            event_type = GateEventType.MUSIC_ENTERED if is_music else GateEventType.MUSIC_LEFT
            output.report(event_type, GateReason.LINE_MUSIC)
