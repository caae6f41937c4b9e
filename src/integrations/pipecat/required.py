"""Says what is missing where Pipecat is not installed; every module here imports this one first."""

from __future__ import annotations

__all__ = ["PIPECAT"]

try:
    import pipecat as PIPECAT  # noqa: N812 - a module
except ImportError as error:
    raise ImportError(
        "voxgate.integrations.pipecat needs Pipecat: pip install 'voxgate[pipecat]'"
    ) from error
