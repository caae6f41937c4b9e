"""Synthetic voices of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from support.recordings import write_wav
from support.signals import tone
from voxgate.lab.corpus import MissingProgramError
from voxgate.lab.corpus_manifest import read_manifest
from voxgate.lab.rendered_voices import RENDERED_VOICES, RenderedVoice, render_voices
from voxgate.lab.scenarios.corpus_folder import CorpusError

TWO = RENDERED_VOICES[:2]


class Speaker:
    """Stands in for the programs."""

    def __init__(self, *, without: str = "", is_mute: bool = False) -> None:
        self.without = without
        self.is_mute = is_mute
        self.commands: list[list[str]] = []

    def run(self, command: Sequence[str], folder: Path) -> str:
        self.commands.append(list(command))
        if command[0] == self.without:
            raise MissingProgramError(f"{command[0]} is not installed")
        if not self.is_mute:
            write_wav(folder / "spoken.wav", tone(1200, 300.0, rate_hz=16000), rate_hz=16000)
        return ""


def test_every_voice_is_a_person_of_its_own() -> None:
    """By name, and by what its program is asked for."""
    assert len({voice.speaker for voice in RENDERED_VOICES}) == len(RENDERED_VOICES) > 100
    commands = {tuple(voice.command("Hello.", "a.wav")) for voice in RENDERED_VOICES}
    assert len(commands) == len(RENDERED_VOICES)
    assert {voice.program for voice in RENDERED_VOICES} == {"espeak-ng", "flite"}
    assert all("Hello." in command and "a.wav" in command for command in commands)


def test_a_voice_keeps_its_pitch_and_its_pace() -> None:
    """A corpus that is made again has the same voices: this one was computed once."""
    command = RENDERED_VOICES[0].command("Hello.", "a.wav")
    assert command[:7] == ["espeak-ng", "-v", "en-us+adam", "-p", "65", "-s", "151"]


def test_voices_are_spoken_once(tmp_path: Path) -> None:
    """Clips with a row each; what is there already is kept."""
    speaker = Speaker()
    assert render_voices(tmp_path, voices=TWO, run=speaker.run) == ()
    rows = read_manifest(tmp_path)
    assert {row["speaker"] for row in rows} == {"espeak_en-us_adam", "espeak_en-gb_alex"}
    assert rows[0]["path"] == f"speech/espeak-ng/{TWO[0].speaker}/000.wav"
    assert len(rows) == len(speaker.commands) == 2 * 19
    again = Speaker()
    render_voices(tmp_path, voices=TWO, run=again.run)
    assert again.commands == []


def test_a_program_that_is_missing_is_asked_once(tmp_path: Path) -> None:
    """The voices of others are made all the same."""
    words: list[str] = []
    speaker = Speaker(without="espeak-ng")
    voices = (*TWO, RENDERED_VOICES[-1])
    (problem,) = render_voices(tmp_path, voices=voices, run=speaker.run, show=words.append)
    assert problem.name == "voices of espeak-ng"
    assert problem.message == "espeak-ng is not installed (apt-get install it)"
    assert not problem.is_required
    assert {row["source"] for row in read_manifest(tmp_path)} == {"flite"}
    assert len([command for command in speaker.commands if command[0] == "espeak-ng"]) == 1
    assert any("not installed" in word for word in words)


def test_a_program_that_writes_nothing_is_a_problem(tmp_path: Path) -> None:
    """And leaves nothing behind."""
    (problem,) = render_voices(tmp_path, voices=TWO, run=Speaker(is_mute=True).run)
    assert "wrote no sound" in problem.message
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    """With what the system says."""
    (tmp_path / "speech").write_text("in the way")
    with pytest.raises(CorpusError, match="can't be written: "):
        render_voices(tmp_path, voices=TWO, run=Speaker().run)


def test_a_voice_can_be_had_of_any_program(tmp_path: Path) -> None:
    """What is asked for is data."""
    voice = RenderedVoice(
        program="say",
        speaker="jo",
        language="en",
        licence="CC0-1.0",
        command=lambda text, file: ["say", text, file],
    )
    speaker = Speaker()
    render_voices(tmp_path, voices=[voice], run=speaker.run)
    assert speaker.commands[0][0] == "say"
    assert {row["licence"] for row in read_manifest(tmp_path)} == {"CC0-1.0"}
