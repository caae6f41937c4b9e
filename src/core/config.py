"""The models that the core owns: every number of the gate, with unit, range, default and source.

Invariant: a model that exists is valid; a wrong number is refused at construction, by the same
ranges that the configuration loader enforces.
"""

from __future__ import annotations

__all__ = [
    "AudioGuardConfig",
    "BargeInConfig",
    "ForwardedAudio",
    "GatingConfig",
    "GatingMode",
    "IdleFillConfig",
    "ProviderGatingPolicy",
    "QuieterVoices",
    "VadConfig",
    "WithheldAudio",
]

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Self, get_args, get_origin, get_type_hints

from annotated_types import Interval

from .guard_profile import PROFILE_DEFAULTS, GuardProfile


class GatingMode(StrEnum):
    """How a gated provider's frames are judged while the agent is audible."""

    OFF = "off"
    """Everything passes, also while the agent is audible."""
    HALF_DUPLEX = "half_duplex"
    """Nothing passes while the agent is audible; the caller can't interrupt."""
    VAD = "vad"
    """Local voice activity and level decide; no far-end reference is used."""
    ECHO_AWARE = "echo_aware"
    """A trained detector judges against the far-end reference; where none is shown, as ``vad``."""


class WithheldAudio(StrEnum):
    """What the provider gets in place of a withheld frame."""

    SILENCE = "silence"
    """As much silence, always: the provider's turn detector is never starved."""
    ADAPTIVE = "adaptive"
    """Silence until the provider has surely closed the turn, then nothing: costs less."""
    DROP = "drop"
    """Nothing; only for providers whose turn detector does not run on the audio."""


class ForwardedAudio(StrEnum):
    """What of a captured frame the provider gets while the agent's echo may be in it."""

    RAW = "raw"
    """The frame as it came, echo and all."""
    ECHO_CANCELLED = "echo_cancelled"
    """What the detector's echo filter leaves of it; where nothing is filtered, the frame as it
    came. Mode ``echo_aware`` only: the others have no filter."""


class QuieterVoices(StrEnum):
    """What becomes of voices well below the caller's level while the agent is silent."""

    PASS = "pass"  # noqa: S105 - no password
    """They pass as the caller's does."""
    ATTENUATE = "attenuate"
    """They are turned down, so that little of them is left for a turn detector."""
    WITHHOLD = "withhold"
    """They are kept back; what came shortly before the caller is released with the caller."""


class SpeechEvidenceKind(StrEnum):
    """Which networks of the audio guard tell speech by its sound."""

    AUTO = "auto"
    """The best of the others that is installed."""
    LIGHT = "light"
    """The small one that comes with the package; numpy runs it."""
    SILERO = "silero"
    """Silero's, at 8 kHz; onnxruntime runs it (extra ``silero``)."""
    JOINED = "joined"
    """Both; the extra as well."""


def _check_fields(model: Any) -> None:
    """Check the type of every field of a dataclass, and of every number its interval.

    Raises:
        TypeError: a value is not of its field's type; True and False are no numbers.
        ValueError: a number is outside its interval.
    """
    kind: Any = type(model)
    hints = _type_hints(kind)
    for model_field in fields(model):
        name, hint = model_field.name, hints[model_field.name]
        value = getattr(model, name)
        if get_origin(hint) is Annotated:
            _check_number(name, value, hint)
        elif isinstance(hint, type) and not isinstance(value, hint):
            raise TypeError(f"{name}: {value!r} is not a {hint.__name__}")


@cache
def _type_hints(model: Hashable) -> Mapping[str, Any]:
    return get_type_hints(model, include_extras=True)


def _check_number(name: str, value: Any, hint: Any) -> None:
    expected, *constraints = get_args(hint)
    if isinstance(value, bool) or not isinstance(value, (int, expected)):
        noun = "whole number" if expected is int else "number"
        raise TypeError(f"{name}: {value!r} is not a {noun}")
    for interval in constraints:
        if isinstance(interval, Interval) and not _is_inside(value, interval):
            raise ValueError(f"{name}: {value!r} is not in {interval.ge}..{interval.le}")


def _is_inside(value: float, interval: Interval) -> bool:
    return bool(interval.ge <= value <= interval.le)  # type: ignore[operator]


Ms = Annotated[int, Interval(ge=0, le=10_000)]
Prob = Annotated[float, Interval(ge=0.0, le=1.0)]
Rms = Annotated[int, Interval(ge=0, le=32_767)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VadConfig:
    """WebRTC VAD and the smoothing over it."""

    webrtc_aggressiveness: Annotated[int, Interval(ge=0, le=3)] = 3
    """WebRTC VAD mode: 0 calls most frames speech, 3 the fewest. Lower hears softer speech, and
    calls steady line noise speech more often; 3 is for phone lines."""
    confidence_threshold: Prob = 0.6
    """Smoothed confidence from which a frame counts as speech, 0..1. Higher keeps out more noise
    and loses more soft speech; lower the other way round."""
    energy_threshold: Annotated[int, Interval(ge=0, le=32_767)] = 120
    """RMS (int16 units) below which no frame counts as speech; 120 is -48.7 dBFS. Higher ignores
    more line noise, and callers who speak softly; lower hears both."""
    smoothing_frames: Annotated[int, Interval(ge=1, le=25)] = 5
    """20 ms frames over which voice activity is averaged. More is steadier against clicks, and
    notices speech and its end later; fewer the other way round."""

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioGuardConfig:
    """The guard on noisy lines, at work while the agent is silent."""

    profile: GuardProfile = GuardProfile.PSTN
    """What kind of lines these thresholds are for. The loader takes those that are left out from
    the profile, and so does :meth:`for_profile`; the model itself has those of pstn."""
    initial_noise_floor: Annotated[float, Interval(ge=1.0, le=2000.0)] = 20.0
    """RMS (int16 units) that the noise floor of a call starts at, until it is measured. Higher
    keeps out the noise of a loud line's first seconds, and perhaps a soft first word; lower lets
    both in."""
    speech_threshold_factor: Annotated[float, Interval(ge=1.0, le=20.0)] = 4.0
    """A frame is loud from this many times the noise floor. Higher keeps out more noise and loses
    more soft speech; lower the other way round."""
    speech_evidence: SpeechEvidenceKind = SpeechEvidenceKind.LIGHT
    """Which networks tell speech by its sound; without the extra ``silero``, always ``light``. With
    it less noise gets through, and more words of unusual voices are lost (ADR 7)."""
    hangover_ms: Annotated[int, Interval(ge=0, le=3000)] = 400
    """Time after the last speech in which the quiet line still passes, so that soft word ends
    survive, and in which less evidence goes on with the turn (ADR 7). Longer keeps more word ends
    and lets in more noise after them; shorter the other way round."""
    noise_hangover_ms: Annotated[int, Interval(ge=0, le=3000)] = 200
    """Of that time, how long louder sound passes too that is not speech. Longer keeps more of
    unclear word ends; but a provider's detector may take noise for the caller going on, and answers
    later."""
    sensitivity: Prob = 0.5
    """Shifts the log odds that count as speech by up to 2, 0..1. Higher loses fewer words and lets
    in more noise; lower keeps out more noise and loses more words."""
    preroll_ms: Annotated[int, Interval(ge=0, le=500)] = 300
    """Audio from before the first speech frame that is released with it, at most 25 chunks. Longer
    saves more of first sounds and brings along more noise; shorter may cut them."""
    quieter_voices: QuieterVoices = QuieterVoices.ATTENUATE
    """What becomes of television and people in the room (ADR 8)."""
    quieter_voice_db: Annotated[float, Interval(ge=6.0, le=30.0)] = 11.0
    """How far below the caller's level, as learned in the call, a voice is another's; measured over
    0.4 s of speech (ADR 8). Lower keeps out more voices of the room, and the caller's own when
    turned away; higher lets more of both in."""

    def __post_init__(self) -> None:
        _check_fields(self)

    @classmethod
    def for_profile(cls, profile: GuardProfile, **keys: Any) -> Self:
        """Return the thresholds of a profile; keys that are given win.

        Raises:
            TypeError, ValueError: as at construction.
        """
        return cls(profile=profile, **{**PROFILE_DEFAULTS[profile], **keys})


@dataclass(frozen=True, slots=True, kw_only=True)
class BargeInConfig:
    """Evidence and times of an interruption of the agent by the caller."""

    candidate_ms: Annotated[int, Interval(ge=20, le=1000)] = 60
    """Mode ``vad``, and where no far-end reference is shown: evidence from which playout pauses and
    the gate watches closely. Shorter pauses sooner, and more often for nothing; longer lets the
    agent talk on for longer."""
    min_ms: Annotated[int, Interval(ge=20, le=2000)] = 140
    """Mode ``vad``, and where no far-end reference is shown: evidence from which the gate opens
    over the agent. Longer opens less often for echo and noise, and later for the caller; shorter
    the other way round. Not below ``candidate_ms``."""
    evidence_release_ms: Annotated[int, Interval(ge=20, le=2000)] = 160
    """Time without evidence after which a candidate is dropped. Longer bears pauses between words,
    and keeps the agent paused for longer after noise; shorter the other way round."""
    onset_preroll_ms: Annotated[int, Interval(ge=0, le=480)] = 120
    """Audio from before the first evidence that is released with the onset. Longer saves more of
    the caller's first word and brings along more of the agent's echo; shorter may cut the word."""
    confirm_speech_ms: Annotated[int, Interval(ge=20, le=5000)] = 400
    """Speech after the gate opened that confirms an interruption without the provider's word.
    Shorter stops the agent sooner, also for what is no interruption; longer leaves more to the
    provider."""
    confirm_timeout_ms: Annotated[int, Interval(ge=100, le=10_000)] = 1200
    """Time after the gate opened within which an interruption must be confirmed. Longer waits for
    slow providers and makes the agent's pause longer where nobody spoke; shorter may talk on over a
    caller."""
    turn_end_ms: Annotated[int, Interval(ge=100, le=5000)] = 700
    """Silence of the caller after which a caller's turn over the agent has ended. Longer bears
    thoughtful pauses, and lets in more echo should the agent speak meanwhile; shorter the other way
    round."""
    cooldown_ms: Ms = 500
    """Time after a barge-in that nothing confirmed in which no new candidate starts. Longer has
    fewer false ones in a row, and a caller who insists waits for longer; shorter the other way
    round."""

    def __post_init__(self) -> None:
        _check_fields(self)
        if self.min_ms < self.candidate_ms:
            raise ValueError(
                f"min_ms: {self.min_ms} is below candidate_ms ({self.candidate_ms}): "
                "the gate can't open before its candidate"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleFillConfig:
    """Silence for a provider whose turn detector waits for audio that the line does not deliver."""

    after_ms: Annotated[int, Interval(ge=40, le=2000)] = 120
    """Time without a frame from which silence is sent at 20 ms cadence (DTX, stalled line). Shorter
    ends turns sooner on lines that go silent, and fills more gaps of the network; longer the other
    way round."""

    def __post_init__(self) -> None:
        _check_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderGatingPolicy:
    """How the frames of one kind of provider are gated."""

    gating_enabled: bool
    """Whether the gate works for this kind. Off, every frame passes untouched, the agent's echo
    too, and nothing is measured."""
    mode: GatingMode = GatingMode.ECHO_AWARE
    """What counts as evidence of the caller while the agent is audible."""
    withheld_audio: WithheldAudio = WithheldAudio.SILENCE
    """What the provider gets in place of a withheld frame: silence keeps its turn detector running;
    nothing saves traffic, but some detectors then wait."""
    forwarded_audio: ForwardedAudio = ForwardedAudio.ECHO_CANCELLED
    """What of a frame that passes the provider gets while the agent's echo may be in it. Without
    the echo a speech recogniser understands more of interruptions (ADR 6); raw is untouched by any
    filter."""
    post_speech_grace_ms: Annotated[int, Interval(ge=0, le=3000)] = 250
    """Echo tail: time after the last agent audio played in which the gate stays closed, on top of
    the measured echo delay. Longer keeps out late echo, and the first word of a caller who answers
    at once must count as a barge-in; shorter the other way round."""
    vad_threshold: Prob = 0.6
    """Mode ``vad``, and where no far-end reference is shown: smoothed voice activity that counts as
    evidence, 0..1. Higher opens less often for echo, and later for the caller; lower the other way
    round."""
    energy_threshold: Rms = 1500
    """Mode ``vad``, and where no far-end reference is shown: RMS (int16 units) that counts as
    evidence; 1500 is -26.8 dBFS. Higher bears louder echo and misses softer callers; lower the
    other way round."""
    sensitivity: Prob = 0.5
    """Mode ``echo_aware``: shifts the detector's thresholds by up to 2 in log odds, 0..1. Higher
    opens sooner, and more often for nothing; lower opens later and more surely, and misses more
    soft callers."""
    aliases: tuple[str, ...] = ()
    """Other names of the same kind."""

    def __post_init__(self) -> None:
        _check_fields(self)
        if not isinstance(self.aliases, tuple) or not all(
            isinstance(alias, str) and alias for alias in self.aliases
        ):
            raise TypeError(f"aliases: {self.aliases!r} is not a tuple of names")


_DEFAULT_POLICIES: Mapping[str, ProviderGatingPolicy] = MappingProxyType(
    {
        "openai_realtime": ProviderGatingPolicy(gating_enabled=True),
        "deepgram": ProviderGatingPolicy(gating_enabled=False),
        "local": ProviderGatingPolicy(
            gating_enabled=False, aliases=("local_only", "local_hybrid", "hybrid_support")
        ),
    }
)

_NUMBERED_INSTANCE = re.compile(r"[_-]\d+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatingConfig:
    """Everything that the gate can be told."""

    providers: Mapping[str, ProviderGatingPolicy] = field(
        default_factory=lambda: dict(_DEFAULT_POLICIES)
    )
    """Policy by provider kind."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Provider kind by the name of a configured instance, for names that don't show their kind."""
    vad: VadConfig = field(default_factory=VadConfig)
    """Voice activity, for the modes and stages that go by it."""
    audio_guard: AudioGuardConfig = field(default_factory=AudioGuardConfig)
    """What keeps noise and music from the provider while the agent is silent."""
    barge_in: BargeInConfig = field(default_factory=BargeInConfig)
    """The times around an interruption."""
    idle_fill: IdleFillConfig = field(default_factory=IdleFillConfig)
    """When silence stands in for a line that delivers nothing."""

    def __post_init__(self) -> None:
        # Copies of our own, so that nobody else's dictionary changes what was checked.
        object.__setattr__(self, "providers", dict(self.providers))
        object.__setattr__(self, "kinds", dict(self.kinds))
        _check_fields(self)
        _check_names(self.providers)
        for name, kind in self.kinds.items():
            if self.policy_for(kind) is None:
                raise ValueError(f"kinds.{name}: {kind!r} is not a kind that has a policy")

    def kind_of(self, provider: str) -> str | None:
        """Return the kind of a provider by instance name, kind or alias; None if unknown.

        ``openai_realtime_2`` is an ``openai_realtime``, as any name is that ends in a number.
        """
        named = self.kinds.get(provider, provider)
        for name in (named, _NUMBERED_INSTANCE.sub("", named)):
            if name in self.providers:
                return name
            for kind, policy in self.providers.items():
                if name in policy.aliases:
                    return kind
        return None

    def policy_for(self, provider: str) -> ProviderGatingPolicy | None:
        """Return the policy of a provider, found as by :meth:`kind_of`; None if unknown."""
        kind = self.kind_of(provider)
        return None if kind is None else self.providers[kind]


def _check_names(providers: Mapping[str, ProviderGatingPolicy]) -> None:
    """Raise if a policy is none, or if one name stands for two kinds."""
    kind_of = {kind: kind for kind in providers}
    for kind, policy in providers.items():
        if not isinstance(policy, ProviderGatingPolicy):
            raise TypeError(f"providers.{kind}: {policy!r} is not a ProviderGatingPolicy")
        for alias in policy.aliases:
            if kind_of.setdefault(alias, kind) != kind:
                raise ValueError(
                    f"providers.{kind}.aliases: {alias!r} is a name of {kind_of[alias]} already"
                )
