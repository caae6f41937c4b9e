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

_MAX_QUERY_VALUES = 100


def make_asterisk_websocket_line(
    connection: WebSocketConnection[AsteriskWebSocketCall],
) -> WebSocketLine[AsteriskWebSocketCall]:
    """Return the line of a call that has started.

    The channel's unique id names the call. Its metadata are the parameters of the address (``v()``
    in the dial string) and the channel's variables (where control is JSON).
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
    pairs = [(name, value) for name, value in query.items() if is_unicode(name + value)]
    known = {**dict(pairs[:_MAX_QUERY_VALUES]), **variables}
    for reserved, names in _STAND_FOR:
        found = next((known[name] for name in names if known.get(name)), None)
        if found is not None:
            known.setdefault(reserved, found)
    return MappingProxyType(known)
