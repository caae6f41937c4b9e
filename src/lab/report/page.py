"""One call as one self-contained page: pictures, sound, decisions and why.

Invariant: the page asks for nothing beyond itself; what comes from the wire is text in it, never
markup; its size is bounded, however long the call.
"""

from __future__ import annotations

__all__ = ["MAX_PAGE_BYTES", "render_page"]

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.gate_decision import GateState
from ...recordings import CallTracks, RecordedCall
from ..call_time import call_time
from ..replay.versions import version_differences
from .call_data import CallData, gather_call
from .figures import call_figures, counter_rows, reason_rows
from .lanes import WIDTH, draw_lanes
from .page_audio import MAX_AUDIO_BYTES, PageAudio, has_room_for_provider, page_audio
from .page_rows import (
    MAX_ROWS,
    MomentRow,
    config_texts,
    happened_rows,
    heard_marks,
    marks,
    moment_rows,
)
from .provider_track import provider_track
from .spectrogram import spectrogram_png

if TYPE_CHECKING:
    from jinja2 import Template

MAX_PAGE_BYTES = 40 * 1024 * 1024
"""No page is larger: sound takes 32 MiB of it at most, pictures and tables the rest."""

_TOO_LONG = (
    f"The call is too long for its sound to be in a page ({MAX_AUDIO_BYTES >> 20} MiB at most); "
    "the WAV file is in the folder of the recording."
)
_TICKS = 8
"""Times written above the pictures before the page's script measures how many fit."""
_STATES = {
    GateState.OPEN: "open",
    GateState.CLOSED: "closed over the agent",
    GateState.CANDIDATE: "candidate",
    GateState.BARGE_IN: "barge-in",
}

Samples = NDArray[np.int16]


def render_page(recorded: RecordedCall) -> str:
    """Return the page of a recorded call, as HTML.

    Raises:
        RecordingError: the call can't be read.
        ModuleNotFoundError: jinja2 or matplotlib is not installed (extra ``bench``).
    """
    template = _template()
    data = gather_call(recorded)
    audio, sound_notes = _page_audio(recorded, data.tracks)
    script = _asset("report.js")
    rows = moment_rows(data)
    page = template.render(
        script=_trusted(script),
        style=_trusted(_asset("report.css")),
        script_hash=f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'",
        notes=[*_notes(recorded, data), *sound_notes],
        happened=happened_rows(recorded.events(), data.header.started_ms),
        heard=heard_marks(data, recorded.events()),
        **_head(data),
        **_picture(data, rows),
        **_sound(audio),
        **_tables(data, rows),
        data=_script_data(data, rows),
    )
    return page.encode("utf-8", "backslashreplace").decode("utf-8")  # half characters of the wire


def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=False, auto_reload=False
    )
    return environment.from_string(_asset("report.html.jinja"))


def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def _trusted(text: str) -> str:
    """Return text of our own that is no markup to be escaped."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - a file of this package


def _head(data: CallData) -> dict[str, Any]:
    header, end = data.header, data.end
    started = header.started_at.astimezone(UTC)
    facts = [
        ("began", f"{started:%Y-%m-%d %H:%M:%S} UTC"),
        ("length", call_time(data.duration_ms, digits=1)),
        ("line", header.line),
        ("provider", header.provider if end is None else _providers(data)),
        ("ended", "not recorded" if end is None else _ending(end.reason, end.detail)),
        ("recorded by", f"voxgate {header.voxgate_version}, numpy {header.numpy_version}"),
    ]
    if header.route is not None:
        facts.insert(4, ("route", str(header.route)))
    return {
        "call_id": header.call_id,
        "facts": facts,
        "footer": "Made by voxgate report. This page is complete by itself: it loads nothing.",
    }


def _providers(data: CallData) -> str:
    names = [] if data.end is None else [*data.end.predecessors, data.end.provider]
    return ", then ".join(names)


def _ending(reason: str, detail: str) -> str:
    return reason.replace("_", " ") + (f": {detail}" if detail else "")


def _notes(recorded: RecordedCall, data: CallData) -> Iterator[str]:
    """Yield what this report lacks, and what to know when reading it."""
    if not data.is_gated:
        yield (
            "The provider of this call is not gated: everything passed untouched, and no gate "
            "measured anything."
        )
    if not recorded.is_complete:
        yield "The recording breaks off before the end of the call."
    if data.tracks is None:
        yield (
            "Only the decision trace was recorded (recording.audio is off): there are no "
            "waveforms and no sound."
        )
    yield from (f"{each}." for each in version_differences(recorded.header))


def _page_audio(
    recorded: RecordedCall, tracks: CallTracks | None
) -> tuple[PageAudio | None, list[str]]:
    """Return the sound of the page, and what there is to say of it."""
    if tracks is None:
        return None, []
    has_room = has_room_for_provider(tracks)
    provider = provider_track(recorded, tracks) if has_room else None
    audio = page_audio(tracks, provider)
    if audio is None:
        return None, [_TOO_LONG]
    notes = [*audio.notes]
    if not has_room:
        notes.append("There is no room for what the provider got.")
    elif provider is None:
        notes.append(
            "What the provider got can't be played: the gate of today does not decide as it did "
            "then (voxgate replay shows where)."
        )
    return audio, notes


def _picture(data: CallData, rows: tuple[MomentRow, ...]) -> dict[str, Any]:
    tracks = data.tracks
    return {
        "width": WIDTH,
        "lanes": draw_lanes(data),
        "states": [{"name": state.value, "text": text} for state, text in _STATES.items()],
        "marks": marks(data, rows),
        "ticks": [
            {"left": 100 * n / _TICKS, "text": call_time(data.duration_ms * n / _TICKS, digits=0)}
            for n in range(_TICKS)
        ],
        "spectrogram": None if tracks is None else _spectrogram(data, tracks),
        "band": 0 if tracks is None else tracks.rate_hz // 2000,
        "duration": call_time(data.duration_ms, digits=1),
        "duration_s": round(data.duration_ms / 1000, 3),
    }


def _spectrogram(data: CallData, tracks: CallTracks) -> dict[str, Any]:
    length_ms = len(tracks.capture) * 1000 / tracks.rate_hz
    first_ms = tracks.origin_ms - data.header.started_ms
    return {
        "uri": _uri("image/png", spectrogram_png(tracks.capture, tracks.rate_hz)),
        "left": round(100 * first_ms / data.duration_ms, 3),
        "width": round(100 * length_ms / data.duration_ms, 3),
    }


def _sound(audio: PageAudio | None) -> dict[str, Any]:
    if audio is None:
        return {"audio": None, "listen": []}
    listen = [("both", "both"), ("line", "caller's line"), ("agent", "agent")]
    if audio.provider is not None:
        listen.append(("provider", "what the provider got"))
    return {
        "audio": {
            "call": _uri("audio/wav", audio.call),
            "provider": None if audio.provider is None else _uri("audio/wav", audio.provider),
        },
        "listen": listen,
    }


def _tables(data: CallData, rows: tuple[MomentRow, ...]) -> dict[str, Any]:
    end = data.end
    left_out = len(data.moments) - len(rows)
    released_ms = data.released * 20
    return {
        "moments": rows,
        "minor": sum(row.is_minor for row in rows),
        "no_decisions": "The gate had nothing to decide."
        if data.is_gated
        else "There are none: this provider is not gated.",
        "reasons": reason_rows(data),
        "released": f"Of what was kept back {released_ms / 1000:.1f} s were released later, as the "
        "beginning of what the caller said."
        if released_ms
        else "",
        "figures": call_figures(data),
        "counters": counter_rows(None if end is None else end.gate),
        "configs": config_texts(data.configs),
        "left_out": f"{left_out} more are left out of this table, which has {MAX_ROWS} rows."
        if left_out
        else "",
    }


def _script_data(data: CallData, rows: tuple[MomentRow, ...]) -> dict[str, Any]:
    tracks = data.tracks
    begins_ms = 0.0 if tracks is None else tracks.origin_ms - data.header.started_ms
    return {
        "duration_s": round(data.duration_ms / 1000, 3),
        "sound_begins_s": round(begins_ms / 1000, 3),
        "decisions_s": sorted(row.seconds for row in rows if not row.is_minor),
    }


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"
