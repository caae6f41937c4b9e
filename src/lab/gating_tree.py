"""A gate's configuration as an operator's file would hold it."""

from __future__ import annotations

__all__ = ["GATE_SECTIONS", "gating_tree"]

from typing import Any

from ..config.model_tree import to_tree
from ..core.config import GatingConfig

GATE_SECTIONS: tuple[str, ...] = ("gating", "vad", "audio_guard", "barge_in", "idle_fill")
"""What the gate is configured by, of all sections of the file."""


def gating_tree(config: GatingConfig) -> dict[str, Any]:
    """Return the sections with all their keys; the kinds of configured providers are left out."""
    policies = {kind: to_tree(policy) for kind, policy in config.providers.items()}
    sections = {name: to_tree(getattr(config, name)) for name in GATE_SECTIONS[1:]}
    return {"gating": {"providers": policies}, **sections}
