"""The lines of a trace: JSON objects, one a line, each with its ``type``.

Where the audio of an input lies stands in its line as ``at`` (first sample on the side's track),
``silent`` (nothing but the format's silence) or ``audio`` (what has no place on the track, in
base64); a trace without audio has none of them. Decisions stand in the lines of their inputs: see
:mod:`.trace_decisions`.

Invariant: a number that was written is read back to the last bit; every line is JSON as RFC 8259
has it.
"""

from __future__ import annotations

__all__ = [
    "CUT",
    "ENDED",
    "EVENT",
    "HEADER",
    "MAX_SILENT_BYTES",
    "TRACKS",
    "AudioPlace",
    "TracksLine",
    "Tree",
    "input_from_tree",
    "input_kind_of",
    "input_kinds",
    "input_tree",
    "line_of",
    "place_from_tree",
    "step_from_tree",
    "tree_of_line",
]

import json
import math
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..core.audio import AudioFormat
from ..core.config import GatingConfig
from ..core.gate_tape import (
    AgentSpeaking,
    FarEndPlayed,
    FrameCaptured,
    GateBegun,
    GateEnded,
    GateInput,
    GateReconfigured,
    ProviderSpeechStarted,
    ProviderSpeechStopped,
    TimePassed,
)
from .plain_values import from_plain, is_time, number_of, text_of, to_plain, whole_of
from .trace_decisions import decision_of
from .trace_values import RecordedStep

Tree = dict[str, Any]
"""What one line holds."""

HEADER = "header"
"""The first line: :class:`~.trace_values.CallHeader`."""
TRACKS = "tracks"
"""Formats of both sides and the time of their first sample; only where audio is recorded."""
EVENT = "event"
"""What happened besides the gate: :class:`~.trace_values.CallEvent`."""
CUT = "cut"
"""The recording stopped here though the call went on, with the reason."""
ENDED = "call_ended"
"""The last line: :class:`~.trace_values.RecordedEnd`."""

_KINDS: Mapping[type, str] = {
    GateBegun: "gate_begun",
    FrameCaptured: "frame_captured",
    TimePassed: "time_passed",
    FarEndPlayed: "far_end_played",
    AgentSpeaking: "agent_speaking",
    ProviderSpeechStarted: "provider_speech_started",
    ProviderSpeechStopped: "provider_speech_stopped",
    GateReconfigured: "gate_reconfigured",
    GateEnded: "gate_ended",
}
_INPUTS: Mapping[str, Any] = {kind: given for given, kind in _KINDS.items()}

_OPTIONAL = frozenset({"capture_ms", "placed_ms"})
"""Left out where they are None."""

_AUDIBLE = frozenset({"frame_captured", "far_end_played"})

_TIMES = (
    "now_ms",
    "placed_ms",
    "capture_ms",
    "audio_ms",
    "started_ms",
    "origin_ms",
    "duration_ms",
)
"""Fields of lines that are times; a gate would fill the slots up to any that it is told."""

_PLAIN_FIELDS: Mapping[type, tuple[str, ...]] = {
    given: tuple(field.name for field in fields(given) if field.name not in {"audio", "config"})
    for given in _KINDS
}
"""What of an input stands in its line as it is; not for :class:`GateBegun`."""

MAX_SILENT_BYTES = 1_000_000
"""Silence that a line says in a word; more than twice what a second of audio has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPlace:
    """Where the audio of an input is to be had from."""

    n_bytes: int
    at: int | None = None
    """First sample on the track of its side."""
    is_silent: bool = False
    """It is nothing but silence."""
    unplaced: bytes | None = field(default=None, repr=False)
    """The audio itself, which has no place on the track."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracksLine:
    """What the audio files of a call hold."""

    far_end: AudioFormat
    capture: AudioFormat
    origin_ms: float
    """Time of their first sample."""


# -- lines -----------------------------------------------------------------------------------------


def _plain_number(value: object) -> object:
    """Return a number of another library as Python's own, of the same value."""
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"{type(value).__name__} has no place in a trace")
    return item()


_encode = json.JSONEncoder(
    separators=(",", ":"), allow_nan=False, default=_plain_number, check_circular=False
).encode


def line_of(tree: Tree) -> bytes:
    """Return a line, its end included."""
    try:
        text = _encode(tree)
    except ValueError:
        text = _encode(_finite(tree))
    return text.encode("ascii") + b"\n"


def tree_of_line(line: bytes) -> Tree:
    """Return what a line holds.

    Raises:
        ValueError: it is no JSON object with a type, or not whole.
    """
    tree = json.loads(line)
    if not isinstance(tree, dict) or not isinstance(tree.get("type"), str):
        raise ValueError("is no line of a trace")  # noqa: TRY004 - wrong text, not a wrong caller
    for name in _TIMES:
        if name in tree and not is_time(tree[name]):
            raise ValueError(f"{name} is no time")
    return tree


def _finite(value: Any) -> Any:
    """Return a tree with numbers that JSON does not have as text."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(float(value))
    return value


# -- inputs ----------------------------------------------------------------------------------------


def input_kinds() -> frozenset[str]:
    """Return the types of all lines that hold an input."""
    return frozenset(_INPUTS)


def input_kind_of(given: type[GateInput]) -> str:
    """Return the type of the lines of a kind of input."""
    return _KINDS[given]


def input_tree(given: GateInput, place: AudioPlace | None) -> Tree:
    """Return the line of an input; ``at`` is left to be entered once it is settled."""
    kind = type(given)
    tree: Tree = {"type": _KINDS[kind]}
    if isinstance(given, GateBegun):
        return {**tree, **to_plain(given)}
    for name in _PLAIN_FIELDS[kind]:
        value = getattr(given, name)
        if value is not None:
            tree[name] = value
    if isinstance(given, GateReconfigured):
        tree["config"] = to_plain(given.config)
    if place is not None:
        tree["n_bytes"] = place.n_bytes
        if place.at is not None:
            tree["at"] = place.at
        if place.is_silent:
            tree["silent"] = True
        if place.unplaced is not None:
            tree["audio"] = b64encode(place.unplaced).decode("ascii")
    return tree


def place_from_tree(tree: Tree) -> AudioPlace | None:
    """Return where the audio of an input's line is; None for an input without.

    Raises:
        ValueError, TypeError: that is not what stands there.
    """
    if tree["type"] not in _AUDIBLE:
        return None
    place = AudioPlace(
        n_bytes=whole_of(tree["n_bytes"]),
        at=whole_of(tree["at"]) if "at" in tree else None,
        is_silent=tree.get("silent") is True,
        unplaced=b64decode(tree["audio"], validate=True) if "audio" in tree else None,
    )
    if min(place.n_bytes, place.at or 0) < 0:
        raise ValueError("a place in the audio is negative")
    if place.is_silent and place.n_bytes > MAX_SILENT_BYTES:
        raise ValueError("that is more silence than comes at once")
    return place


def input_from_tree(tree: Tree, audio: bytes | None) -> GateInput | None:
    """Return the input of a line; None where the line is none of an input.

    Raises:
        ValueError, TypeError, KeyError: that is not what stands there.
    """
    given = _INPUTS.get(tree["type"])
    if given is None:
        return None
    if given is GateBegun:
        return from_plain(GateBegun, tree)
    values = {name: _plain_field(tree, name) for name in _PLAIN_FIELDS[given]}
    if given is GateReconfigured:
        values["config"] = from_plain(GatingConfig, tree["config"])
    if audio is not None:
        values["audio"] = audio
    made: GateInput = given(**values)
    return made


def step_from_tree(tree: Tree) -> RecordedStep | None:
    """Return the input of a line without its audio; None where the line is none of an input.

    Raises:
        ValueError, TypeError, KeyError: that is not what stands there.
    """
    given = _INPUTS.get(tree["type"])
    if given is None:
        return None
    has_config = given in (GateBegun, GateReconfigured)
    return RecordedStep(
        kind=tree["type"],
        now_ms=None if given is GateEnded else number_of(tree["now_ms"]),
        n_bytes=whole_of(tree["n_bytes"]) if tree["type"] in _AUDIBLE else None,
        provider=text_of(tree["provider"]) if given is GateBegun else None,
        capture_format=from_plain(AudioFormat, tree["capture_format"])
        if given is GateBegun
        else None,
        config=from_plain(GatingConfig, tree["config"]) if has_config else None,
        decision=decision_of(tree),
    )


def _plain_field(tree: Tree, name: str) -> Any:
    if name in _OPTIONAL and name not in tree:
        return None
    value = tree[name]
    if name.startswith("is_"):
        if not isinstance(value, bool):
            raise TypeError(f"{name} is not true or false")
        return value
    return number_of(value)
