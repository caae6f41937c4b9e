"""What several workers share, what each has of its own, and what they can't have.

Invariant: what stands against several workers is known from the configuration alone, before any of
them starts.
"""

from __future__ import annotations

__all__ = ["own_ports", "sharing_problems"]

from collections.abc import Iterator
from dataclasses import fields
from itertools import combinations

from ..config.models import AppConfig
from ..config.provider_models import OpenAIRealtimeConfig

_LAST_PORT = 65_535
_TAKEN_RULE = "{} and {} both want port {}: workers have one each behind the port that is set"


def own_ports(config: AppConfig, number: int) -> dict[str, str]:
    """Return what the environment of a worker says of the ports that are its own.

    The desk of the first worker is at the port behind ``desk.port``, which is the parent's.

    Args:
        config: Of all.
        number: Of the worker, from 1.
    """
    ports = {"DESK": config.desk.port, "REALTIME_SERVER": config.realtime_server.port}
    return {
        f"VOXGATE__{section}__PORT": str(port and port + number) for section, port in ports.items()
    }


def sharing_problems(config: AppConfig) -> tuple[str, ...]:
    """Return why ``engine.workers`` can't be what it is; nothing where it can."""
    return (*_ports_that_meet(config), *_lines_that_ask_anew(config))


def _ports_that_meet(config: AppConfig) -> Iterator[str]:
    for name, ports in _ports(config):
        if ports[-1] > _LAST_PORT:
            yield f"the workers' ports behind that of {name} would be above {_LAST_PORT}"
    for (name, ports), (other, other_ports) in combinations(_ports(config), 2):
        if both := sorted(set(ports) & set(other_ports)):
            yield _TAKEN_RULE.format(name, other, both[0])


def _ports(config: AppConfig) -> Iterator[tuple[str, range]]:
    """Yield who listens on which ports, as far as they are fixed."""
    n_workers = config.engine.workers
    for line in fields(config.lines):
        section = getattr(config.lines, line.name)
        if section.enabled and section.port:
            yield f"lines.{line.name}", range(section.port, section.port + 1)
    if config.desk.enabled and (port := config.desk.port):
        yield "desk", range(port, port + n_workers + 1)
    if _has_embedded_server(config) and (port := config.realtime_server.port):
        yield "realtime_server", range(port + 1, port + n_workers + 1)


def _has_embedded_server(config: AppConfig) -> bool:
    answering = (config.providers[name] for name in config.answering_providers)
    return any(isinstance(each, OpenAIRealtimeConfig) and each.is_embedded for each in answering)


def _lines_that_ask_anew(config: AppConfig) -> Iterator[str]:
    if config.lines.twilio.enabled and any(map(_transfers, config.providers.values())):
        yield (
            "does not go with transfers over Twilio, which asks anew whom to dial: only the worker "
            "with the call knows. Run several engines with a lines.twilio.after_url each instead"
        )


def _transfers(provider: object) -> bool:
    """Say whether a provider's model may transfer calls."""
    return bool(getattr(getattr(provider, "tools", None), "transfer_targets", None))
