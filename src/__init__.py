"""voxgate: the caller can interrupt an AI voice agent at once, and the agent never hears itself."""

from __future__ import annotations
