"""A sentence on its way through playout, in made-up time."""

from __future__ import annotations

import asyncio

from support.scripted_call import loud_frame
from support.virtual_time import in_virtual_time, virtual_ms
from voxgate.call.announcements import AnnouncementKind, Announcements
from voxgate.call.announcer import Announcer
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
