"""The lines that a profile of the audio guard is for: callers, what is heard beside them, the path.

Invariant: the same bank, profile, split and seed give the same samples.
"""

from __future__ import annotations

__all__ = ["LINE_PROFILES", "LineProfile", "draw_line"]

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from ...core.guard_profile import GuardProfile
from ..guard_scenes import GuardScene, SceneRanges, SceneWish, draw_scene
from ..guard_scenes.everyday import EVERYDAY_KINDS, make_everyday
from ..scenarios.bank import Bank
from ..scenarios.line import apply_codec, apply_loss
from ..scenarios.paths import make_room_path
from ..scenarios.signals import RATE_HZ, Audio, Rng, convolve

_FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProfile:
    """What the lines of one profile are drawn from."""

    sounds: tuple[str, ...]
    """Kinds of scenes and everyday noises, as often as named."""
    caller_dbfs: tuple[float, float]
    snr_db: tuple[float, float]
    """Caller over what else is heard."""
    alone_dbfs: tuple[float, float]
    """Level of what is heard without a caller."""
    line_noise_dbfs: tuple[float, float]
    codecs: tuple[str, ...]
    losses: tuple[float, ...]
    """Shares of packets lost."""
    has_room: bool = False
    """The telephone stands in the room, and hears all of it."""
    step_db: float = 0.0
    """By which the level of everything changes once in a line, at most."""
    caller_prob: float = 0.6


LINE_PROFILES: Mapping[GuardProfile, LineProfile] = MappingProxyType(
    {
        GuardProfile.PSTN: LineProfile(
            sounds=("none", "steady", "steady", "hum", "hum", "crackle", "tones", "recorded"),
            caller_dbfs=(-34.0, -16.0),
            snr_db=(6.0, 30.0),
            alone_dbfs=(-55.0, -28.0),
            line_noise_dbfs=(-70.0, -50.0),
            codecs=("mulaw", "alaw"),
            losses=(0.0,),
        ),
        GuardProfile.MOBILE: LineProfile(
            sounds=("none", "street", "street", "wind", "wind", "rain", "siren", "recorded"),
            caller_dbfs=(-32.0, -14.0),
            snr_db=(3.0, 25.0),
            alone_dbfs=(-50.0, -22.0),
            line_noise_dbfs=(-80.0, -60.0),
            codecs=("gsm",),
            losses=(0.01, 0.02, 0.04),
            step_db=9.0,
        ),
        GuardProfile.SPEAKERPHONE: LineProfile(
            sounds=("none", "tv", "tv", "dishes", "dishes", "footsteps", "machine", "music"),
            caller_dbfs=(-40.0, -22.0),
            snr_db=(5.0, 20.0),
            alone_dbfs=(-50.0, -28.0),
            line_noise_dbfs=(-72.0, -52.0),
            codecs=("mulaw", "alaw"),
            losses=(0.0, 0.01),
            has_room=True,
        ),
        GuardProfile.CALLCENTER: LineProfile(
            sounds=("none", "babble", "babble", "babble", "typing", "typing", "clicks", "breath"),
            caller_dbfs=(-26.0, -14.0),
            snr_db=(15.0, 20.0),
            alone_dbfs=(-46.0, -32.0),
            line_noise_dbfs=(-80.0, -62.0),
            codecs=("mulaw", "alaw"),
            losses=(0.0, 0.01),
        ),
    }
)
"""A telephone at the wall; one in the street; one that stands on the table; a headset among
others."""


def draw_line(
    bank: Bank, profile: LineProfile, seed: int, split: str, *, duration_s: float = 20.0
) -> GuardScene:
    """Draw a line of a profile, on which no agent speaks.

    Args:
        bank: Clips to draw from.
        profile: What its conditions are drawn from.
        seed: All of its chance.
        split: Of the clips to use.
        duration_s: Length of the line.

    Raises:
        ModuleNotFoundError: for a codec that needs soundfile, where that is not installed.
        ValueError: the bank lacks a kind of clip.
    """
    rng: Rng = np.random.default_rng([seed, 0x11FE])
    sound = str(rng.choice(profile.sounds))
    has_caller = bool(rng.random() < profile.caller_prob)
    is_everyday = sound in EVERYDAY_KINDS
    wish = SceneWish(kind="none" if is_everyday else sound, has_caller=has_caller)
    scene = draw_scene(bank, seed, _ranges(profile, split), duration_s=duration_s, wish=wish)
    signal: Audio = scene.capture.astype(np.float32) / np.float32(_FULL_SCALE)
    if is_everyday:
        caller_dbfs, snr_db = float(scene.tags["caller_dbfs"]), float(scene.tags["snr_db"])
        alone_dbfs = float(rng.uniform(*profile.alone_dbfs))
        level_dbfs = caller_dbfs - snr_db if has_caller else alone_dbfs
        signal = signal + make_everyday(rng, sound, len(signal)) * 10 ** (level_dbfs / 20)
    sent = _send(np.asarray(signal, np.float32), profile, rng)
    capture = np.clip(np.round(sent * _FULL_SCALE), -32768, 32767).astype(np.int16)
    detail = sound if is_everyday else scene.tags["detail"]
    return replace(scene, capture=capture, tags={**scene.tags, "kind": sound, "detail": detail})


def _ranges(profile: LineProfile, split: str) -> SceneRanges:
    """Return what is drawn as a scene: it gets its path, its codec and its losses here."""
    return SceneRanges(
        split=split,
        caller_dbfs=profile.caller_dbfs,
        snr_db=profile.snr_db,
        alone_dbfs=profile.alone_dbfs,
        line_noise_dbfs=profile.line_noise_dbfs,
        burst_prob=0.0,
        level_step_prob=0.0,
        edge_prob=0.0,
        codecs=("linear",),
        losses=(0.0,),
        agent_prob=0.0,
        style_prob=0.0,
        overdrive_prob=0.0,
        variety_prob=0.0,
        formula_music_prob=0.0,
    )


def _send(signal: Audio, profile: LineProfile, rng: Rng) -> Audio:
    if profile.has_room:
        signal = _in_a_room(signal, rng)
    if profile.step_db:
        at = int(rng.integers(len(signal)))
        signal[at:] *= 10 ** (rng.uniform(-profile.step_db, profile.step_db) / 20)
    sent = apply_codec(np.clip(signal, -1.0, 0.9999), str(rng.choice(profile.codecs)))
    loss = float(rng.choice(profile.losses))
    if not loss:
        return sent
    return apply_loss(sent, rng, probability=loss, mode=str(rng.choice(("zeros", "repeat"))))


def _in_a_room(signal: Audio, rng: Rng) -> Audio:
    """Return what a telephone on the table hears: at the level of the direct sound, in step."""
    room = make_room_path(rng)
    direct = int(np.argmax(np.abs(room)))
    room[:direct] = 0.0
    level = float(np.sqrt(np.mean(signal**2)))
    heard = convolve(signal, np.roll(room, -direct))
    heard_level = float(np.sqrt(np.mean(heard**2)))
    return np.asarray(heard * (level / max(heard_level, 1.0 / RATE_HZ)), np.float32)
