"""How wide the conditions of simulated calls are drawn.

Invariant: a profile is a value; a call follows from a bank, a profile and a seed.
"""

from __future__ import annotations

__all__ = ["JUDGE_PROFILE", "TRAIN_PROFILE", "Profile"]

from dataclasses import dataclass, field

from .echo_simulation import EchoRanges


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the conditions of a call are drawn from."""

    split: str
    """Of the clips to use."""
    echo: EchoRanges = field(default_factory=EchoRanges)
    caller_dbfs: tuple[float, float] = (-36.0, -14.0)
    """Active speech level of the caller."""
    backgrounds: tuple[str, ...] = (
        *("none", "none", "none", "steady", "recorded", "hum", "babble", "music", "tv"),
    )
    """Of ``BACKGROUND_KINDS``, as often as named."""
    background_snr_db: tuple[float, float] = (6.0, 30.0)
    """Caller over background; voices in the background are 6 dB weaker than others."""
    burst_prob: float = 0.4
    barge_in_prob: float = 0.5
    """Of each agent turn, to be interrupted."""
    talk_over_prob: float = 0.0
    """Of each answer of the caller's, to have the agent's next turn begin in it."""
    codecs: tuple[str, ...] = ("mulaw", "mulaw", "mulaw", "alaw", "gsm", "linear")
    """Of ``CODECS``, as often as named."""
    losses: tuple[float, ...] = (0.0, 0.0, 0.0, 0.01, 0.04)
    """Shares of packets lost between the caller and us."""
    line_lead_ms: tuple[float, float] = (0.0, 0.0)
    """How far ahead of what it plays the line is sent to."""
    hole_prob: float = 0.0
    """Of a call, to have one to three holes of 0.1 to 0.6 s in which nothing arrives."""
    silent_line_prob: float = 0.0
    """Of a line without any noise of its own."""
    gain_control_prob: float = 0.0
    """Of the caller's device, to level all that it picks up."""
    noise_gate_prob: float = 0.0
    """Of the caller's device, to turn down what is soft."""
    clear_prob: float = 0.0
    """Of each agent turn, to be cut off: what the line has not yet played is never heard."""


TRAIN_PROFILE = Profile(
    split="train",
    talk_over_prob=0.2,
    hole_prob=0.1,
    silent_line_prob=0.15,
    gain_control_prob=0.12,
    noise_gate_prob=0.12,
)
"""What training draws its calls from."""
JUDGE_PROFILE = Profile(
    split="report",
    echo=EchoRanges(minimum_erl_db=6.0, maximum_delay_ms=560.0),
    caller_dbfs=(-30.0, -16.0),
    background_snr_db=(10.0, 28.0),
    burst_prob=0.15,
    codecs=("mulaw", "mulaw", "alaw", "gsm"),
)
"""What the calls that judge are drawn from: clips that training leaves out."""
