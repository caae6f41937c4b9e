"""What one call's gate has done so far, as counters.

Invariant: counters only grow; every captured 20 ms frame is forwarded or withheld, exactly one of
both.
"""

from __future__ import annotations

__all__ = ["CallStats"]

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class CallStats:
    """Counters of one call; frames are 20 ms."""

    captured_frames: int = 0
    """Captured frames that reached the gate."""
    forwarded_frames: int = 0
    """Forwarded as they came."""
    withheld_frames: int = 0
    """Not forwarded when they came; some are released later."""
    released_frames: int = 0
    """Withheld first, then released as a caller's onset."""
    discarded_frames: int = 0
    """Held and judged echo when the agent fell silent."""
    silence_frames: int = 0
    """Silence sent to the provider, in place of withheld frames or as idle fill."""
    idle_fill_frames: int = 0
    """Silence sent because the line delivered nothing."""
    gap_recovery_frames: int = 0
    """Frames made up for small gaps (only without the guard)."""
    surplus_frames: int = 0
    """Silence left out to take the provider's clock back in step with the line."""
    malformed_chunks: int = 0
    """Chunks that were not audio of the call's format."""
    malformed_far_end_frames: int = 0
    """Far-end frames that were not 20 ms of their format; cut, or filled up with silence."""
    candidates: int = 0
    """Times that early evidence of the caller paused the agent."""
    candidates_dropped: int = 0
    """Candidates whose evidence did not hold."""
    barge_ins: int = 0
    """Times that the gate opened over the agent."""
    interruptions: int = 0
    """Times that the caller took the turn from the agent."""
    resumed: int = 0
    """Barge-ins that nothing confirmed."""
    degradations: int = 0
    """Detectors that raised and are not used any more."""
    music_frames: int = 0
    """Withheld as music while the agent was silent."""
    noise_frames: int = 0
    """Withheld as noise or a tone while the agent was silent; quiet is neither."""
    quieter_frames: int = 0
    """Turned down, or withheld, as a voice well below the caller's."""
