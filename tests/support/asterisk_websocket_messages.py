"""Control messages as Asterisk's ``chan_websocket`` writes them, put together by hand.

A mistake in the product's own protocol module can't hide behind itself.
"""

from __future__ import annotations

__all__ = ["CHANNEL_ID", "control", "media_start", "plain_start"]

import json
from collections.abc import Mapping
from typing import Any

CHANNEL_ID = "1763810000.42"

_PLAIN_WITH_ID = ("MEDIA_MARK_PROCESSED", "MEDIA_BUFFERING_COMPLETED")


def media_start(
    *,
    is_json: bool = False,
    channel_id: str = CHANNEL_ID,
    format_name: str = "ulaw",
    optimal_frame_size: int = 160,
    variables: Mapping[str, str] | None = None,
    **fields: Any,
) -> str:
    """Return the first message, as Asterisk 22.8 and later send it; only JSON has variables."""
    message = {
        "connection_id": "voxgate",
        "channel": f"WebSocket/voxgate/0x{abs(hash(channel_id)):x}",
        "channel_id": channel_id,
        "format": format_name,
        "optimal_frame_size": optimal_frame_size,
        "ptime": 20,
        **fields,
    }
    if is_json:
        message["channel_variables"] = dict(variables or {})
    return control("MEDIA_START", is_json=is_json, **message)


def plain_start() -> str:
    """Return the first message of Asterisk 22.6, which knows neither JSON nor marks."""
    return (
        "MEDIA_START connection_id:voxgate channel:WebSocket/voxgate/0x7f format:ulaw "
        "optimal_frame_size:160"
    )


def control(event: str, *, is_json: bool = False, **fields: Any) -> str:
    """Return any message, in either form."""
    if is_json:
        return json.dumps({"event": event, **fields}, separators=(",", ":"))
    if event in _PLAIN_WITH_ID:
        return f"{event} {fields['correlation_id']}".strip()
    return " ".join([event, *(f"{name}:{value}" for name, value in fields.items())])
