"""One call as one self-contained page."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections import Counter
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser

import numpy as np
import pytest

from support.taped_calls import START_MS, MemoryCall, eventful_call, speech, taped_call
from voxgate.lab.report import page as page_module
from voxgate.lab.report import page_audio
from voxgate.lab.report.page import MAX_PAGE_BYTES, render_page
from voxgate.recordings import CallEvent, CallTracks, RecordedEnd

_REFERENCES = {"src", "href", "xlink:href", "action", "srcset", "poster", "data", "ping"}
_VOID = {"meta", "input", "img", "br", "link", "path", "rect", "line", "use"}


class Page(HTMLParser):
    """A page as a tree that must be well formed, and what is asked of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.ids: Counter[str] = Counter()
        self.scripts: list[str] = []
        self.shown: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append((tag, values))
        if "id" in values:
            self.ids[values["id"]] += 1
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif self._open and self._open[-1] != "style":
            self.shown.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.shown).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [values for name, values in self.tags if name == tag]


def rendered(recorded: MemoryCall) -> Page:
    return Page(render_page(recorded))  # type: ignore[arg-type]


@cache
def page() -> Page:
    return rendered(eventful_call())


def test_nothing_is_loaded_from_elsewhere() -> None:
    """Every reference is the page's own or holds what it refers to, and a policy forbids others."""
    found = page()
    references = [
        value
        for _, values in found.tags
        for name, value in values.items()
        if name in _REFERENCES and value
    ]
    assert len(references) >= 4
    assert all(value.startswith(("data:", "#")) for value in references)
    assert found.all("link") == found.all("iframe") == found.all("object") == []
    assert set(re.findall(r"url\(([^)]{1,30})", found.text)) == {"#through"}
    assert "@import" not in found.text
    for word in ("fetch(", "XMLHttpRequest", "WebSocket", "import(", "http://", "https://"):
        assert word not in found.text, word
    policy = next(m for m in found.all("meta") if "http-equiv" in m)["content"]
    assert policy.startswith("default-src 'none'; img-src data:; media-src data:;")


def test_the_policy_allows_the_pages_own_script_only() -> None:
    """By its digest: what somebody smuggles in does not run."""
    found = page()
    data, script = found.scripts
    digest = b64encode(sha256(script.encode()).digest()).decode()
    policy = next(m for m in found.all("meta") if "http-equiv" in m)["content"]
    assert f"script-src 'sha256-{digest}';" in policy
    assert json.loads(data)["duration_s"] > 30
    assert not any(name.startswith("on") for _, values in found.tags for name in values)


def test_everything_that_an_operator_asks_is_in_it() -> None:
    """Facts, pictures, sound, decisions with their reasons, what reached the provider, settings."""
    found = page()
    words = found.words
    for said in (
        "Call call-1",
        "2026-11-21 09:30:00 UTC",
        "audiosocket",
        "interruptions",
        "barge-in",
        "nothing confirmed it in time",
        "music on the line",
        "gating.providers.deepgram.mode",
        "from the start",
    ):
        assert said in words, said
    assert len(found.all("svg")) == 6
    images = [image["src"] for image in found.all("img")]
    assert b64decode(images[0].partition(",")[2]).startswith(b"\x89PNG")
    sounds = [sound["src"] for sound in found.all("audio")]
    assert len(sounds) == 2
    assert all(b64decode(each.partition(",")[2]).startswith(b"RIFF") for each in sounds)


def test_times_in_the_table_jump_there() -> None:
    """Each is a button, which a keyboard reaches, with its moment in seconds."""
    buttons = [each for each in page().all("button") if each.get("class") == "jump"]
    moments = [
        event
        for each in eventful_call().taped
        if each.decision is not None
        for event in each.decision.events
    ]
    times = [float(button["data-t"]) for button in buttons]
    assert times == pytest.approx([(each.t_ms - START_MS) / 1000 for each in moments], abs=0.001)
    decisions = json.loads(page().scripts[0])["decisions_s"]
    assert decisions == sorted(decisions)
    assert len(decisions) == 12


def test_controls_have_names_and_ids_are_ids() -> None:
    """For whoever does not see the page, and for the script."""
    found = page()
    assert max(found.ids.values()) == 1
    wanted = set(re.findall(r"byId\(\"([\w-]+)\"\)", found.text))
    assert wanted - found.ids.keys() == set()
    assert all(each.get("aria-label") for each in found.all("svg"))
    assert all(each.get("alt") for each in found.all("img"))
    headings = [tag for tag, _ in found.tags if tag in {"h1", "h2", "h3"}]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1
    assert found.all("html")[0]["lang"] == "en"


def test_what_comes_from_the_wire_is_text() -> None:
    """Markup in an id, a field or a reason is shown, not followed, in every place of the page."""
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{7*7}}"
    recorded = taped_call(lambda call: call.play(speech(200, seed=3)))
    wired = replace(
        recorded,
        header=replace(recorded.header, call_id=evil, line=evil, provider=evil),
        end=RecordedEnd(reason=evil, detail=evil, duration_ms=1.0, provider=evil),
        happened=(CallEvent(now_ms=START_MS, name=evil, fields={evil: evil}),),
    )
    found = rendered(wired)
    clean = rendered(replace(recorded, end=RecordedEnd(reason="a", duration_ms=1.0, provider="b")))
    assert len(found.scripts) == len(clean.scripts) == 2
    assert found.scripts[1] == clean.scripts[1]
    assert not any("onerror" in values for _, values in found.tags)
    assert evil in "".join(found.shown)


def test_a_trace_without_audio_says_what_it_lacks() -> None:
    """No wave, no sound, no player; the decisions are there."""
    found = rendered(eventful_call().without_audio())
    assert "Only the decision trace was recorded" in found.words
    assert "All keys of the gate" in found.words
    assert found.all("audio") == []
    assert found.all("img") == []
    assert "play" not in found.ids
    assert "clock" in found.ids
    assert "nothing confirmed it in time" in found.words


def test_an_ungated_call_says_so() -> None:
    """There are no decisions to show, and the sound is what it was."""
    found = rendered(taped_call(lambda call: call.play(speech(400, seed=3)), provider="deepgram"))
    assert "The provider of this call is not gated" in found.words
    assert "There are none: this provider is not gated." in found.words
    assert len(found.all("audio")) == 2


def test_a_recording_that_broke_off_or_is_of_other_software_says_so() -> None:
    """So that nobody takes its end for the call's, or a last bit for a fault."""
    recorded = taped_call(lambda call: call.play(speech(200, seed=3)))
    found = rendered(
        replace(
            recorded,
            is_complete=False,
            header=replace(recorded.header, numpy_version="1.26.4", route=3),
        )
    )
    assert "breaks off before the end of the call" in found.words
    assert "numpy 1.26.4 then" in found.words
    assert "route 3" in found.words
    assert "not recorded" in found.words


def test_what_the_gate_of_today_decides_otherwise_is_not_played() -> None:
    """It would be made up."""
    recorded = taped_call(lambda call: call.play(speech(200, seed=3)))
    at = next(n for n, each in enumerate(recorded.taped) if each.decision is not None)
    decision = recorded.taped[at].decision
    assert decision is not None
    recorded.taped[at] = replace(
        recorded.taped[at], decision=replace(decision, audio_digest="00" * 8)
    )
    found = rendered(recorded)
    assert "What the provider got can't be played" in found.words
    assert len(found.all("audio")) == 1


def test_a_longer_call_says_what_of_its_sound_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is not replayed for what would have no room."""
    recorded = taped_call(lambda call: call.play(speech(1000, seed=3)))
    monkeypatch.setattr(page_audio, "MAX_AUDIO_BYTES", 20_000)
    monkeypatch.setattr(page_module, "provider_track", None)
    found = rendered(recorded)
    assert "mu-law at 8 kHz" in found.words
    assert "There is no room for what the provider got." in found.words
    assert len(found.all("audio")) == 1


def test_a_long_call_keeps_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sound is left out, with a word on where it is; the rest is drawn more coarsely."""
    recorded = eventful_call()
    monkeypatch.setattr(page_audio, "MAX_AUDIO_BYTES", 100_000)

    class LongCall(MemoryCall):
        def audio(self) -> CallTracks:
            hour = np.zeros(8000 * 3600, np.int16)
            hour[::2] = 1000
            return CallTracks(far_end=hour, capture=hour, rate_hz=8000, origin_ms=START_MS)

    found = rendered(LongCall(recorded.header, recorded.taped))
    assert "too long for its sound to be in a page" in found.words
    assert "1:00:00.0" in found.words
    assert found.all("audio") == []
    assert len(found.text) < 3_000_000
    assert MAX_PAGE_BYTES > page_audio.MAX_AUDIO_BYTES * 4 / 3 + 3_000_000


def test_half_characters_of_the_wire_cost_no_page() -> None:
    """A provider's JSON may hold one; no file could be written of it."""
    recorded = eventful_call()
    header = replace(recorded.header, call_id="a\ud83db")
    page = render_page(replace(recorded, header=header))  # type: ignore[arg-type]
    assert "a\\ud83db" in page
    page.encode("utf-8")
