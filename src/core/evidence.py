"""Evidence of the caller over the agent: gathered in audio time, forgotten after a pause.

It comes in one of two kinds. Where a far-end reference tells, each frame has log odds, and a
sequential test sums them: weak evidence has to last, strong evidence acts at once. Elsewhere voice
activity and level tell yes or no, and frames are counted. Invariant: without a reference, evidence
grows by 20 ms a frame at most and leaks, so that neither a click nor sparse hits open a gate.
"""

from __future__ import annotations

__all__ = ["Evidence"]

from .audio import FRAME_MS
from .config import BargeInConfig
from .echo.barge_in_decision import BargeInDecision, DecisionThresholds

_LEAK_MS = 10
"""Evidence lost with each frame beyond the gap below: one hit in five frames or fewer, as of
residual echo, never adds up."""
_LEAK_AFTER_MS = 40
"""A gap that costs nothing: the closure of a stop within a word."""


class Evidence:
    """Frames that speak for the caller, until ``evidence_release_ms`` pass without one.

    Args:
        config: How much makes a candidate and a commitment without a reference, and the release.
        thresholds: Of the sequential test on log odds.
    """

    __slots__ = (
        "_config",
        "_is_candidate",
        "_is_held",
        "_test",
        "gap_ms",
        "lapsed_frames",
        "ms",
        "span_frames",
    )

    def __init__(self, config: BargeInConfig, thresholds: DecisionThresholds) -> None:
        self._config = config
        self._test = BargeInDecision(thresholds)
        self._is_candidate = False
        self._is_held = False
        self.lapsed_frames = 0
        """The span of the evidence that lapsed last."""
        self.ms = 0
        """Evidence gathered, in ms of frames that spoke for the caller."""
        self.gap_ms = config.evidence_release_ms
        """Time since the last such frame, in ms; at least the release when there is none."""
        self.span_frames = 0
        """Frames captured since the first such frame, itself included; 0 when there is none."""

    @property
    def is_candidate(self) -> bool:
        """There is enough to pause the agent."""
        return self._is_candidate

    @property
    def is_held(self) -> bool:
        """There is enough to open the gate."""
        return self._is_held

    def observe(self, *, is_caller: bool, logit: float | None = None) -> bool:
        """Take one 20 ms frame.

        Args:
            is_caller: The frame speaks for the caller.
            logit: Log odds that it does, where a far-end reference tells.

        Returns:
            True if this frame made the evidence lapse.
        """
        if is_caller:
            self.ms += FRAME_MS
            self.gap_ms = 0
        if is_caller or self.ms > 0:
            self.span_frames += 1
        if logit is None:
            self._is_candidate = self.ms >= self._config.candidate_ms
            self._is_held = self.ms >= self._config.min_ms
        else:
            verdict = self._test.process(logit)
            self._is_candidate, self._is_held = verdict.is_candidate, verdict.is_commitment
        return False if is_caller else self._wait()

    def observe_nothing(self) -> bool:
        """Let a slot pass without a frame; return True if this made the evidence lapse."""
        return self._wait()

    def reconfigure(self, config: BargeInConfig, thresholds: DecisionThresholds) -> None:
        """Judge by other thresholds from the next frame on; what was gathered stays."""
        self._config = config
        self._test.thresholds = thresholds

    def reset(self) -> None:
        """Forget all evidence."""
        self._test.reset()
        self._is_candidate = self._is_held = False
        self.ms = 0
        self.span_frames = 0
        self.gap_ms = self._config.evidence_release_ms

    def _wait(self) -> bool:
        self.gap_ms += FRAME_MS
        if self.ms == 0:
            return False
        if self.gap_ms > _LEAK_AFTER_MS:
            self.ms = max(0, self.ms - _LEAK_MS)
        if self.ms > 0 and self.gap_ms < self._config.evidence_release_ms:
            return False
        self.lapsed_frames = self.span_frames
        self.reset()
        return True
