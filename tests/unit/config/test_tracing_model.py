"""The section of traces."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.config.models import AppConfig
from voxgate.config.tracing_model import TracingConfig


def test_nothing_is_traced_unless_somebody_asks() -> None:
    """And then to this machine, every call."""
    config = AppConfig().tracing
    assert not config.enabled
    assert config.endpoint == "http://127.0.0.1:4318/v1/traces"
    assert (config.sample_ratio, config.headers_env) == (1.0, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("endpoint", "127.0.0.1:4318"),
        ("endpoint", "http://user:secret@collector/v1/traces"),
        ("endpoint", "https://collector/v1/traces?key=secret"),
        ("service_name", ""),
        ("sample_ratio", -0.1),
        ("sample_ratio", 1.1),
        ("headers_env", "authorization=Bearer secret"),
    ],
)
def test_what_can_not_be_is_refused(key: str, value: Any) -> None:
    """A secret in the address, or in place of a variable's name, among it."""
    with pytest.raises(ValueError, match=key):
        TracingConfig(**{key: value})
