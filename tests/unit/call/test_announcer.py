"""A sentence on its way through playout, in made-up time."""

from __future__ import annotations

import asyncio

from support.scripted_call import loud_frame
from support.virtual_time import in_virtual_time, virtual_ms
from voxgate.call.announcements import AnnouncementKind, Announcements
from voxgate.call.announcer import Announcer, is_announcement
from voxgate.core.audio import AudioFormat
from voxgate.core.line_playout import LinePlayout
from voxgate.local_agent.voice import SpokenAudio

_FORMAT = AudioFormat()
_AUDIO = b"".join(loud_frame(number) for number in range(50))


def announcer(playout: LinePlayout) -> Announcer:
    spoken = {AnnouncementKind.UNREACHABLE: SpokenAudio(_AUDIO, _FORMAT)}
    return Announcer("call", Announcements(spoken), playout, _FORMAT, virtual_ms)


async def play(playout: LinePlayout, heard: list[bytes]) -> None:
    while True:
        heard.append(playout.next_slot(virtual_ms(), virtual_ms()).played.audio)
        await asyncio.sleep(0.02)


@in_virtual_time
async def test_it_waits_for_the_last_word() -> None:
    """And for the telephone that plays it a little later."""
    playout, heard = LinePlayout(_FORMAT), list[bytes]()
    playing = asyncio.create_task(play(playout, heard))
    await announcer(playout).say_to_the_end(AnnouncementKind.UNREACHABLE)
    playing.cancel()
    assert b"".join(heard).startswith(_AUDIO)
    assert 1200 <= virtual_ms() <= 1260


@in_virtual_time
async def test_it_does_not_wait_for_ever() -> None:
    """Nobody plays it."""
    await announcer(LinePlayout(_FORMAT)).say_to_the_end(AnnouncementKind.UNREACHABLE)
    assert 4200 <= virtual_ms() <= 4260


@in_virtual_time
async def test_where_nothing_is_to_be_said_nothing_is_waited_for() -> None:
    """The call ends, or goes on, at once."""
    playout = LinePlayout(_FORMAT)
    assert announcer(playout).say(AnnouncementKind.LOST) == 0.0
    await announcer(playout).say_to_the_end(AnnouncementKind.LOST)
    assert virtual_ms() == 0.0
    assert not playout.is_active


@in_virtual_time
async def test_it_says_how_long_it_lasts() -> None:
    """A second."""
    assert announcer(LinePlayout(_FORMAT)).say(AnnouncementKind.UNREACHABLE) == 1000.0


@in_virtual_time
async def test_what_it_says_is_told_from_what_an_agent_says() -> None:
    """And from silence."""
    playout = LinePlayout(_FORMAT)
    assert not is_announcement(playout.next_slot(0.0, 0.0).played)
    announcer(playout).say(AnnouncementKind.UNREACHABLE)
    assert is_announcement(playout.next_slot(20.0, 20.0).played)
    playout.flush(40.0)
    playout.enqueue("second/item", _AUDIO)
    spoken = [playout.next_slot(at_ms, at_ms).played for at_ms in (60.0, 80.0)]
    assert spoken[-1].is_agent_audio
    assert not is_announcement(spoken[-1])


class TestWhatWasSaidBefore:
    """Speech from before an announcement."""

    @in_virtual_time
    async def test_it_was_said_before_as_long_as_nothing_was_played(self) -> None:
        """Whenever that was."""
        playout = LinePlayout(_FORMAT)
        one = announcer(playout)
        assert not one.is_said_after(-1000.0)
        one.say(AnnouncementKind.UNREACHABLE)
        assert one.is_said_after(-1000.0)
        assert one.is_said_after(None)

    @in_virtual_time
    async def test_the_first_slot_is_the_border(self) -> None:
        """Silence and the last words of an agent are no part of it; once heard, it is over."""
        playout = LinePlayout(_FORMAT)
        one = announcer(playout)
        playout.enqueue("agent", loud_frame(77))
        one.say(AnnouncementKind.UNREACHABLE)
        for slot in range(50):
            one.receive_slot(playout.next_slot(20.0 * slot, 20.0 * slot).played, 20.0 * slot)
            assert one.is_saying
        assert one.is_said_after(19.0)
        assert not one.is_said_after(20.0)
        assert not one.is_said_after(None)
        one.receive_slot(playout.next_slot(1000.0, 1000.0).played, 1000.0)
        assert not one.is_saying
        assert not one.is_said_after(19.0)

    @in_virtual_time
    async def test_what_was_cut_off_is_not_said(self) -> None:
        """Nobody hears the rest."""
        playout = LinePlayout(_FORMAT)
        one = announcer(playout)
        one.say(AnnouncementKind.UNREACHABLE)
        playout.flush(0.0)
        one.forget()
        assert not one.is_saying
        assert not one.is_said_after(-1000.0)
