"""What is allowed but probably not meant: keys without effect, and risks that the operator takes.

Invariant: a warning is about what somebody turned; the defaults give none.
"""

from __future__ import annotations

__all__ = ["ConfigWarning", "config_warnings"]

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from ..core.audio import FRAME_MS
from ..core.config import (
    BargeInConfig,
    GatingConfig,
    GatingMode,
    ProviderGatingPolicy,
    SpeechEvidenceKind,
)
from ..core.guard.silero import SILERO_INSTALL, has_onnxruntime
from ..core.guard_profile import PROFILE_DEFAULTS
from ..core.held_audio import MAX_HELD_CHUNKS
from .desk_advice import desk_warnings
from .environment import PREFIX
from .listen_address import is_loopback
from .local_advice import local_warnings
from .model_tree import flattened, to_tree
from .models import AppConfig
from .provider_models import (
    DeepgramConfig,
    OpenAIRealtimeConfig,
    TurnDetectionConfig,
    TurnDetectionType,
)
from .realtime_proxy_advice import realtime_proxy_warnings
from .recording_advice import recording_warnings
from .recording_model import IDENTITY_VARIABLE
from .route_advice import route_warnings
from .tracing_advice import tracing_warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigWarning:
    """One thing that an operator should know before the configuration runs."""

    key: str
    """Full dotted key."""
    message: str
    """What is odd about it, and what to do."""

    def __str__(self) -> str:
        """Return ``key: message``."""
        return f"{self.key}: {self.message}"


_BY_VOICE = {"vad_threshold", "energy_threshold"}
_BY_REFERENCE = {"sensitivity", "forwarded_audio"}
_BY_DURATION = {"candidate_ms", "min_ms"}
_WITHOUT_EFFECT: Mapping[GatingMode, tuple[set[str], str]] = {
    GatingMode.OFF: (
        {"post_speech_grace_ms", *_BY_REFERENCE, *_BY_VOICE},
        "everything passes while the agent is audible",
    ),
    GatingMode.HALF_DUPLEX: (
        {*_BY_REFERENCE, *_BY_VOICE},
        "nothing passes while the agent is audible",
    ),
    GatingMode.VAD: (
        _BY_REFERENCE,
        "vad_threshold and energy_threshold decide, and the far end is not heard",
    ),
    GatingMode.ECHO_AWARE: (set(), ""),
}
"""Keys of a policy that a mode does not use, and why."""

_FALL_BACK = (
    "applies only where no far-end reference is shown: in mode echo_aware a trained detector "
    "decides"
)

_HELD_MS = MAX_HELD_CHUNKS * FRAME_MS
"""Longest onset that the gate can give back, in ms."""

_REMOTE = (OpenAIRealtimeConfig, DeepgramConfig)
"""Configurations of servers that are reached over a network, with a key."""

_NEVER_GATED = frozenset({"deepgram"})
"""Kinds whose client does not ask the gate."""

_INTERRUPTIBLE = (GatingMode.VAD, GatingMode.ECHO_AWARE)
_BY_DETECTOR: Mapping[TurnDetectionType, set[str]] = {
    TurnDetectionType.SERVER_VAD: {"eagerness"},
    TurnDetectionType.SEMANTIC_VAD: {"threshold", "prefix_padding_ms", "silence_duration_ms"},
    TurnDetectionType.NONE: {"threshold", "eagerness", "interrupt_response"},
}
"""Keys that a turn detector does not use."""


def config_warnings(
    config: AppConfig, environ: Mapping[str, str] = os.environ
) -> tuple[ConfigWarning, ...]:
    """Return the warnings of a valid configuration; ``environ`` is where keys are looked up."""
    checks = (
        _policies,
        _gate_sections,
        _barge_in_times,
        _speech_evidence,
        _never_gated,
        _hangover,
        _turn_detectors,
        _profile,
        _reconnects,
        _addresses,
        _lines,
        _routes,
        _recording,
    )
    return (
        *(warning for check in checks for warning in check(config)),
        *_api_keys(config, environ),
        *(_warning(*found) for found in local_warnings(config, environ)),
        *_line_secrets(config, environ),
        *(_warning(*found) for found in tracing_warnings(config.tracing, environ)),
        *(_warning(*found) for found in desk_warnings(config.desk, environ)),
        *(_warning(*found) for found in realtime_proxy_warnings(config.realtime_proxy)),
        *_variables(config, environ),
    )


def _profile(config: AppConfig) -> _Warnings:
    """Find thresholds that the guard's profile would have chosen otherwise."""
    guard = config.audio_guard
    for name, value in PROFILE_DEFAULTS[guard.profile].items():
        if getattr(guard, name) != value:
            yield _warning(
                f"audio_guard.{name}",
                f"{getattr(guard, name)} is set, and wins over the profile {guard.profile} "
                f"({value}): delete the key if the profile is to choose",
            )


_Warnings = Iterator[ConfigWarning]


def _warning(key: str, message: str) -> ConfigWarning:
    return ConfigWarning(key=key, message=message)


def _changed(model: Any, default: Any) -> list[str]:
    """Return the names of the fields in which two models of one type differ."""
    return [
        field.name
        for field in fields(model)
        if getattr(model, field.name) != getattr(default, field.name)
    ]


def _policies(config: AppConfig) -> _Warnings:
    for kind, policy in config.gating.providers.items():
        for name in _changed(policy, GatingConfig().providers[kind]):
            message = _policy_key(name, policy)
            if message:
                yield _warning(f"gating.providers.{kind}.{name}", message)


def _policy_key(name: str, policy: ProviderGatingPolicy) -> str:
    """Return what to say of a key of a policy that was changed, or ``""``."""
    if name in ("gating_enabled", "aliases"):
        return ""
    if not policy.gating_enabled:
        return "has no effect, as gating_enabled is false"
    unused, reason = _WITHOUT_EFFECT[policy.mode]
    if name in unused:
        return f"has no effect in mode {policy.mode}: {reason}"
    if policy.mode is GatingMode.ECHO_AWARE and name in _BY_VOICE:
        return f"{_FALL_BACK}, and sensitivity shifts it"
    return ""


def _answering_policies(config: AppConfig) -> dict[str, ProviderGatingPolicy]:
    """Return the policies of the providers that can answer, by kind."""
    kinds = (config.providers[name].kind for name in config.answering_providers)
    return {str(kind): config.gating.providers[kind] for kind in kinds}


def _gate_sections(config: AppConfig) -> _Warnings:
    """Find keys of the gate that the provider which answers has no use for."""
    default = AppConfig()
    names = " and ".join(config.answering_providers)
    policies = _answering_policies(config)
    gated = [policy for policy in policies.values() if policy.gating_enabled]
    unused = []
    kinds = " and ".join(policies)
    reason = f"the audio of {names} passes untouched (gating_enabled is false for {kinds})"
    if not gated:
        unused = ["vad", "audio_guard", "barge_in"]
    elif not any(policy.mode in _INTERRUPTIBLE for policy in gated):
        unused = ["barge_in"]
        modes = " and ".join(dict.fromkeys(str(policy.mode) for policy in gated))
        reason = f"{names} is gated in mode {modes}, which finds no barge-in"
    for section in unused:
        for field_name in _changed(getattr(config, section), getattr(default, section)):
            yield _warning(f"{section}.{field_name}", f"has no effect: {reason}")


def _routes(config: AppConfig) -> _Warnings:
    return (_warning(key, message) for key, message in route_warnings(config))


def _recording(config: AppConfig) -> _Warnings:
    return (_warning(key, message) for key, message in recording_warnings(config))


def _barge_in_times(config: AppConfig) -> _Warnings:
    """Find times of a barge-in without effect, or against each other; only where one can be."""
    modes = {
        kind: policy.mode
        for kind, policy in _answering_policies(config).items()
        if policy.gating_enabled and policy.mode in _INTERRUPTIBLE
    }
    if not modes:
        return
    times, default = config.barge_in, BargeInConfig()
    is_echo_aware = set(modes.values()) == {GatingMode.ECHO_AWARE}
    for name in _changed(times, default):
        if is_echo_aware and name in _BY_DURATION:
            key = f"gating.providers.{next(iter(modes))}.sensitivity"
            yield _warning(f"barge_in.{name}", f"{_FALL_BACK}, and {key} shifts it")
    lost_ms = times.min_ms + times.onset_preroll_ms - _HELD_MS
    if lost_ms > 0:
        name = "onset_preroll_ms" if times.min_ms == default.min_ms else "min_ms"
        yield _warning(
            f"barge_in.{name}",
            f"min_ms ({times.min_ms}) and onset_preroll_ms ({times.onset_preroll_ms}) are more "
            f"than the {_HELD_MS} ms that are held: the first {lost_ms} ms of what the caller says "
            "are lost to the provider",
        )
    if times.confirm_timeout_ms < times.confirm_speech_ms:
        yield _warning(
            "barge_in.confirm_timeout_ms",
            f"{times.confirm_timeout_ms} is below confirm_speech_ms ({times.confirm_speech_ms}): "
            "only the provider's word can confirm an interruption in that time",
        )


def _reconnects(config: AppConfig) -> _Warnings:
    """Compare the pause between attempts with the caller's audio that is held meanwhile."""
    for name in config.answering_providers:
        provider = config.providers[name]
        if not isinstance(provider, _REMOTE) or provider.max_reconnects == 0:
            continue
        if provider.reconnect_max_ms <= config.engine.provider_hold_ms:
            continue
        yield _warning(
            f"providers.{name}.reconnect_max_ms",
            f"{provider.reconnect_max_ms} is above engine.provider_hold_ms "
            f"({config.engine.provider_hold_ms}): what the caller says at the beginning of the "
            "longest pause is lost",
        )


def _never_gated(config: AppConfig) -> _Warnings:
    """Find a gate that was turned on for a client that does not ask it."""
    for kind, policy in config.gating.providers.items():
        if kind in _NEVER_GATED and policy.gating_enabled:
            yield _warning(
                f"gating.providers.{kind}.gating_enabled",
                f"is true, and the client of {kind} does not ask the gate: it keeps nothing out, "
                "and the caller can't interrupt the agent",
            )


def _hangover(config: AppConfig) -> _Warnings:
    """Find a hangover over noise that the whole hangover cuts short."""
    guard = config.audio_guard
    if guard.noise_hangover_ms > guard.hangover_ms:
        yield _warning(
            "audio_guard.noise_hangover_ms",
            f"{guard.noise_hangover_ms} is above hangover_ms ({guard.hangover_ms}), which ends it",
        )


def _speech_evidence(config: AppConfig) -> _Warnings:
    """Find a network that was asked for, and can't be had."""
    wanted = config.audio_guard.speech_evidence
    is_optional = wanted in (SpeechEvidenceKind.AUTO, SpeechEvidenceKind.LIGHT)
    is_gated = any(policy.gating_enabled for policy in _answering_policies(config).values())
    if is_gated and not is_optional and not has_onnxruntime():
        yield _warning(
            "audio_guard.speech_evidence",
            f"{wanted} needs onnxruntime, which is not installed ({SILERO_INSTALL}): "
            f"{SpeechEvidenceKind.LIGHT} serves in its place",
        )


def _turn_detectors(config: AppConfig) -> _Warnings:
    for name, provider in config.providers.items():
        if not isinstance(provider, OpenAIRealtimeConfig):
            continue
        turns, section = provider.turn_detection, f"providers.{name}.turn_detection"
        for key in _changed(turns, TurnDetectionConfig()):
            if key in _BY_DETECTOR[turns.type]:
                yield _warning(f"{section}.{key}", f"has no effect with the type {turns.type}")
        if not turns.create_response:
            yield _warning(f"{section}.create_response", "is false: nobody answers the caller")


def _addresses(config: AppConfig) -> _Warnings:
    socket = config.lines.audiosocket
    if socket.enabled and socket.allowed_peers is None and not is_loopback(socket.host):
        yield _warning(
            "lines.audiosocket.host",
            f"{socket.host} can be reached from other machines, and AudioSocket has no password: "
            "set allowed_peers, and let a firewall admit the Asterisk host only",
        )
    for key in ("metadata_url", "transfer_url") if socket.enabled else ():
        url = getattr(socket.hooks, key) or ""
        if url.startswith("http://") and not is_loopback(_host_of(url)):
            yield _warning(
                f"lines.audiosocket.hooks.{key}",
                "http:// shows numbers and the token to the network: use https://",
            )
    asterisk = config.lines.asterisk_websocket
    is_open = asterisk.password_env is None and asterisk.allowed_peers is None
    if asterisk.enabled and is_open and not is_loopback(asterisk.host):
        yield _warning(
            "lines.asterisk_websocket.host",
            f"{asterisk.host} can be reached from other machines, and nothing is asked for: "
            "whoever reaches it talks to the agent at your cost; set allowed_peers, or "
            "username_env and password_env",
        )
    browser = config.lines.browser
    if browser.enabled and browser.token_env is None and not is_loopback(browser.host):
        yield _warning(
            "lines.browser.host",
            f"{browser.host} can be reached from other machines, and no token is asked for: "
            "whoever reaches it talks to the agent at your cost; set lines.browser.token_env",
        )
    if not is_loopback(config.realtime_server.host):
        yield _warning(
            "realtime_server.host",
            f"{config.realtime_server.host} can be reached from other machines, and the server "
            "asks for no key",
        )
    for name, provider in config.providers.items():
        if not isinstance(provider, _REMOTE) or provider.api_key_env is None:
            continue
        if provider.url.startswith("ws://") and not is_loopback(_host_of(provider.url)):
            yield _warning(
                f"providers.{name}.url",
                "ws:// shows the key and the call to the network: use wss://",
            )


def _host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def _lines(config: AppConfig) -> _Warnings:
    lines = [getattr(config.lines, field.name) for field in fields(config.lines)]
    if not any(line.enabled for line in lines):
        yield _warning("lines", "none is enabled, so no call can come in, and serve will not start")


def _api_keys(config: AppConfig, environ: Mapping[str, str]) -> _Warnings:
    for name in config.answering_providers:
        provider = config.providers[name]
        variable = getattr(provider, "api_key_env", None)
        is_embedded = isinstance(provider, OpenAIRealtimeConfig) and provider.is_embedded
        if variable and not is_embedded and not environ.get(variable, "").strip():
            yield _warning(
                f"providers.{name}.api_key_env",
                f"the environment variable {variable} is not set: serve will not start without it",
            )


def _line_secrets(config: AppConfig, environ: Mapping[str, str]) -> _Warnings:
    """Find secrets of lines that are not in the environment."""
    lines = config.lines
    audiosocket, twilio = lines.audiosocket, lines.twilio
    browser, asterisk = lines.browser, lines.asterisk_websocket
    wanted = (
        (audiosocket, audiosocket.hooks, "audiosocket.hooks.token_env"),
        (twilio, twilio.validate_signature and twilio, "twilio.auth_token_env"),
        (browser, browser, "browser.token_env"),
        (asterisk, asterisk, "asterisk_websocket.username_env"),
        (asterisk, asterisk, "asterisk_websocket.password_env"),
    )
    for line, section, key in wanted:
        name = key.rpartition(".")[2]
        variable = getattr(section, name, None) if line.enabled else None
        if variable is not None and not environ.get(variable, "").strip():
            yield _warning(
                f"lines.{key}",
                f"the environment variable {variable} is not set: serve will not start without it",
            )


def _variables(config: AppConfig, environ: Mapping[str, str]) -> _Warnings:
    """Find variables that were meant to override a key, and do not."""
    sections = tuple(f"{field.name}_" for field in fields(config))
    keys = {_bare(key): key for key in flattened(to_tree(config))}
    for variable in sorted(environ):
        rest = variable.lower().removeprefix("voxgate").lstrip("_")
        is_meant = variable.lower().startswith("voxgate_") and rest.startswith(sections)
        if not is_meant or variable.startswith(PREFIX) or variable == IDENTITY_VARIABLE:
            continue
        key = keys.get(_bare(rest))
        right = PREFIX + ("SECTION__KEY" if key is None else key.upper().replace(".", "__"))
        yield _warning(
            variable, f"the environment variable has no effect: write {right}, with two underscores"
        )


def _bare(name: str) -> str:
    return re.sub(r"[._-]+", "_", name)
