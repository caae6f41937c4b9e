"""What is allowed in the section ``tracing`` but probably not meant.

Invariant: what is turned while nothing is traced is told as being in vain, and nothing else.
"""

from __future__ import annotations

__all__ = ["tracing_warnings"]

from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib.util import find_spec
from urllib.parse import urlsplit

from .listen_address import is_loopback
from .tracing_model import TracingConfig

_PACKAGE = "opentelemetry.exporter"


def tracing_warnings(
    section: TracingConfig, environ: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield key and message of each thing that an operator should know.

    Args:
        section: What the operator set.
        environ: Where the headers are, by the name that the section gives.
    """
    if not section.enabled:
        default = TracingConfig()
        for field in fields(section):
            if getattr(section, field.name) != getattr(default, field.name):
                yield f"tracing.{field.name}", "has no effect: tracing.enabled is false"
        return
    if not _is_installed():
        message = (
            "needs packages that are not installed (pip install 'voxgate[otel]'): serve will not "
            "start"
        )
        yield "tracing.enabled", message
    if section.sample_ratio == 0.0:
        yield "tracing.sample_ratio", "is 0: no call is traced"
    name = section.headers_env
    if name is not None and not environ.get(name, "").strip():
        message = f"the environment variable {name} is not set: serve will not start without it"
        yield "tracing.headers_env", message
    url = urlsplit(section.endpoint)
    if name is not None and url.scheme == "http" and not is_loopback(url.hostname or ""):
        yield "tracing.endpoint", "http:// shows the headers to the network: use https://"


def _is_installed() -> bool:
    try:
        return find_spec(_PACKAGE) is not None
    except ModuleNotFoundError:
        return False
