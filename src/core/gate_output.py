"""What one input of a gate brings forth, gathered until the decision is made, and how audio leaves.

Invariant: every frame of a call goes through the outlet, so that the counters, the held frames and
the provider's clock never disagree.
"""

from __future__ import annotations

__all__ = ["GateOutput", "Outlet"]

from collections.abc import Callable
from dataclasses import replace

from .audio import AudioFormat
from .call_stats import CallStats
from .config import WithheldAudio
from .gate_decision import GateAction, GateDecision, GateEvent, GateMeasurements, GateReason
from .gate_transitions import GateEventType, GateState
from .held_audio import HeldAudio
from .provider_feed import ProviderFeed
from .unfrozen import unfrozen

_UnfrozenDecision = unfrozen(GateDecision)


class GateOutput:
    """A decision in the making."""

    __slots__ = (
        "action",
        "attenuation_db",
        "audio",
        "events",
        "measurements",
        "now_ms",
        "reason",
        "released",
    )

    def __init__(self, now_ms: float, reason: GateReason) -> None:
        self.now_ms = now_ms
        self.action = GateAction.WITHHOLD
        self.reason = reason
        self.attenuation_db = 0.0
        """Of the frame, if it is let out."""
        self.audio: list[bytes] = []
        self.released: tuple[bytes, ...] = ()
        self.events: list[GateEvent] = []
        self.measurements: GateMeasurements | None = None

    def report(
        self, event_type: GateEventType, reason: GateReason, *, count: int = 0, detail: str = ""
    ) -> None:
        """Add an event that happens now."""
        self.events.append(
            GateEvent(type=event_type, t_ms=self.now_ms, reason=reason, count=count, detail=detail)
        )

    def decision(self, state: GateState) -> GateDecision:
        """Return the decision, complete."""
        measurements = self.measurements
        if self.attenuation_db and measurements is not None:
            measurements = replace(measurements, attenuation_db=self.attenuation_db)
        made = _UnfrozenDecision()
        made.action = self.action
        made.state = state
        made.reason = self.reason
        made.audio = tuple(self.audio)
        made.released = self.released
        made.events = tuple(self.events)
        made.measurements = measurements
        made.__class__ = GateDecision
        decision: GateDecision = made
        return decision


class Outlet:
    """Where a call's frames leave the gate, wait, or are replaced by silence.

    Args:
        withheld_audio: What stands in for a withheld frame.
        audio_format: Format of the call's capture.
        start_ms: When the call began.
        stats: The call's counters.
    """

    __slots__ = ("_held", "_stats", "audio_format", "feed")

    def __init__(
        self,
        withheld_audio: WithheldAudio,
        audio_format: AudioFormat,
        start_ms: float,
        stats: CallStats,
    ) -> None:
        self.audio_format = audio_format
        """Of every frame."""
        self.feed = ProviderFeed(withheld_audio, audio_format, start_ms)
        self._held = HeldAudio()
        self._stats = stats

    @property
    def is_holding(self) -> bool:
        """There are held frames: the last one did not go out."""
        return len(self._held) > 0

    def forward(
        self, frame: bytes, reason: GateReason, output: GateOutput, *, attenuation_db: float = 0.0
    ) -> None:
        """Let a frame out, which has been turned down by so much."""
        self._stats.forwarded_frames += 1
        self.feed.forward()
        output.audio.append(frame)
        output.attenuation_db = attenuation_db
        output.action = GateAction.FORWARD
        output.reason = reason

    def hold(
        self,
        frame: bytes,
        reason: GateReason,
        output: GateOutput,
        *,
        level: float,
        is_echo: bool | None,
    ) -> None:
        """Keep a frame back, with silence in its place; see :meth:`HeldAudio.hold`."""
        self._stats.withheld_frames += 1
        self._held.hold(frame, level=level, is_echo=is_echo)
        self.send_silence(output)
        output.attenuation_db = 0.0
        output.action = GateAction.WITHHOLD
        output.reason = reason

    def send_silence(self, output: GateOutput) -> bool:
        """Let one frame of silence out, if one is due; return whether it was."""
        silence = self.feed.substitute(output.now_ms)
        if silence is None:
            self._stats.surplus_frames += self.feed.was_surplus
            return False
        self._stats.silence_frames += 1
        output.audio.append(silence)
        return True

    def release(
        self,
        max_frames: int,
        reason: GateReason,
        output: GateOutput,
        *,
        sure_frames: int = 0,
        change: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """Let the newest held frames out, and forget the rest; see :meth:`HeldAudio.release`.

        Args:
            max_frames: How far back to go at most.
            reason: Why.
            output: Where they go.
            sure_frames: The newest frames known to be the caller's.
            change: What to do to each of them on the way out; None lets them out as they came.
        """
        released = self._held.release(max_frames, sure_chunks=sure_frames)
        if change is not None:
            released = tuple(map(change, released))
        if not released:
            return
        self._stats.released_frames += len(released)
        self.feed.forward(len(released))
        output.audio.extend(released)
        output.released += released
        output.report(GateEventType.ONSET_RELEASED, reason, count=len(released))

    def discard(self, output: GateOutput) -> None:
        """Forget the held frames, judged echo, and say so."""
        n_discarded = self._held.discard()
        if n_discarded == 0:
            return
        self._stats.discarded_frames += n_discarded
        output.report(GateEventType.HELD_DISCARDED, GateReason.AGENT_SILENT, count=n_discarded)

    def forget(self) -> None:
        """Forget the held frames, which nobody asks for any more."""
        self._held.discard()
