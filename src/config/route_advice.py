"""What is allowed in routes and fall-backs but probably not meant.

Invariant: a route that no call can take is told; the order of the others is the operator's.
"""

from __future__ import annotations

__all__ = ["route_warnings"]

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from .model_tree import to_tree
from .models import AppConfig
from .route_models import RouteMatch


def route_warnings(config: AppConfig) -> Iterator[tuple[str, str]]:
    """Yield key and message of each thing that an operator should know."""
    yield from _unreachable(config)
    yield from _same_server(config)
    yield from _without_successor(config)
    yield from _missing_files(config)


def _unreachable(config: AppConfig) -> Iterator[tuple[str, str]]:
    """Find routes that no call takes, and a default provider that none is left for."""
    for number, route in enumerate(config.routes):
        for earlier, other in enumerate(config.routes[:number]):
            if other.match.includes(route.match):
                message = f"no call takes this route: routes[{earlier}] takes them all before it"
                yield f"routes[{number}].match", message
                break
        line = route.match.line
        if line is not None and not getattr(config.lines, line).enabled:
            yield f"routes[{number}].match.line", f"{line} is not enabled: no call comes by it"
    for number, route in enumerate(config.routes):
        if route.match.includes(RouteMatch()):
            message = f"never answers: routes[{number}] takes every call"
            yield "engine.default_provider", message
            break


def _same_server(config: AppConfig) -> Iterator[tuple[str, str]]:
    """Find providers that take over from others at the same address."""
    places = [("engine", config.engine.candidates)]
    places += [
        (f"routes[{number}]", route.candidates) for number, route in enumerate(config.routes)
    ]
    for place, (name, *others) in places:
        url = getattr(config.providers[name], "url", None)
        for other in others:
            if url is not None and getattr(config.providers[other], "url", None) == url:
                message = (
                    f"{other} has the url of {name}: where one can't be reached neither can be"
                )
                yield f"{place}.fall_back_provider", message


def _without_successor(config: AppConfig) -> Iterator[tuple[str, str]]:
    """Find what is turned for a second provider where there is none."""
    tried = [config.engine.candidates, *(route.candidates for route in config.routes)]
    if any(len(names) > 1 for names in tried):
        return
    default = AppConfig()
    if config.engine.fall_back_after_s != default.engine.fall_back_after_s:
        yield "engine.fall_back_after_s", "has no effect: no provider takes over from another"
    for kind in ("fall_back", "lost"):
        section = to_tree(getattr(config.announcements, kind))
        if section != to_tree(getattr(default.announcements, kind)):
            yield f"announcements.{kind}", "is never heard: no provider takes over from another"


def _missing_files(config: AppConfig) -> Iterator[tuple[str, str]]:
    """Find recordings that are not there, or not here."""
    for kind in fields(config.announcements):
        section = getattr(config.announcements, kind.name)
        if section.text is None or section.file is None:
            continue
        if not Path(section.file).expanduser().is_file():
            message = f"{section.file!r}: there is no such file, and serve will not start"
            yield f"announcements.{kind.name}.file", message
