"""The agent's side of a call: the provider that has it now, the gate before it, and who is next.

When a provider has failed the next one takes the seat: its gate begins anew and is shown what
happened since - what the line played, so that echo is known, and what the caller said - at the
times at which it happened. Invariant: a frame of the caller goes to the provider that has the seat,
or waits, bounded, for the next; the gate is always that of the provider.
"""

from __future__ import annotations

__all__ = ["AgentSeat", "Handover"]

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from ..clock import Clock
from ..core.audio_gating_manager import AudioGatingManager
from ..core.call_stats import CallStats
from ..core.gate_decision import GateDecision, GateEvent
from ..core.playout import PlayoutFrame
from ..providers.base import PromptProvider, Provider
from ..providers.call_control import CallControl
from ..transports.base import Line
from .call_tape import CallTape, TapedFrame, TapedSlot
from .candidate import Agent, Candidate
from .echo_shield import EchoShield
from .gate_effects import is_paused_after
from .replay_clock import ReplayClock

_COROUTINES = ("send_audio", "advance", "interrupt")
"""Those of a provider that a prompt one has as plain functions too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What became of the caller's frames from the time without a provider."""

    held_frames: int
    """Given to the next provider."""
    dropped_frames: int
    """Heard by none, as more waited than the bound allows."""
    gate: CallStats | None
    """Counters of the gates before the next provider's; None if there was none."""


class AgentSeat:
    """Gives the agent's side of one call to one provider after the other.

    Args:
        line: The telephone's side: its id and its formats.
        name: Instance name of the first provider.
        agent: The first provider; not yet started.
        manager: The gate.
        clock: The call's clock.
        successors: Who takes over, in this order.
        hold_ms: Caller's audio that a successor gets of the time before it, in ms.
    """

    def __init__(
        self,
        line: Line,
        name: str,
        agent: Agent,
        *,
        manager: AudioGatingManager,
        clock: Clock,
        successors: Sequence[Candidate] = (),
        hold_ms: float,
    ) -> None:
        self._line = line
        self._call_id = line.call_id
        self._name = name
        self._agent = agent
        self._prompt = _prompt(agent)
        self._manager = manager
        self._clock = ReplayClock(clock)
        self._successors = deque(successors)
        self._tape = CallTape(line.capture_format, hold_ms=hold_ms) if successors else None
        self._shield: EchoShield | None = None
        self._item_prefix = ""
        self._is_between = False
        """No provider is to be given anything: it goes to the tape, if there is one."""
        self._is_gate_ours = False
        self._stats: CallStats | None = None
        self._predecessors: list[str] = []
        self._is_playout_paused = False

    @property
    def name(self) -> str:
        """Instance name of the provider that has the seat, or had it last."""
        return self._name

    @property
    def provider(self) -> Provider:
        """The provider that has the seat, or had it last."""
        return self._agent.provider

    @property
    def is_prompt(self) -> bool:
        """Whether that provider never waits: then it can be given everything at once."""
        return self._prompt is not None

    @property
    def control(self) -> CallControl | None:
        """What its agent wants done to the call."""
        return self._agent.control

    @property
    def predecessors(self) -> tuple[str, ...]:
        """Names of the providers that failed before it, in order."""
        return tuple(self._predecessors)

    @property
    def next_name(self) -> str | None:
        """Name of who takes over; None if nobody does."""
        return self._successors[0].name if self._successors else None

    @property
    def stats(self) -> CallStats | None:
        """Counters of the gate over the whole call; None if no provider was gated."""
        current = self._manager.get_stats(self._line.call_id) if self._is_gate_ours else None
        return _total(self._stats, current)

    @property
    def is_playout_paused(self) -> bool:
        """The gate of the provider that has just taken the seat wants playout to stand still."""
        return self._is_playout_paused

    def is_shielded(self, now_ms: float) -> bool:
        """Return whether the provider is given silence, as the caller hears what is not its own."""
        return self._shield is not None and self._shield.is_up(now_ms)

    # -- the gate ----------------------------------------------------------------------------------

    def open_gate(self, now_ms: float) -> None:
        """Begin the call at the gate, for the provider that has the seat.

        Raises:
            ValueError: a call of that id lives already.
        """
        self._manager.start_call(
            self._line.call_id,
            provider=self._name,
            now_ms=now_ms,
            capture_format=self._line.capture_format,
            far_end_format=self._line.playout_format,
        )
        self._is_gate_ours = True

    def close_gate(self) -> None:
        """Let the gate forget the call, but not its counters; idempotent."""
        if self._is_gate_ours:
            self._stats = self.stats
            self._is_gate_ours = False
            self._manager.cleanup_call(self._line.call_id)

    # -- what happens on the line ------------------------------------------------------------------

    async def send_audio(
        self, audio: bytes, now_ms: float, placed_ms: float | None
    ) -> GateDecision | None:
        """Give the provider one captured frame, or keep it for the next; None if nobody judged it.

        Args:
            audio: In the line's capture format.
            now_ms: When it came.
            placed_ms: When it ended at the caller's line; None where the line does not say.
        """
        if not self._take_frame(audio, now_ms, placed_ms):
            return None
        return await self._send(audio, now_ms, placed_ms)

    def send_audio_at_once(
        self, audio: bytes, now_ms: float, placed_ms: float | None
    ) -> GateDecision | None:
        """Do so without a coroutine, where the provider is prompt."""
        assert self._prompt is not None, "asked only where it is"  # noqa: S101
        if not self._take_frame(audio, now_ms, placed_ms):
            return None
        return self._prompt.send_audio_at_once(self._placed(audio, now_ms, placed_ms))

    async def pass_slot(self, played: PlayoutFrame, now_ms: float) -> GateDecision | None:
        """Show the gate what the line plays in a slot, and let time pass; None if nobody judged."""
        if not self._take_slot(played, now_ms):
            return None
        return await self.provider.advance()

    def pass_slot_at_once(self, played: PlayoutFrame, now_ms: float) -> GateDecision | None:
        """Do so without a coroutine, where the provider is prompt."""
        assert self._prompt is not None, "asked only where it is"  # noqa: S101
        return self._prompt.advance_at_once() if self._take_slot(played, now_ms) else None

    def skip_slot(self, played: PlayoutFrame, now_ms: float) -> None:
        """Show the gate a slot that nothing was sent in."""
        self._take_slot(played, now_ms, is_skipped=True)

    # -- the provider ------------------------------------------------------------------------------

    def name_item(self, item_id: str) -> str:
        """Return a name for an item of the provider that no other one's item has."""
        return self._item_prefix + item_id

    async def interrupt(self, heard_ms: Mapping[str, float]) -> None:
        """Tell the provider what was heard of its items; others' are not its business."""
        await self.provider.interrupt(self._own_items(heard_ms))

    def interrupt_at_once(self, heard_ms: Mapping[str, float]) -> None:
        """Do so without a coroutine, where the provider is prompt."""
        assert self._prompt is not None, "asked only where it is"  # noqa: S101
        self._prompt.interrupt_at_once(self._own_items(heard_ms))

    def lose_provider(self) -> None:
        """Keep what the caller says from now on, in case the next provider will have to hear it."""
        if self._tape is not None:
            self._tape.hold()

    def find_provider(self) -> None:
        """Forget it: the provider is there, and has it."""
        if self._tape is not None:
            self._tape.release()

    def leave(self) -> None:
        """Take the seat from the provider; what happens goes to the tape."""
        self._is_between = True
        self.lose_provider()

    async def take_next(
        self,
        tell: Callable[[float, bytes | None, GateDecision], None],
        pause: Callable[[], Awaitable[None]],
    ) -> Handover:
        """Give the seat, which was left, to the next provider; it is not started.

        Args:
            tell: Told time, audio (None of a slot) and decision of all that no other gate has
                judged.
            pause: Awaited at every step through the time before, to give others their turn.

        Returns:
            What it was given of the time before.
        """
        assert self._tape is not None, "who has a successor has a tape"  # noqa: S101
        successor = self._successors.popleft()
        agent = successor.make(self._clock)
        self.close_gate()
        gate = self._stats
        self._predecessors.append(self._name)
        self._name, self._agent, self._prompt = successor.name, agent, _prompt(agent)
        self._item_prefix = f"{successor.name}/"
        self._shield = None if agent.provider.capabilities.needs_gating else EchoShield()
        start_ms = self._tape.start_ms
        self.open_gate(self._clock() if start_ms is None else start_ms)
        # What comes meanwhile joins the end of the tape, so that all stays in order.
        n_frames = 0
        events: list[GateEvent] = []
        while (happened := self._tape.take()) is not None:
            decision = await self._replay(happened)
            frame = happened.audio if isinstance(happened, TapedFrame) else None
            n_frames += frame is not None
            if decision is not None:
                events += decision.events
                if not happened.is_judged:
                    tell(happened.now_ms, frame, decision)
            await pause()
        self._is_playout_paused = is_paused_after(events)
        self._is_between = False
        handover = Handover(
            held_frames=n_frames, dropped_frames=self._tape.dropped_frames, gate=gate
        )
        if not self._successors:
            self._tape = None
        return handover

    # -- private steps -----------------------------------------------------------------------------

    def _take_frame(self, audio: bytes, now_ms: float, placed_ms: float | None) -> bool:
        """Take note of a frame; return whether there is a provider to have it."""
        is_judged = not self._is_between
        if self._tape is not None:
            self._tape.record_frame(
                TapedFrame(audio=audio, now_ms=now_ms, placed_ms=placed_ms, is_judged=is_judged)
            )
        return is_judged

    async def _send(self, audio: bytes, now_ms: float, placed_ms: float | None) -> GateDecision:
        return await self.provider.send_audio(self._placed(audio, now_ms, placed_ms))

    def _placed(self, audio: bytes, now_ms: float, placed_ms: float | None) -> bytes:
        """Tell the gate where a frame lies; return what the provider is to have of it."""
        if placed_ms is not None:
            self._manager.place_capture(self._call_id, placed_ms)
        if self._shield is not None and self._shield.is_up(now_ms):
            return self._line.capture_format.silence(len(audio))
        return audio

    def _take_slot(self, played: PlayoutFrame, now_ms: float, *, is_skipped: bool = False) -> bool:
        """Take note of a slot; return whether there is a provider that its time passes for."""
        is_judged = not self._is_between
        if self._tape is not None:
            self._tape.record_slot(
                TapedSlot(played=played, now_ms=now_ms, is_judged=is_judged, is_skipped=is_skipped)
            )
        if is_judged:
            self._show_slot(played, now_ms)
        return is_judged

    def _show_slot(self, played: PlayoutFrame, now_ms: float) -> None:
        if self._shield is not None:
            is_foreign = played.is_agent_audio and not self._is_own(played.item_id or "")
            self._shield.receive_slot(now_ms, is_foreign=is_foreign)
        self._manager.receive_far_end(
            self._call_id, played.audio, now_ms, is_agent_audio=played.is_agent_audio
        )

    async def _replay(self, happened: TapedFrame | TapedSlot) -> GateDecision | None:
        """Show the provider something as of when it happened."""
        with self._clock.at(happened.now_ms):
            if isinstance(happened, TapedFrame):
                return await self._send(happened.audio, happened.now_ms, happened.placed_ms)
            self._show_slot(happened.played, happened.now_ms)
            return None if happened.is_skipped else await self.provider.advance()

    def _own_items(self, heard_ms: Mapping[str, float]) -> dict[str, float]:
        n_prefix = len(self._item_prefix)
        return {name[n_prefix:]: ms for name, ms in heard_ms.items() if self._is_own(name)}

    def _is_own(self, item_name: str) -> bool:
        return item_name.startswith(self._item_prefix)


def _prompt(agent: Agent) -> PromptProvider | None:
    provider = agent.provider
    if not isinstance(provider, PromptProvider):
        return None
    is_passed_over = any(_is_made_anew(type(provider), name) for name in _COROUTINES)
    return None if is_passed_over else provider


def _is_made_anew(kind: type[object], name: str) -> bool:
    """Tell whether a class has a coroutine of its own, and the plain function of a base of it."""
    at_once = f"{name}_at_once"
    owner = next((each for each in kind.__mro__ if {name, at_once} & vars(each).keys()), None)
    return owner is not None and at_once not in vars(owner)


def _total(one: CallStats | None, other: CallStats | None) -> CallStats | None:
    """Return the sum of two gates' counters; None if there was neither."""
    if one is None or other is None:
        return one or other
    counts = {
        name.name: getattr(one, name.name) + getattr(other, name.name) for name in fields(one)
    }
    return CallStats(**counts)
