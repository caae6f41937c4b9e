"""Reads the configuration once: file, then environment, into frozen models.

Invariant: a configuration comes back whole and valid, or :class:`ConfigError` with everything that
is wrong in it; no other exception, whatever the file holds.
"""

from __future__ import annotations

__all__ = [
    "LoadedConfig",
    "config_of_tree",
    "load_config",
    "parse_config",
    "read_config",
    "read_default",
    "read_text",
]

import json
import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.guard_profile import PROFILE_DEFAULTS, GuardProfile
from ..errors import ConfigError, ConfigProblem
from .environment import Overrides, apply_environment
from .key_lines import add_lines
from .model_tree import to_tree
from .models import AUTO, LINE_KINDS, SCRIPTED, AppConfig, unknown_line, unknown_provider
from .problems import model_problems
from .secret_search import find_secrets
from .shown_value import shown_value
from .yaml_document import MAX_CHARACTERS, Tree, dotted, parse_document
from .yaml_document import Path as KeyPath

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_FILE_NAME = "ai-agent.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """A configuration, and where it came from."""

    config: AppConfig
    source: str
    """The file, as messages name it."""
    variables: tuple[str, ...]
    """Names of the environment variables that override keys of the file."""
    overrides: Overrides = field(default_factory=Overrides, repr=False)
    """What they override."""

    def source_of(self, *path: str) -> str:
        """Return where the value at a path comes from, as problems name it."""
        return self.overrides.source_of(path, self.source)


def load_config(
    path: str | Path | None = None, environ: Mapping[str, str] = os.environ
) -> AppConfig:
    """Return the configuration in a YAML file, overridden by ``VOXGATE__SECTION__KEY`` variables.

    ``path`` None reads the commented default that comes with the package. A key left out has the
    default of its model; a ``providers`` section replaces the default ones.

    Raises:
        ConfigError: with every problem found: syntax (line and column), unknown keys, types,
            ranges, rules across fields, secrets; its ``__cause__`` is an OSError or a
            UnicodeDecodeError if the file can't be read at all.
        ModuleNotFoundError: if pydantic is not installed (extra ``server``).
    """
    return read_config(path, environ).config


def read_config(
    path: str | Path | None = None, environ: Mapping[str, str] = os.environ
) -> LoadedConfig:
    """Return the configuration with its sources; as :func:`load_config` otherwise."""
    source, text = read_default() if path is None else (str(path), read_text(Path(path), str(path)))
    return parse_config(text, source, environ)


def parse_config(text: str, source: str, environ: Mapping[str, str]) -> LoadedConfig:
    """Return the configuration in YAML text; ``source`` is what messages call it.

    Raises:
        ConfigError: with every problem found.
        ModuleNotFoundError: if pydantic is not installed (extra ``server``).
    """
    tree, problems = parse_document(text, source)
    judged = _judged(tree, source, environ, problems)
    if isinstance(judged, LoadedConfig):
        return judged
    raise ConfigError(add_lines(judged, text, source))


def config_of_tree(
    tree: Mapping[str, Tree], source: str, environ: Mapping[str, str]
) -> LoadedConfig:
    """Return the configuration that a document holds.

    Args:
        tree: What it holds; it is not changed.
        source: What messages call it.
        environ: Where overrides are looked for.

    Raises:
        ConfigError: with every problem found.
        ModuleNotFoundError: if pydantic is not installed (extra ``server``).
    """
    judged = _judged(deepcopy(dict(tree)), source, environ, [])
    if isinstance(judged, LoadedConfig):
        return judged
    raise ConfigError(judged)


def _judged(
    tree: dict[str, Tree],
    source: str,
    environ: Mapping[str, str],
    problems: list[ConfigProblem],
) -> LoadedConfig | list[ConfigProblem]:
    """Return what a tree comes to, which is completed, or everything that is wrong in it."""
    _fill_in_defaults(tree)
    overrides = apply_environment(tree, environ)
    _fill_in_profile(tree)
    problems += overrides.problems
    problems += find_secrets(tree, overrides, source)
    problems += _reference_problems(tree, overrides, source)
    config = _validated(tree, overrides, source, problems)
    if config is None or problems:
        return problems
    variables = tuple(sorted(set(overrides.variables.values())))
    return LoadedConfig(config=config, source=source, variables=variables, overrides=overrides)


def read_text(path: Path, source: str) -> str:
    """Return the text of a file.

    Raises:
        ConfigError: it can't be read; its ``__cause__`` says why.
    """
    try:
        with path.open("rb") as file:
            return file.read(4 * MAX_CHARACTERS).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        problem = ConfigProblem(
            key="document", value="", rule=f"can't be read: {reason}", source=source
        )
        raise ConfigError([problem]) from error


def read_default() -> tuple[str, str]:
    """Return name and text of the default file: in the package, or in the checkout beside it."""
    packaged = resources.files(__package__) / _FILE_NAME
    if packaged.is_file():
        return f"voxgate/config/{_FILE_NAME}", packaged.read_text(encoding="utf-8")
    path = Path(__file__).resolve().parents[2] / "config" / _FILE_NAME
    return f"config/{_FILE_NAME}", read_text(path, str(path))


def _fill_in_defaults(tree: dict[str, Tree]) -> None:
    """Turn emptied sections into empty ones and add what a section replaces as a whole.

    A policy is completed here with the defaults of *its kind*, which its model can't know.
    """
    defaults = _defaults()
    for section in fields(defaults):
        if tree.get(section.name, {}) is None:
            del tree[section.name]
    tree.setdefault("providers", to_tree(defaults.providers))
    _fill_in_announcements(tree.setdefault("announcements", {}))
    gating = tree.setdefault("gating", {})
    if not isinstance(gating, dict):
        return
    if gating.get("providers") is None:
        gating["providers"] = {}
    if isinstance(policies := gating["providers"], dict):
        for kind, policy in defaults.gating.providers.items():
            given = {} if policies.get(kind) is None else policies[kind]
            policies[kind] = {**to_tree(policy), **given} if isinstance(given, dict) else given


def _fill_in_announcements(section: Tree) -> None:
    """Complete announcements with the text of *their* kind, which their model can't know."""
    if not isinstance(section, dict):
        return
    for kind, default in to_tree(_defaults().announcements).items():
        given = {} if section.get(kind) is None else section[kind]
        section[kind] = {**default, **given} if isinstance(given, dict) else given


def _fill_in_profile(tree: dict[str, Tree]) -> None:
    """Add the guard's thresholds that the chosen profile has, where they are left out."""
    guard = tree.get("audio_guard")
    name = guard.get("profile") if isinstance(guard, dict) else None
    if isinstance(guard, dict) and isinstance(name, str) and name in set(GuardProfile):
        tree["audio_guard"] = {**PROFILE_DEFAULTS[GuardProfile(name)], **guard}


def _reference_problems(
    tree: dict[str, Tree], overrides: Overrides, source: str
) -> list[ConfigProblem]:
    """Find names of providers and lines that do not exist, also where other keys are wrong."""
    unknown = [(path, name, unknown_line(name)) for path, name in _unknown_lines(tree)]
    providers = tree["providers"]
    if isinstance(providers, dict):
        unknown += [
            (path, name, unknown_provider(name, providers))
            for path, name in _provider_names(tree)
            if isinstance(name, str) and name not in providers
        ]
    return [
        ConfigProblem(
            key=dotted(path),
            value=shown_value(name),
            rule=rule,
            source=overrides.source_of(path, source),
        )
        for path, name, rule in unknown
    ]


def _unknown_lines(tree: dict[str, Tree]) -> Iterator[tuple[KeyPath, str]]:
    """Yield path and name of every kind of line that a route names and that there is not."""
    routes = tree.get("routes", [])
    for number, route in enumerate(routes if isinstance(routes, list) else ()):
        match = route.get("match") if isinstance(route, dict) else None
        line = match.get("line") if isinstance(match, dict) else None
        if isinstance(line, str) and line not in LINE_KINDS:
            yield ("routes", number, "match", "line"), line


def _provider_names(tree: dict[str, Tree]) -> Iterator[tuple[KeyPath, Tree]]:
    """Yield path and value of every key that names a provider which answers."""
    engine, routes = tree.get("engine", {}), tree.get("routes", [])
    if isinstance(engine, dict):
        default = _defaults().engine.default_provider
        yield ("engine", "default_provider"), engine.get("default_provider", default)
        yield ("engine", "fall_back_provider"), engine.get("fall_back_provider")
    for number, route in enumerate(routes if isinstance(routes, list) else ()):
        for key in ("provider", "fall_back_provider"):
            if isinstance(route, dict):
                yield ("routes", number, key), route.get(key)
    server = tree.get("realtime_server", {})
    name = server.get("answered_by") if isinstance(server, dict) else None
    if name not in (AUTO, SCRIPTED):
        yield ("realtime_server", "answered_by"), name


def _validated(
    tree: dict[str, Tree], overrides: Overrides, source: str, problems: list[ConfigProblem]
) -> AppConfig | None:
    """Return the models, or None after adding to ``problems``."""
    from pydantic import ValidationError

    try:
        # As JSON, where strict means what an operator means: lists and names become tuples and
        # enums, a whole number is a number too, and nothing else changes its type.
        return _adapter().validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        found = model_problems(error.errors(include_url=False), tree, overrides, source)
        known = {problem.key for problem in problems}
        problems += [problem for problem in found if problem.key not in known]
        return None


@cache
def _defaults() -> AppConfig:
    return AppConfig()


@cache
def _adapter() -> TypeAdapter[AppConfig]:
    from pydantic import TypeAdapter

    return TypeAdapter(AppConfig)
