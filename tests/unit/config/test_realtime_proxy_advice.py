"""What is odd about the section ``realtime_proxy``."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxgate.config.advice import config_warnings
from voxgate.config.load import parse_config
from voxgate.config.realtime_proxy_advice import realtime_proxy_warnings
from voxgate.config.realtime_proxy_model import RealtimeProxyConfig


def test_the_defaults_are_fine() -> None:
    """So is a server on this machine without TLS."""
    for url in ("wss://api.openai.com", "ws://127.0.0.1:1", "ws://localhost:1", "ws://[::1]:1"):
        assert not list(realtime_proxy_warnings(RealtimeProxyConfig(upstream_url=url)))


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (RealtimeProxyConfig(host="0.0.0.0"), "host"),  # noqa: S104
        (RealtimeProxyConfig(upstream_url="ws://gateway.example"), "upstream_url"),
    ],
)
def test_keys_in_the_clear_are_told(config: RealtimeProxyConfig, key: str) -> None:
    """On either side."""
    ((found, message),) = realtime_proxy_warnings(config)
    assert found == f"realtime_proxy.{key}"
    assert "unencrypted" in message


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    """Before the proxy starts."""
    there = tmp_path / "c.pem"
    there.write_text("x", encoding="utf-8")
    config = RealtimeProxyConfig(
        host="0.0.0.0",  # noqa: S104
        certificate_file=str(there),
        key_file=str(tmp_path / "none.pem"),
    )
    ((found, _),) = realtime_proxy_warnings(config)
    assert found == "realtime_proxy.key_file"


def test_check_config_tells_them() -> None:
    """Among the others."""
    loaded = parse_config("realtime_proxy: {host: 0.0.0.0}", "test", {})
    assert "realtime_proxy.host" in [each.key for each in config_warnings(loaded.config)]
