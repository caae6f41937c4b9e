"""What Asterisk's ``chan_websocket`` says, whichever way its control messages are written."""

from __future__ import annotations

__all__ = [
    "AudioReceived",
    "BufferingCompleted",
    "ChannelEvent",
    "ControlFormat",
    "DtmfReceived",
    "ErrorReported",
    "MarkProcessed",
    "MediaPaused",
    "MediaResumed",
    "MediaStarted",
    "MessageSkipped",
    "ProtocolViolated",
    "QueueDrained",
    "SkipReason",
    "StatusReported",
]

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ...core.audio import AudioFormat
from ...errors import RemoteProtocolError


class ControlFormat(StrEnum):
    """How control messages are written, both ways."""

    PLAIN_TEXT = "plain-text"
    """``KEY name:value ...``: what Asterisk does unless told otherwise."""
    JSON = "json"
    """``f(json)`` in the dial string, or ``control_message_format`` in ``chan_websocket.conf``."""


class SkipReason(StrEnum):
    """Why a message was left out."""

    UNKNOWN_EVENT = "unknown_event"
    UNKNOWN_DIGIT = "unknown_digit"
    """DTMF that is no key of a telephone."""
    EMPTY_AUDIO = "empty_audio"
    """A binary message without a byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStarted:
    """Which call this is: the first message, sent once."""

    channel_id: str
    """The channel's unique id; its name where Asterisk is too old to say it."""
    channel: str
    """The channel's name."""
    connection_id: str
    """Name of the connection in ``websocket_client.conf``: the same for every call."""
    audio_format: AudioFormat
    """Of the audio in both directions."""
    optimal_frame_bytes: int
    """What Asterisk plays at a time; what is left of a message after whole ones is lost."""
    control_format: ControlFormat
    has_marks: bool
    """Whether this Asterisk knows ``MARK_MEDIA``: those that do not are without ``ptime`` too."""
    variables: Mapping[str, str]
    """The channel's variables; only JSON has them."""


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """Captured audio, of any length."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The caller pressed a key."""

    digit: str
    """One of ``0-9 * # A-D``."""


@dataclass(frozen=True, slots=True)
class MarkProcessed:
    """What was sent before a mark has been played."""

    name: str


@dataclass(frozen=True, slots=True)
class MediaPaused:
    """The queue is nearly full: what is sent now may be lost."""


@dataclass(frozen=True, slots=True)
class MediaResumed:
    """There is room in the queue again."""


@dataclass(frozen=True, slots=True)
class BufferingCompleted:
    """What was sent between start and stop of buffering has been played."""

    name: str


@dataclass(frozen=True, slots=True)
class QueueDrained:
    """Nothing is left to be played; said once where it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReported:
    """The state of the queue; said where it was asked for."""

    queue_frames: int
    """Frames that wait to be played."""
    is_full: bool
    """Whether the pause of :class:`MediaPaused` lasts."""
    is_buffering: bool
    """Whether remainders are kept for the next message."""
    is_paused: bool
    """Whether silence is played instead of what waits."""


@dataclass(frozen=True, slots=True)
class ErrorReported:
    """Asterisk could not do what it was told."""

    text: str
    """Its words, fit to be shown."""


@dataclass(frozen=True, slots=True)
class MessageSkipped:
    """A well-formed message without meaning to us."""

    reason: SkipReason
    event: str
    """Name of the event, fit to be shown."""


@dataclass(frozen=True, slots=True)
class ProtocolViolated:
    """The peer does not speak the protocol; nothing after this can be trusted."""

    error: RemoteProtocolError


ChannelEvent = (
    MediaStarted
    | AudioReceived
    | DtmfReceived
    | MarkProcessed
    | MediaPaused
    | MediaResumed
    | BufferingCompleted
    | QueueDrained
    | StatusReported
    | ErrorReported
    | MessageSkipped
    | ProtocolViolated
)
"""What a message comes to."""
