"""The older face of the gate: calls that begin on first use, and one answer for a whole chunk.

Its users send the chunk or silence of equal length, and before it what is released. Invariant: what
they send is what the gate lets out, each byte once, and silence for the rest. They send their own
chunks, so nothing can be turned down here: quieter voices that would be pass (ADR 8).
"""

from __future__ import annotations

__all__ = [
    "ChunkAnswer",
    "EndedCalls",
    "ImplicitCall",
    "ImplicitCalls",
    "answer_for_chunk",
    "config_for_chunks",
    "parse_audio_format",
]

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .audio import AudioFormat, Encoding
from .config import GatingConfig, QuieterVoices
from .gate_decision import GateAction, GateDecision, GateReason

_MAX_CALLS = 1024
"""Calls kept; the one unused for longest goes first."""

_MAX_ENDED_CALLS = 256
"""Ended calls remembered, so that late events bring nothing back."""

_FORMATS = {
    "pcm16": (Encoding.PCM16, 8000),
    "linear16": (Encoding.PCM16, 8000),
    "slin": (Encoding.PCM16, 8000),
    "pcm16_8k": (Encoding.PCM16, 8000),
    "slin16": (Encoding.PCM16, 16_000),
    "pcm16_16k": (Encoding.PCM16, 16_000),
    "pcm16_24k": (Encoding.PCM16, 24_000),
    "ulaw": (Encoding.MULAW, 8000),
    "mulaw": (Encoding.MULAW, 8000),
    "pcmu": (Encoding.MULAW, 8000),
    "g711_ulaw": (Encoding.MULAW, 8000),
    "alaw": (Encoding.ALAW, 8000),
    "pcma": (Encoding.ALAW, 8000),
    "g711_alaw": (Encoding.ALAW, 8000),
}

ChunkAnswer = tuple[bool, tuple[bytes, ...]]
"""Whether to send the chunk, and the frames to send before it."""


def parse_audio_format(name: str, rate_hz: int | None) -> AudioFormat:
    """Return the format that a name stands for.

    Args:
        name: ``pcm16``, ``ulaw``, ``alaw`` or one of their usual other names.
        rate_hz: Sample rate, if the name does not say it; 8 kHz if nothing does.

    Raises:
        ValueError: the name is not known, or the rate is none of the format's.
    """
    if name not in _FORMATS:
        raise ValueError(f"audio_format: {name!r} is not one of {', '.join(sorted(_FORMATS))}")
    encoding, named_rate_hz = _FORMATS[name]
    return AudioFormat(encoding, rate_hz or named_rate_hz)


def config_for_chunks(config: GatingConfig) -> GatingConfig:
    """Return a configuration as it can act where whole chunks are sent or not."""
    guard = config.audio_guard
    if guard.quieter_voices is not QuieterVoices.ATTENUATE:
        return config
    return replace(config, audio_guard=replace(guard, quieter_voices=QuieterVoices.PASS))


@dataclass(slots=True)
class ImplicitCall:
    """What is remembered of a call that began on first use."""

    is_agent_speaking: bool = False
    """The last word on the agent before the first audio."""
    agent_audio_ms: float = 0.0
    """Agent audio generated before the first audio, in ms."""
    agent_since_ms: float | None = None
    """When the first such word came."""
    agent_word_ms: float = 0.0
    """When the last such word came."""

    def hear_agent(self, now_ms: float, *, is_speaking: bool, audio_ms: float) -> None:
        """Remember a word on the agent that came before the first audio."""
        if not (is_speaking or audio_ms or self.agent_since_ms is not None):
            return
        if self.agent_since_ms is None:
            self.agent_since_ms = now_ms
        self.is_agent_speaking = is_speaking
        self.agent_audio_ms += audio_ms
        self.agent_word_ms = now_ms


class EndedCalls:
    """The ids of the calls that have ended last, bounded: late events bring none of them back."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def __contains__(self, call_id: object) -> bool:
        """Say whether a call ended, as far as that is remembered."""
        return call_id in self._ids

    def add(self, call_id: str) -> None:
        """Remember a call as the last one that ended; the one that ended first may be forgotten."""
        self._ids.pop(call_id, None)
        self._ids[call_id] = None
        if len(self._ids) > _MAX_ENDED_CALLS:
            del self._ids[next(iter(self._ids))]

    def forget(self, call_id: str) -> None:
        """Forget that a call ended; no error if it is not known."""
        self._ids.pop(call_id, None)


class ImplicitCalls:
    """The calls that began on first use, in a bounded LRU, and those that have ended."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, ImplicitCall] = OrderedDict()
        self._ended = EndedCalls()

    def __contains__(self, call_id: object) -> bool:
        """Say whether a call began on first use and lives."""
        return call_id in self._calls

    def __iter__(self) -> Iterator[str]:
        """Return the calls, least recently used first."""
        return iter(self._calls)

    def use(self, call_id: str) -> ImplicitCall:
        """Return what is remembered of a call, which is now the last one used."""
        call = self._calls.setdefault(call_id, ImplicitCall())
        self._calls.move_to_end(call_id)
        return call

    def surplus(self) -> str | None:
        """Return the call that has to go, if there are too many."""
        return next(iter(self._calls)) if len(self._calls) > _MAX_CALLS else None

    def take(self, call_id: str) -> ImplicitCall | None:
        """Forget a call and that it ever ended; return what was remembered of it."""
        self._ended.forget(call_id)
        return self._calls.pop(call_id, None)

    def end(self, call_id: str) -> None:
        """Forget a call, but remember that it ended."""
        self._calls.pop(call_id, None)
        self._ended.add(call_id)

    def has_ended(self, call_id: str) -> bool:
        """Say whether a call ended, as far as that is remembered."""
        return call_id in self._ended


def answer_for_chunk(
    decision: GateDecision,
    chunk: bytes,
    *,
    was_forwarding: bool,
    pending_bytes: int,
    left_bytes: int,
    frame_bytes: int,
    is_torn: bool = False,
) -> ChunkAnswer:
    """Return the answer for a whole chunk, whatever its size.

    Args:
        decision: The gate's.
        chunk: What it is about.
        was_forwarding: The last answer.
        pending_bytes: Captured before the chunk and judged with it: less than 20 ms, answered then.
        left_bytes: Left over of the chunk, to be judged with the next one.
        frame_bytes: Bytes of 20 ms.
        is_torn: Some 20 ms of the chunk were let out when they came, others not.
    """
    if decision.reason is GateReason.INCOMPLETE_FRAME:
        return was_forwarding, ()
    if not decision.released and is_torn:
        # Some of its frames go out and some do not: those that do are given as released ones.
        return False, tuple(audio for audio in decision.audio if any(audio))
    if decision.action is not GateAction.FORWARD:
        return False, ()
    if not decision.released:
        return True, ()
    # From the first released frame on, what is let out has no break and ends with the chunk's own
    # audio, all but what is left over. What stands before that is to be sent before the chunk,
    # except for what went out with an earlier chunk.
    n_before = next(i for i, audio in enumerate(decision.audio) if audio is decision.released[0])
    let_out = b"".join(decision.audio[n_before:])
    own_bytes = len(chunk) - left_bytes + (pending_bytes if was_forwarding else 0)
    before = let_out[: max(0, len(let_out) - own_bytes)]
    starts = range(0, len(before), frame_bytes)
    return True, tuple(before[start : start + frame_bytes] for start in starts)
