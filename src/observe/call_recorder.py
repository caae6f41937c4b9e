"""Records calls: chooses them, listens to their gate and line, and hands over what it hears.

Nothing is written here; ``recording_thread.py`` does. Invariant: a call that is recorded decides,
sounds and ends as one that is not.
"""

from __future__ import annotations

__all__ = ["CallRecorder", "RecorderCounters", "is_sampled"]

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Self

import numpy as np
import structlog

from .. import __version__
from ..call_observer import CallEnded, CallObserver, CallStarted, ProviderSwitched
from ..config.recording_model import RecordedCalls, RecordingConfig
from ..config.route_models import CallFacts
from ..core.gate_decision import GateDecision
from ..core.gate_tape import GateInput
from ..core.playout import PlayoutFrame
from ..core.taped_gating_manager import TapedGatingManager
from ..engine import AIEngine
from ..errors import ConfigError, ConfigProblem
from ..providers.base import ProviderEvent
from ..recordings import CallHeader, RecordedEnd
from ..recordings.audio_tracks import Side
from ..recordings.call_writer import CallWriter
from ..recordings.encryption import EncryptionUnavailableError, recipients
from ..transports.base import CALLED_NUMBER, LineAudio, LineEvent
from .recording_keeper import RecordingKeeper
from .recording_thread import CallRecording, Entry, RecordingThread
from .trace_events import switch_event, trace_event

_BATCH_ENTRIES = 50
"""Entries handed over at a time: about 200 ms of a gated call, five a slot. What was not handed
over is lost where the process is killed."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RecorderCounters:
    """What became of the calls that were chosen."""

    chosen: int = 0
    """Calls whose recording began."""
    cut: int = 0
    """Recordings that stopped before their call ended, as the disk could not keep up."""
    dropped: int = 0
    """What was not recorded for that or because it could not be written, in entries: an input of
    the gate, a piece of audio."""


class CallRecorder(CallObserver):
    """Records the calls that the configuration chooses.

    Args:
        config: Which calls, what of them, and where.
        manager: The gate of all calls.
        wall_clock: Returns the time of day, UTC.
        thread: Writes; one of its own if left out.
    """

    def __init__(
        self,
        config: RecordingConfig,
        manager: TapedGatingManager,
        *,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        thread: RecordingThread | None = None,
    ) -> None:
        self.counters = RecorderCounters()
        self._config = config
        self._manager = manager
        self._wall_clock = wall_clock
        self._root = config.root
        self._thread = thread
        self._calls: dict[str, _RecordedCall] = {}
        self._keeper = RecordingKeeper(
            self._root,
            retention_days=config.retention_days,
            max_gb=config.max_gb,
            running=lambda: {call.recording.folder for call in list(self._calls.values())},
            wall_clock=wall_clock,
        )

    @classmethod
    def for_engine(cls, engine: AIEngine) -> Self:
        """Return the recorder of an engine, which tells it of calls if any may be recorded."""
        recorder = cls(engine.config.recording, engine.manager)
        if engine.config.recording.is_on:
            engine.add_observer(recorder)
        return recorder

    @property
    def notices(self) -> Iterable[str]:
        """Nothing for the terminal."""
        return ()

    @property
    def failures(self) -> int:
        """Recordings that could not be written, so far."""
        return 0 if self._thread is None else self._thread.failures

    @property
    def cuts(self) -> int:
        """Recordings that stopped before their call ended, so far."""
        return self.counters.cut + (0 if self._thread is None else self._thread.cuts)

    async def start(self) -> None:
        """Begin to write, and to delete what is too old.

        Raises:
            ConfigError: recordings are to be encrypted, and can't be.
        """
        if self._config.is_on and self._thread is None:
            self._thread = RecordingThread(self._recipients())
        if self._thread is not None:
            self._thread.start()
        if self._config.is_kept:
            self._keeper.start()

    async def stop(self) -> None:
        """Write what waits, and end."""
        await asyncio.to_thread(self._keeper.stop)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.stop)

    # -- what happens on calls ---------------------------------------------------------------------

    def on_call_started(self, event: CallStarted) -> None:
        """Choose whether the call is recorded, and listen to its gate if so."""
        if self._thread is None or not self._is_chosen(event):
            return
        self.counters.chosen += 1
        recording = CallRecording(self._root, self._header(event))
        call = _RecordedCall(self._thread, recording, self.counters)
        self._calls[event.call_id] = call
        self._manager.tap_call(event.call_id, call)

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:
        """Record what the line delivers, and what else it says."""
        call = self._calls.get(call_id)
        if call is None:
            return
        if isinstance(event, LineAudio):
            call.receive_audio(Side.CAPTURE, event.audio, now_ms, event.timestamp_ms)
        else:
            self._trace(call, now_ms, event)

    def on_playout(self, call_id: str, now_ms: float, frame: PlayoutFrame) -> None:
        """Record what the line plays."""
        call = self._calls.get(call_id)
        if call is not None:
            call.receive_audio(Side.FAR_END, frame.audio, now_ms)

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        """Record what the provider says, audio and words aside."""
        call = self._calls.get(call_id)
        if call is not None:
            self._trace(call, now_ms, event)

    def on_provider_switched(self, event: ProviderSwitched) -> None:
        """Record that another provider takes over."""
        call = self._calls.get(event.call_id)
        if call is not None:
            call.add((CallWriter.receive_event, switch_event(event)))

    def on_call_ended(self, event: CallEnded) -> None:
        """End the recording with the call's summary."""
        call = self._calls.pop(event.call_id, None)
        if call is None:
            return
        self._manager.untap_call(event.call_id)
        call.end(
            RecordedEnd(
                reason=event.reason,
                detail=event.detail,
                duration_ms=event.duration_ms,
                provider=event.provider,
                predecessors=event.predecessors,
                playout_underruns=event.playout_underruns,
                skipped_slots=event.skipped_slots,
                gate=event.gate,
            )
        )

    # -- private steps -----------------------------------------------------------------------------

    def _recipients(self) -> tuple[object, ...]:
        if not self._config.encrypt_to:
            return ()
        try:
            return recipients(self._config.encrypt_to)
        except EncryptionUnavailableError as exc:
            problem = ConfigProblem(
                key="recording.encrypt_to", value="", rule=str(exc), source="configuration"
            )
            raise ConfigError([problem]) from exc

    def _is_chosen(self, event: CallStarted) -> bool:
        config = self._config
        facts = CallFacts(
            line=event.line,
            call_id=event.call_id,
            called_number=event.metadata.get(CALLED_NUMBER),
            parameters=event.metadata,
        )
        if not config.is_on or not config.match.fits(facts):
            return False
        is_all = config.calls is RecordedCalls.ALL
        return is_all or is_sampled(event.call_id, config.sample_percent)

    def _header(self, event: CallStarted) -> CallHeader:
        evidence = self._manager.speech_evidence
        return CallHeader(
            call_id=event.call_id,
            provider=event.provider,
            line=event.line,
            started_at=self._wall_clock(),
            started_ms=event.started_ms,
            route=event.route,
            has_audio=self._config.audio,
            voxgate_version=__version__,
            numpy_version=np.__version__,
            speech_evidence=None if evidence is None else str(evidence),
        )

    def _trace(self, call: _RecordedCall, now_ms: float, event: object) -> None:
        traced = trace_event(now_ms, event)
        if traced is not None:
            call.add((CallWriter.receive_event, traced))


class _RecordedCall:
    """What was heard of one call and not yet handed over; the tap of its gate."""

    __slots__ = ("_batch", "_counters", "_has_audio", "_thread", "recording")

    def __init__(
        self, thread: RecordingThread, recording: CallRecording, counters: RecorderCounters
    ) -> None:
        self.recording = recording
        self._thread = thread
        self._counters = counters
        self._has_audio = recording.header.has_audio
        self._batch: list[Entry] = []

    def receive(self, given: GateInput, decision: GateDecision | None) -> None:
        """Take what the gate was told."""
        self.add((CallWriter.receive_input, given, decision))

    def receive_audio(
        self, side: Side, audio: bytes, now_ms: float, timestamp_ms: float | None = None
    ) -> None:
        """Take what the line delivers or plays."""
        if self._has_audio:
            self.add((CallWriter.receive_line_audio, side, audio, now_ms, timestamp_ms))

    def add(self, entry: Entry) -> None:
        """Take something, and hand it over with others."""
        if self.recording.is_cut or self.recording.has_failed:
            self._counters.dropped += 1
            return
        self._batch.append(entry)
        if len(self._batch) < _BATCH_ENTRIES:
            return
        if self._thread.put(self.recording, self._batch):
            self._batch = []
        else:
            self._cut()

    def end(self, end: RecordedEnd) -> None:
        """Hand over the rest."""
        self._thread.put_last(self.recording, [*self._batch, (CallWriter.end, end)])
        self._batch = []

    def _cut(self) -> None:
        """Stop: with something missing, what follows could not be replayed."""
        self.recording.is_cut = True
        self._counters.cut += 1
        self._counters.dropped += len(self._batch)
        self._batch = [(CallWriter.cut, "queue_full")]
        _log.warning("recording.cut", call_id=self.recording.call_id, reason="queue_full")


def is_sampled(call_id: str, percent: float) -> bool:
    """Return whether a call is among so many in a hundred: the same ones everywhere, always."""
    drawn = int.from_bytes(
        blake2b(call_id.encode(errors="surrogatepass"), digest_size=8).digest(), "big"
    )
    return drawn < percent / 100 * 2**64
