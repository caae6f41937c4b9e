"""Asterisk AudioSocket: the TCP line of ``AudioSocket()`` and ``Dial(AudioSocket/...)``."""

from __future__ import annotations

__all__ = [
    "AUDIOSOCKET_CAPABILITIES",
    "AudioSocketLine",
    "AudioSocketServerStats",
    "AudioSocketStats",
    "AudioSocketTransport",
]

from .line import AUDIOSOCKET_CAPABILITIES, AudioSocketLine, AudioSocketStats
from .server import AudioSocketServerStats, AudioSocketTransport
