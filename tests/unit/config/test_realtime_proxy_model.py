"""The section of the proxy."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.config.realtime_proxy_model import RealtimeProxyConfig


def test_the_proxy_is_on_this_machine_only_and_asks_the_cloud_by_tls() -> None:
    """Nobody else reaches it unless somebody says so."""
    config = RealtimeProxyConfig()
    assert (config.host, config.port) == ("127.0.0.1", 8190)
    assert config.upstream_url == "wss://api.openai.com"
    assert config.certificate_file is None


@pytest.mark.parametrize(
    "url",
    ["wss://name.openai.azure.com", "ws://127.0.0.1:8080", "wss://h/prefix", "ws://[::1]:80/x"],
)
def test_providers_addresses(url: str) -> None:
    """With a port or a prefix."""
    assert RealtimeProxyConfig(upstream_url=url).upstream_url == url


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"upstream_url": "https://api.openai.com"}, "upstream_url: .* ws:// or wss://"),
        ({"upstream_url": "wss://user:pass@h"}, "upstream_url: "),
        ({"upstream_url": "wss://h?api-key=1"}, "upstream_url: .*without a query"),
        ({"upstream_url": "ws://h:99999"}, "upstream_url: .*port"),
        ({"upstream_url": "ws://h/v1/realtime"}, "upstream_url: .* leave out /v1/realtime: the c"),
        ({"upstream_url": "wss://h/openai/realtime/"}, "upstream_url: .*leave out"),
        ({"host": "999.1.1.1"}, "host: .* is not a host name"),
        ({"port": 70_000}, "port: 70000"),
        ({"certificate_file": "c.pem"}, "key_file: is null, and a certificate needs its key"),
        ({"key_file": "k.pem"}, "certificate_file: is null"),
        ({"on_failure": "half"}, "on_failure: "),
        ({"max_sessions": 0}, "max_sessions: 0"),
        ({"max_message_bytes": 10}, "max_message_bytes: 10"),
    ],
)
def test_what_can_not_be_is_refused(fields: dict[str, Any], problem: str) -> None:
    """By key and rule."""
    with pytest.raises(ValueError, match=problem):
        RealtimeProxyConfig(**fields)
