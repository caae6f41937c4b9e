"""``voxgate check-config``: what a configuration comes to, or everything that is wrong in it."""

from __future__ import annotations

__all__ = ["command"]

import json
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import click

from ..call.announcements import missing_voice, unspoken_texts
from ..call.embedded_server import choose_agent, needs_server
from ..config import ConfigWarning, LoadedConfig, changed_keys, config_warnings, read_config
from ..config.key_help import explain_key, help_text
from ..config.keyed_changes import locked_keys
from ..config.load import read_default, read_text
from ..config.local_models import LocalConfig
from ..config.model_tree import to_tree
from ..config.models import SCRIPTED, AppConfig, provider_references
from ..config.provider_models import ProviderConfig
from ..errors import ConfigError, ConfigProblem, ProviderError
from ..local_agent.required_packages import missing_packages
from ..providers.registry import default_registry

_INVALID, _UNREADABLE = 1, 2
_PACKAGED = "the packaged default"


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--explain",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Say what KEY is, such as barge_in.min_ms or barge_in: meaning, unit, range, default, "
    "value, where that comes from, and what a change takes effect on. May be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object instead of text.")
@click.pass_context
def command(ctx: click.Context, path: Path | None, *, keys: tuple[str, ...], as_json: bool) -> None:
    """Check the configuration at PATH, environment overrides included, or explain keys of it.

    Without PATH, the default that comes with voxgate. Status 0: it is valid, warnings or not;
    1: it is not, or serve would refuse its provider, or there is no such key; 2: the file can't be
    read.
    """
    try:
        loaded = read_config(path)
        loaded = loaded if path else replace(loaded, source=_PACKAGED)
        if keys:
            click.echo(_explained(keys, loaded, path, as_json=as_json))
            return
        _require_providers(loaded)
        _require_packages(loaded)
        _require_voice(loaded)
    except ConfigError as error:
        click.echo(_problems_json(error) if as_json else f"{error}", err=not as_json)
        is_unreadable = isinstance(error.__cause__, (OSError, UnicodeDecodeError))
        ctx.exit(_UNREADABLE if is_unreadable else _INVALID)
    report = _report(loaded)
    click.echo(json.dumps(report, indent=2) if as_json else _as_text(report))


def _explained(
    keys: tuple[str, ...], loaded: LoadedConfig, path: Path | None, *, as_json: bool
) -> str:
    text = read_default()[1] if path is None else read_text(path, str(path))
    explained = [explain_key(key, loaded, text) for key in keys]
    if as_json:
        return json.dumps({"ok": True, "keys": [asdict(each) for each in explained]}, indent=2)
    return "\n".join(map(help_text, explained))


def _require_providers(loaded: LoadedConfig) -> None:
    """Refuse providers that the configuration knows and this version does not have.

    Raises:
        ConfigError: names each whose kind is not available.
    """
    config, registry, problems = loaded.config, default_registry(), []
    for key, name in provider_references(config.engine, config.routes):
        kind = config.providers[name].kind
        try:
            registry.require(kind)
        except ProviderError as error:
            rule = f"is of the kind {kind}, {error.reason}"
            source = loaded.source_of(*key.split("."))
            problems.append(ConfigProblem(key=key, value=repr(name), rule=rule, source=source))
    if problems:
        raise ConfigError(problems)


def _require_packages(loaded: LoadedConfig) -> None:
    """Refuse local agents that can't be started here for want of packages, as serve does.

    Raises:
        ConfigError: names each, and what to install.
    """
    problems = []
    for key, name in _chosen_providers(loaded.config):
        provider = loaded.config.providers[name]
        if isinstance(provider, LocalConfig) and (lacking := missing_packages(provider)):
            source = loaded.source_of(*key.split("."))
            problems.append(
                ConfigProblem(
                    key=key, value=repr(name), rule=f"can't be started: {lacking}", source=source
                )
            )
    if problems:
        raise ConfigError(problems)


def _require_voice(loaded: LoadedConfig) -> None:
    """Refuse sentences that nobody can speak, as serve does.

    Raises:
        ConfigError: names each, and what to do.
    """
    config = loaded.config
    names = [*config.answering_providers]
    if needs_server(config):
        names.append(choose_agent(config).provider or "")
    has_voice = any(isinstance(config.providers.get(name), LocalConfig) for name in names)
    lacking = None if has_voice else missing_voice()
    if lacking and (problems := unspoken_texts(config.announcements, lacking)):
        raise ConfigError(
            [replace(each, source=loaded.source_of(*each.key.split("."))) for each in problems]
        )


def _chosen_providers(config: AppConfig) -> Iterator[tuple[str, str]]:
    """Yield key and name of the providers that must start for the engine to do so."""
    yield from provider_references(config.engine, config.routes)
    agent = choose_agent(config).provider if needs_server(config) else None
    if agent == config.realtime_server.answered_by:
        yield "realtime_server.answered_by", agent


def _problems_json(error: ConfigError) -> str:
    problems = [asdict(problem) for problem in error.problems]
    return json.dumps({"ok": False, "problems": problems}, indent=2)


def _report(loaded: LoadedConfig) -> dict[str, Any]:
    """Return the summary of a valid configuration."""
    config = loaded.config
    provider = config.default_provider
    policy = config.gating.providers[provider.kind]
    return {
        "ok": True,
        "source": loaded.source,
        "environment": list(loaded.variables),
        "overrides": locked_keys(loaded.overrides),
        "provider": {
            "name": config.engine.default_provider,
            "kind": provider.kind,
            "url": _url_of(provider),
            "fall_back": config.engine.fall_back_provider,
        },
        "gating": {
            "gating_enabled": policy.gating_enabled,
            "mode": policy.mode.value if policy.gating_enabled else None,
        },
        "lines": _lines(config),
        "routes": _routes(config),
        "changed": [asdict(change) for change in changed_keys(config)],
        "warnings": [
            asdict(warning) for warning in (*config_warnings(config), *_scripted_answers(config))
        ],
    }


def _scripted_answers(config: AppConfig) -> Iterator[ConfigWarning]:
    """Find callers whom nobody listens to, where nobody has asked for that."""
    if not needs_server(config) or config.realtime_server.answered_by == SCRIPTED:
        return
    agent = choose_agent(config)
    if agent.provider is None:
        yield ConfigWarning(
            key="realtime_server.answered_by",
            message="callers of the embedded server hear sentences rendered beforehand, whatever "
            f"they say: {agent.reason}; or say {SCRIPTED} if that is meant",
        )


def _url_of(provider: ProviderConfig) -> str | None:
    url: str | None = getattr(provider, "url", None)
    return url


def _lines(config: AppConfig) -> list[dict[str, Any]]:
    """Return the lines that are enabled."""
    lines = [(field.name, getattr(config.lines, field.name)) for field in fields(config.lines)]
    return [
        {"name": name, "host": line.host, "port": line.port} for name, line in lines if line.enabled
    ]


def _routes(config: AppConfig) -> list[dict[str, Any]]:
    """Return what each route is for, and who is tried."""
    return [
        {
            "match": {key: value for key, value in to_tree(route.match).items() if value},
            "providers": list(route.candidates),
        }
        for route in config.routes
    ]


def _as_text(report: dict[str, Any]) -> str:
    provider, gating = report["provider"], report["gating"]
    where = f", {provider['url']}" if provider["url"] else ""
    lines = [f"{line['name']} {line['host']}:{line['port']}" for line in report["lines"]]
    routes = [
        f"[{number}] {_call_text(route['match'])}: {', then '.join(route['providers'])}"
        for number, route in enumerate(report["routes"])
    ]
    changed = [
        f"{change['key']}: {_yaml(change['value'])} (default {_yaml(change['default'])})"
        for change in report["changed"]
        if change["key"] != "routes"  # they are shown one by one
    ]
    then = f", then {provider['fall_back']}" if provider["fall_back"] else ""
    rows = [
        ("provider", [f"{provider['name']} ({provider['kind']}{where}){then}"]),
        ("gate", [gating["mode"] or "passes everything untouched"]),
        ("lines", lines or ["none"]),
        ("routes", routes),
        ("changed", changed or ([] if routes else ["nothing: every key has its default"])),
        ("environment", [f"{name} sets {key}" for key, name in report["overrides"].items()]),
    ]
    text = [f"{report['source']}: OK"]
    for title, values in rows:
        for position, value in enumerate(values):
            text.append(f"  {title if position == 0 else '':<12} {value}")
    text += [f"warning: {warning['key']}: {warning['message']}" for warning in report["warnings"]]
    return "\n".join(text)


def _call_text(match: dict[str, Any]) -> str:
    """Return what calls a route is for, each on one line."""
    return json.dumps(match, ensure_ascii=False) if match else "every call"


def _yaml(value: object) -> str:
    """Return a scalar or a list as YAML's flow style writes it, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:60] + "…"
