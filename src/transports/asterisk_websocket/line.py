"""What a call of ``chan_websocket`` is, to the engine.

Invariant: what is known of a call is what Asterisk and its dialplan said, by their names, and the
two reserved ones where one of those stands for them.
"""

from __future__ import annotations

__all__ = ["ASTERISK_WEBSOCKET_CAPABILITIES", "make_asterisk_websocket_line"]

from collections.abc import Mapping
from types import MappingProxyType

from ..base import CALLED_NUMBER, CALLER_NUMBER, LineCapabilities
from ..json_messages import is_unicode
from ..websocket_connection import WebSocketConnection
from ..websocket_line import LineFacts, WebSocketLine
from .call import AsteriskWebSocketCall

ASTERISK_WEBSOCKET_CAPABILITIES = LineCapabilities(
    max_silence_ms=None, can_flush=True, max_lead_ms=200
)
"""Asterisk queues what it is sent, plays it at real time, forgets it on ``FLUSH_MEDIA``, and plays
silence of its own. 200 ms outlast a stall of the network or of this process."""

_STAND_FOR = (
    (CALLED_NUMBER, ("DNID", "CALLERID(dnid)", "EXTEN")),
    (CALLER_NUMBER, ("CALLERID(num)", "CALLERIDNUM")),
)
"""Variables that say a number where the reserved name itself is not set, the first one first."""

_INHERITED = "__"
"""Stands before names of variables that go from channel to channel; ``_`` is gone on the next."""

_MAX_QUERY_VALUES = 100


def make_asterisk_websocket_line(
    connection: WebSocketConnection[AsteriskWebSocketCall],
) -> WebSocketLine[AsteriskWebSocketCall]:
    """Return the line of a call that has started.

    The channel's unique id names the call. Its metadata are the channel's variables, where control
    is JSON, and the parameters of the address, which belong to the connection: Asterisk 22.10 sends
    what ``v()`` of one dial string added with later calls too.
    """
    started = connection.call.started
    assert started is not None, "a line is made of a call that has started"  # noqa: S101
    facts = LineFacts(
        kind="asterisk_websocket",
        call_id=started.channel_id,
        metadata=_metadata(connection.query, started.variables),
        capabilities=ASTERISK_WEBSOCKET_CAPABILITIES,
        capture_format=started.audio_format,
        playout_format=started.audio_format,
    )
    return WebSocketLine(connection, facts)


def _metadata(query: Mapping[str, str], variables: Mapping[str, str]) -> Mapping[str, str]:
    pairs = [(name, text) for name, text in query.items() if text and is_unicode(name + text)]
    said = {name.removeprefix(_INHERITED): value for name, value in variables.items() if value}
    known = {**dict(pairs[:_MAX_QUERY_VALUES]), **said}
    for reserved, names in _STAND_FOR:
        found = next((known[name] for name in names if name in known), None)
        if found is not None:
            known.setdefault(reserved, found)
    return MappingProxyType(known)
