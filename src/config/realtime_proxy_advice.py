"""What is allowed in the section ``realtime_proxy`` but probably not meant.

Invariant: the defaults give no warning.
"""

from __future__ import annotations

__all__ = ["realtime_proxy_warnings"]

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from .listen_address import is_loopback
from .realtime_proxy_model import RealtimeProxyConfig


def realtime_proxy_warnings(config: RealtimeProxyConfig) -> Iterator[tuple[str, str]]:
    """Yield keys, each with what is odd about it."""
    if config.certificate_file is None and not is_loopback(config.host):
        message = (
            f"{config.host} can be reached from other machines, and without certificate_file the "
            "keys of clients cross the network unencrypted"
        )
        yield "realtime_proxy.host", message
    upstream = urlsplit(config.upstream_url)
    if upstream.scheme == "ws" and not is_loopback(upstream.hostname or ""):
        yield (
            "realtime_proxy.upstream_url",
            "is ws://, so the keys of clients cross the network unencrypted: use wss://",
        )
    for name in ("certificate_file", "key_file"):
        path = getattr(config, name)
        if path is not None and not Path(path).is_file():
            yield f"realtime_proxy.{name}", "is not there: voxgate proxy will not start"
