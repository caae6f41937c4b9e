"""The model of the section ``tracing``: calls as OpenTelemetry traces.

Invariant: what a collector asks for to be let in stands in the environment variable that the model
names, never in the configuration.
"""

from __future__ import annotations

__all__ = ["TracingConfig"]

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from .field_rules import check_fields
from .field_types import HttpUrl, Name, VariableName


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingConfig:
    """Traces of calls, sent to a collector by OTLP over HTTP; needs the extra ``otel``."""

    enabled: bool = False
    """Whether calls are traced."""
    endpoint: HttpUrl = "http://127.0.0.1:4318/v1/traces"
    """Address that traces are posted to, whole: 4318 and ``/v1/traces`` are OTLP's own."""
    service_name: Name = "voxgate"
    """What the traces say who they are of; telling for each of several engines."""
    sample_ratio: Annotated[float, Interval(ge=0.0, le=1.0)] = 1.0
    """Share of calls that are traced, 0..1; a call is traced whole or not at all."""
    headers_env: VariableName | None = None
    """Name of the environment variable with headers that the collector asks for, such as
    ``authorization=Bearer%20KEY,x-team=voice``; null: none."""

    def __post_init__(self) -> None:
        check_fields(self)
