"""What an operator is told of traces that are probably not meant so."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.config import config_warnings, tracing_advice
from voxgate.config.models import AppConfig
from voxgate.config.tracing_advice import tracing_warnings
from voxgate.config.tracing_model import TracingConfig


def warnings(environ: dict[str, str] | None = None, **fields: Any) -> dict[str, str]:
    return dict(tracing_warnings(TracingConfig(**fields), environ or {}))


def test_neither_the_defaults_nor_traces_to_this_machine_give_a_warning() -> None:
    """Nor those to another one, encrypted."""
    assert warnings() == {}
    assert warnings(enabled=True) == {}
    address = "https://traces.example.com/v1/traces"
    assert warnings({"H": "a=b"}, enabled=True, endpoint=address, headers_env="H") == {}


def test_what_is_turned_while_nothing_is_traced() -> None:
    """It is easy to forget the switch."""
    found = warnings(sample_ratio=0.5, headers_env="H")
    assert found == dict.fromkeys(
        ("tracing.sample_ratio", "tracing.headers_env"),
        "has no effect: tracing.enabled is false",
    )


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"sample_ratio": 0.0}, "tracing.sample_ratio", "no call is traced"),
        ({"headers_env": "H"}, "tracing.headers_env", "variable H is not set"),
    ],
)
def test_traces_that_nobody_will_get(fields: dict[str, Any], key: str, message: str) -> None:
    """Or an engine that won't start."""
    assert message in warnings(enabled=True, **fields)[key]


def test_headers_are_not_to_cross_a_network_unencrypted() -> None:
    """They are a key, mostly; without any there is none to show."""
    address = "http://traces.example.com/v1/traces"
    found = warnings({"H": "a=b"}, enabled=True, endpoint=address, headers_env="H")
    assert found == {"tracing.endpoint": "http:// shows the headers to the network: use https://"}
    assert warnings(enabled=True, endpoint=address) == {}


@pytest.mark.parametrize("package", ["opentelemetry.nowhere", "nowhere.at.all"])
def test_the_extra_may_be_missing(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """With the line that installs it."""
    monkeypatch.setattr(tracing_advice, "_PACKAGE", package)
    assert "pip install 'voxgate[otel]'" in warnings(enabled=True)["tracing.enabled"]


def test_check_config_tells_it() -> None:
    """With all the other warnings."""
    config = AppConfig(tracing=TracingConfig(enabled=True, sample_ratio=0.0))
    assert [warning.key for warning in config_warnings(config, {})] == ["tracing.sample_ratio"]
