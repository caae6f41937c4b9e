"""The telephone lines of voxgate: what a line is, which kinds there are, and a scripted one."""

from __future__ import annotations

__all__ = [
    "CALLED_NUMBER",
    "CALLER_NUMBER",
    "TRANSPORTS",
    "CallHandler",
    "FrameTaker",
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
    "Transfer",
    "Transport",
    "TransportFactory",
    "TransportRegistry",
]

from .base import (
    CALLED_NUMBER,
    CALLER_NUMBER,
    CallHandler,
    FrameTaker,
    Line,
    LineAudio,
    LineCapabilities,
    LineDtmf,
    LineEvent,
    LineHangup,
    LinePlayed,
    LineWarning,
    Transfer,
    Transport,
)
from .registry import TRANSPORTS, TransportFactory, TransportRegistry
from .scripted import ScriptedLine, ScriptedTransport
