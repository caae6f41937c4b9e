"""The level of the caller's voice, learned in the call, and voices that lie well below it.

By level alone a television 15 dB below the caller can't be told from a caller who has turned away
by 12 dB: speech itself moves by as much. What tells them apart is that a television comes back. So
the first stretch of a quieter voice gets the benefit of the doubt for some seconds; once the caller
has been heard above such a stretch, the next ones are taken for somebody else's. A louder voice is
the caller's only once it has lasted: a word called across the room changes nothing (ADR 8).
Invariant: all is relative, so that the same call, louder or quieter, gives the same answers.
"""

from __future__ import annotations

__all__ = ["CallerLevel", "LevelRule"]

from dataclasses import dataclass, replace

from ..audio import FRAME_MS
from ..units import db_to_power_ratio

_FRAME_S = FRAME_MS / 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """What makes a voice quieter than the caller's, and for how long it is given the doubt."""

    below_db: float = 11.0
    """A voice so far below the caller's is a quieter one."""
    sure_db: float = 3.0
    """So far further below, it counts towards being known: a caller's own soft words seldom are."""
    long_frames: int = 22
    """Speech over which a voice is measured before it is known that there are two."""
    short_frames: int = 20
    """The same once it is known."""
    return_frames: int = 3
    """Speech by which the caller is heard again."""
    sure_frames: int = 8
    """Speech at the caller's level by which it is not the beginning of a louder voice."""
    return_db: float = 3.0
    """So far less below the caller's than ``below_db``, a voice is the caller's again."""
    rise: float = 0.05
    """Share by which the learned level follows a louder voice, in dB, with each frame of speech."""
    forget_db_per_s: float = 1.0
    """By how much it falls with each second of quieter speech: a caller who stays quiet is the
    caller again after some seconds."""
    first_frames: int = 25
    """Of a call's speech, that only teach. A voice is a louder one by what had been learned so many
    frames ago."""
    louder_db: float = 6.0
    """A voice so far above the caller's is a louder one, which teaches nothing at first."""
    louder_s: float = 1.2
    """Louder speech, in all, by which it is the caller's: what was heard before was another's."""
    doubt_s: float = 4.0
    """Quieter speech, in all, that is let pass before the caller has been heard above it."""
    known_s: float = 0.4
    """Quieter speech, in all, that makes a quieter voice known when the caller is heard again."""
    most_s: float = 6.0
    """Quieter speech remembered at most."""
    regain: float = 0.1
    """Seconds of it forgotten with each second of the caller's speech; of a louder voice, with each
    second of any other."""
    gap_frames: int = 100
    """A pause in speech after which a voice is measured anew."""


class CallerLevel:
    """The level of one call's caller.

    Args:
        rule: What makes a voice quieter.
    """

    __slots__ = (
        "_caller",
        "_caller_frames",
        "_fall",
        "_gap_frames",
        "_heard_s",
        "_is_louder",
        "_is_quieter",
        "_learned",
        "_louder_ratio",
        "_louder_s",
        "_powers",
        "_quieter_ratio",
        "_return_ratio",
        "_rule",
        "_speech_frames",
        "_sure_ratio",
        "_suspect_s",
    )

    def __init__(self, rule: LevelRule) -> None:
        self._set_rule(rule)
        self._louder_ratio = db_to_power_ratio(rule.louder_db)
        self._fall = db_to_power_ratio(-rule.forget_db_per_s * _FRAME_S)
        self._powers: list[float] = []
        """Of the newest frames of speech, in squared int16 units, oldest first."""
        self._caller = 0.0
        """Power of the caller's voice; 0 until somebody has spoken."""
        self._learned: list[float] = []
        """The same after each of the newest frames of speech that taught, oldest first."""
        self._speech_frames = 0
        self._caller_frames = 0
        """Of them, at the caller's level since another voice."""
        self._gap_frames = 0
        self._is_quieter = False
        self._is_louder = False
        """The voice heard now is above the caller's, and has not lasted."""
        self._louder_s = 0.0
        """Speech of such voices, as far as it is remembered."""
        self._heard_s = 0.0
        """Quieter speech of the call, as far as it is remembered."""
        self._suspect_s = 0.0
        """The same since a quieter voice was known for one, or known anew."""

    @property
    def rms(self) -> float:
        """The caller's level, RMS in int16 units; 0 until somebody has spoken."""
        return float(self._caller**0.5)

    @property
    def is_quieter(self) -> bool:
        """The voice heard now is not the caller's."""
        return self._is_quieter

    def set_below(self, below_db: float) -> None:
        """Take voices for quieter ones from another level on; what was learned stays.

        Args:
            below_db: As in :attr:`LevelRule.below_db`.
        """
        self._set_rule(replace(self._rule, below_db=below_db))

    def hear(self, level: float) -> None:
        """Take one 20 ms frame of speech.

        Args:
            level: Its RMS in int16 units.
        """
        if level <= 0.0:
            return
        rule = self._rule
        powers = self._powers
        powers.append(level * level)
        if len(powers) > rule.long_frames:
            del powers[0]
        self._end_louder()
        self._gap_frames = 0
        self._speech_frames += 1
        lasting = sum(powers) / len(powers)
        recent_powers = powers[-rule.short_frames :]
        recent = sum(recent_powers) / len(recent_powers)
        self._learn(lasting, recent)
        if self._speech_frames > rule.first_frames:
            self._follow(lasting, recent)

    def pass_slot(self) -> None:
        """Let 20 ms without speech pass."""
        self._gap_frames += 1
        if self._gap_frames == self._rule.gap_frames:
            self.begin_anew()

    def begin_anew(self) -> None:
        """Measure the voice anew; the caller's level stays."""
        self._powers.clear()
        self._is_quieter = False

    def _set_rule(self, rule: LevelRule) -> None:
        self._rule = rule
        self._quieter_ratio = db_to_power_ratio(-rule.below_db)
        self._sure_ratio = db_to_power_ratio(-rule.below_db - rule.sure_db)
        self._return_ratio = db_to_power_ratio(rule.return_db - rule.below_db)

    def _learn(self, lasting: float, recent: float) -> None:
        """Move the caller's level."""
        rule = self._rule
        learned = self._learned
        earlier = learned[0] if learned else 0.0
        self._is_louder = recent > earlier * self._louder_ratio
        if self._is_louder:
            self._caller = earlier
            self._hear_louder(recent)
            return
        self._louder_s = max(0.0, self._louder_s - rule.regain * _FRAME_S)
        if lasting > self._caller:
            self._caller *= (lasting / self._caller) ** rule.rise
        elif self._speech_frames > rule.first_frames:
            self._caller *= self._fall
        learned.append(self._caller)
        if len(learned) > rule.first_frames:
            del learned[0]

    def _end_louder(self) -> None:
        """Once a louder voice has ended, measure the next without it."""
        if not self._is_louder:
            return
        newest = self._powers[-self._rule.return_frames :]
        if sum(newest) < len(newest) * self._caller * self._louder_ratio:
            self._powers[:] = newest[-1:]

    def _hear_louder(self, recent: float) -> None:
        """Count a louder voice, which is the caller's once it has lasted."""
        rule = self._rule
        self._louder_s += _FRAME_S
        later_s = max(0, self._speech_frames - rule.first_frames) * _FRAME_S
        if later_s and self._louder_s < rule.louder_s:
            return
        self._suspect_s = max(0.0, later_s - self._louder_s)
        self._caller = recent
        self._learned[:] = [recent]
        self._is_louder = False
        self._louder_s = 0.0

    def _follow(self, lasting: float, recent: float) -> None:
        """Decide whose voice is heard."""
        rule = self._rule
        is_measured = len(self._powers) == rule.long_frames
        if self._is_quieter or (is_measured and lasting < self._caller * self._sure_ratio):
            self._heard_s = min(self._heard_s + _FRAME_S, rule.most_s)
            self._suspect_s += _FRAME_S
            self._caller_frames = 0
        elif self._is_louder:
            self._caller_frames = 0
        elif recent > self._caller * 0.25:
            self._hear_caller()
        if self._is_quieter:
            newest = self._powers[-rule.return_frames :]
            if sum(newest) > len(newest) * self._caller * self._return_ratio:
                self._is_quieter = False
                self._powers[:] = newest[-1:]
        elif self._heard_s >= rule.doubt_s and len(self._powers) >= rule.short_frames:
            self._is_quieter = recent < self._caller * self._quieter_ratio

    def _hear_caller(self) -> None:
        rule = self._rule
        self._caller_frames += 1
        if self._caller_frames < rule.sure_frames:
            return
        if self._suspect_s >= rule.known_s:
            self._heard_s = rule.most_s
            self._suspect_s = 0.0
        self._heard_s = max(0.0, self._heard_s - rule.regain * _FRAME_S)
        self._suspect_s = max(0.0, self._suspect_s - rule.regain * _FRAME_S)
