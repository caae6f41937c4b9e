"""The configuration of a gate as a command is told it: a file, and single keys beside it.

Invariant: a key that is set is checked as if it stood in the file, and a wrong one is named as the
operator wrote it.
"""

from __future__ import annotations

__all__ = ["GateSettings", "parse_settings"]

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..config import LoadedConfig, read_config
from ..config.environment import PREFIX
from ..config.load import parse_config
from ..config.model_tree import flattened
from ..config.provider_models import PROVIDER_KINDS
from ..config.suggestion import likely_keys
from ..core.config import GatingConfig
from ..errors import ConfigError
from ..lab.gating_tree import GATE_SECTIONS, gating_tree


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What an operator asked for."""

    path: Path | None = None
    """A configuration file; None: the configuration that the call was recorded with."""
    keys: Mapping[str, str] | None = None
    """Values as text, by dotted key."""

    def __bool__(self) -> bool:
        """Say whether anything was asked for."""
        return self.path is not None or bool(self.keys)

    @property
    def label(self) -> str:
        """What to call it, such as ``a.yaml, barge_in.min_ms=160``."""
        source = "as recorded" if self.path is None else str(self.path)
        return ", ".join([source, *(f"{key}={value}" for key, value in (self.keys or {}).items())])

    def applied_to(self, recorded: GatingConfig) -> GatingConfig:
        """Return what it comes to on a call that was recorded with a configuration.

        The call's providers keep the kinds that they had, whatever the file calls by their names.

        Raises:
            ConfigError: the file or a key is wrong.
        """
        variables = {PREFIX + "__".join(key.split(".")).upper(): key for key in self.keys or {}}
        environ = {name: (self.keys or {})[key] for name, key in variables.items()}
        try:
            loaded = self._load(recorded, environ)
        except ConfigError as error:
            raise _renamed(error, variables) from error
        config = loaded.config.gating_config
        others = {
            kind: policy
            for kind, policy in recorded.providers.items()
            if kind not in config.providers
        }
        return replace(
            config,
            providers={**config.providers, **others},
            kinds={**config.kinds, **recorded.kinds},
        )

    def _load(self, recorded: GatingConfig, environ: Mapping[str, str]) -> LoadedConfig:
        if self.path is not None:
            return read_config(self.path, {**os.environ, **environ})
        return parse_config(json.dumps(_tree(recorded)), "the recorded configuration", environ)


def parse_settings(path: Path | None, settings: Iterable[str]) -> GateSettings:
    """Return what ``--config`` and ``--set`` say.

    Raises:
        UsageError: a setting is not ``KEY=VALUE``, or no key of the gate.
    """
    keys: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or key.partition(".")[0] not in GATE_SECTIONS or "." not in key:
            raise click.UsageError(
                f"--set: {setting!r} is not KEY=VALUE with a key of the gate{_hint(key.strip())}"
            )
        keys[key.strip()] = value
    return GateSettings(path=path, keys=keys)


def _hint(key: str) -> str:
    """Return which keys are meant, or how those of the gate begin."""
    if meant := likely_keys(key, flattened(_tree(GatingConfig()))):
        return f"; did you mean {' or '.join(meant)}?"
    return f", which begins with {', '.join(f'{name}.' for name in GATE_SECTIONS)}"


def _tree(config: GatingConfig) -> dict[str, Any]:
    """Return a gate's configuration as a file can hold it: of the kinds that a file knows."""
    tree = gating_tree(config)
    policies = tree["gating"]["providers"]
    known = {kind: policy for kind, policy in policies.items() if kind in PROVIDER_KINDS}
    return {**tree, "gating": {"providers": known}}


def _renamed(error: ConfigError, variables: Mapping[str, str]) -> ConfigError:
    """Return the error with ``--set KEY`` where it names the variable that stood in for it."""
    sources = {f"environment {name}": f"--set {key}" for name, key in variables.items()}
    return ConfigError(
        [
            replace(problem, source=sources.get(problem.source, problem.source))
            for problem in error.problems
        ]
    )
