"""When the agent is audible to the caller: from playout where that is reported, else derived.

Invariant: once playout was reported on a call, it alone counts. Providers generate faster than real
time, so the end of generation is never the end of speech.
"""

from __future__ import annotations

__all__ = ["AgentAudibility"]

import math

from .audio import FRAME_MS

_LOST_AFTER_MS = 300.0
"""Silence of the line, in ms, after which the rest of what was generated and began to be played is
taken for lost: more than a line's lead of 200 ms, less than a caller takes to answer and a turn
detector to notice it."""

_MAX_PAST_SPELLS = 8
"""Spells of agent audio remembered, for captured audio that arrives late."""


class AgentAudibility:
    """One call's answer to: does the caller's line carry the agent, or its echo, at a time?

    Args:
        grace_ms: Echo tail after the last audio, on top of the echo path delay.
    """

    __slots__ = (
        "_end_ms",
        "_has_begun",
        "_is_generating",
        "_is_playout_reported",
        "_past",
        "_silent_since_ms",
        "_start_ms",
        "_waiting_ms",
        "echo_delay_ms",
        "grace_ms",
    )

    def __init__(self, grace_ms: float) -> None:
        self.grace_ms = grace_ms
        """Echo tail after the last audio, on top of the echo path delay."""
        self._start_ms = -math.inf
        self._end_ms = -math.inf
        self._past: tuple[tuple[float, float], ...] = ()
        self._is_generating = False
        self._is_playout_reported = False
        self._waiting_ms = 0.0
        """Agent audio that was generated and, where playout is reported, not yet played."""
        self._has_begun = False
        """Something was played since agent audio was last generated, or playout resumed."""
        self._silent_since_ms = math.inf
        """Since when playout, not paused, is silent though agent audio waits; infinity if not."""
        self.echo_delay_ms = 0.0
        """Measured echo path delay in ms; 0 while unknown."""

    def is_audible(self, at_ms: float) -> bool:
        """Say whether agent audio is played at a time, or its echo may still come back.

        Args:
            at_ms: Now, or before it for captured audio that arrives late.
        """
        tail_ms = self.echo_delay_ms + self.grace_ms
        if at_ms >= self._start_ms:
            is_derived = self._is_generating and not self._is_playout_reported
            return is_derived or at_ms < self._end_ms + tail_ms
        return any(start_ms <= at_ms < end_ms + tail_ms for start_ms, end_ms in self._past)

    def is_active(self, now_ms: float) -> bool:
        """Say whether the agent is audible or about to be: audio is being generated."""
        return self._is_generating or self._waiting_ms > 0 or self.is_audible(now_ms)

    def is_playing(self, now_ms: float) -> bool:
        """Say whether agent audio is on the line or waits for it, its echo tail left aside."""
        if not self._is_playout_reported:
            return self.is_active(now_ms)
        return self._waiting_ms > 0 or self._start_ms <= now_ms < self._end_ms + FRAME_MS

    def receive_far_end(
        self, now_ms: float, *, is_agent_audio: bool, is_paused: bool = False
    ) -> None:
        """Take note of one 20 ms slot that the line plays.

        Args:
            now_ms: Now; later than the slot where our own loop stood still.
            is_agent_audio: False for silence that only keeps the line alive.
            is_paused: Playout is paused by us, and what waits will be played.
        """
        if not self._is_playout_reported:
            self._is_playout_reported = True
            self._end_ms = min(self._end_ms, now_ms)
        if is_agent_audio:
            self._begin(now_ms)
            self._end_ms = max(self._end_ms, now_ms + FRAME_MS)
            self._waiting_ms = max(0.0, self._waiting_ms - FRAME_MS)
            self._has_begun = True
        if is_agent_audio or is_paused or self._is_generating:
            self._silent_since_ms = math.inf
        elif self._has_begun and self._waiting_ms > 0:
            self._follow_silence(now_ms)

    def set_speaking(self, now_ms: float, *, is_speaking: bool, audio_ms: float) -> None:
        """Take note of the provider's word on generation.

        Args:
            now_ms: Now.
            is_speaking: False when generation has ended.
            audio_ms: Agent audio generated since the last word, in ms; 0 where unknown.
        """
        was_generating = self._is_generating
        if self._is_playout_reported:
            self._is_generating = is_speaking
            self._waiting_ms += audio_ms
            if audio_ms > 0:
                self._await_playout()
            return
        if is_speaking or audio_ms > 0:
            self._begin(now_ms)
        self._is_generating = is_speaking
        if audio_ms > 0:
            self._end_ms = max(self._end_ms, now_ms) + audio_ms
        if was_generating and not is_speaking:
            self._end_ms = max(self._end_ms, now_ms)

    def resume(self, now_ms: float) -> None:
        """Playout goes on after a pause of our own: the agent is audible with the next slot."""
        self._begin(now_ms)
        self._end_ms = max(self._end_ms, now_ms + FRAME_MS)
        self._await_playout()

    def flush(self, now_ms: float) -> None:
        """Playout was flushed: nothing of what was generated will be heard any more."""
        self._is_generating = False
        self._waiting_ms = 0.0
        self._end_ms = min(self._end_ms, now_ms + FRAME_MS)

    def _await_playout(self) -> None:
        """What waits has yet to begin, however long that takes."""
        self._has_begun = False
        self._silent_since_ms = math.inf

    def _follow_silence(self, now_ms: float) -> None:
        """Wait no longer for what a line has lost, or played in slots that nobody was shown.

        Time counts, not slots: those that a stall of our own cost are shown all at once, and the
        agent's audio after them.
        """
        self._silent_since_ms = min(self._silent_since_ms, now_ms)
        if now_ms - self._silent_since_ms >= _LOST_AFTER_MS:
            self._waiting_ms = 0.0

    def _begin(self, now_ms: float) -> None:
        """Begin a spell of agent audio, unless one goes on."""
        if self.is_audible(now_ms):
            return
        if self._end_ms > self._start_ms:
            self._past = (*self._past[1 - _MAX_PAST_SPELLS :], (self._start_ms, self._end_ms))
        self._start_ms = now_ms
