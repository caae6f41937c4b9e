"""The gate as it is measured: voice activity and guard, without the echo reference."""

from __future__ import annotations

__all__ = ["GATED", "UNGATED", "make_manager"]

from voxgate import AudioGatingManager, GatingConfig, GatingMode, ProviderGatingPolicy

GATED = "openai_realtime"
"""A kind of provider whose calls are gated."""
UNGATED = "deepgram"
"""A kind of provider whose calls pass through."""


def make_manager() -> AudioGatingManager:
    """Return a manager with the default configuration, but for the mode."""
    policy = ProviderGatingPolicy(gating_enabled=True, mode=GatingMode.VAD)
    return AudioGatingManager(
        config=GatingConfig(providers={**GatingConfig().providers, GATED: policy})
    )
