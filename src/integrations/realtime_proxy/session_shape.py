"""What a Realtime session is set up to: formats, who finds turns, whether it speaks.

Both shapes of the protocol are read, today's (``session.audio.input.format``) and the older one
(``session.input_audio_format``). Invariant: what a session object does not say stays as it was.
"""

from __future__ import annotations

__all__ = ["SessionShape", "ShapeChanges", "changes_in"]

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...core.audio import AudioFormat, Encoding

_PCM16_24K = AudioFormat(Encoding.PCM16, 24_000)
"""What a session begins with: the only rate that the API documents for audio/pcm."""

_FORMATS: Mapping[str, AudioFormat] = {
    "audio/pcmu": AudioFormat(Encoding.MULAW),
    "audio/pcma": AudioFormat(Encoding.ALAW),
    "pcm16": _PCM16_24K,
    "g711_ulaw": AudioFormat(Encoding.MULAW),
    "g711_alaw": AudioFormat(Encoding.ALAW),
}

_Tree = Mapping[str, Any]

ShapeChanges = Mapping[str, Any]
"""Fields of a shape that an update changes, with what they become."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionShape:
    """What matters to the gate of how a session is set up."""

    input_format: AudioFormat | None = _PCM16_24K
    """Of what the caller says; None for one that is not known here."""
    output_format: AudioFormat | None = _PCM16_24K
    """Of what the agent says; None for one that is not known here."""
    interrupts: bool = True
    """The provider finds turns, and stops the agent when the caller speaks; so does the client."""
    speaks: bool = True
    """The agent answers with audio."""
    is_conversation: bool = True
    """There is an agent; a session that only transcribes has none."""

    @property
    def is_gateable(self) -> bool:
        """Whether there is an agent that can hear itself, in formats that are known."""
        has_formats = self.input_format is not None and self.output_format is not None
        return self.is_conversation and self.speaks and has_formats

    def merged(self, session: object) -> SessionShape:
        """Return the shape after ``session.update`` with this session, or as the server told it."""
        return self.changed(changes_in(session))

    def changed(self, changes: ShapeChanges) -> SessionShape:
        """Return the shape with these of its fields changed."""
        return replace(self, **changes) if changes else self


def changes_in(session: object) -> ShapeChanges:
    """Return what a session object says of the shape, by field.

    What is not of the type that the protocol says is left out.
    """
    if not isinstance(session, Mapping):
        return {}
    audio = _section(session, "audio")
    heard, said = _section(audio, "input"), _section(audio, "output")
    changes: dict[str, Any] = {}
    if "format" in heard or "input_audio_format" in session:
        named = heard.get("format", session.get("input_audio_format"))
        changes["input_format"] = _format_of(named)
    if "format" in said or "output_audio_format" in session:
        named = said.get("format", session.get("output_audio_format"))
        changes["output_format"] = _format_of(named)
    for turns in (heard, session):
        if "turn_detection" in turns:
            changes["interrupts"] = _interrupts(turns["turn_detection"])
            break
    modalities = session.get("output_modalities", session.get("modalities"))
    if isinstance(modalities, list | tuple) and modalities:
        changes["speaks"] = "audio" in modalities
    if isinstance(session.get("type"), str):
        changes["is_conversation"] = session["type"] != "transcription"
    return changes


def _section(tree: _Tree, name: str) -> _Tree:
    section = tree.get(name)
    return section if isinstance(section, Mapping) else {}


def _format_of(said: object) -> AudioFormat | None:
    """Return a format by its name or as an object with ``type`` and ``rate``."""
    if isinstance(said, str):
        return _FORMATS.get(said, _PCM16_24K if said == "audio/pcm" else None)
    if not isinstance(said, Mapping) or not isinstance(said.get("type"), str):
        return None
    if said["type"] != "audio/pcm":
        return _FORMATS.get(said["type"])
    rate_hz = said.get("rate") or _PCM16_24K.rate_hz
    try:
        return AudioFormat(Encoding.PCM16, rate_hz)
    except (TypeError, ValueError):
        return None


def _interrupts(turn_detection: object) -> bool:
    """Return whether the provider interrupts: there is a turn detector, and it may."""
    if not isinstance(turn_detection, Mapping):
        return False
    return turn_detection.get("interrupt_response") is not False
