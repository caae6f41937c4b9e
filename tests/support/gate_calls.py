"""One call through the gate, 20 ms slot by slot, and everything that came of it."""

from __future__ import annotations

__all__ = [
    "FRAME",
    "AdamantVad",
    "BrokenVad",
    "GateCall",
    "ScriptedCanceller",
    "ScriptedNearEnd",
    "agent_voice",
    "plain_manager",
]

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from support.signals import frames_of, speech_like
from voxgate.core.audio import AudioFormat
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.call_stats import CallStats
from voxgate.core.echo.near_end import NearEndVerdict, NullNearEndDetector
from voxgate.core.gate_decision import GateDecision, GateEvent, GateEventType, GateState
from voxgate.core.vad_manager import EnhancedVADManager, VADResult

FRAME = 320
"""Bytes of 20 ms of PCM16 at 8 kHz."""

SILENT = bytes(FRAME)


@cache
def agent_voice(duration_ms: int, *, seed: int = 77) -> tuple[bytes, ...]:
    """Return frames of the agent speaking."""
    return tuple(frames_of(speech_like(duration_ms, level_dbfs=-20.0, seed=seed)))


class BrokenVad(EnhancedVADManager):
    """Raises on every frame, from a given one on, and counts how often it was asked."""

    def __init__(self, works_for: int = 0) -> None:
        super().__init__()
        self.asked = 0
        self._works_for = works_for

    def process(self, call_id: str, frame: bytes, *, energy: float | None = None) -> VADResult:
        self.asked += 1
        if self.asked > self._works_for:
            raise RuntimeError("no voice activity any more")
        return super().process(call_id, frame, energy=energy)


class AdamantVad(EnhancedVADManager):
    """Fails the test that asks it."""

    def process(self, call_id: str, frame: bytes, *, energy: float | None = None) -> VADResult:
        raise AssertionError("voice activity was asked for")


@dataclass
class ScriptedNearEnd:
    """Says what a test says, frame by frame, and keeps what it was given."""

    logits: Callable[[int], float | None] = lambda number: None
    echo_delay_ms: float | None = None
    erl_db: float | None = None
    passed_slots: int = 0
    raises_from: int | None = None
    raises_on_far_end: bool = False
    captures: list[npt.NDArray[np.int16]] = field(default_factory=list)
    far_ends: list[npt.NDArray[np.int16]] = field(default_factory=list)

    def receive_far_end(self, far_end: npt.NDArray[np.int16], now_ms: float) -> None:
        self.far_ends.append(far_end)
        if self.raises_on_far_end:
            raise RuntimeError("no far end")

    def process(
        self, capture: npt.NDArray[np.int16], now_ms: float, *, agent_audible: bool = True
    ) -> NearEndVerdict | None:
        self.captures.append(capture)
        number = len(self.captures)
        if self.raises_from is not None and number >= self.raises_from:
            raise RuntimeError("no verdict")
        logit = self.logits(number)
        if logit is None:
            return None
        return NearEndVerdict(logit=logit, echo_delay_ms=self.echo_delay_ms, erl_db=self.erl_db)

    def pass_slot(self, *, agent_audible: bool) -> None:
        self.passed_slots += 1

    def reset(self) -> None:
        self.captures.clear()
        self.far_ends.clear()


@dataclass
class ScriptedCanceller(ScriptedNearEnd):
    """Takes half of each frame for echo; all of those frames wait whose numbers are given."""

    waiting: frozenset[int] = frozenset()

    @property
    def residual(self) -> npt.NDArray[np.float32] | None:
        if not self.captures or len(self.captures) in self.waiting:
            return None
        return self.captures[-1].astype(np.float32) / np.float32(65_536.0)


def plain_manager(
    vad_manager: EnhancedVADManager | None = None, **options: object
) -> AudioGatingManager:
    """Return a manager without a near-end detector, unless one is given: mode vad by default."""
    return AudioGatingManager(vad_manager, **{"near_end_factory": NullNearEndDetector, **options})


class GateCall:
    """A started call; every slot is 20 ms, and the line plays something in each."""

    def __init__(
        self,
        manager: AudioGatingManager | None = None,
        *,
        provider: str = "openai_realtime",
        call_id: str = "call",
        capture_format: AudioFormat | None = None,
        start_ms: float = 0.0,
    ) -> None:
        self.manager = plain_manager() if manager is None else manager
        self.call_id = call_id
        self.now_ms = self.start_ms = start_ms
        self.decisions: list[GateDecision] = []
        self.manager.start_call(
            call_id,
            provider=provider,
            now_ms=start_ms,
            capture_format=capture_format or AudioFormat(),
            far_end_format=AudioFormat(),
        )

    @property
    def audio(self) -> list[bytes]:
        """What the provider got, in order."""
        return [chunk for decision in self.decisions for chunk in decision.audio]

    @property
    def sound(self) -> list[bytes]:
        """What the provider got that is not digital silence."""
        return [chunk for chunk in self.audio if any(chunk)]

    @property
    def audio_ms(self) -> float:
        """How much the provider got, PCM16 at 8 kHz."""
        return sum(map(len, self.audio)) / 16

    @property
    def events(self) -> list[GateEvent]:
        """What happened, in order."""
        return [event for decision in self.decisions for event in decision.events]

    @property
    def event_types(self) -> list[GateEventType]:
        """The kinds of what happened, in order."""
        return [event.type for event in self.events]

    @property
    def state(self) -> GateState | None:
        """Where the gate stands."""
        return self.manager.get_state(self.call_id)

    @property
    def stats(self) -> CallStats:
        """The call's counters."""
        stats = self.manager.get_stats(self.call_id)
        assert stats is not None
        return stats

    def slot(self, *chunks: bytes, agent: bytes | None = None) -> GateDecision:
        """Let 20 ms pass: far end, then chunks, then time; return the last decision on a chunk."""
        self.now_ms += 20.0
        self.manager.receive_far_end(
            self.call_id, agent or SILENT, self.now_ms, is_agent_audio=agent is not None
        )
        decisions = [self.manager.process(self.call_id, chunk, self.now_ms) for chunk in chunks]
        idle = self.manager.advance(self.call_id, self.now_ms)
        self.decisions += [*decisions, idle]
        return decisions[-1] if decisions else idle

    def play(
        self, captured: Iterable[bytes] = (), agent: Sequence[bytes] = ()
    ) -> list[GateDecision]:
        """Let slots pass with a captured frame and an agent's frame each, until both are used up.

        A captured frame that is missing is silence on the line, not a hole in it.
        """
        pairs = zip_longest(captured, agent)
        return [self.slot(SILENT if near is None else near, agent=far) for near, far in pairs]

    def quiet(self, duration_ms: float, *, agent: bool = False) -> list[GateDecision]:
        """Let silence be captured."""
        n_slots = int(duration_ms / 20)
        return self.play([SILENT] * n_slots, agent_voice(n_slots * 20) if agent else ())

    def idle(self, duration_ms: float, *, agent: bool = False) -> list[GateDecision]:
        """Let the line deliver nothing."""
        voice = agent_voice(int(duration_ms)) if agent else [None] * int(duration_ms / 20)
        return [self.slot(agent=far) for far in voice]

    def hear_provider(self, *, capture_ms: float | None = None) -> GateDecision:
        """Let the provider report that the caller speaks."""
        decision = self.manager.receive_provider_speech_started(
            self.call_id, self.now_ms, capture_ms=capture_ms
        )
        self.decisions.append(decision)
        return decision
