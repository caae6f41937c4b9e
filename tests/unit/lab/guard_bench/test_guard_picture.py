"""The picture of one guarded call: what can be told from its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from voxgate.core.audio_guard import GuardVerdict
from voxgate.core.guard.speech_evidence import EvidenceRule
from voxgate.lab.guard_bench.guard_picture import draw_guarded_call
from voxgate.lab.guard_bench.noisy_call import NoisyCall, Part
from voxgate.lab.guard_bench.watched_line import WatchedFrame

CALLER, HANGOVER, RELEASED = "#e69f00", "#f6d998", "#7a5200"
NOISE, MUSIC, TONE = "#bbbbbb", "#b0408f", "#0072b2"
N_FRAMES = 300


def frames(*verdicts: GuardVerdict, released: int = 0, music: bool = False) -> list[WatchedFrame]:
    """Return frames with these verdicts, each for as long as every other."""
    return [
        WatchedFrame(
            verdict=verdicts[number * len(verdicts) // N_FRAMES],
            level=500.0,
            noise_floor=20.0,
            effective_threshold=80.0,
            music_mode=music,
            logit=None if number % 2 else 3.0,
            evidence_sum=None if number % 3 else 2.0,
            released_frames=released if number == N_FRAMES // 2 else 0,
        )
        for number in range(N_FRAMES)
    ]


def drawn(tmp_path: Path, of: list[WatchedFrame], *, is_caller: bool = False) -> np.ndarray:
    """Return the row of verdicts: float [shape=(height, width, 3)]."""
    noise = np.random.default_rng(0).normal(0, 300, N_FRAMES * 160)
    call = NoisyCall(
        capture=noise.astype(np.int16),
        is_caller=np.full(N_FRAMES, is_caller),
        parts=(Part("noise", 1.0, 4.0),),
    )
    path = tmp_path / "call.png"
    draw_guarded_call(call, of, EvidenceRule(), path)
    pixels: np.ndarray = imread(path)[:, :, :3]
    assert pixels.shape == (1230, 1500, 3)
    return pixels[850:1080]


def share(pixels: np.ndarray, colour: str) -> float:
    """Return the share of the pixels that have a colour."""
    return float((np.abs(pixels - to_rgb(colour)).max(axis=2) < 0.02).mean())


@pytest.mark.parametrize(
    ("verdict", "colour"),
    [
        (GuardVerdict.SPEECH, CALLER),
        (GuardVerdict.HANGOVER, HANGOVER),
        (GuardVerdict.NOISE, NOISE),
        (GuardVerdict.MUSIC, MUSIC),
        (GuardVerdict.TONE, TONE),
    ],
)
def test_every_verdict_has_its_colour(tmp_path: Path, verdict, colour) -> None:
    """As long as it lasts, and no other verdict's."""
    assert share(drawn(tmp_path, frames(verdict)), colour) > 0.15
    assert share(drawn(tmp_path, frames(GuardVerdict.SILENCE)), colour) < 0.01


def test_what_was_released_is_seen_before_what_it_went_out_with(tmp_path: Path) -> None:
    """Held noise that went out with speech is not drawn as withheld."""
    held = [GuardVerdict.NOISE, GuardVerdict.SPEECH]
    plain = drawn(tmp_path, frames(*held))
    released = drawn(tmp_path, frames(*held, released=100))
    assert share(plain, RELEASED) < 0.005
    assert share(released, RELEASED) > 0.05
    assert share(released, NOISE) < 0.5 * share(plain, NOISE)


def test_caller_and_music_mode_have_lanes_of_their_own(tmp_path: Path) -> None:
    """What the caller really said, and the state, beside what went out."""
    silent = frames(GuardVerdict.SILENCE)
    assert share(drawn(tmp_path, silent, is_caller=True), CALLER) > 0.15
    assert share(drawn(tmp_path, frames(GuardVerdict.SILENCE, music=True)), MUSIC) > 0.15
    assert share(drawn(tmp_path, silent), CALLER) < 0.01
