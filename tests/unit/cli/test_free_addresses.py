"""What the lines are to listen on is tried before the slow parts of the start."""

from __future__ import annotations

import errno

import pytest

from voxgate.cli.free_addresses import require_free
from voxgate.config.load import parse_config
from voxgate.errors import TransportError

CONFIG = parse_config(
    """\
lines:
  audiosocket: {port: 8190}
  browser: {enabled: true, port: 0}
  asterisk_websocket: {enabled: false, port: 8193}
""",
    "a.yaml",
    {},
).config


def test_only_what_is_wanted_is_tried() -> None:
    """No line that is off, and no port that is any free one."""
    tried: list[tuple[str, int]] = []
    require_free(CONFIG, lambda host, port: tried.append((host, port)))
    assert tried == [("127.0.0.1", 8190)]


def test_a_taken_port_is_named_with_its_key() -> None:
    """Host and port too."""

    def listen(host: str, port: int) -> None:
        raise OSError(errno.EADDRINUSE, f"{host}:{port} is in use")

    with pytest.raises(TransportError) as raised:
        require_free(CONFIG, listen)
    assert str(raised.value) == (
        "audiosocket 127.0.0.1:8190: can't listen: another program has that port; "
        "set another lines.audiosocket.port [EADDRINUSE]"
    )


def test_what_else_is_wrong_is_the_lines_to_say() -> None:
    """Such as an address that this machine has not: its own start knows the words for it."""

    def listen(host: str, port: int) -> None:
        raise OSError(errno.EADDRNOTAVAIL, f"{host}:{port} is not here")

    require_free(CONFIG, listen)
