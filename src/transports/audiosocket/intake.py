"""What is waited for before a connection that has said its UUID becomes a line.

Invariant: neither a silent caller nor an operator's system that is slow keeps a call waiting for
longer than its bound; the audio that comes meanwhile is kept.
"""

from __future__ import annotations

__all__ = ["AudioSocketIntake"]

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

import structlog

from ...core.audio import G711_RATE_HZ, AudioFormat, Encoding
from ...errors import TransportError
from ..base import LineWarning
from ..call_hooks import CallHooks
from ..call_metadata import NO_METADATA, KnownCallTable
from .connection import AudioSocketConnection
from .line import AudioSocketLine

_FIRST_AUDIO_TIMEOUT_S = 0.2
"""How long a call waits for audio to say its rate; a caller with DTX may send none for seconds."""

log = structlog.get_logger(__name__)


class AudioSocketIntake:
    """Makes lines of connections.

    Args:
        playout_rate_hz: Rate of the audio sent, in Hz; None: that of the call's first audio.
        known_calls: Metadata that is known beforehand; see :class:`KnownCallTable`.
        hooks: The operator's own systems; None if there are none.
    """

    def __init__(
        self,
        *,
        playout_rate_hz: int | None,
        known_calls: Mapping[str, Mapping[str, str]],
        hooks: CallHooks | None,
    ) -> None:
        self._playout_rate_hz = playout_rate_hz
        self._known_calls = KnownCallTable(known_calls)
        self._hooks = hooks
        self._metadata_failures = 0

    @property
    def metadata_failures(self) -> int:
        """Calls that go on without what the operator's own system knows of them."""
        return self._metadata_failures

    async def line_of(self, call_id: str, connection: AudioSocketConnection) -> AudioSocketLine:
        """Return the line as soon as its format is fixed and what is known of it is there."""
        async with asyncio.TaskGroup() as waits:
            fixing = waits.create_task(self._fixed_format(call_id, connection))
            asking = waits.create_task(self._metadata(call_id, connection))
        capture_format = fixing.result()
        playout_rate_hz = self._playout_rate_hz or capture_format.rate_hz
        return AudioSocketLine(
            call_id,
            connection,
            capture_format=capture_format,
            playout_format=AudioFormat(Encoding.PCM16, playout_rate_hz),
            metadata=asking.result(),
            transfer=None if self._hooks is None else self._hooks.transfer_of(call_id),
        )

    async def close(self) -> None:
        """Close what the hooks have open; idempotent."""
        if self._hooks is not None:
            await self._hooks.close()

    async def _fixed_format(self, call_id: str, connection: AudioSocketConnection) -> AudioFormat:
        try:
            async with asyncio.timeout(_FIRST_AUDIO_TIMEOUT_S):
                await connection.wait_capture_format()
        except TimeoutError:
            rate_hz = self._playout_rate_hz or G711_RATE_HZ
            log.info("audiosocket.capture_format_assumed", call_id=call_id, rate_hz=rate_hz)
            return connection.call.fix_capture_format(rate_hz)
        return connection.call.fix_capture_format()

    async def _metadata(self, call_id: str, connection: AudioSocketConnection) -> Mapping[str, str]:
        """Return what is known of a call; what its owner's system says of it goes first."""
        known, told = self._known_calls.metadata_of(call_id), NO_METADATA
        if self._hooks is not None:
            try:
                told = await self._hooks.fetch_metadata(call_id)
            except TransportError as error:
                self._metadata_failures += 1
                warning = LineWarning("audiosocket.metadata_unavailable", str(error))
                connection.events.put(warning)
        return MappingProxyType({**known, **told})
