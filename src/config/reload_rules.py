"""What a changed key takes effect on while the engine runs: running calls, new calls, a restart.

Invariant: every key of the models has a rule. A running call takes what can be judged by from its
next frame on without losing what the call has learned; what a call was built from stays with it.
"""

from __future__ import annotations

__all__ = [
    "RELOAD_RULES",
    "KeyChange",
    "ReloadRule",
    "TakesEffect",
    "changes_between",
    "config_keys",
    "restart_problems",
    "rule_for",
]

import re
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from ..errors import ConfigProblem
from .edited_document import ABSENT, Absent
from .field_rules import type_hints
from .model_tree import to_tree
from .models import AppConfig
from .shown_value import shown_value
from .yaml_document import Path, Tree, dotted

ANY = "*"
"""In the key of a rule: any one name, such as that of a provider."""


class TakesEffect(StrEnum):
    """What a change reaches."""

    RUNNING_CALLS = "running_calls"
    """At once: running calls at their next frame, and everything else of the process."""
    NEW_CALLS = "new_calls"
    """Calls that begin after it; running ones keep what they were built from."""
    RESTART = "restart"
    """Nothing, until the process is started anew: the change is refused while it runs."""


@dataclass(frozen=True, slots=True)
class ReloadRule:
    """What a change of a key, and of all keys below it that have no rule of their own, reaches."""

    key: str
    """Dotted; ``*`` stands for any one name."""
    takes_effect: TakesEffect
    why: str
    """What makes it so, for the documentation."""


_RUNNING, _NEW, _RESTART = TakesEffect

RELOAD_RULES: tuple[ReloadRule, ...] = (
    ReloadRule("engine.default_provider", _NEW, "chosen when a call comes in"),
    ReloadRule("engine.fall_back_provider", _NEW, "chosen when a call comes in"),
    ReloadRule("engine.fall_back_after_s", _NEW, "chosen when a call comes in"),
    ReloadRule("engine.provider_hold_ms", _NEW, "a call's buffers are made when it comes in"),
    ReloadRule("engine.workers", _RESTART, "the processes share what was opened at the start"),
    ReloadRule("engine.max_calls", _NEW, "asked when a call comes in; no running call is ended"),
    ReloadRule("engine.drain_timeout_s", _RUNNING, "read when the engine is told to stop"),
    ReloadRule("engine.log_level", _RUNNING, "the log follows at once"),
    ReloadRule("engine.log_format", _RUNNING, "the log follows at once"),
    ReloadRule("engine.reload_on_change", _RUNNING, "followed at once"),
    ReloadRule("lines", _RESTART, "a line listens from the start to the end"),
    ReloadRule("providers", _NEW, "a call keeps the client that it has"),
    ReloadRule(
        "providers.*.kind",
        _RESTART,
        "running calls may still turn to the name; give the other kind a name of its own",
    ),
    ReloadRule("providers.*.recogniser", _RESTART, "parts of local agents are started once"),
    ReloadRule("providers.*.reply", _RESTART, "parts of local agents are started once"),
    ReloadRule("providers.*.voice.*", _RESTART, "parts of local agents are started once"),
    ReloadRule("routes", _NEW, "asked when a call comes in"),
    ReloadRule("announcements", _NEW, "made before the change counts, and given to new calls"),
    ReloadRule("gating.providers.*", _NEW, "a call's gate is made when it comes in"),
    ReloadRule("gating.providers.*.withheld_audio", _RUNNING, "asked of each frame"),
    ReloadRule("gating.providers.*.post_speech_grace_ms", _RUNNING, "asked of each frame"),
    ReloadRule("gating.providers.*.vad_threshold", _RUNNING, "asked of each frame"),
    ReloadRule("gating.providers.*.energy_threshold", _RUNNING, "asked of each frame"),
    ReloadRule("gating.providers.*.sensitivity", _RUNNING, "asked of each frame"),
    ReloadRule("vad", _RUNNING, "asked of each frame"),
    ReloadRule("audio_guard", _RUNNING, "asked of each frame"),
    ReloadRule("audio_guard.initial_noise_floor", _NEW, "a running call has learned its own floor"),
    ReloadRule("audio_guard.speech_evidence", _NEW, "the networks have heard the call"),
    ReloadRule("barge_in", _RUNNING, "asked of each frame"),
    ReloadRule("idle_fill", _RUNNING, "asked in each slot"),
    ReloadRule("realtime_server", _RESTART, "the server listens from the start to the end"),
    ReloadRule("realtime_proxy", _RESTART, "voxgate proxy reads it when it starts"),
    ReloadRule("desk", _RESTART, "the desk listens from the start to the end"),
    ReloadRule("tracing", _RESTART, "the way to the collector is made once"),
    ReloadRule("recording", _RESTART, "the recorder is set up at the start"),
)
"""The rule of the longest key that fits counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """One key with another value than before."""

    key: str
    """Full dotted key; of a section that came or went as a whole, the section's."""
    old: Tree | Absent
    """The value before; ``ABSENT`` where the key was not there."""
    new: Tree | Absent
    """The value now; ``ABSENT`` where the key is gone."""
    takes_effect: TakesEffect
    """What the change reaches."""


def changes_between(old: AppConfig, new: AppConfig) -> tuple[KeyChange, ...]:
    """Return every key that differs between two configurations, in the order of the models."""
    return tuple(
        KeyChange(
            key=dotted(path),
            old=before,
            new=after,
            takes_effect=_rule_of(path).takes_effect,
        )
        for path, before, after in _section_differences(old, new)
    )


def restart_problems(
    changes: Iterable[KeyChange], source: str = "configuration"
) -> list[ConfigProblem]:
    """Return a problem for each change that a running engine can't follow."""
    return [
        ConfigProblem(
            key=change.key,
            value=_shown(change.new, change.key),
            rule=(
                f"can't be changed while voxgate runs (it is {_shown(change.old, change.key)}: "
                f"{rule_for(change.key).why}); restart voxgate for it, or change it back"
            ),
            source=source,
        )
        for change in changes
        if change.takes_effect is TakesEffect.RESTART
    ]


def rule_for(key: str) -> ReloadRule:
    """Return the rule of a dotted key.

    Raises:
        KeyError: it is none of the configuration's.
    """
    return _rule_of(_parts(key))


def config_keys() -> tuple[str, ...]:
    """Return every key of the models that holds a value, with ``*`` for names of one's own."""
    return tuple(dict.fromkeys(".".join(path) for path in _leaves(AppConfig, ())))


# -- differences -----------------------------------------------------------------------------------


def _section_differences(
    old: AppConfig, new: AppConfig
) -> Iterator[tuple[Path, Tree | Absent, Tree | Absent]]:
    """Yield what differs; sections that are equal, as most are, are not looked into.

    This is done in the event loop: the trees of two default configurations take 2 ms, of two with
    1,500 routes 90 ms; those of the sections that differ, 0.1 ms as a rule.
    """
    for section in fields(AppConfig):
        before, after = getattr(old, section.name), getattr(new, section.name)
        if before != after:
            yield from _differences(to_tree(before), to_tree(after), (section.name,))


def _differences(
    old: Any, new: Any, path: Path
) -> Iterator[tuple[Path, Tree | Absent, Tree | Absent]]:
    """Yield path, old and new value of what differs; a list is one value."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old != new:
            yield path, old, new
        return
    for name in dict.fromkeys((*old, *new)):
        yield from _differences(old.get(name, ABSENT), new.get(name, ABSENT), (*path, name))


def _shown(value: Tree | Absent, key: str) -> str:
    return "not there" if value is ABSENT else shown_value(value, key.rpartition(".")[2])


# -- which rule ------------------------------------------------------------------------------------


def _rule_of(path: Path) -> ReloadRule:
    fitting = [rule for rule in RELOAD_RULES if _fits(_parts(rule.key), path)]
    if not fitting:
        raise KeyError(dotted(path))
    return max(fitting, key=lambda rule: len(_parts(rule.key)))


def _fits(rule: Path, path: Path) -> bool:
    return len(rule) <= len(path) and all(
        part in (ANY, name) for part, name in zip(rule, path, strict=False)
    )


@cache
def _parts(key: str) -> Path:
    """Return the names in a dotted key; what is in quotes is one name."""
    return tuple(
        plain or quoted for plain, quoted in re.findall(r"([^.'\[\]]+)|'((?:[^'\\]|\\.)*)'", key)
    )


# -- the models' keys ------------------------------------------------------------------------------


def _leaves(hint: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of all values below an annotation."""
    sections = [each for each in _alternatives(hint) if is_dataclass(each)]
    mapped = [each for each in _alternatives(hint) if get_origin(each) is Mapping]
    values = [get_args(each)[1] for each in mapped]
    if any(is_dataclass(each) for value in values for each in _alternatives(value)):
        for value in values:
            yield from _leaves(value, (*path, ANY))
    elif not sections or types.NoneType in _alternatives(hint):
        yield path
    for section in sections:
        for name, inner in type_hints(section).items():
            if not name.startswith("_"):
                yield from _leaves(inner, (*path, name))


def _alternatives(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the one annotation, without rules."""
    if get_origin(hint) is Annotated:
        return _alternatives(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(each for member in get_args(hint) for each in _alternatives(member))
    return (hint,)
