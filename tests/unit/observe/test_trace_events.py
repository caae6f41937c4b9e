"""What a trace says of lines and providers, and what it never says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

from voxgate.call_observer import ProviderSwitched
from voxgate.core.gate_decision import PASS_THROUGH
from voxgate.errors import ProviderError
from voxgate.observe.trace_events import TRACED_EVENTS, switch_event, trace_event
from voxgate.providers import base
from voxgate.providers.base import ProviderEvent
from voxgate.recordings.plain_values import to_plain
from voxgate.transports.base import LineAudio, LineDtmf, LineEvent, LineHangup, LineWarning

ROOT = Path(__file__).resolve().parents[3]
SECRET = "what was said"  # noqa: S105 - a word to look for
ERROR = ProviderError("peer", SECRET, code="gone", retryable=False)

SAMPLES = [
    LineDtmf("7"),
    LineWarning("line.odd", SECRET),
    LineHangup("caller_hangup", SECRET),
    base.ProviderReady(reconnected=True, held_frames=2),
    base.ProviderDisconnected(ERROR),
    base.ProviderWarning(ERROR),
    base.ProviderEnded(ERROR),
    base.ProviderEnded(),
    base.ResponseStarted("r1"),
    base.ResponseDone("r1", "completed"),
    base.AgentAudioDone("i1"),
    base.CallerSpeechStarted(PASS_THROUGH, 12.5),
    base.CallerSpeechStopped(None),
    base.CallerIdle(),
    base.Transcript(speaker=base.Speaker.CALLER, item_id="i1", text=SECRET, is_final=True),
    base.FunctionCalled(function_call_id="f1", name="hangup"),
    base.FunctionReturned(function_call_id="f1", name="hangup"),
]


def test_every_kind_that_is_traced_has_a_sample_here() -> None:
    """So that what follows is about all of them."""
    assert {type(sample) for sample in SAMPLES} == TRACED_EVENTS.keys()
    known = {*get_args(LineEvent), *get_args(ProviderEvent)}
    assert TRACED_EVENTS.keys() <= known


def test_names_and_fields() -> None:
    """Dotted, each once; of what there is to say."""
    names = [name for name, _ in TRACED_EVENTS.values()]
    assert len(set(names)) == len(names)
    event = trace_event(3.0, base.ResponseDone("r1", "completed"))
    assert event is not None
    assert (event.now_ms, event.name) == (3.0, "provider.response_done")
    assert event.fields == {"response_id": "r1", "status": "completed"}


def test_every_name_is_documented_with_its_fields() -> None:
    """And no other is."""
    page = (ROOT / "docs" / "recordings.md").read_text(encoding="utf-8")
    table = page.partition("The names of `event`")[2].partition("\n\nCalls of")[0]
    listed = {}
    for row in re.findall(r"^\| (`.+?) \| (.+?) \|$", table, re.MULTILINE):
        for name in re.findall(r"`([\w.]+)`", row[0]):
            listed[name] = set(re.findall(r"`(\w+)`", row[1]))
    events = [trace_event(0.0, sample) for sample in SAMPLES]
    said: dict[str, set[str]] = {"call.provider_switched": listed["call.provider_switched"]}
    for event in filter(None, events):
        said.setdefault(event.name, set()).update(event.fields)
    assert listed == said


def test_nothing_that_was_said_or_pressed_is_traced() -> None:
    """Nor what an error quotes."""
    for sample in SAMPLES:
        event = trace_event(0.0, sample)
        assert event is not None
        text = json.dumps(to_plain(event))
        assert SECRET not in text
        assert '"7"' not in text


def test_audio_is_no_event() -> None:
    """It has files of its own."""
    assert trace_event(0.0, LineAudio(b"ab")) is None
    assert trace_event(0.0, base.AgentAudio("i1", b"ab")) is None


def test_a_provider_that_takes_over_is_traced() -> None:
    """With who failed, and why in one word."""
    event = switch_event(
        ProviderSwitched(
            call_id="c",
            now_ms=4.0,
            previous="first",
            provider="second",
            error=ERROR,
            was_ready=True,
            held_frames=3,
            dropped_frames=0,
        )
    )
    assert event.name == "call.provider_switched"
    assert event.fields["code"] == "gone"
    assert SECRET not in json.dumps(to_plain(event))
