"""The agent on this machine: a recogniser, a reply and a voice made into one provider."""

from __future__ import annotations

__all__ = ["LocalProvider"]

from .provider import LocalProvider
