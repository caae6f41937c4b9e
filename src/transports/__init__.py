"""The telephone lines of voxgate: what a line is, which kinds there are, and a scripted one."""

from __future__ import annotations

__all__ = [
    "TRANSPORTS",
    "CallHandler",
    "Line",
    "LineAudio",
    "LineCapabilities",
    "LineDtmf",
    "LineEvent",
    "LineHangup",
    "LinePlayed",
    "LineWarning",
    "ScriptedLine",
    "ScriptedTransport",
    "Transport",
    "TransportFactory",
    "TransportRegistry",
]

from .base import (
    CallHandler,
    Line,
    LineAudio,
    LineCapabilities,
    LineDtmf,
    LineEvent,
    LineHangup,
    LinePlayed,
    LineWarning,
    Transport,
)
from .registry import TRANSPORTS, TransportFactory, TransportRegistry
from .scripted import ScriptedLine, ScriptedTransport
