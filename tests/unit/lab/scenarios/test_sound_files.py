"""Reading and writing sound files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.recordings import write_wav as write_pcm
from support.signals import tone
from voxgate.lab.scenarios import sound_files
from voxgate.lab.scenarios.sound_files import read_sound, resample_to_8_khz, write_wav


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """To the sample; what does not fit is clipped."""
    path = tmp_path / "a.wav"
    write_wav(path, np.array([0.5, -0.25, 3.0, -3.0]))
    assert read_sound(path, 1.0) == pytest.approx([0.5, -0.25, 32767 / 32768, -1.0])


def test_only_the_beginning_is_read(tmp_path: Path) -> None:
    """A song of minutes costs no more than what is used of it."""
    write_pcm(tmp_path / "a.wav", tone(500, 440.0))
    audio = read_sound(tmp_path / "a.wav", 0.1)
    assert audio is not None
    assert len(audio) == 800


@pytest.mark.parametrize("rate_hz", [16000, 24000])
def test_other_rates_become_8_khz(tmp_path: Path, rate_hz: int) -> None:
    """A tone keeps its frequency and its level."""
    write_pcm(tmp_path / "a.wav", tone(1000, 440.0, rate_hz=rate_hz), rate_hz=rate_hz)
    audio = read_sound(tmp_path / "a.wav", 5.0)
    assert audio is not None
    assert len(audio) == 8000
    assert np.argmax(np.abs(np.fft.rfft(audio))) == 440
    assert 20 * np.log10(np.std(audio)) == pytest.approx(-20.0, abs=0.2)


def test_resampling_removes_what_8_khz_can_not_hold() -> None:
    """A tone of 6 kHz is gone, not folded back."""
    high = np.sin(2 * np.pi * 6000 * np.arange(16000) / 16000)
    assert np.std(resample_to_8_khz(high, 16000)) < 1e-6


def test_what_is_no_sound_is_none(tmp_path: Path) -> None:
    """A file of another kind by the name of a sound does not stop a corpus."""
    pytest.importorskip("soundfile")
    for name in ("a.wav", "a.flac"):
        (tmp_path / name).write_bytes(b"no sound at all")
        assert read_sound(tmp_path / name, 1.0) is None


def test_flac_is_read(tmp_path: Path) -> None:
    """Stereo is averaged."""
    soundfile = pytest.importorskip("soundfile")
    stereo = np.stack([np.full(800, 0.5), np.full(800, 0.1)], axis=1)
    soundfile.write(tmp_path / "a.flac", stereo, 8000)
    assert read_sound(tmp_path / "a.flac", 1.0) == pytest.approx(np.full(800, 0.3), abs=1e-3)


def test_headerless_gsm_is_read(tmp_path: Path) -> None:
    """The prompts of Asterisk: 33 bytes for 20 ms, nothing else."""
    soundfile = pytest.importorskip("soundfile")
    signal = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    soundfile.write(tmp_path / "a.gsm", signal, 8000, format="RAW", subtype="GSM610")
    assert (tmp_path / "a.gsm").stat().st_size == 50 * 33
    audio = read_sound(tmp_path / "a.gsm", 1.0)
    assert audio is not None
    assert len(audio) == 8000
    assert np.argmax(np.abs(np.fft.rfft(audio))) == 440


def test_without_soundfile_its_absence_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the module, from which the command line derives what to install."""

    def refuse(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sound_files, "import_module", refuse)
    with pytest.raises(ModuleNotFoundError, match="soundfile") as caught:
        read_sound(tmp_path / "a.flac", 1.0)
    assert caught.value.name == "soundfile"
