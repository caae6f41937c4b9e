"""Says what is missing where LiveKit Agents is not installed; each module here imports it first."""

from __future__ import annotations

__all__ = ["LIVEKIT"]

try:
    from livekit import agents as LIVEKIT  # noqa: N812 - a module
except ImportError as error:
    raise ImportError(
        "voxgate.integrations.livekit needs LiveKit Agents 1.3.10 or later: "
        "pip install 'voxgate[livekit]'"
    ) from error
