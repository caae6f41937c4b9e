"""When the agent is audible: from playout where it is reported, from generation where it is not."""

from __future__ import annotations

import pytest

from voxgate.core.agent_audibility import AgentAudibility

GRACE_MS = 250


@pytest.fixture
def agent() -> AgentAudibility:
    return AgentAudibility(GRACE_MS)


def play(agent: AgentAudibility, start_ms: float, end_ms: float) -> None:
    """Report slots of agent audio that sound from start to end."""
    for now_ms in range(int(start_ms), int(end_ms), 20):
        agent.receive_far_end(now_ms, is_agent_audio=True)


def test_an_agent_that_has_said_nothing_is_silent(agent) -> None:
    """At the beginning of a call the agent is neither audible nor about to be."""
    assert not agent.is_audible(0)
    assert not agent.is_active(0)
    assert not agent.is_audible(-1e9)


def test_audible_from_the_first_slot_to_the_end_of_the_tail(agent) -> None:
    """Played audio is audible for as long as it sounds and the grace after it, and no longer."""
    play(agent, 1000, 2000)
    assert not agent.is_audible(999)
    assert agent.is_audible(1000)
    assert agent.is_audible(2000 + GRACE_MS - 1)
    assert not agent.is_audible(2000 + GRACE_MS)


def test_the_measured_echo_delay_lengthens_the_tail(agent) -> None:
    """The tail is the echo delay and the grace, one after the other."""
    play(agent, 0, 100)
    agent.echo_delay_ms = 180
    assert agent.is_audible(100 + 180 + GRACE_MS - 1)
    assert not agent.is_audible(100 + 180 + GRACE_MS)


def test_silence_that_keeps_a_line_alive_is_not_agent_audio(agent) -> None:
    """Slots without agent audio make nothing audible."""
    for now_ms in range(0, 1000, 20):
        agent.receive_far_end(now_ms, is_agent_audio=False)
        assert not agent.is_audible(now_ms)


def test_where_playout_is_reported_the_end_of_generation_means_nothing(agent) -> None:
    """Audio generated in a moment is played for seconds, and audible for as long."""
    agent.receive_far_end(0, is_agent_audio=False)
    agent.set_speaking(10, is_speaking=True, audio_ms=3000)
    agent.set_speaking(20, is_speaking=False, audio_ms=0)
    play(agent, 40, 3040)
    assert agent.is_audible(3040 + GRACE_MS - 1)
    assert not agent.is_audible(3040 + GRACE_MS)


def test_where_playout_is_reported_generation_alone_is_not_audible(agent) -> None:
    """An agent that generates but is not played yet is active, not audible."""
    agent.receive_far_end(0, is_agent_audio=False)
    agent.set_speaking(10, is_speaking=True, audio_ms=500)
    assert not agent.is_audible(20)
    assert agent.is_active(20)
    agent.set_speaking(30, is_speaking=False, audio_ms=0)
    assert agent.is_active(40), "what was generated is still to be played"
    for slot in range(25):
        agent.receive_far_end(40 + 20 * slot, is_agent_audio=True)
    assert agent.is_active(600)
    assert not agent.is_active(5000)


def test_playout_overrides_an_end_that_was_derived_before_it(agent) -> None:
    """What was derived from generation ends with the first report of what is played."""
    agent.set_speaking(0, is_speaking=True, audio_ms=5000)
    agent.set_speaking(10, is_speaking=False, audio_ms=0)
    agent.receive_far_end(100, is_agent_audio=False)
    assert not agent.is_audible(100 + GRACE_MS)


def test_without_playout_the_end_is_derived_from_the_audio_generated(agent) -> None:
    """Every piece generated adds its duration; the end of generation does not shorten it."""
    agent.set_speaking(1000, is_speaking=True, audio_ms=700)
    agent.set_speaking(1100, is_speaking=True, audio_ms=800)
    agent.set_speaking(1150, is_speaking=False, audio_ms=0)
    assert agent.is_audible(1000 + 1500 + GRACE_MS - 1)
    assert not agent.is_audible(1000 + 1500 + GRACE_MS)


def test_without_playout_or_durations_the_word_itself_counts(agent) -> None:
    """Audible while it is said to speak, and the grace after."""
    agent.set_speaking(0, is_speaking=True, audio_ms=0)
    assert agent.is_audible(60_000)
    agent.set_speaking(60_000, is_speaking=False, audio_ms=0)
    assert agent.is_audible(60_000 + GRACE_MS - 1)
    assert not agent.is_audible(60_000 + GRACE_MS)


def test_a_second_word_that_it_has_ended_changes_nothing(agent) -> None:
    """Providers say so for the audio and again for the response, seconds later."""
    agent.set_speaking(0, is_speaking=True, audio_ms=0)
    agent.set_speaking(1000, is_speaking=False, audio_ms=0)
    agent.set_speaking(5000, is_speaking=False, audio_ms=0)
    assert not agent.is_audible(5000)


def answer(agent: AgentAudibility, *, announced_ms: float, played_ms: float) -> None:
    """Generate an answer at once at 0, and report a part of it as played from 20 on."""
    agent.receive_far_end(0, is_agent_audio=False)
    agent.set_speaking(0, is_speaking=True, audio_ms=announced_ms)
    agent.set_speaking(0, is_speaking=False, audio_ms=0)
    play(agent, 20, 20 + played_ms)


def fall_silent(agent: AgentAudibility, start_ms: int, end_ms: int) -> None:
    """Report slots without agent audio from start to end."""
    for now_ms in range(start_ms, end_ms, 20):
        agent.receive_far_end(now_ms, is_agent_audio=False)


def test_what_is_never_played_is_not_waited_for_once_playout_has_ended(agent) -> None:
    """Slots that nobody reported as played leave nothing that the agent is still to say."""
    answer(agent, announced_ms=3120, played_ms=2900)
    fall_silent(agent, 2920, 3200)
    assert agent.is_playing(3200), "a line that stands still for a moment has not ended"
    fall_silent(agent, 3200, 3300)
    assert not agent.is_playing(3300)
    assert not agent.is_active(3300)


def test_what_was_given_up_is_no_longer_part_of_the_next_answer(agent) -> None:
    """An answer is waited for to its own end, not that and what the one before had lost."""
    answer(agent, announced_ms=3120, played_ms=2900)
    fall_silent(agent, 2920, 4000)
    agent.set_speaking(4000, is_speaking=True, audio_ms=200)
    agent.set_speaking(4000, is_speaking=False, audio_ms=0)
    play(agent, 4000, 4200)
    assert not agent.is_active(4200 + GRACE_MS)


@pytest.mark.parametrize("n_slots", [1, 3000])
def test_slots_shown_late_and_at_once_are_no_silence(agent, n_slots) -> None:
    """After a stall of our own the slots that it cost come together; the agent's audio follows."""
    answer(agent, announced_ms=3000, played_ms=500)
    for _ in range(n_slots):
        agent.receive_far_end(60_000, is_agent_audio=False)
    assert agent.is_active(60_000)


def test_what_waits_in_a_pause_of_our_own_is_waited_for(agent) -> None:
    """However long we pause playout, the agent still has something to say."""
    answer(agent, announced_ms=3000, played_ms=500)
    for now_ms in range(520, 5000, 20):
        agent.receive_far_end(now_ms, is_agent_audio=False, is_paused=True)
    agent.resume(5000)
    fall_silent(agent, 5000, 9000)
    assert agent.is_playing(9000), "the line is slow to go on"


def test_an_agent_that_generates_is_waited_for(agent) -> None:
    """What ran out of audio in the middle of an answer goes on."""
    agent.receive_far_end(0, is_agent_audio=False)
    agent.set_speaking(0, is_speaking=True, audio_ms=3000)
    play(agent, 20, 520)
    fall_silent(agent, 520, 5000)
    agent.set_speaking(5000, is_speaking=False, audio_ms=0)
    assert agent.is_active(5000)


def test_an_answer_of_which_nothing_was_played_yet_is_waited_for(agent) -> None:
    """A line may take its time before it begins."""
    answer(agent, announced_ms=1000, played_ms=1000)
    agent.set_speaking(1100, is_speaking=True, audio_ms=500)
    agent.set_speaking(1100, is_speaking=False, audio_ms=0)
    fall_silent(agent, 1120, 9000)
    assert agent.is_active(9000)


def test_flushed_audio_is_not_waited_for(agent) -> None:
    """After a flush the slot under way and the tail are all that can still be heard."""
    agent.set_speaking(0, is_speaking=True, audio_ms=9000)
    agent.flush(1000)
    assert agent.is_audible(1020 + GRACE_MS - 1)
    assert not agent.is_audible(1020 + GRACE_MS)
    assert not agent.is_active(1020 + GRACE_MS)


def test_a_flush_long_after_the_end_prolongs_nothing(agent) -> None:
    """The end never moves on by a flush."""
    play(agent, 0, 100)
    agent.flush(5000)
    assert not agent.is_audible(5000)


def test_after_a_pause_of_our_own_the_agent_is_audible_at_once(agent) -> None:
    """Resumed playout counts from the moment of resuming, not from its first slot."""
    play(agent, 0, 100)
    assert not agent.is_audible(2000)
    agent.resume(2000)
    assert agent.is_audible(2000)
    assert not agent.is_audible(1000)


def test_past_spells_are_remembered_for_audio_that_arrives_late(agent) -> None:
    """It can be asked whether the agent was audible at a time that has passed."""
    play(agent, 1000, 1500)
    play(agent, 4000, 4500)
    heard = [t for t in range(0, 6000, 50) if agent.is_audible(t)]
    first = range(1000, 1500 + GRACE_MS, 50)
    second = range(4000, 4500 + GRACE_MS, 50)
    assert heard == [*first, *second]


def test_memory_of_past_spells_is_bounded() -> None:
    """Of a long call only the last spells are kept: eight and the one under way."""
    agent = AgentAudibility(0)
    for number in range(100):
        play(agent, number * 1000, number * 1000 + 20)
    audible = [number for number in range(100) if agent.is_audible(number * 1000)]
    assert audible == list(range(91, 100))


def test_an_agent_whose_playout_stalls_has_more_to_say(agent: AgentAudibility) -> None:
    """Generated and not yet played, it is still playing, also if the last slot is long ago."""
    agent.receive_far_end(-20.0, is_agent_audio=False)
    agent.set_speaking(0.0, is_speaking=True, audio_ms=60.0)
    agent.receive_far_end(0.0, is_agent_audio=True)
    assert agent.is_playing(150.0)
    agent.receive_far_end(160.0, is_agent_audio=True)
    agent.receive_far_end(180.0, is_agent_audio=True)
    assert not agent.is_playing(200.0 + 20.0)
