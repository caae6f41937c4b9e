"""Turning the sounds of a package into those of a corpus."""

from __future__ import annotations

import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest

from support.recordings import write_wav
from support.signals import silence, tone
from voxgate.lab.corpus_conversion import convert_sounds
from voxgate.lab.corpus_packages import CorpusPackage
from voxgate.lab.scenarios.corpus_folder import CorpusError


def unpacked(folder: Path, *names: str, length_ms: int = 300) -> Path:
    for name in names:
        path = folder / "unpacked" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, tone(length_ms, 300.0, rate_hz=16000), rate_hz=16000)
    return folder / "unpacked"


def convert(package: CorpusPackage, tmp_path: Path) -> list[dict[str, str]]:
    return list(convert_sounds(package, "1.0", tmp_path / "unpacked", tmp_path / "corpus"))


def test_sounds_become_8_khz_with_a_row_each(tmp_path: Path) -> None:
    """What is silent, empty or no sound is left out, and so are the lengths of silence."""
    root = unpacked(
        tmp_path, "usr/share/s/en/b.wav", "usr/share/s/a.wav", "usr/share/silence/1.wav"
    )
    write_wav(root / "usr/share/s/mute.wav", silence(500))
    (root / "usr/share/s/readme.txt").write_text("no sound")
    (root / "usr/share/s/odd.wav").write_bytes(b"no sound either")
    package = CorpusPackage(
        name="voices", kind="speech", licence="CC0-1.0", speaker="ann", language="en"
    )
    rows = convert(package, tmp_path)
    assert [row["path"] for row in rows] == ["speech/voices/s/a.wav", "speech/voices/s/en/b.wav"]
    assert rows[0] == {
        "path": "speech/voices/s/a.wav",
        "kind": "speech",
        "source": "voices",
        "version": "1.0",
        "speaker": "ann",
        "language": "en",
        "licence": "CC0-1.0",
        "seconds": "0.30",
    }
    with wave.open(str(tmp_path / "corpus" / rows[0]["path"])) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 2400)


def test_an_archive_in_a_package_is_unpacked(tmp_path: Path) -> None:
    """Games keep their sounds in one; what is no sound stays in it."""
    unpacked(tmp_path, "a.wav")
    archive = tmp_path / "unpacked/usr/share/game/data.pk3"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as members:
        for name in ("sound/misc/a.wav", "sound/b.wav", "music/c.wav"):
            members.write(tmp_path / "unpacked/a.wav", name)
        members.writestr("textures/large.tga", b"no sound")
    package = CorpusPackage(
        name="game",
        kind="noise",
        licence="GPL-2+",
        folder="usr/share/game/data.pk3",
        files="^sound/",
    )
    for _ in range(2):  # the second part of a package finds it unpacked
        rows = convert(package, tmp_path)
        assert [row["path"] for row in rows] == [
            "noise/game/sound/b.wav",
            "noise/game/sound/misc/a.wav",
        ]
    assert not list(tmp_path.rglob("large.tga"))


def test_an_archive_that_is_broken_is_named(tmp_path: Path) -> None:
    """It is an error of the package, not the end of the corpus."""
    (tmp_path / "unpacked").mkdir()
    (tmp_path / "unpacked/data.zip").write_bytes(b"no archive")
    package = CorpusPackage(name="game", kind="noise", licence="GPL-2+", folder="data.zip")
    with pytest.raises(CorpusError, match=r"data\.zip: can't be unpacked"):
        convert(package, tmp_path)


def test_some_of_many_are_the_same_each_time(tmp_path: Path) -> None:
    """They are not the first few by name, which would all be of one folder."""
    names = [f"usr/share/{folder}/{n}.wav" for folder in "ab" for n in range(20)]
    unpacked(tmp_path, *names, length_ms=20)
    package = CorpusPackage(name="many", kind="noise", licence="MIT", at_most=10)
    rows = convert(package, tmp_path)
    assert rows == convert(package, tmp_path)
    paths = [row["path"] for row in rows]
    assert len(paths) == 10
    assert paths == sorted(paths)
    assert {path.split("/")[2] for path in paths} == {"a", "b"}


def test_a_sound_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    """With what the system says."""
    unpacked(tmp_path, "usr/share/a.wav")
    (tmp_path / "corpus").write_text("in the way")
    package = CorpusPackage(name="p", kind="noise", licence="MIT")
    with pytest.raises(CorpusError, match=r"a\.wav: can't be written: "):
        convert(package, tmp_path)


def test_only_the_beginning_of_a_song_is_kept(tmp_path: Path) -> None:
    """What is used of it is short."""
    path = tmp_path / "unpacked/usr/share/song.wav"
    path.parent.mkdir(parents=True)
    write_wav(path, np.tile(tone(1000, 300.0), 70))
    (row,) = convert(CorpusPackage(name="song", kind="music", licence="MIT"), tmp_path)
    assert float(row["seconds"]) == 60.0
