"""One provider from its start to its failure, in made-up time."""

from __future__ import annotations

import asyncio

import pytest

from support.virtual_time import in_virtual_time, virtual_ms
from voxgate.call import Agent, Candidate
from voxgate.call.agent_seat import AgentSeat
from voxgate.call.provider_run import Failure, ProviderRun
from voxgate.core.audio import AudioFormat
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.errors import ProviderError
from voxgate.providers.base import CallAudio, ProviderEnded, ProviderEvent, ProviderReady
from voxgate.providers.scripted import ScriptedProvider
from voxgate.transports.scripted import ScriptedLine

_LOST = ProviderError("openai_realtime", "gone", code="lost", retryable=True)


class Rig:
    """A provider that is run, and what was followed."""

    def __init__(self, *, has_next: bool = True, start_error: ProviderError | None = None) -> None:
        audio = CallAudio(capture=AudioFormat(), playout=AudioFormat())
        manager = AudioGatingManager()
        self.provider = ScriptedProvider(
            call_id="call",
            call_audio=audio,
            manager=manager,
            clock=virtual_ms,
            start_error=start_error,
        )
        seat = AgentSeat(
            ScriptedLine("call"),
            "first",
            Agent(self.provider),
            manager=manager,
            clock=virtual_ms,
            successors=[Candidate("second", lambda clock: Agent(self.provider))] * has_next,
            hold_ms=0,
        )
        self.followed: list[ProviderEvent] = []
        self._run = ProviderRun(seat, self._follow, after_s=5.0, clock=virtual_ms)
        self.task: asyncio.Task[Failure | None]

    async def _follow(self, event: ProviderEvent) -> None:
        self.followed.append(event)

    async def start(self) -> Rig:
        self.task = asyncio.create_task(self._run.run())
        await asyncio.sleep(0.001)
        return self


@in_virtual_time
async def test_one_that_refuses_has_failed_and_is_followed_to_its_end() -> None:
    """Those who watch are told of the error, though there was no event of the provider's."""
    rig = await Rig(start_error=_LOST).start()
    assert await rig.task == Failure(_LOST, was_ready=False)
    assert rig.followed == [ProviderEnded(_LOST)]


@in_virtual_time
async def test_one_that_ends_in_good_order_has_not_failed() -> None:
    """The last event is followed too."""
    rig = await Rig().start()
    rig.provider.end(None)
    assert await rig.task is None
    assert rig.followed == [ProviderReady(), ProviderEnded(None)]


@in_virtual_time
async def test_one_that_is_lost_has_failed() -> None:
    """With its own error."""
    rig = await Rig().start()
    rig.provider.end(_LOST)
    assert await rig.task == Failure(_LOST, was_ready=True)
    assert rig.followed[-1] == ProviderEnded(_LOST)


@pytest.mark.parametrize("has_next", [True, False])
@in_virtual_time
async def test_one_that_is_away_is_waited_for_as_long_as_another_could_take_over(
    has_next: bool,
) -> None:
    """From each loss anew; without another it has its own time."""
    rig = await Rig(has_next=has_next).start()
    for _ in range(3):
        rig.provider.lose_connection(_LOST)
        await asyncio.sleep(4.5)
        assert not rig.task.done()
        rig.provider.restore_connection()
        await asyncio.sleep(4.5)
    rig.provider.lose_connection(_LOST)
    await asyncio.sleep(5.5)
    assert rig.task.done() is has_next
    if has_next:
        failure = await rig.task
        assert failure is not None
        assert failure.error.code == "fall_back_timeout"
        assert failure.error.peer == "first"
        assert failure.was_ready
    rig.task.cancel()


@pytest.mark.parametrize(("has_next", "bound_s"), [(True, 5), (False, 120)])
@in_virtual_time
async def test_a_start_that_never_ends_is_ended(
    has_next: bool,
    bound_s: int,
) -> None:
    """Also one that knows no bound of its own, and is the last."""
    rig = Rig(has_next=has_next)

    async def hang() -> None:
        await asyncio.Event().wait()

    rig.provider.start = hang  # type: ignore[method-assign]
    await rig.start()
    failure = await rig.task
    assert failure is not None
    assert not failure.was_ready
    assert virtual_ms() == pytest.approx(bound_s * 1000, abs=10)
