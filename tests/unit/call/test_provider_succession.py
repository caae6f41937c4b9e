"""One provider after the other, apart from the rest of a call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from support.scripted_call import RecordingObserver
from support.virtual_time import in_virtual_time, virtual_ms
from voxgate.call import Agent, Candidate, FallBackPolicy
from voxgate.call.agent_seat import AgentSeat
from voxgate.call.announcements import Announcements
from voxgate.call.announcer import Announcer
from voxgate.call.closing import CallOver
from voxgate.call.playout_control import PlayoutControl
from voxgate.call.provider_succession import ProviderSuccession
from voxgate.clock import Clock
from voxgate.core.audio import AudioFormat
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.line_playout import LinePlayout
from voxgate.errors import ProviderError
from voxgate.providers.base import CallAudio, ProviderEvent
from voxgate.providers.scripted import ScriptedProvider
from voxgate.transports.scripted import ScriptedLine

_FORMAT = AudioFormat()
_REFUSED = ProviderError("openai_realtime", "refused", code="refused", retryable=False)


class Rig:
    """Providers, the first of which can be reached or not, and what came of them."""

    def __init__(
        self, *, start_error: ProviderError | None = None, successors: Sequence[str] = ()
    ) -> None:
        self.manager, self.line = AudioGatingManager(), ScriptedLine()
        self.observer = RecordingObserver()
        self.made = [self._make(virtual_ms, start_error)]
        self.seat = AgentSeat(
            self.line,
            "first",
            Agent(self.made[0]),
            manager=self.manager,
            clock=virtual_ms,
            successors=[Candidate(name, self._agent) for name in successors],
            hold_ms=0.0,
        )
        self.seat.open_gate(virtual_ms())
        playout = LinePlayout(_FORMAT)
        announcer = Announcer("c", Announcements(), playout, _FORMAT, virtual_ms)
        self.n_lost = 0
        self.providers = ProviderSuccession(
            self.line.call_id,
            self.seat,
            PlayoutControl(self.line, playout, self.seat, announcer, self.observer, virtual_ms),
            announcer,
            policy=FallBackPolicy(),
            observer=self.observer,
            clock=virtual_ms,
            follow=self._follow,
            on_lost=self._lose,
        )

    def _agent(self, clock: Clock) -> Agent:
        self.made.append(self._make(clock, None))
        return Agent(self.made[-1])

    def _make(self, clock: Clock, start_error: ProviderError | None) -> ScriptedProvider:
        provider = ScriptedProvider(
            call_id=self.line.call_id,
            call_audio=CallAudio(capture=_FORMAT, playout=_FORMAT),
            manager=self.manager,
            clock=clock,
            start_error=start_error,
        )
        provider.counts = {"frames_dropped": 2}
        return provider

    async def _follow(self, event: ProviderEvent) -> None:
        pass

    def _lose(self) -> None:
        self.n_lost += 1


@in_virtual_time
async def test_the_next_one_takes_over_and_each_is_counted_once() -> None:
    """And the answers of the one that was lost are nobody's."""
    rig = Rig(start_error=_REFUSED, successors=["second"])
    task = asyncio.create_task(rig.providers.run())
    await asyncio.sleep(0.1)
    assert rig.seat.name == "second"
    assert [switched.previous for switched in rig.observer.switched] == ["first"]
    assert rig.n_lost == 1
    rig.providers.keep_counts()
    rig.providers.keep_counts()
    assert rig.providers.counts == {
        "first": {"frames_dropped": 2},
        "second": {"frames_dropped": 2},
    }
    rig.made[1].end(None)
    with pytest.raises(CallOver) as over:
        await task
    assert over.value.reason == "provider_ended"


@pytest.mark.parametrize("was_ready", [False, True])
@in_virtual_time
async def test_where_none_is_left_the_call_is_over(was_ready) -> None:
    """The reason says whether there was ever one."""
    rig = Rig(start_error=None if was_ready else _REFUSED)
    task = asyncio.create_task(rig.providers.run())
    await asyncio.sleep(0.1)
    if was_ready:
        rig.made[0].end(_REFUSED)
    with pytest.raises(CallOver) as over:
        await task
    assert over.value.reason == ("provider_lost" if was_ready else "provider_unreachable")
    assert over.value.detail == str(_REFUSED)
