"""What callers say begins at once, at the level of a telephone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voxgate.core.levels import rms
from voxgate.core.units import rms_to_dbfs
from voxgate.lab.load.caller_sounds import load_sounds
from voxgate.lab.scenarios.corpus_folder import CorpusError
from voxgate.lab.scenarios.sound_files import write_wav


def test_packaged_utterances_begin_with_sound_and_are_as_loud_as_callers() -> None:
    """Barge-in is measured from the first frame on."""
    sounds = load_sounds()
    assert len(sounds.utterances) >= 5
    for frames in sounds.utterances:
        assert 40 <= len(frames) <= 150
        assert frames.shape[1] == 160
        assert rms_to_dbfs(rms(frames[0])) >= -40.5
        assert -30 < rms_to_dbfs(rms(frames.reshape(-1))) < -15


def test_the_line_hums_softly() -> None:
    """A guard takes it for noise; no two frames are alike."""
    first, second = load_sounds().hums
    assert rms_to_dbfs(rms((first[0] + second[0]).astype(np.float32))) == pytest.approx(-66, abs=2)
    assert len(np.unique(first[:, 0])) == len(first)


def test_a_folder_of_speech_is_what_callers_say(tmp_path: Path) -> None:
    """Cut into what is said at a time, silence before it left out."""
    speech = np.random.default_rng(0).standard_normal(5 * 8000) * 0.1
    (tmp_path / "speech").mkdir()
    write_wav(tmp_path / "speech" / "one.wav", np.concatenate([np.zeros(4000), speech]))
    utterances = load_sounds(tmp_path).utterances
    assert [len(frames) for frames in utterances] == [150, 100]


def test_a_folder_without_speech_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Silence is no speech."""
    with pytest.raises(CorpusError, match="holds no speech"):
        load_sounds(tmp_path)
