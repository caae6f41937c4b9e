"""Calls that are to go to somebody else once Twilio asks what comes after their stream.

Invariant: the table is bounded, and what is taken out of it is gone: a call is transferred once.
"""

from __future__ import annotations

__all__ = ["PendingTransfers"]

from collections import OrderedDict

from ...errors import TransportError
from .twiml import dial_twiml, hangup_twiml

_MAX_PENDING = 1000
"""Calls that wait to be asked for. Twilio asks within a second, unless the caller has hung up."""


class PendingTransfers:
    """What comes after the streams of one line.

    Full means: the oldest is forgotten, because its caller has hung up long ago.

    Args:
        max_pending: Calls that wait at a time.
    """

    def __init__(self, max_pending: int = _MAX_PENDING) -> None:
        self._max_pending = max_pending
        self._twiml: OrderedDict[str, str] = OrderedDict()

    def expect(self, call_sid: str, target: str) -> None:
        """Note where a call is to go.

        Raises:
            TransportError: if Twilio can't dial that.
        """
        try:
            twiml = dial_twiml(target)
        except ValueError as error:
            reason = f"the target {error}"
            raise TransportError("twilio", reason, code="bad_target", retryable=False) from None
        self._twiml[call_sid] = twiml
        while len(self._twiml) > self._max_pending:
            self._twiml.popitem(last=False)

    def take_twiml(self, call_sid: str | None) -> tuple[str, bool]:
        """Return what comes after a call's stream, and whether that is a transfer."""
        twiml = self._twiml.pop(call_sid or "", None)
        return (hangup_twiml(), False) if twiml is None else (twiml, True)
