"""The rendered sentences are whole, at the agreed level, and found by their words."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode_mulaw
from voxgate.core.levels import peak
from voxgate.core.units import power_ratio_to_db, ratio_to_db
from voxgate.realtime_server.voice_library import (
    VoiceLibrary,
    VoiceLine,
    agent_voices,
    normalised,
)

AGENT = agent_voices()
CALLER = VoiceLibrary.load(files("voxgate.lab") / "voices")
ALL_LINES = [*AGENT.values(), *CALLER.values()]

every_line = pytest.mark.parametrize("line", ALL_LINES, ids=lambda line: f"{line.voice}/{line.id}")


def active_level_dbfs(line: VoiceLine) -> float:
    """Return the mean level of the frames within 25 dB of the loudest one."""
    samples = decode_mulaw(line.audio).astype(np.float64) / 32768
    power = np.mean(samples[: len(samples) // 160 * 160].reshape(-1, 160) ** 2, axis=1)
    return power_ratio_to_db(float(np.mean(power[power > power.max() * 10**-2.5])))


@every_line
def test_every_line_is_at_the_agreed_level(line: VoiceLine) -> None:
    """-20 dBFS while there is speech, and no peak at the edge of the scale."""
    assert active_level_dbfs(line) == pytest.approx(-20.0, abs=0.5)
    peak_dbfs = ratio_to_db(peak(decode_mulaw(line.audio)) / 32768)
    assert -14 < peak_dbfs < -1


@every_line
def test_every_line_is_spoken_at_a_natural_pace(line: VoiceLine) -> None:
    """Between slow and fast speech, by the words; short lines are mostly edges."""
    n_words = len(line.text.split())
    words_a_minute = n_words / line.duration_ms * 60_000
    assert words_a_minute < 235
    if n_words > 4:
        assert words_a_minute > 120


@every_line
def test_every_line_is_free_and_says_so(line: VoiceLine) -> None:
    """Voice and licence of each are in the index."""
    assert line.voice
    assert line.licence.startswith(("CC0", "BSD"))


def test_the_lines_that_demo_and_tests_count_on_are_there() -> None:
    """One answer is long enough to be interrupted; the caller's sentences last 3 to 6 s."""
    assert AGENT["service_time"].duration_ms >= 12_000
    assert {"greeting", "hello", "go_on", "still_there", "repeat", "goodbye"} <= AGENT.keys()
    for line_id in ("question", "interruption", "card_question", "thanks"):
        assert 3000 <= CALLER[line_id].duration_ms <= 6000
    assert CALLER["interruption"].text == "Sorry, wait a second, I have another question."
    assert {"stop", "hello"} <= CALLER.keys()


def test_the_assets_are_small() -> None:
    """Both folders together stay below 1.5 MB."""
    assert sum(len(line.audio) for line in ALL_LINES) < 1_400_000


def test_agent_and_caller_have_different_voices() -> None:
    """A recording of a call tells who spoke."""
    assert {line.voice for line in AGENT.values()}.isdisjoint(
        line.voice for line in CALLER.values()
    )


@pytest.mark.parametrize(
    "text",
    [
        "Hello, how can I help you?",
        "hello how can i help you",
        "Greet the caller now. Say exactly these words: Hello, how can I help you?",
    ],
)
def test_a_line_is_found_by_its_words(text: str) -> None:
    """Whatever stands around them, and however they are written."""
    found = AGENT.find(text)
    assert found is not None
    assert found.id == "hello"


@pytest.mark.parametrize("text", ["", "Hello", "Say something nice.", "help you I can how hello"])
def test_other_words_find_nothing(text: str) -> None:
    """A line is found whole or not at all."""
    assert AGENT.find(text) is None


def test_of_two_lines_in_a_text_the_longer_is_found() -> None:
    """The more specific one is meant."""
    text = f"{AGENT['hello'].text} {AGENT['service_time'].text}"
    found = AGENT.find(text)
    assert found is not None
    assert found.id == "service_time"


def test_an_unknown_id_names_those_that_exist() -> None:
    """As anybody who mistypes one wants to know."""
    with pytest.raises(KeyError, match="greeting, service_time"):
        AGENT["greting"]


def test_normalised_keeps_words_only() -> None:
    """Case, punctuation and spaces do not count."""
    assert normalised("  Don't STOP,\n please! ") == "don t stop please"


def write_library(folder: Path, audio: bytes, sha256: str) -> None:
    """Write a library of one line."""
    entry = {
        "id": "a",
        "file": "a.ulaw",
        "text": "A.",
        "voice": "v",
        "licence": "CC0-1.0",
        "sha256": sha256,
    }
    index = {"encoding": "mulaw", "rate_hz": 8000, "lines": [entry]}
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    (folder / "a.ulaw").write_bytes(audio)


def test_any_folder_of_that_form_is_a_library(tmp_path: Path) -> None:
    """Users can render lines of their own."""
    write_library(tmp_path, b"\xff" * 800, hashlib.sha256(b"\xff" * 800).hexdigest())
    line = VoiceLibrary.load(tmp_path)["a"]
    assert (line.text, line.duration_ms) == ("A.", 100.0)
    assert line.audio_format == AudioFormat(Encoding.MULAW)


def test_a_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    """The index knows what was rendered."""
    write_library(tmp_path, b"\xff" * 800, hashlib.sha256(b"other").hexdigest())
    with pytest.raises(ValueError, match=r"a\.ulaw is not the file that was rendered"):
        VoiceLibrary.load(tmp_path)
