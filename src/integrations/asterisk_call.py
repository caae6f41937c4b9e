"""One call of an Asterisk voice agent: begun by whatever comes first, gated from its first chunk.

Providers speak, and engines play greetings, before the caller's first chunk says in which format it
comes. What was said and written until then is kept here and told to the gate when it starts.

Invariant: nothing raised in here reaches the engine.
"""

from __future__ import annotations

__all__ = ["AsteriskCall"]

from collections import deque
from typing import NamedTuple

from ..core.audio import AudioFormat
from ..core.audio_gating_manager import AudioGatingManager
from ..core.call_stats import CallStats
from ..core.far_end_timeline import FarEndTimeline
from ..core.gate_decision import PASS_THROUGH, GateEvent
from ..core.gated_call import FailureMode, GatedCall
from ..core.older_face import answer_for_chunk, parse_audio_format
from ..core.stream_converter import StreamConverter

_FAR_END = AudioFormat()
"""What the reference is kept in, PCM16 at 8 kHz."""

_MAX_WORDS = 64
"""Words on the agent from before the first chunk; the newest are kept."""


class _Word(NamedTuple):
    """A provider's word on the agent."""

    now_ms: float
    is_speaking: bool
    audio_ms: float


class AsteriskCall:
    """The gate of one call, before and after it has started.

    Args:
        call_id: Unique among the calls of its manager.
        on_failure: What goes out where the gate fails.
    """

    def __init__(self, call_id: str, *, on_failure: FailureMode) -> None:
        self._call_id = call_id
        self._on_failure = on_failure
        self._manager: AudioGatingManager | None = None
        self._gated: GatedCall | None = None
        self._frame_bytes = _FAR_END.frame_bytes
        self._pending_bytes = 0
        self._was_forwarding = True
        self._words: deque[_Word] = deque(maxlen=_MAX_WORDS)
        self._far_end = FarEndTimeline(_FAR_END)
        self._is_far_end_shown = False
        self._converter: StreamConverter | None = None
        self._own_failures = 0

    @property
    def is_started(self) -> bool:
        """The gate knows the call."""
        return self._gated is not None

    @property
    def stats(self) -> CallStats | None:
        """A copy of the gate's counters; None before the start, or if the call passes through."""
        return None if self._manager is None else self._manager.get_stats(self._call_id)

    @property
    def failures(self) -> int:
        """Inputs on which something raised."""
        return self._own_failures + (self._gated.counters.failures if self._gated else 0)

    def start(
        self, manager: AudioGatingManager, provider: str, capture: AudioFormat, begun_ms: float
    ) -> None:
        """Begin the call at the gate, and tell it what came before.

        Args:
            manager: Decides.
            provider: Instance name, kind or alias.
            capture: Format of the chunks.
            begun_ms: When the first chunk began to be captured.
        """
        try:
            gated = GatedCall(
                manager,
                self._call_id,
                provider=provider,
                capture_format=capture,
                far_end_format=_FAR_END,
                on_failure=self._on_failure,
                shows_far_end=False,
                now_ms=begun_ms,
                allows_unknown_provider=True,
            )
        except Exception:  # noqa: BLE001 - see the invariant
            self.count_failure()
            return
        self._manager, self._gated, self._frame_bytes = manager, gated, capture.frame_bytes
        for word in self._words:
            gated.receive_agent_speaking(
                word.now_ms, is_speaking=word.is_speaking, audio_ms=word.audio_ms
            )
        if self._is_far_end_shown:
            gated.far_end = self._far_end
            gated.receive_agent_audio(b"", begun_ms)

    # -- inputs ------------------------------------------------------------------------------------

    def audio_for(self, chunk: bytes, now_ms: float) -> bytes:
        """Return what to send in place of a chunk."""
        if self._gated is None:
            return chunk if self._on_failure is FailureMode.OPEN else bytes(len(chunk))
        return self._gated.receive_capture(chunk, now_ms)

    def answer_for(self, chunk: bytes, now_ms: float) -> tuple[bool, list[bytes] | None]:
        """Return whether to send a chunk, and what to send before it."""
        gated = self._gated
        if gated is None:
            return self._on_failure is FailureMode.OPEN, None
        if not chunk:
            return self._was_forwarding, None
        before, failures = self.stats, gated.counters.failures
        gated.receive_capture(chunk, now_ms)
        after, decision = self.stats, gated.last_decision
        if gated.counters.failures > failures or decision is None:
            return self._on_failure is FailureMode.OPEN, None
        if before is None or after is None or decision is PASS_THROUGH:
            return True, None
        pending_bytes = self._pending_bytes
        self._pending_bytes = (pending_bytes + len(chunk)) % self._frame_bytes
        is_forwarded, released = answer_for_chunk(
            decision,
            chunk,
            was_forwarding=self._was_forwarding,
            pending_bytes=pending_bytes,
            left_bytes=self._pending_bytes,
            frame_bytes=self._frame_bytes,
            is_torn=(
                after.forwarded_frames > before.forwarded_frames
                and after.withheld_frames > before.withheld_frames
            ),
        )
        self._was_forwarding = is_forwarded
        # Of a chunk that is let out in part, its engine can send the whole or nothing.
        return is_forwarded or bool(released), list(released) if is_forwarded and released else None

    def hear_agent(self, now_ms: float, *, is_speaking: bool, audio_ms: float) -> None:
        """Take a provider's word on the agent."""
        if self._gated is None:
            self._words.append(_Word(now_ms, is_speaking, audio_ms))
        else:
            self._gated.receive_agent_speaking(now_ms, is_speaking=is_speaking, audio_ms=audio_ms)

    def hear_far_end(
        self, audio: bytes, audio_format: str, rate_hz: int | None, now_ms: float
    ) -> None:
        """Take what is written to the channel."""
        try:
            written = self._converted(audio, parse_audio_format(audio_format, rate_hz))
        except Exception:  # noqa: BLE001 - see the invariant
            self.count_failure()
            return
        if self._gated is not None:
            self._gated.receive_agent_audio(written, now_ms)
            return
        self._is_far_end_shown = True
        self._far_end.skip_to(now_ms)
        self._far_end.write(written, now_ms)

    def flush(self) -> None:
        """Take that the channel forgets what it has not played."""
        if self._converter is not None:
            self._converter.reset()
        if self._gated is None:
            self._far_end.flush()
        else:
            self._gated.flush_agent_audio()

    def hear_speech(self, now_ms: float, *, is_started: bool) -> None:
        """Take the provider's word on the caller."""
        if self._gated is not None and is_started:
            self._gated.receive_speech_started(now_ms)
        elif self._gated is not None:
            self._gated.receive_speech_stopped(now_ms)

    def count_failure(self) -> None:
        """Count an input on which something raised."""
        self._own_failures += 1

    def close(self) -> int:
        """End the call at the gate; return how many inputs failed."""
        failures = self.failures
        if self._gated is not None:
            self._gated.close()
        return failures

    # -- outputs -----------------------------------------------------------------------------------

    def take_events(self) -> tuple[GateEvent, ...]:
        """Return what happened at the gate since it was last asked."""
        return () if self._gated is None else self._gated.take_events()

    # -- private steps -----------------------------------------------------------------------------

    def _converted(self, audio: bytes, audio_format: AudioFormat) -> bytes:
        if audio_format == _FAR_END:
            return audio
        if self._converter is None or self._converter.source != audio_format:
            self._converter = StreamConverter(audio_format, _FAR_END)
        return self._converter.process(audio)
