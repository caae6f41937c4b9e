"""Simulates calls for training and measuring: voices, echo paths, backgrounds, lines.

Bank of clips -> profile of conditions -> one call. Everything random comes from a seed.
"""

from __future__ import annotations

__all__ = [
    "JUDGE_PROFILE",
    "TAIL_SAMPLES",
    "TRAIN_PROFILE",
    "Bank",
    "Call",
    "Clip",
    "EchoRanges",
    "Profile",
    "assign_split",
    "build_bank",
    "find_clips",
    "load_bank",
    "save_bank",
    "simulate_call",
]

from .bank import Bank, Clip, assign_split, load_bank, save_bank
from .call_simulation import Call, simulate_call
from .corpus_folder import build_bank, find_clips
from .echo_simulation import EchoRanges
from .profiles import JUDGE_PROFILE, TRAIN_PROFILE, Profile
from .turns import TAIL_SAMPLES
