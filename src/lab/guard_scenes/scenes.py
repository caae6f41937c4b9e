"""One line while the agent is silent: a caller or nobody, and what else can be heard.

Invariant: the same bank, seed, ranges and wish give the same samples.
"""

from __future__ import annotations

__all__ = ["SCENE_KINDS", "GuardScene", "SceneRanges", "SceneWish", "draw_scene"]

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..scenarios.backgrounds import excerpt, make_background, pick_clip
from ..scenarios.bank import Bank, Clip
from ..scenarios.bursts import make_burst
from ..scenarios.line import apply_codec, apply_loss, limit_band
from ..scenarios.paths import make_room_path
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ, Audio, Rng, convolve, scale_to_dbfs
from ..scenarios.turns import Span
from .callers import NOBODY, UNKNOWN, draw_caller, label_frames
from .everyday import EVERYDAY_KINDS, make_everyday
from .formula_music import make_music
from .tone_signals import TONE_KINDS, make_tones
from .voiced_noises import is_sung

SCENE_KINDS = (
    *("none", "steady", "hum", "everyday", "recorded", "music", "babble", "cafe", "tv"),
    "tones",
)
"""What can be heard beside the caller: nothing, noise, mains hum, everyday noises by formula and
from recordings, music without singers as far as names tell, four voices and more, the same in a
room with dishes, one voice from a loudspeaker, tones of the network."""

_CLIPS = {"recorded": "noise", "music": "music"}
"""Kinds of clips that scenes are made of, by what can be heard."""
_BY_FORMULA = ("steady", "hum", "everyday", "babble", "cafe")
"""What is heard through a telephone half of the time, and half of the time as it is."""
_FASTEST = 1.3
"""Recordings are played at up to this times their speed, or as much slower."""
_SHORT_SAMPLES = 3 * RATE_HZ
_FRAMES_PER_S = RATE_HZ // FRAME_SAMPLES


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRanges:
    """What a scene's conditions are drawn from."""

    split: str
    """Of the clips to use."""
    caller_prob: float = 0.65
    caller_dbfs: tuple[float, float] = (-40.0, -14.0)
    """Active speech level."""
    kinds: tuple[str, ...] = (
        *("none", "none", "steady", "steady", "steady", "hum", "everyday", "everyday", "everyday"),
        *("recorded", "recorded", "recorded", "music", "music", "music", "music"),
        *("babble", "cafe", "cafe", "tv", "tones"),
    )
    """Of :data:`SCENE_KINDS`, as often as named."""
    snr_db: tuple[float, float] = (0.0, 30.0)
    """Caller over what else is heard."""
    alone_dbfs: tuple[float, float] = (-50.0, -16.0)
    """Level of what is heard without a caller."""
    line_noise_dbfs: tuple[float, float] = (-82.0, -50.0)
    burst_prob: float = 0.5
    """Of a scene, to have up to five short sounds, from 4 dB above the caller to 25 below."""
    level_step_prob: float = 0.25
    """Of a scene, to change the level of what is heard once."""
    edge_prob: float = 0.35
    """Of a scene, to begin or end in quiet."""
    codecs: tuple[str, ...] = ("mulaw", "mulaw", "mulaw", "alaw", "gsm", "linear")
    losses: tuple[float, ...] = (0.0, 0.0, 0.0, 0.01, 0.04)
    """Shares of packets lost."""
    agent_prob: float = 0.4
    """Of a scene, to have turns of the agent, in which the guard is not asked."""
    style_prob: float = 0.15
    """Of an utterance, to have a held vowel or a laugh in it."""
    overdrive_prob: float = 0.15
    """Of a caller, to be too loud for the microphone."""
    variety_prob: float = 0.6
    """Of a caller, to have a voice made of another."""
    formula_music_prob: float = 0.5
    """Of music, to be made by formula."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneWish:
    """What of a scene is not left to chance; None where it is."""

    kind: str | None = None
    snr_db: float | None = None
    has_caller: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardScene:
    """One line."""

    capture: npt.NDArray[np.int16]
    """int16 [shape=(n,), mono, 8 kHz]."""
    labels: npt.NDArray[np.int8]
    """[shape=(frames,)], as in :mod:`.callers`."""
    caller_speech: tuple[Span, ...]
    """Utterances; pauses of up to 240 ms belong to them."""
    is_asked: npt.NDArray[np.bool_]
    """[shape=(frames,)]: the agent is silent, so that the guard decides."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The conditions drawn."""


def draw_scene(
    bank: Bank,
    seed: int,
    ranges: SceneRanges,
    *,
    duration_s: float = 20.0,
    wish: SceneWish | None = None,
) -> GuardScene:
    """Draw a scene.

    Args:
        bank: Clips to draw from.
        seed: All of the scene's chance.
        ranges: What the conditions are drawn from.
        duration_s: Length of the scene.
        wish: What is not left to chance.

    Raises:
        ValueError: the bank lacks a kind of clip.
    """
    return _SceneMaker(bank, seed, ranges, duration_s).make(wish or SceneWish())


class _SceneMaker:
    """Draws one scene."""

    def __init__(self, bank: Bank, seed: int, ranges: SceneRanges, duration_s: float) -> None:
        self._bank, self._ranges = bank, ranges
        self._rng: Rng = np.random.default_rng(seed)
        self._length = int(duration_s * RATE_HZ) // FRAME_SAMPLES * FRAME_SAMPLES

    def make(self, wish: SceneWish) -> GuardScene:
        rng, ranges = self._rng, self._ranges
        has_caller = bool(rng.random() < ranges.caller_prob)
        has_caller = has_caller if wish.has_caller is None else wish.has_caller
        kind = str(rng.choice(ranges.kinds)) if wish.kind is None else wish.kind
        caller_dbfs = float(rng.uniform(*ranges.caller_dbfs))
        snr_db = float(rng.uniform(*ranges.snr_db)) if wish.snr_db is None else wish.snr_db
        caller: Audio = np.zeros(self._length, np.float32)
        spans: list[Span] = []
        if has_caller:
            caller, spans = draw_caller(
                self._bank,
                rng,
                ranges.split,
                self._length,
                style_prob=ranges.style_prob,
                overdrive_prob=ranges.overdrive_prob,
                variety_prob=ranges.variety_prob,
            )
            caller = scale_to_dbfs(caller, caller_dbfs)
        alone_dbfs = float(rng.uniform(*ranges.alone_dbfs))
        level_dbfs = caller_dbfs - snr_db if has_caller else alone_dbfs
        other, detail = self._draw_other(kind, level_dbfs, caller_dbfs, has_caller=has_caller)
        labels = label_frames(caller, other)
        if kind == "tv":  # a voice from a loudspeaker is a voice: it teaches neither
            labels[labels == NOBODY] = UNKNOWN
        codec, loss = str(rng.choice(ranges.codecs)), float(rng.choice(ranges.losses))
        tags = {
            "kind": kind,
            "detail": detail,
            "caller": str(has_caller).lower(),
            "snr_db": f"{snr_db:.1f}",
            "caller_dbfs": f"{caller_dbfs:.1f}",
            "codec": codec,
            "loss": f"{loss:g}",
        }
        return GuardScene(
            capture=self._send(caller + other, codec, loss),
            labels=labels,
            caller_speech=tuple(spans),
            is_asked=self._draw_asked(len(labels)),
            tags=tags,
        )

    def _draw_other(
        self, kind: str, level_dbfs: float, caller_dbfs: float, *, has_caller: bool
    ) -> tuple[Audio, str]:
        """Return all that is heard beside the caller, and what it is."""
        rng, ranges, length = self._rng, self._ranges, self._length
        other, detail = self._background(kind)
        if kind in _BY_FORMULA and rng.random() < 0.5:
            other = scale_to_dbfs(limit_band(other, rng), 0.0)
        other = other * 10 ** (level_dbfs / 20)
        if rng.random() < ranges.level_step_prob:
            most_db = 6.0 if has_caller else 20.0
            other[int(rng.integers(length)) :] *= 10 ** (rng.uniform(-20.0, most_db) / 20)
        if rng.random() < ranges.edge_prob:
            edge = int(rng.integers(length))
            other[slice(0, edge) if rng.random() < 0.5 else slice(edge, length)] = 0.0
        hiss = make_background(self._bank, rng, "steady", length, ranges.split)
        other = other + hiss * 10 ** (rng.uniform(*ranges.line_noise_dbfs) / 20)
        if rng.random() < ranges.burst_prob:
            for _ in range(int(rng.integers(0, 6))):
                self._add_burst(other, caller_dbfs - float(rng.uniform(-4.0, 25.0)))
        return other, detail

    def _add_burst(self, other: Audio, level_dbfs: float) -> None:
        burst = make_burst(self._bank, self._rng, self._ranges.split) * 10 ** (level_dbfs / 20)
        at = int(self._rng.integers(self._length))
        part = burst[: self._length - at]
        other[at : at + len(part)] += part

    def _background(self, kind: str) -> tuple[Audio, str]:
        """Return a background, float32 [shape=(n,)] at 0 dBFS while active, and what it is."""
        rng, length = self._rng, self._length
        if kind == "everyday":
            name = str(rng.choice(EVERYDAY_KINDS))
            sound = make_everyday(rng, name, length)
            if rng.random() < 0.25:
                second = make_everyday(rng, str(rng.choice(EVERYDAY_KINDS)), length)
                sound = sound + 10 ** (rng.uniform(-20.0, 0.0) / 20) * second
            return sound, name
        if kind == "tones":
            name = str(rng.choice(TONE_KINDS))
            return make_tones(rng, name, length), name
        if kind == "music" and rng.random() < self._ranges.formula_music_prob:
            return make_music(rng, length), "formula"
        if kind in _CLIPS:
            return self._clip(kind)
        if kind == "cafe":
            return self._cafe(), kind
        return make_background(self._bank, rng, kind, length, self._ranges.split), kind

    def _cafe(self) -> Audio:
        """Return people at their tables: voices in a room, dishes, steps."""
        rng, length = self._rng, self._length
        voices = make_background(self._bank, rng, "babble", length, self._ranges.split)
        room = make_room_path(rng)
        sound = scale_to_dbfs(convolve(voices, room), 0.0)
        for kind in ("dishes", "footsteps"):
            noise = make_everyday(rng, kind, length)
            sound = sound + 10 ** (rng.uniform(-25.0, 0.0) / 20) * noise
        return scale_to_dbfs(sound, 0.0)

    def _clip(self, kind: str) -> tuple[Audio, str]:
        """Return music or a noise, somewhat faster or slower than it was."""
        rng, length = self._rng, self._length
        clip = self._pick(kind)
        if kind == "recorded" and clip.length < _SHORT_SAMPLES:
            audio = self._now_and_then(clip, int(_FASTEST * length))
        else:
            audio = excerpt(self._bank, clip, rng, int(_FASTEST * length))
        places = np.arange(length) * rng.uniform(1.0 / _FASTEST, _FASTEST)
        audio = np.interp(places, np.arange(len(audio)), audio).astype(np.float32)
        if rng.random() < 0.5:
            audio = limit_band(audio, rng)
        return scale_to_dbfs(audio, 0.0), f"{clip.source}/{clip.speaker}"

    def _pick(self, kind: str) -> Clip:
        """Return a clip; singing is a voice, and no music that a guard could tell from one."""
        while True:
            clip = pick_clip(self._bank, self._rng, _CLIPS[kind], self._ranges.split)
            if kind == "recorded" or not is_sung(clip):
                return clip

    def _now_and_then(self, clip: Clip, length: int) -> Audio:
        """Return a short sound again and again, at uneven times: looped it would be no noise."""
        sound = self._bank.audio(clip)
        audio: Audio = np.zeros(length, np.float32)
        at = int(self._rng.uniform(0.0, 1.0) * RATE_HZ)
        while at < length:
            part = sound[: length - at]
            audio[at : at + len(part)] = part
            at += len(sound) + int(self._rng.uniform(0.1, 2.5) * RATE_HZ)
        return audio

    def _send(self, signal: Audio, codec: str, loss: float) -> npt.NDArray[np.int16]:
        """Return what arrives."""
        sent = apply_codec(np.clip(signal, -1.0, 0.9999), codec)
        if loss:
            mode = str(self._rng.choice(("zeros", "repeat")))
            sent = apply_loss(sent, self._rng, probability=loss, mode=mode)
        return np.clip(np.round(sent * 32768), -32768, 32767).astype(np.int16)

    def _draw_asked(self, frames: int) -> npt.NDArray[np.bool_]:
        """Return in which frames the agent is silent."""
        rng = self._rng
        is_asked = np.ones(frames, np.bool_)
        if rng.random() >= self._ranges.agent_prob:
            return is_asked
        at = int(rng.uniform(0, 3) * _FRAMES_PER_S)
        while at < frames:
            end = at + int(rng.uniform(1, 5) * _FRAMES_PER_S)
            is_asked[at:end] = False
            at = end + int(rng.uniform(1, 8) * _FRAMES_PER_S)
        return is_asked
