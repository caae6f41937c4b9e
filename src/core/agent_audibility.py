"""When the agent is audible to the caller: from playout where that is reported, else derived.

Invariant: once playout was reported on a call, it alone counts. Providers generate faster than real
time, so the end of generation is never the end of speech.
"""

from __future__ import annotations

__all__ = ["AgentAudibility"]

from .audio import FRAME_MS


class AgentAudibility:
    """One call's answer to: does the caller's line carry the agent, or its echo, right now?

    Args:
        grace_ms: Echo tail after the last audio, on top of the echo path delay.
    """

    __slots__ = (
        "_end_ms",
        "_grace_ms",
        "_is_generating",
        "_playout_reported",
        "echo_delay_ms",
    )

    def __init__(self, grace_ms: float) -> None:
        self._grace_ms = grace_ms
        self._end_ms = float("-inf")
        self._is_generating = False
        self._playout_reported = False
        self.echo_delay_ms = 0.0
        """Measured echo path delay in ms; 0 while unknown."""

    def is_audible(self, now_ms: float) -> bool:
        """Say whether agent audio is played, or its echo may still come back."""
        if self._is_generating and not self._playout_reported:
            return True
        return now_ms < self._end_ms + self.echo_delay_ms + self._grace_ms

    def is_active(self, now_ms: float) -> bool:
        """Say whether the agent is audible or about to be: audio is being generated."""
        return self._is_generating or self.is_audible(now_ms)

    def receive_far_end(self, now_ms: float, *, is_agent_audio: bool) -> None:
        """Take note of one 20 ms slot that the line plays."""
        self._playout_reported = True
        if is_agent_audio:
            self._end_ms = max(self._end_ms, now_ms + FRAME_MS)

    def set_speaking(self, now_ms: float, *, is_speaking: bool, audio_ms: float) -> None:
        """Take note of the provider's word on generation.

        Args:
            now_ms: Now.
            is_speaking: False when generation has ended.
            audio_ms: Agent audio generated since the last word, in ms; 0 where unknown.
        """
        was_generating = self._is_generating
        self._is_generating = is_speaking
        if self._playout_reported:
            return
        if audio_ms > 0:
            self._end_ms = max(self._end_ms, now_ms) + audio_ms
        if was_generating and not is_speaking:
            self._end_ms = max(self._end_ms, now_ms)

    def resume(self, now_ms: float) -> None:
        """Playout goes on after a pause of our own: the agent is audible with the next slot."""
        self._end_ms = max(self._end_ms, now_ms + FRAME_MS)

    def flush(self, now_ms: float) -> None:
        """Playout was flushed: nothing of what was generated will be heard any more."""
        self._is_generating = False
        self._end_ms = min(self._end_ms, now_ms + FRAME_MS)
