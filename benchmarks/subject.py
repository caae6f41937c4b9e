"""The gate as it is measured: with voice activity alone, and with the far-end reference."""

from __future__ import annotations

__all__ = ["GATED", "UNGATED", "make_manager"]

from voxgate import AudioGatingManager, GatingConfig, GatingMode, ProviderGatingPolicy

GATED = "openai_realtime"
"""A kind of provider whose calls are gated."""
UNGATED = "deepgram"
"""A kind of provider whose calls pass through."""


def make_manager(mode: GatingMode = GatingMode.VAD) -> AudioGatingManager:
    """Return a manager with the default configuration, but for the mode."""
    policy = ProviderGatingPolicy(gating_enabled=True, mode=mode)
    return AudioGatingManager(
        config=GatingConfig(providers={**GatingConfig().providers, GATED: policy})
    )
