"""What becomes of playout, and what the provider is told, where something happens at the gate."""

from __future__ import annotations

import pytest

from support.scripted_call import PromptProvider, RecordingObserver, gate_event
from voxgate.call import Agent
from voxgate.call.agent_seat import AgentSeat
from voxgate.call.announcements import Announcements
from voxgate.call.announcer import Announcer
from voxgate.call.call_turns import await_rest
from voxgate.call.playout_control import PlayoutControl
from voxgate.config.tools_config import ToolsConfig
from voxgate.core.audio import AudioFormat
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.gate_decision import GateEventType
from voxgate.core.line_playout import LinePlayout
from voxgate.providers.base import CallAudio
from voxgate.providers.call_control import CallControl
from voxgate.providers.scripted import ScriptedProvider
from voxgate.providers.tools import ToolRegistry
from voxgate.transports.scripted import ScriptedLine

_FORMAT = AudioFormat()
_PAUSE = gate_event(GateEventType.CANDIDATE_STARTED)
_RESUME = gate_event(GateEventType.CANDIDATE_DROPPED)
_FLUSH = gate_event(GateEventType.INTERRUPTED)


class Rig:
    """A playout with a second of an answer, 100 ms of which were heard."""

    def __init__(
        self,
        kind: type[ScriptedProvider],
        *,
        lead_ms: float = 0.0,
        wishes: CallControl | None = None,
    ) -> None:
        self.line, self.observer = ScriptedLine(), RecordingObserver()
        manager = AudioGatingManager()
        self.provider = kind(
            call_id=self.line.call_id,
            call_audio=CallAudio(capture=_FORMAT, playout=_FORMAT),
            manager=manager,
            clock=self._clock,
        )
        seat = AgentSeat(
            self.line,
            "openai_realtime",
            Agent(self.provider, wishes),
            manager=manager,
            clock=self._clock,
            hold_ms=0.0,
        )
        self.playout = LinePlayout(_FORMAT, max_lead_ms=lead_ms)
        announcer = Announcer("c", Announcements(), self.playout, _FORMAT, self._clock)
        self.control = PlayoutControl(
            self.line, self.playout, seat, announcer, self.observer, self._clock
        )
        response = self.provider.start_response()
        self.provider.generate_audio(response, "item", b"\x10\x10" * 8000)
        self.playout.enqueue("item", b"\x10\x10" * 8000)
        for slot in range(5):
            self.playout.next_slot(20.0 * slot, 20.0 * slot)

    @staticmethod
    def _clock() -> float:
        return 100.0


@pytest.mark.parametrize("kind", [ScriptedProvider, PromptProvider])
def test_a_pause_and_its_end_take_no_time(kind) -> None:
    """Whatever the provider is like: it is not told."""
    rig = Rig(kind)
    assert rig.control.follow((_PAUSE,), is_told=True) is None
    assert rig.control.is_paused
    assert rig.control.follow((_RESUME,), is_told=False) is None
    assert not rig.control.is_paused
    assert rig.observer.gate_events == [_PAUSE]


def test_a_prompt_provider_is_interrupted_at_once() -> None:
    """And what comes after it is done too."""
    rig = Rig(PromptProvider)
    assert rig.control.follow((_PAUSE, _FLUSH, _PAUSE), is_told=True) is None
    assert [cut.audio_end_ms for cut in rig.provider.truncations] == [100.0]
    assert rig.observer.gate_events == [_PAUSE, _FLUSH, _PAUSE]
    assert rig.control.is_paused
    assert not rig.playout.is_active


async def test_one_that_may_wait_is_told_later_and_playout_is_forgotten_at_once() -> None:
    """What the gate says after it is done when the provider was told."""
    rig = Rig(ScriptedProvider)
    rest = rig.control.follow((_PAUSE, _FLUSH, _PAUSE), is_told=True)
    assert rest is not None
    assert rig.provider.truncations == []
    assert not rig.control.is_paused
    assert rig.observer.gate_events == [_PAUSE]
    await rest()
    assert [cut.audio_end_ms for cut in rig.provider.truncations] == [100.0]
    assert rig.observer.gate_events == [_PAUSE, _FLUSH, _PAUSE]
    assert rig.control.is_paused


@pytest.mark.parametrize("kind", [ScriptedProvider, PromptProvider])
async def test_a_farewell_that_is_interrupted_ends_no_call(kind) -> None:
    """From then on, and not only once a provider that may wait was told: the slots go on."""
    wishes = CallControl(ToolsConfig(hangup=True))
    rig = Rig(kind, wishes=wishes)
    await ToolRegistry(wishes.tools).call("hangup", "{}", call_id="call")
    assert wishes.is_hangup_wanted
    rest = rig.control.follow((_FLUSH,), is_told=True)
    assert not wishes.is_hangup_wanted
    await ToolRegistry(wishes.tools).call("hangup", "{}", call_id="call")
    await await_rest(rest)
    assert wishes.is_hangup_wanted


def test_a_line_that_was_sent_ahead_is_told_to_forget() -> None:
    """And is sent the fade-out of what it would have played."""
    rig = Rig(PromptProvider, lead_ms=200.0)
    rig.control.follow((_PAUSE,), is_told=False)
    assert rig.line.flushed_at == (0,)
    assert len(rig.line.heard) == 1
