"""Fetching a corpus."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.recordings import write_wav
from support.signals import silence, tone
from voxgate.lab import corpus
from voxgate.lab.corpus import MissingProgramError, fetch_corpus, run_command
from voxgate.lab.corpus_packages import CorpusPackage
from voxgate.lab.scenarios.corpus_folder import CorpusError, find_clips

VOICE = CorpusPackage(
    name="voice-wav",
    kind="speech",
    licence="CC0-1.0",
    speaker="ann",
    language="en",
    is_required=True,
)
SOUNDS = CorpusPackage(name="sounds", kind="noise", licence="MIT")


class Archive:
    """Stands in for apt-get and dpkg."""

    def __init__(self, *, without: str = "") -> None:
        self.without = without
        self.commands: list[tuple[str, ...]] = []

    def run(self, command: Sequence[str], folder: Path) -> str:
        self.commands.append(tuple(command))
        if command[:2] == ["apt-get", "download"]:
            if self.without and command[2].startswith(self.without):
                raise CorpusError(f"E: Unable to locate package {command[2]}")
            (folder / f"{command[2]}_1.2_all.deb").write_bytes(b"")
        elif command[:2] == ["dpkg-deb", "-f"]:
            return "1.2-3\n"
        else:
            assert command[:2] == ["dpkg", "-x"]
            self._unpack(folder / command[3] / "usr/share/sounds")
        return ""

    @staticmethod
    def _unpack(folder: Path) -> None:
        (folder / "silence").mkdir(parents=True)
        write_wav(folder / "b.wav", tone(500, 300.0, rate_hz=16000), rate_hz=16000)
        write_wav(folder / "a.wav", tone(250, 300.0))
        write_wav(folder / "mute.wav", silence(500))
        write_wav(folder / "silence" / "1.wav", tone(250, 300.0))
        (folder / "readme.txt").write_text("no sound")


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "MANIFEST.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_package_is_fetched_unpacked_and_converted(tmp_path: Path) -> None:
    """With its version; nothing but the corpus is left."""
    archive = Archive()
    report = fetch_corpus(tmp_path, packages=[VOICE], run=archive.run)
    assert report.is_complete
    assert report.fetched == ("voice-wav",)
    assert [command[0] for command in archive.commands] == ["apt-get", "dpkg-deb", "dpkg"]
    assert [(row["path"], row["version"]) for row in manifest(tmp_path)] == [
        ("speech/voice-wav/sounds/a.wav", "1.2-3"),
        ("speech/voice-wav/sounds/b.wav", "1.2-3"),
    ]
    clips = list(find_clips(tmp_path))
    assert [(clip.source, clip.speaker, clip.licence) for clip in clips] == [
        ("voice-wav", "ann", "CC0-1.0")
    ] * 2
    assert {path.name for path in tmp_path.iterdir()} == {"speech", "MANIFEST.csv"}


def test_the_parts_of_a_package_are_fetched_together(tmp_path: Path) -> None:
    """A large package is not fetched for its music and then for its noises."""
    music = CorpusPackage(name="sounds", kind="music", licence="MIT", files="a")
    archive = Archive()
    report = fetch_corpus(tmp_path, packages=[SOUNDS, music], run=archive.run)
    assert report.fetched == ("sounds",)
    assert len(archive.commands) == 3
    assert {row["kind"] for row in manifest(tmp_path)} == {"noise", "music"}


def test_what_an_interrupted_run_has_left_is_replaced(tmp_path: Path) -> None:
    """A sound without a row would pass for another speaker's."""
    stale = tmp_path / "speech/voice-wav/old/c.wav"
    stale.parent.mkdir(parents=True)
    write_wav(stale, tone(250, 300.0))
    fetch_corpus(tmp_path, packages=[VOICE], run=Archive().run)
    assert not stale.exists()
    assert len(list(find_clips(tmp_path))) == len(manifest(tmp_path)) == 2


def test_half_a_package_is_none(tmp_path: Path) -> None:
    """If one of its parts is not there any more, the others are not kept either."""
    gone = CorpusPackage(name="sounds", kind="music", licence="MIT", files="no such")
    report = fetch_corpus(tmp_path, packages=[SOUNDS, gone], run=Archive().run)
    assert "holds no music" in report.problems[0].message
    assert list(tmp_path.iterdir()) == []


def test_after_three_failures_in_a_row_nothing_more_is_tried(tmp_path: Path) -> None:
    """Without a network each costs a while, and says the same."""
    names = [f"gone-{n}" for n in range(5)]
    packages = [CorpusPackage(name=name, kind="noise", licence="MIT") for name in names]
    archive = Archive(without="gone")
    report = fetch_corpus(tmp_path, packages=[*packages, VOICE], run=archive.run)
    assert len(archive.commands) == 3
    assert [problem.name for problem in report.problems] == [*names, "voice-wav"]
    assert "not tried after 3 failures" in report.problems[3].message
    assert not report.is_complete
    packages.insert(2, SOUNDS)
    again = fetch_corpus(tmp_path, packages=[*packages, VOICE], run=Archive(without="gone").run)
    assert again.fetched == ("sounds",)


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    """A package added later is; a sound that was deleted is no longer in the manifest."""
    fetch_corpus(tmp_path, packages=[VOICE], run=Archive().run)
    (tmp_path / "speech/voice-wav/sounds/a.wav").unlink()
    archive = Archive()
    report = fetch_corpus(tmp_path, packages=[VOICE, SOUNDS], run=archive.run)
    assert (report.kept, report.fetched) == (("voice-wav",), ("sounds",))
    assert [command[2] for command in archive.commands if command[0] == "apt-get"] == ["sounds"]
    assert all((tmp_path / row["path"]).is_file() for row in manifest(tmp_path))
    assert report.files == len(manifest(tmp_path))


@pytest.mark.parametrize(("without", "is_complete"), [("voice-wav", False), ("sounds", True)])
def test_a_package_that_is_missing_costs_no_other(
    tmp_path: Path, without: str, is_complete: bool
) -> None:
    """Only one that is required leaves the corpus incomplete; the reason is kept."""
    words: list[str] = []
    archive = Archive(without=without)
    report = fetch_corpus(tmp_path, packages=[VOICE, SOUNDS], run=archive.run, show=words.append)
    assert report.is_complete == is_complete
    (problem,) = report.problems
    assert problem.name == without
    assert "Unable to locate" in problem.message
    assert len(report.fetched) == 1
    assert f"{without}: failed" in words


def test_a_package_without_a_sound_is_a_problem(tmp_path: Path) -> None:
    """A folder that moved must not pass for success."""
    elsewhere = CorpusPackage(name="sounds", kind="noise", licence="MIT", folder="usr/share/games")
    report = fetch_corpus(tmp_path, packages=[elsewhere], run=Archive().run)
    assert "holds no noise under usr/share/games" in report.problems[0].message


def test_a_folder_that_can_not_be_written_is_a_problem(tmp_path: Path) -> None:
    """With what the system says."""
    (tmp_path / "corpus").write_text("in the way")
    report = fetch_corpus(tmp_path / "corpus", packages=[VOICE], run=Archive().run)
    assert "can't be written" in report.problems[0].message
    (tmp_path / "speech").write_text("in the way")
    report = fetch_corpus(tmp_path, packages=[VOICE], run=Archive().run)
    assert "voice-wav: can't be written" in report.problems[0].message


def test_a_download_that_leaves_nothing_is_a_problem(tmp_path: Path) -> None:
    """Whatever apt-get says."""
    report = fetch_corpus(tmp_path, packages=[VOICE], run=lambda *_: "")
    assert "left no package" in report.problems[0].message


def test_without_apt_it_is_said_what_else_can_be_done(tmp_path: Path) -> None:
    """Once, not for every package."""

    def run(command: Sequence[str], folder: Path) -> str:
        raise MissingProgramError(f"{command[0]} is not installed")

    with pytest.raises(CorpusError, match=r"^apt-get is not installed: .*Debian.*sounds of your"):
        fetch_corpus(tmp_path, packages=[VOICE, SOUNDS], run=run)


def test_a_command_that_is_not_installed_is_named(tmp_path: Path) -> None:
    """Whoever asked for it knows what to do without."""
    with pytest.raises(MissingProgramError, match=r"^no-such-program is not installed$"):
        run_command(["no-such-program", "download"], tmp_path)


def test_a_command_runs_in_its_folder_and_fails_with_its_last_words(tmp_path: Path) -> None:
    """Errors of apt come with a hint where the list of packages is old."""
    code = "import os, sys; print(os.getcwd())"
    assert run_command([sys.executable, "-c", code], tmp_path).strip() == str(tmp_path.resolve())
    with pytest.raises(CorpusError, match=r": what is wrong$"):
        run_command([sys.executable, "-c", "import sys; sys.exit('\\nwhat is wrong\\n')"], tmp_path)
    code = "import sys; sys.exit('W: a warning\\nE: Unable to locate package x')"
    with pytest.raises(CorpusError, match=r"E: Unable to locate package x \(apt-get update"):
        run_command([sys.executable, "-c", code], tmp_path)


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named with the time it had."""
    monkeypatch.setattr(corpus, "_TIMEOUT_S", 0.05)
    with pytest.raises(CorpusError, match="took over"):
        run_command([sys.executable, "-c", "import time; time.sleep(20)"], tmp_path)
