"""One call's gate: what it makes of frames, playout, provider and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.gate_calls import (
    BrokenVad,
    GateCall,
    ScriptedCanceller,
    ScriptedNearEnd,
    agent_voice,
    plain_manager,
)
from support.gate_traces import SCENARIOS, run_call
from support.signals import frames_of, silence, speech_like, tone, white_noise
from voxgate.core import g711
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.config import (
    AudioGuardConfig,
    BargeInConfig,
    ForwardedAudio,
    GatingConfig,
    GatingMode,
    IdleFillConfig,
    ProviderGatingPolicy,
    QuieterVoices,
    WithheldAudio,
)
from voxgate.core.echo.near_end import NearEndVerdict
from voxgate.core.gate_decision import (
    GateAction,
    GateEventType,
    GateReason,
    GateState,
)
from voxgate.core.guard.speech_evidence import SpeechEvidence
from voxgate.core.guarded_line import GuardedLine

E = GateEventType
OPEN, CLOSED = GateState.OPEN, GateState.CLOSED
CANDIDATE, BARGE_IN = GateState.CANDIDATE, GateState.BARGE_IN
GRACE_MS = 250


def caller(duration_ms: int, *, level_dbfs: float = -18.0, seed: int = 1) -> list[bytes]:
    return frames_of(speech_like(duration_ms, level_dbfs=level_dbfs, seed=seed))


def echo(duration_ms: int, *, level_dbfs: float = -32.0, seed: int = 2) -> list[bytes]:
    """Return echo of an agent 12 dB louder: below what mode vad takes for a caller."""
    return frames_of(speech_like(duration_ms, level_dbfs=level_dbfs, seed=seed))


def configured(
    mode: GatingMode = GatingMode.ECHO_AWARE,
    *,
    withheld_audio: WithheldAudio = WithheldAudio.SILENCE,
    forwarded_audio: ForwardedAudio = ForwardedAudio.ECHO_CANCELLED,
    barge_in: BargeInConfig | None = None,
    grace_ms: int = GRACE_MS,
    sensitivity: float = 0.5,
) -> GatingConfig:
    policy = ProviderGatingPolicy(
        gating_enabled=True,
        mode=mode,
        withheld_audio=withheld_audio,
        forwarded_audio=forwarded_audio,
        post_speech_grace_ms=grace_ms,
        sensitivity=sensitivity,
    )
    return GatingConfig(providers={"openai_realtime": policy}, barge_in=barge_in or BargeInConfig())


def start(mode: GatingMode = GatingMode.ECHO_AWARE, **options: object) -> GateCall:
    manager_options = {
        name: options.pop(name)
        for name in ("vad_manager", "near_end_factory", "audio_guard_enabled")
        if name in options
    }
    config = configured(mode, **options)
    return GateCall(plain_manager(config=config, **manager_options))


def closed(**options: object) -> GateCall:
    """Return a call in which the agent has been talking for a second."""
    call = start(**options)
    call.quiet(500)
    call.quiet(1000, agent=True)
    assert call.state is CLOSED
    return call


def candidate(**options: object) -> GateCall:
    """Return a call in which a caller has just been noticed over the agent."""
    call = closed(**options)
    for frame in caller(400):
        if call.state is CANDIDATE:
            break
        call.slot(frame, agent=agent_voice(20)[0])
    assert call.state is CANDIDATE
    return call


def barge_in(**options: object) -> GateCall:
    """Return a call whose gate has just opened over the agent."""
    call = closed(**options)
    for frame in caller(400):
        if call.state is BARGE_IN:
            break
        call.slot(frame, agent=agent_voice(20)[0])
    assert call.state is BARGE_IN
    return call


def caller_turn() -> GateCall:
    """Return a call in which the caller was talking when the agent began."""
    call = start()
    call.play(caller(1000))
    call.play(caller(400, seed=5), agent_voice(400))
    assert call.state is OPEN
    return call


STATES = {OPEN: start, CLOSED: closed, CANDIDATE: candidate, BARGE_IN: barge_in}
every_state = pytest.mark.parametrize("state", list(GateState))


# -- the agent is audible --------------------------------------------------------------------------


def test_while_the_agent_is_audible_the_provider_hears_silence_one_for_one() -> None:
    """Echo is held, and for each frame goes out 20 ms of silence."""
    call = start()
    call.quiet(500)
    decisions = call.play(echo(3000), agent_voice(3000))
    assert {decision.action for decision in decisions} == {GateAction.WITHHOLD}
    assert {decision.reason for decision in decisions} == {GateReason.AGENT_AUDIBLE}
    assert all(decision.audio == (bytes(320),) for decision in decisions)
    assert call.sound == []


def test_the_gate_closes_with_the_first_slot_of_the_agent() -> None:
    """No frame of the echo is early enough to slip through."""
    call = start()
    call.quiet(500)
    decision = call.slot(bytes(320), agent=agent_voice(20)[0])
    assert (decision.state, decision.events[0].type) == (CLOSED, E.GATE_CLOSED)
    assert decision.events[0].t_ms == call.now_ms


def test_held_echo_is_discarded_and_counted_never_flushed() -> None:
    """When the agent falls silent its last 500 ms of echo are dropped, and none goes out later."""
    call = start()
    call.quiet(500)
    call.play(echo(2000), agent_voice(2000))
    call.play(echo(200))
    call.quiet(1000)
    assert call.event_types == [E.GATE_CLOSED, E.GATE_OPENED, E.HELD_DISCARDED]
    assert call.events[-1].count == 25
    assert call.stats.discarded_frames == 25
    assert call.stats.released_frames == 0
    assert call.sound == []


@pytest.mark.parametrize("grace_ms", [100, 250, 700])
def test_the_tail_is_the_grace_after_the_last_slot(grace_ms) -> None:
    """Echo that comes back within the grace is withheld; then the gate opens."""
    call = start(grace_ms=grace_ms)
    call.quiet(500, agent=True)
    ended_ms = call.now_ms + 20.0
    while call.state is CLOSED:
        call.slot(bytes(320))
    opened = call.events[-2]
    assert opened.type is E.GATE_OPENED
    assert ended_ms + grace_ms <= opened.t_ms < ended_ms + grace_ms + 20.0


def test_the_measured_echo_delay_lengthens_the_tail() -> None:
    """A path of 300 ms keeps the gate closed for 300 ms more."""
    near_end = ScriptedNearEnd(logits=lambda number: -5.0, echo_delay_ms=300.0, erl_db=20.0)
    call = start(near_end_factory=lambda: near_end)
    call.quiet(500, agent=True)
    ended_ms = call.now_ms + 20.0
    while call.state is CLOSED:
        call.slot(bytes(320))
    assert call.now_ms - ended_ms >= 300.0 + GRACE_MS


def test_the_end_of_generation_is_not_the_end_of_speech() -> None:
    """Three seconds generated in an instant and still being played keep the gate closed."""
    call = start()
    call.quiet(500)
    call.manager.set_agent_speaking("call", True, call.now_ms, audio_ms=3000)
    call.slot(bytes(320), agent=agent_voice(20)[0])
    call.manager.set_agent_speaking("call", False, call.now_ms)
    decisions = call.play(echo(2900), agent_voice(2900))
    assert {decision.state for decision in decisions} == {CLOSED}
    assert call.sound == []


def answered_with_a_loss() -> GateCall:
    """Return a call after an answer of which slots were skipped: 220 ms were never played."""
    call = start()
    call.quiet(500)
    call.manager.set_agent_speaking("call", True, call.now_ms, audio_ms=1000)
    call.manager.set_agent_speaking("call", False, call.now_ms)
    call.quiet(780, agent=True)
    return call


def test_the_caller_who_answers_interrupts_nobody_after_slots_were_skipped() -> None:
    """What was generated and never played is nothing that the caller could interrupt."""
    call = answered_with_a_loss()
    call.quiet(4000)
    assert call.hear_provider().events == ()
    assert call.stats.interruptions == 0


def test_what_a_pause_of_our_own_held_back_can_still_be_interrupted() -> None:
    """A line that was silent as we paused it, and is slow to go on, has something left to say."""
    call = barge_in()
    call.manager.set_agent_speaking("call", True, call.now_ms, audio_ms=1000)
    call.slot(agent=agent_voice(20)[0])
    call.manager.set_agent_speaking("call", False, call.now_ms)
    call.quiet(2000)
    assert call.event_types[-3:] == [E.RESUMED, E.GATE_OPENED, E.HELD_DISCARDED]
    assert [event.type for event in call.hear_provider().events] == [E.INTERRUPTED]


def test_generation_alone_does_not_close_the_gate_where_playout_is_reported() -> None:
    """What is generated but not played can't be heard: the caller can."""
    call = start()
    call.quiet(500)
    call.manager.set_agent_speaking("call", True, call.now_ms, audio_ms=3000)
    call.play(caller(1000))
    assert call.state is OPEN
    assert len(call.sound) == 50


def test_playout_alone_closes_it() -> None:
    """An engine whose provider says nothing of generation is gated all the same."""
    call = start()
    call.quiet(500)
    call.quiet(100, agent=True)
    assert call.state is CLOSED


def test_paced_silence_is_not_agent_audio() -> None:
    """A line that is kept alive with silence keeps the gate open."""
    call = start()
    call.quiet(3000)
    assert call.state is OPEN
    assert call.event_types == []


def test_time_alone_closes_and_opens_the_gate() -> None:
    """Without a single frame the gate follows playout by advance."""
    call = start()
    call.idle(200)
    call.idle(500, agent=True)
    assert call.state is CLOSED
    call.idle(500)
    assert call.state is OPEN


# -- the caller over the agent ---------------------------------------------------------------------


def test_a_caller_over_the_agent_opens_the_gate_step_by_step() -> None:
    """Candidate after 60 ms of evidence, commitment after 140 ms, in audio time."""
    call = closed()
    call.play(caller(400), agent_voice(400))
    started, committed = call.events[1], call.events[2]
    assert (started.type, committed.type) == (E.CANDIDATE_STARTED, E.BARGE_IN_COMMITTED)
    onset_ms = 1500.0
    assert started.t_ms - onset_ms == 100.0  # 40 ms until the voice is sure, 60 ms of evidence
    assert committed.t_ms - started.t_ms == 80.0


def test_the_onset_is_released_whole_then_live_frames_follow() -> None:
    """Not one frame of the caller is lost or doubled, and nothing from before goes out."""
    call = closed()
    frames = caller(1200)
    call.play(frames, agent_voice(1200))
    assert call.sound == frames
    released = [event for event in call.events if event.type is E.ONSET_RELEASED]
    assert [event.count for event in released] == [call.stats.released_frames]
    assert call.stats.released_frames <= 25


def test_a_candidate_releases_nothing() -> None:
    """Early evidence pauses playout; the provider still hears silence."""
    call = candidate()
    assert call.sound == []
    assert call.events[-1].type is E.CANDIDATE_STARTED
    assert call.decisions[-2].reason is GateReason.CANDIDATE


def test_a_pause_of_our_own_is_not_the_end_of_the_agent() -> None:
    """Playout paused for a candidate or a barge-in, however long, does not open the gate."""
    for call in (candidate(), barge_in()):
        state = call.state
        pattern = caller(1200, seed=9) if state is CANDIDATE else []
        call.play(pattern)
        assert E.GATE_OPENED not in call.event_types


def test_evidence_that_does_not_hold_drops_the_candidate() -> None:
    """160 ms without it: back to closed, told, and the agent counts as audible at once."""
    call = candidate()
    call.quiet(160)
    assert call.state is CLOSED
    assert call.events[-1].type is E.CANDIDATE_DROPPED
    assert call.sound == []
    call.quiet(200)
    assert call.state is CLOSED


def test_after_a_dropped_candidate_the_end_of_the_agent_is_seen() -> None:
    """If playout had nothing left after all, the gate opens when the tail has passed."""
    call = candidate()
    call.quiet(160)
    call.quiet(GRACE_MS + 40)
    assert call.state is OPEN


def test_one_click_opens_nothing() -> None:
    """20 ms at RMS 6000 over the agent are no evidence."""
    for frequency_hz in (300.0, 1000.0, 2500.0):
        call = closed()
        call.play(
            [*frames_of(tone(20, frequency_hz, level_dbfs=-14.7)), *[bytes(320)] * 50],
            agent_voice(1020),
        )
        assert call.event_types == [E.GATE_CLOSED]
        assert call.sound == []


def test_clicks_now_and_then_open_nothing() -> None:
    """One every half second for ten seconds: evidence is forgotten in between."""
    call = closed()
    click = frames_of(tone(20, 1000.0, level_dbfs=-12.0))
    call.play([*click, *[bytes(320)] * 24] * 20, agent_voice(10_000))
    assert E.BARGE_IN_COMMITTED not in call.event_types


def test_echo_below_the_threshold_opens_nothing() -> None:
    """20 s of echo as loud as mode vad allows: no candidate, nothing let out."""
    call = closed()
    call.play(echo(20_000, level_dbfs=-31.0), agent_voice(20_000))
    assert call.event_types == [E.GATE_CLOSED]
    assert call.sound == []


def test_the_onset_holds_no_echo_from_before_the_caller() -> None:
    """With loud echo before, at most the frames that rise above it go out before the evidence."""
    call = start()
    call.quiet(200)
    before = echo(1000, level_dbfs=-30.0)
    frames = caller(600, level_dbfs=-14.0, seed=8)
    call.play([*before, *frames], agent_voice(1600))
    assert E.BARGE_IN_COMMITTED in call.event_types
    sound = call.sound
    assert set(sound) & set(before) == set()
    assert sound == frames[-len(sound) :]
    assert len(frames) - len(sound) <= 2


def test_a_soft_onset_is_kept_on_a_line_without_echo() -> None:
    """A word that begins with 60 ms far below the threshold goes out with these 60 ms."""
    call = closed()
    soft = frames_of(white_noise(60, level_dbfs=-45.0, seed=3))
    call.play([*soft, *caller(600)], agent_voice(660))
    assert call.sound[:3] == soft


# -- from a barge-in to an interruption, or back ---------------------------------------------------


def test_the_provider_confirms() -> None:
    """Its speech_started flushes playout: interrupted, and the gate stays open."""
    call = barge_in()
    decision = call.hear_provider()
    assert [event.type for event in decision.events] == [E.INTERRUPTED]
    assert decision.audio == ()
    assert call.state is OPEN
    assert call.stats.interruptions == 1


def test_the_caller_speaking_on_confirms() -> None:
    """400 ms more of speech need no provider."""
    call = barge_in()
    call.play(caller(600, seed=4))
    assert call.state is OPEN
    assert call.events[-1].type is E.INTERRUPTED
    assert call.events[-1].reason is GateReason.CALLER_TURN


def test_after_an_interruption_the_caller_is_heard_to_the_end() -> None:
    """The flushed agent's tail and the guard cost the caller nothing."""
    call = barge_in()
    n_before = len(call.sound)
    frames = caller(4000, seed=6)
    call.play(frames[:10])
    call.hear_provider()
    call.play(frames[10:])
    assert call.sound[n_before:] == frames
    assert call.state is OPEN


def test_after_an_interruption_the_callers_first_pause_is_heard() -> None:
    """The guard's hangover begins with the interruption: the provider hears the line for 400 ms."""
    call = barge_in()
    call.hear_provider()
    reasons = [decision.reason for decision in call.quiet(400)]
    assert set(reasons) == {GateReason.CALLER_TURN, GateReason.HANGOVER}
    assert call.quiet(400)[-1].reason is GateReason.LINE_SILENCE


def test_an_interrupted_agent_is_not_waited_for_where_nobody_reports_playout() -> None:
    """What was generated and flushed is not derived to be still playing."""
    manager = plain_manager()
    manager.start_call("call", provider="openai_realtime", now_ms=0.0)
    manager.set_agent_speaking("call", True, 0.0, audio_ms=20_000)
    manager.set_agent_speaking("call", False, 0.0)
    captured = [*[bytes(320)] * 50, *caller(1000), *[bytes(320)] * 150]
    states = [
        manager.process("call", frame, 20.0 * number).state
        for number, frame in enumerate(captured, 1)
    ]
    assert manager.get_stats("call").interruptions == 1
    assert set(states[100:]) == {OPEN}


def test_what_nothing_confirms_is_resumed() -> None:
    """1,200 ms after opening, with the caller silent: closed again, told, cooldown begins."""
    call = barge_in()
    opened_ms = call.now_ms
    call.quiet(1300)
    resumed = [event for event in call.events if event.type is E.RESUMED]
    assert [event.t_ms for event in resumed] == [opened_ms + 1200.0]
    assert call.stats.resumed == 1
    assert call.stats.interruptions == 0


def test_while_the_caller_speaks_the_timeout_waits() -> None:
    """Short words now and then after the timeout keep the gate open until there is silence."""
    call = barge_in(barge_in=BargeInConfig(confirm_speech_ms=5000))
    call.play(caller(2000, seed=4))
    assert call.state is BARGE_IN
    call.quiet(120)
    assert call.state is BARGE_IN
    call.quiet(60)
    assert call.state is CLOSED
    assert call.events[-1].type is E.RESUMED


def test_a_caller_who_talked_on_in_a_stall_is_no_false_barge_in() -> None:
    """Playout went on because nothing came; what comes late was said before that, and counts."""
    call = barge_in()
    call.idle(1400, agent=True)
    assert call.event_types.count(E.RESUMED) == 1
    call.slot(*caller(1400, seed=7), agent=agent_voice(20)[0])
    assert call.now_ms - next(e.t_ms for e in call.events if e.type is E.RESUMED) < 500
    assert call.event_types.count(E.BARGE_IN_COMMITTED) == 2


def test_after_a_false_barge_in_no_candidate_for_the_cooldown() -> None:
    """500 ms after resuming nothing opens; then it may again."""
    call = barge_in()
    call.quiet(1200)
    resumed_ms = call.now_ms
    assert call.state is CLOSED
    call.play(caller(460, seed=7), agent_voice(460))
    assert call.state is CLOSED
    call.play(caller(600, seed=7), agent_voice(600))
    committed = [event.t_ms for event in call.events if event.type is E.BARGE_IN_COMMITTED]
    assert len(committed) == 2
    assert committed[1] >= resumed_ms + 500.0


def test_every_barge_in_is_confirmed_by_its_own_speech() -> None:
    """What was said in one that was not confirmed does not count for the next."""
    call = barge_in(barge_in=BargeInConfig(cooldown_ms=0))
    for seed in (4, 6, 8):
        call.play(caller(200, seed=seed))
        call.quiet(1400)
        call.play(caller(240, seed=seed), agent_voice(240))
    assert call.stats.barge_ins >= 3
    assert call.stats.interruptions == 0


def test_speech_the_provider_heard_before_the_agent_confirms_nothing() -> None:
    """A word about audio from well before the gate closed is stale; a fresh one counts."""
    call = barge_in()
    closed_ms = next(event.t_ms for event in call.events if event.type is E.GATE_CLOSED)
    assert call.hear_provider(capture_ms=closed_ms - 501.0).events == ()
    assert call.state is BARGE_IN
    call.hear_provider(capture_ms=closed_ms - 300.0)
    assert call.state is OPEN


@pytest.mark.parametrize("state", [CLOSED, CANDIDATE])
def test_what_the_provider_hears_while_closed_is_ignored(state) -> None:
    """It was sent silence, so it is about something older: nothing happens."""
    call = STATES[state]()
    decision = call.hear_provider()
    assert (decision.events, decision.audio, decision.state) == ((), (), state)
    assert call.stats.interruptions == 0


def test_in_the_open_the_providers_word_interrupts_an_agent_that_is_about_to_speak() -> None:
    """With audio generated but not yet played it interrupts; with nothing to say it does not."""
    call = start()
    call.quiet(200)
    assert call.hear_provider().events == ()
    call.manager.set_agent_speaking("call", True, call.now_ms, audio_ms=2000)
    assert [event.type for event in call.hear_provider().events] == [E.INTERRUPTED]
    assert call.state is OPEN


# -- who has the turn ------------------------------------------------------------------------------


def test_an_agent_that_starts_over_a_talking_caller_finds_the_gate_open() -> None:
    """Every frame of the caller goes out, until 700 ms of silence; then the gate closes."""
    call = caller_turn()
    call.play(caller(3000, seed=6), agent_voice(3000))
    assert call.state is OPEN
    assert len(call.sound) == 50 + 20 + 150
    call.play([bytes(320)] * 34, agent_voice(680))
    assert call.state is OPEN
    call.slot(bytes(320), agent=agent_voice(20)[0])
    assert call.state is CLOSED
    assert call.event_types.count(E.GATE_CLOSED) == 1


@pytest.mark.parametrize(("logit", "state"), [(-2.5, OPEN), (-4.0, CLOSED)])
def test_the_reference_tells_whether_who_talks_when_the_agent_starts_is_the_caller(
    logit, state
) -> None:
    """However loud it is, what the reference takes for echo holds no turn; a doubt does."""
    near_end = ScriptedNearEnd(logits=lambda number: logit)
    call = start(near_end_factory=lambda: near_end)
    call.play(caller(1000))
    call.play(caller(600, seed=6), agent_voice(600))
    assert call.state is state


def test_a_barge_in_after_a_talk_over_is_one_like_any_other() -> None:
    """The gate stays open for 700 ms of silence, though the agent had begun in a caller's turn."""
    logits = {"now": 6.0}
    near_end = ScriptedNearEnd(logits=lambda number: logits["now"])
    call = start(near_end_factory=lambda: near_end)
    call.play(caller(1000))
    call.play(caller(200, seed=6), agent_voice(200))
    logits["now"] = -8.0
    call.quiet(1000, agent=True)
    assert call.state is CLOSED
    logits["now"] = 6.0
    call.play(caller(1000, seed=3), agent_voice(1000))
    assert call.state is OPEN
    logits["now"] = -8.0
    call.quiet(600, agent=True)
    assert call.state is OPEN
    call.quiet(200, agent=True)
    assert call.state is CLOSED


@pytest.mark.parametrize("logit", [0.6, 1.2, 3.0])
def test_evidence_that_commits_confirms_too(logit) -> None:
    """Three seconds of what opened the gate are an interruption, not a false alarm."""
    near_end = ScriptedNearEnd(logits=lambda number: logit)
    call = start(near_end_factory=lambda: near_end)
    call.quiet(20, agent=True)
    call.play(caller(3000), agent_voice(3000))
    assert E.RESUMED not in call.event_types
    if E.BARGE_IN_COMMITTED in call.event_types:
        assert E.INTERRUPTED in call.event_types


def test_a_doubt_before_a_hole_pauses_no_agent_for_ever() -> None:
    """Almost a candidate, then nothing arrives for a while, then a weak frame: the agent talks."""
    script = {1: -8.0, 2: 0.9, 3: 0.4}
    near_end = ScriptedNearEnd(logits=lambda number: script.get(number, -1.0))
    call = start(near_end_factory=lambda: near_end)
    call.quiet(60, agent=True)
    call.idle(400, agent=True)
    call.quiet(1000, agent=True)
    assert call.state is CLOSED


def test_lost_frames_neither_gather_evidence_nor_lose_it() -> None:
    """Nobody judges a frame that the line lost: doubtful frames around it open nothing."""
    doubtful = ScriptedNearEnd(logits=lambda number: None if number % 3 == 0 else 0.2)
    call = start(near_end_factory=lambda: doubtful)
    call.quiet(20, agent=True)
    frames = caller(2000)
    captured = [bytes(320) if number % 3 == 0 else frame for number, frame in enumerate(frames, 2)]
    call.play(captured, agent_voice(2000))
    assert call.state is CLOSED
    assert E.BARGE_IN_COMMITTED not in call.event_types


def test_an_agent_that_starts_after_the_callers_turn_finds_it_closed() -> None:
    """300 ms after the last word the caller is not talking any more, hangover or not."""
    call = start()
    call.play(caller(1000))
    call.quiet(300)
    call.quiet(20, agent=True)
    assert call.state is CLOSED


def test_a_turn_over_the_agent_is_counted_from_the_callers_last_word() -> None:
    """Silence before the agent began counts: the gate closes 700 ms after the word, not later."""
    call = start()
    call.play(caller(1000))
    last_word_ms = call.now_ms
    call.quiet(140)
    while call.state is OPEN:
        call.slot(bytes(320), agent=agent_voice(20)[0])
    assert call.now_ms - last_word_ms <= 760.0


def test_a_turn_that_was_closed_does_not_come_back_with_the_agents_next_sentence() -> None:
    """After the gate closed on a caller's turn, a pause of the agent does not bring it back."""
    call = caller_turn()
    call.play([bytes(320)] * 50, agent_voice(1000))
    assert call.state is CLOSED
    call.quiet(320)
    assert call.state is OPEN
    call.quiet(20, agent=True)
    assert call.state is CLOSED


def test_half_duplex_closes_over_a_talking_caller_too() -> None:
    """Nothing passes while the agent is audible, whoever was first."""
    call = start(GatingMode.HALF_DUPLEX)
    call.play(caller(1000))
    call.play(caller(1000, seed=3), agent_voice(1000))
    assert call.state is CLOSED
    assert len(call.sound) == 50


def test_half_duplex_can_not_be_interrupted() -> None:
    """Two seconds of shouting change nothing; afterwards the caller is heard."""
    call = closed(mode=GatingMode.HALF_DUPLEX)
    call.play(caller(2000, level_dbfs=-10.0), agent_voice(2000))
    assert call.event_types == [E.GATE_CLOSED]
    call.quiet(500)
    call.play(caller(1000, seed=3))
    assert len(call.sound) == 50


def test_mode_off_lets_everything_through() -> None:
    """Noise, echo and silence, with the guard on, as they come and when they come."""
    call = start(GatingMode.OFF)
    captured = [*frames_of(white_noise(3000, level_dbfs=-40.0)), *echo(2000), *[bytes(320)] * 50]
    decisions = call.play(captured, [*agent_voice(1000), *agent_voice(4000, seed=3)])
    assert [decision.audio for decision in decisions[:300]] == [(frame,) for frame in captured]
    assert {decision.reason for decision in decisions} == {GateReason.PASS_THROUGH}
    assert call.event_types == []


def test_mode_off_follows_the_providers_word() -> None:
    """Where the gate does not judge, the provider's turn detector does."""
    call = start(GatingMode.OFF)
    call.quiet(1000, agent=True)
    assert [event.type for event in call.hear_provider().events] == [E.INTERRUPTED]


def test_a_caller_who_begins_as_the_agent_ends_is_released_from_the_onset_on() -> None:
    """Evidence in the tail is not enough for a barge-in, but it is no echo either."""
    call = closed()
    call.quiet(GRACE_MS - 90)
    frames = caller(1000, seed=3)
    call.play(frames)
    assert E.GATE_OPENED in call.event_types
    assert E.HELD_DISCARDED not in call.event_types
    assert E.BARGE_IN_COMMITTED not in call.event_types
    assert call.sound == frames


# -- the reference decides, where there is one -----------------------------------------------------


def test_with_a_reference_the_verdict_opens_the_gate_and_not_the_level() -> None:
    """Loud echo is withheld, a soft caller is let in; frames judged echo are not in the onset."""
    near_end = ScriptedNearEnd(logits=lambda number: 8.0 if number > 100 else -8.0)
    call = start(near_end_factory=lambda: near_end)
    loud = echo(2000, level_dbfs=-12.0)
    call.play(loud, agent_voice(2000))
    assert call.sound == []
    soft = caller(400, level_dbfs=-40.0)
    call.play(soft, agent_voice(400))
    assert call.state is BARGE_IN
    assert call.sound == soft


@pytest.mark.parametrize("forwarded", list(ForwardedAudio))
def test_onset_and_live_frames_are_forwarded_as_the_policy_says(forwarded: ForwardedAudio) -> None:
    """As captured, the very frames; or all of them without echo, and nothing else changes."""
    logits = {101: 1.4, 102: 1.4}  # a candidate at once, and no commitment yet
    near_end = ScriptedCanceller(
        logits=lambda number: logits.get(number, 8.0 if number > 100 else -8.0)
    )
    call = start(near_end_factory=lambda: near_end, forwarded_audio=forwarded)
    call.play(echo(2000, level_dbfs=-12.0), agent_voice(2000))
    captured = caller(400, level_dbfs=-30.0)
    call.play(captured, agent_voice(400))
    assert E.ONSET_RELEASED in call.event_types
    if forwarded is ForwardedAudio.RAW:
        assert all(a is b for a, b in zip(call.sound, captured, strict=True))
        return
    left = np.frombuffer(b"".join(call.sound), np.int16).astype(int)
    half = np.frombuffer(b"".join(captured), np.int16) / 2
    assert len(left) == len(half)
    assert np.abs(left - half).max() <= 0.5


def test_the_verdict_is_in_the_measurements() -> None:
    """A trace shows what the detector said of the frame, and the evidence gathered."""
    near_end = ScriptedNearEnd(logits=lambda number: 2.0)
    call = start(near_end_factory=lambda: near_end)
    call.quiet(20, agent=True)
    assert call.decisions[-2].measurements.near_end_logit == 2.0
    assert call.decisions[-2].measurements.evidence_ms == 20.0


def test_measurements_of_the_line() -> None:
    """Level, crossings, voice and the guard's floor stand in every decision on a frame."""
    call = start()
    call.play(frames_of(white_noise(3000, level_dbfs=-40.77)))
    measurements = call.decisions[-2].measurements
    assert measurements.capture_rms == pytest.approx(300, rel=0.2)
    assert measurements.zcr_ratio == pytest.approx(0.5, abs=0.1)
    assert measurements.noise_floor == pytest.approx(300, rel=0.2)
    assert measurements.near_end_logit is None
    assert call.manager.advance("call", call.now_ms).measurements is None


# -- degradation -----------------------------------------------------------------------------------


def degraded(call: GateCall) -> list[tuple[str, GateReason]]:
    return [
        (event.detail, event.reason) for event in call.events if event.type is E.DETECTOR_DEGRADED
    ]


@every_state
def test_voice_detection_that_raises_leaves_a_call_that_goes_on(state) -> None:
    """In every state: one event, half duplex from then on, and the caller is heard afterwards."""
    vad = BrokenVad(works_for=10**9)
    call = STATES[state](vad_manager=vad)
    vad._works_for = 0
    call.play(caller(500), agent_voice(500) if state is not OPEN else ())
    call.quiet(3000)
    assert [detail for detail, _ in degraded(call)] == ["half_duplex"]
    assert call.stats.degradations == 1
    assert call.state is OPEN
    n_before = len(call.sound)
    call.play(caller(1000, seed=3))
    assert len(call.sound) - n_before == 50


def test_a_call_whose_voice_detection_never_worked_hears_the_caller() -> None:
    """Half duplex: silent while the agent is audible, open for speech when it is not."""
    call = start(vad_manager=BrokenVad())
    call.quiet(200)
    call.play(caller(1000))
    assert len(call.sound) == 50
    call.quiet(500)
    call.play(caller(1000, seed=3), agent_voice(1000))
    assert len(call.sound) == 50
    assert degraded(call) == [("half_duplex", GateReason.AGENT_SILENT)]


def test_a_near_end_detector_that_raises_leaves_voice_and_level() -> None:
    """One event, and a loud caller still interrupts."""
    near_end = ScriptedNearEnd(logits=lambda number: -4.0, raises_from=30)
    call = closed(near_end_factory=lambda: near_end)
    call.play(caller(600), agent_voice(600))
    assert E.BARGE_IN_COMMITTED in call.event_types
    assert degraded(call) == [("vad", GateReason.AGENT_AUDIBLE)]


def test_a_network_of_the_guard_that_raises_is_told_once(monkeypatch) -> None:
    """One event and one count; the mode is as before, and the caller is heard."""

    def fail(self: SpeechEvidence, *args: object, **options: object) -> bool:
        raise RuntimeError("no evidence any more")

    monkeypatch.setattr(SpeechEvidence, "process", fail)
    call = start()
    call.quiet(500)
    call.play(caller(1000))
    assert degraded(call) == [("audio_guard", GateReason.AGENT_SILENT)]
    assert call.stats.degradations == 1
    assert call.sound
    call.quiet(1000, agent=True)
    call.play(caller(1000, seed=3), agent_voice(1000))
    assert E.BARGE_IN_COMMITTED in call.event_types


def test_what_the_guard_and_a_detector_lose_is_told_apart(monkeypatch) -> None:
    """Each has its event, and both are counted."""

    def fail(self: SpeechEvidence, *args: object, **options: object) -> bool:
        raise RuntimeError("no evidence any more")

    monkeypatch.setattr(SpeechEvidence, "process", fail)
    near_end = ScriptedNearEnd(logits=lambda number: -4.0, raises_from=90)
    call = start(near_end_factory=lambda: near_end)
    call.quiet(500)
    call.play(caller(600))
    call.quiet(1000)
    call.play(echo(2000), agent_voice(2000))
    assert [detail for detail, _ in degraded(call)] == ["audio_guard", "vad"]
    assert call.stats.degradations == 2


# -- the guard's time ------------------------------------------------------------------------------


def counted_guard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what the guards of all calls are told, as it comes."""
    told: list[str] = []
    process, pass_slot = GuardedLine.process, GuardedLine.pass_slot

    def counted_process(self: GuardedLine, *args: object) -> bool:
        told.append("asked")
        return process(self, *args)

    def counted_pass(self: GuardedLine) -> None:
        told.append("passed")
        pass_slot(self)

    monkeypatch.setattr(GuardedLine, "process", counted_process)
    monkeypatch.setattr(GuardedLine, "pass_slot", counted_pass)
    return told


@every_state
@pytest.mark.parametrize("captured", [True, False], ids=["frames", "dtx"])
def test_every_slot_passes_once_for_the_guard(monkeypatch, state, captured) -> None:
    """With a frame or without, whatever the gate does with it."""
    told = counted_guard(monkeypatch)
    call = STATES[state]()
    if captured:
        call.play(caller(2000, seed=9), agent_voice(1000))
    else:
        call.idle(1000, agent=True)
        call.idle(1000)
    call.quiet(100)
    assert len(told) == call.now_ms / 20


def test_every_slot_of_a_turn_over_the_agent_passes_for_the_guard(monkeypatch) -> None:
    """What the caller says over the agent goes out, and the guard knows that time has passed."""
    call = caller_turn()
    told = counted_guard(monkeypatch)
    call.play(caller(1000, seed=6), agent_voice(1000))
    assert call.state is OPEN
    assert told == ["passed"] * 50


def test_a_stall_in_the_agents_turn_passes_once(monkeypatch) -> None:
    """Frames that come late do not count again, but the first, of which nobody knows it yet."""
    told = counted_guard(monkeypatch)
    call = closed()
    call.idle(1000, agent=True)
    call.slot(*echo(1000), agent=agent_voice(20)[0])
    call.quiet(500, agent=True)
    assert len(told) == pytest.approx(call.now_ms / 20, abs=2)


def test_a_turn_ends_in_the_agents_time_without_frames() -> None:
    """The hangover of what the caller said before a silent agent's turn is over after it."""
    call = start()
    call.play(caller(1000))
    call.idle(260)
    call.idle(3000, agent=True)
    call.idle(400)
    n_before = len(call.sound)
    call.play(frames_of(white_noise(60, level_dbfs=-60.0, seed=4)))
    assert call.state is OPEN
    assert len(call.sound) == n_before


@pytest.mark.parametrize("mode", [GatingMode.VAD, GatingMode.ECHO_AWARE])
def test_a_caller_who_talks_on_over_the_agents_end_loses_nothing(mode) -> None:
    """The guard takes over in the middle of a turn that the gate has heard."""
    call = start(mode)
    call.play(caller(1000))
    call.play(caller(3000, seed=6), agent_voice(1000))
    assert len(call.sound) == 50 + 150
    assert call.stats.withheld_frames == call.stats.released_frames


# -- order -----------------------------------------------------------------------------------------


def test_what_was_held_before_the_agent_began_does_not_follow_what_was_said_over_it() -> None:
    """Noise after a short hangover is held; the turn that goes on over the agent is not."""
    assert_in_order(
        GatingMode.VAD,
        hangovers_ms=(100, 0),
        segments=[("noise", 3000), ("caller", 600), ("noise", 140), ("both", 80), ("caller", 600)],
    )


SEGMENT = st.tuples(
    st.sampled_from(["noise", "caller", "both", "echo", "agent_dtx", "dtx"]),
    st.integers(1, 40).map(lambda n: 20 * n),
).map(lambda segment: [segment])
INTO_THE_TURN = st.tuples(st.integers(20, 50), st.integers(2, 11), st.integers(2, 20)).map(
    lambda n: [
        ("caller", 20 * n[0]),
        ("noise", 20 * n[1]),
        ("both", 20 * n[2]),
        ("caller", 600),
    ]
)
"""The agent begins in a short pause of the caller's."""


@settings(max_examples=40)
@given(
    st.sampled_from([GatingMode.VAD, GatingMode.ECHO_AWARE]),
    st.tuples(st.integers(0, 400), st.integers(0, 400)),
    st.lists(st.one_of(SEGMENT, INTO_THE_TURN), min_size=2, max_size=6),
)
def test_what_goes_out_is_in_the_order_in_which_it_was_captured(mode, hangovers_ms, parts) -> None:
    """Whoever talks when, over frames and holes, with any hangover."""
    segments = [("noise", 2000), *(segment for part in parts for segment in part)]
    assert_in_order(mode, hangovers_ms=hangovers_ms, segments=segments)


def assert_in_order(
    mode: GatingMode, *, hangovers_ms: tuple[int, int], segments: Sequence[tuple[str, int]]
) -> None:
    hangover_ms, noise_hangover_ms = hangovers_ms
    guard = AudioGuardConfig(
        hangover_ms=hangover_ms,
        noise_hangover_ms=noise_hangover_ms,
        quieter_voices=QuieterVoices.PASS,
    )
    near_end = ScriptedNearEnd()
    call = GateCall(
        plain_manager(
            config=replace(configured(mode), audio_guard=guard), near_end_factory=lambda: near_end
        )
    )
    numbers: dict[bytes, int] = {}
    for seed, (kind, duration_ms) in enumerate(segments):
        is_agent = kind in ("both", "echo", "agent_dtx")
        if kind.endswith("dtx"):
            call.idle(duration_ms, agent=is_agent)
            continue
        is_caller = kind in ("caller", "both")
        logit = 6.0 if is_caller else -6.0
        near_end.logits = lambda number, logit=logit: logit
        sound = white_noise(duration_ms, level_dbfs=-45.0, seed=seed).astype(np.int16)
        if is_caller:
            sound += speech_like(duration_ms, level_dbfs=-18.0, seed=seed).astype(np.int16)
        frames = frames_of(sound)
        numbers |= {frame: len(numbers) + number for number, frame in enumerate(frames)}
        call.play(frames, agent_voice(duration_ms) if is_agent else ())
    sent = [numbers[frame] for frame in call.sound]
    assert sent == sorted(sent)


# -- malformed and odd audio -----------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [b"", b"\1", b"\1" * 321, bytes(16_002)])
@every_state
def test_malformed_audio_is_counted_and_changes_nothing(state, chunk) -> None:
    """Empty, odd or longer than a second: no audio, no exception, the state as it was."""
    call = STATES[state]()
    before = call.stats
    decision = call.manager.process("call", chunk, call.now_ms)
    assert (decision.reason, decision.state) == (GateReason.MALFORMED_AUDIO, state)
    assert decision.audio == decision.events == ()
    after = call.stats
    assert after.malformed_chunks == 1
    after.malformed_chunks = 0
    assert after == before


def test_a_second_is_the_longest_chunk() -> None:
    """1,000 ms are audio, and nothing of them is lost."""
    call = start(audio_guard_enabled=False)
    call.now_ms = 980.0
    call.slot(b"\1\0" * 8000)
    assert call.stats.captured_frames == 50
    assert b"".join(call.audio) == b"\1\0" * 8000


def test_odd_but_whole_sizes_are_put_together() -> None:
    """276-byte frames, as seen on real lines: every byte goes out, in frames of 20 ms."""
    call = start(audio_guard_enabled=False)
    data = speech_like(2000, seed=1).astype("<i2").tobytes()
    for at in range(0, len(data), 276):
        call.slot(data[at : at + 276])
    sent = b"".join(call.audio)
    assert data.startswith(sent)
    assert len(data) - len(sent) < 320


def test_part_of_a_frame_waits() -> None:
    """Nothing is decided before 20 ms are there, and that is said."""
    call = start()
    decision = call.manager.process("call", bytes(160), 10.0)
    assert (decision.reason, decision.audio) == (GateReason.INCOMPLETE_FRAME, ())
    assert call.stats.captured_frames == 0


def test_a_far_end_frame_of_odd_length_is_counted() -> None:
    """The slot counts as agent audio all the same."""
    call = start()
    call.manager.receive_far_end("call", b"\1" * 333, 20.0, is_agent_audio=True)
    call.manager.advance("call", 20.0)
    assert call.stats.malformed_far_end_frames == 1
    assert call.state is CLOSED


FORMATS = [
    AudioFormat(Encoding.PCM16, 8000),
    AudioFormat(Encoding.PCM16, 16_000),
    AudioFormat(Encoding.PCM16, 24_000),
    AudioFormat(Encoding.PCM16, 48_000),
    AudioFormat(Encoding.MULAW),
    AudioFormat(Encoding.ALAW),
]


def encode(samples: np.ndarray, audio_format: AudioFormat) -> list[bytes]:
    data = g711.encode(samples, audio_format)
    size = audio_format.frame_bytes
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("audio_format", FORMATS, ids=lambda f: f"{f.encoding}-{f.rate_hz}")
def test_a_caller_can_interrupt_in_every_format(audio_format) -> None:
    """8, 16, 24 and 48 kHz and both laws: same steps, the caller's own bytes, its own silence."""
    call = GateCall(capture_format=audio_format)
    quiet = encode(silence(20, rate_hz=audio_format.rate_hz), audio_format)[0]
    call.play([quiet] * 50, agent_voice(1000))
    samples = speech_like(800, level_dbfs=-18.0, seed=1, rate_hz=audio_format.rate_hz)
    frames = encode(samples, audio_format)
    call.play(frames, agent_voice(800))
    assert call.event_types[:3] == [E.GATE_CLOSED, E.CANDIDATE_STARTED, E.BARGE_IN_COMMITTED]
    sent = [chunk for chunk in call.audio if chunk != quiet]
    assert sent == [frame for frame in frames if frame != quiet][-len(sent) :]
    assert len(frames) - len(sent) <= 1
    assert {len(chunk) for chunk in call.audio} == {audio_format.frame_bytes}


# -- chunks ----------------------------------------------------------------------------------------


def scripted_line() -> tuple[list[bytes], list[bytes | None]]:
    """Return a line with noise, a caller, echo, a barge-in and silence, and what it plays."""
    captured = [
        *frames_of(white_noise(500, level_dbfs=-60.0, seed=1)),
        *caller(900, seed=2),
        *frames_of(silence(1200)),
        *echo(1500, level_dbfs=-33.0),
        *caller(700, seed=3),
        *frames_of(silence(2000)),
        *caller(160, seed=4),
        *frames_of(silence(2500)),
    ]
    playing = [None] * 130 + list(agent_voice(4400))
    return captured, playing + [None] * (len(captured) - len(playing))


def sent_for_chunks(sizes: Sequence[int]) -> tuple[bytes, list[tuple[str, float]]]:
    """Play the line in chunks of so many bytes, each arriving with its last byte."""
    captured, playing = scripted_line()
    data = b"".join(captured)
    manager = plain_manager()
    manager.start_call("call", provider="openai_realtime", now_ms=0.0)
    sent, events, slot = [], [], 0
    ends = [0, *accumulate(sizes)]
    for start_byte, end_byte in pairwise(ends):
        now_ms = end_byte / 16
        while slot < len(playing) and (slot + 1) * 20.0 <= now_ms:
            slot += 1
            manager.receive_far_end(
                "call",
                playing[slot - 1] or bytes(320),
                slot * 20.0,
                is_agent_audio=playing[slot - 1] is not None,
            )
        decision = manager.process("call", data[start_byte:end_byte], now_ms)
        sent += decision.audio
        events += [(event.type, event.t_ms) for event in decision.events]
    return b"".join(sent), events


N_BYTES = sum(map(len, scripted_line()[0]))
REGULAR = sent_for_chunks([320] * (N_BYTES // 320))


def test_the_line_used_for_chunking_shows_the_whole_gate() -> None:
    """It would prove little otherwise: open, closed, candidate, barge-in, and back."""
    told = {event_type for event_type, _ in REGULAR[1]}
    assert told >= {E.GATE_CLOSED, E.CANDIDATE_STARTED, E.BARGE_IN_COMMITTED, E.ONSET_RELEASED}
    assert told >= {E.INTERRUPTED, E.GATE_OPENED}


@settings(max_examples=20)
@given(st.lists(st.integers(1, 800).map(lambda n: 2 * n), min_size=1, max_size=12))
def test_chunking_does_not_show(sizes) -> None:
    """However the line is cut (2 bytes to 100 ms), the provider gets the same bytes, and the same
    things happen at the same times."""
    n_whole = N_BYTES // sum(sizes)
    chunks = sizes * n_whole
    rest = N_BYTES - sum(chunks)
    audio, events = sent_for_chunks([*chunks, *([rest] if rest else [])])
    assert audio == REGULAR[0]
    assert events == REGULAR[1]


@pytest.mark.parametrize("chunk_frames", [1, 3, 5, 10])
def test_large_chunks_do_not_make_the_gate_flap(chunk_frames) -> None:
    """Where time is told between chunks that hold what came before it, the gate closes and opens
    once, and no echo goes out."""
    call = start()
    call.quiet(1000)
    voice = [*agent_voice(2000), *[None] * 50]
    captured = [*[bytes(320)] * 5, *echo(2080), *[bytes(320)] * 41]
    for number, far in enumerate(voice, 1):
        is_due = number % chunk_frames == 0
        chunk = b"".join(captured[number - chunk_frames : number])
        call.slot(*([chunk] if is_due else []), agent=far)
    assert call.event_types == [E.GATE_CLOSED, E.GATE_OPENED, E.HELD_DISCARDED]
    assert call.sound == []


def test_a_decision_on_several_frames_is_that_of_the_last() -> None:
    """The audio of all of them, in order, and the action of the last 20 ms."""
    call = start(audio_guard_enabled=False)
    frames = [bytes([number]) * 320 for number in (1, 2, 3)]
    call.now_ms = 40.0
    decision = call.slot(b"".join(frames))
    assert decision.audio == tuple(frames)
    assert decision.action is GateAction.FORWARD


# -- time without frames, bursts -------------------------------------------------------------------


@every_state
def test_an_idle_line_is_filled_in_every_state(state) -> None:
    """5 s without a frame: the provider gets 5 s of silence, counted, and its clock goes on."""
    call = STATES[state]()
    before_ms, before = call.audio_ms, call.stats.silence_frames
    ahead_ms = before_ms - call.now_ms
    call.idle(5000, agent=state is CLOSED)
    assert call.audio_ms - before_ms == pytest.approx(5000, abs=max(20, ahead_ms))
    assert call.audio_ms >= call.now_ms
    assert call.stats.idle_fill_frames + call.stats.surplus_frames == 250
    assert call.stats.silence_frames - before == call.stats.idle_fill_frames


def test_an_idle_line_is_a_silent_caller() -> None:
    """A candidate is dropped, a barge-in resumed, a caller's turn ended, as by silence."""
    call = candidate()
    call.idle(400, agent=True)
    assert E.CANDIDATE_DROPPED in call.event_types
    call = barge_in()
    call.idle(1300)
    assert E.RESUMED in call.event_types
    call = caller_turn()
    call.idle(900, agent=True)
    assert call.state is CLOSED


def test_evidence_does_not_reach_back_over_a_hole() -> None:
    """Frames that never came are not counted as the caller's: no echo from before goes out."""
    config = BargeInConfig(evidence_release_ms=600, min_ms=200)
    call = start(barge_in=config)
    before = echo(1000, level_dbfs=-30.0)
    call.play(before, agent_voice(1000))
    frames = caller(600, level_dbfs=-14.0, seed=8)
    call.play(frames[:7], agent_voice(140))
    call.idle(100, agent=True)
    call.play(frames[7:], agent_voice(460))
    assert E.BARGE_IN_COMMITTED in call.event_types
    assert set(call.sound) <= set(frames)


def test_what_was_held_before_a_hole_is_not_the_onset_after_it() -> None:
    """Line noise from before 5 s of nothing is not sent in front of the next word."""
    call = start()
    noise = frames_of(white_noise(1000, level_dbfs=-60.0, seed=4))
    call.play(noise)
    call.idle(5000)
    frames = caller(600)
    call.play(frames)
    assert call.sound == frames


def test_a_line_that_begins_late_is_owed_nothing() -> None:
    """Time before the first frame, with nobody asking for it to be filled, is not made up for."""
    call = start()
    call.now_ms = 5000.0
    call.play(caller(400))
    call.idle(40)
    call.play(caller(400))
    assert call.stats.idle_fill_frames == 0


def test_hold_on_a_line_in_large_chunks_is_not_filled() -> None:
    """A line of 200 ms chunks is asked for time in between; nothing is put into its sound."""
    call = start(audio_guard_enabled=False)
    data = speech_like(4000, seed=1).astype("<i2").tobytes()
    for at in range(0, len(data), 3200):
        call.slot(data[at : at + 3200])
        call.idle(180)
    assert b"".join(call.audio) == data
    assert call.stats.idle_fill_frames == 0


def test_a_process_that_slept_does_not_drown_the_provider() -> None:
    """After an hour at most 10 s are filled, little by little, and then things are as before."""
    call = start()
    call.quiet(500)
    call.now_ms += 3_600_000.0
    assert [len(decision.audio) for decision in call.idle(1000)] == [10] * 50
    call.idle(1000)
    call.quiet(1000)
    n_audio = len(call.audio)
    call.quiet(1000)
    assert len(call.audio) - n_audio == 50


def test_a_burst_after_a_stall_loses_no_word() -> None:
    """4 s of speech that arrive at once after 4 s of nothing all go out."""
    call = start()
    call.quiet(500)
    call.idle(4000)
    frames = caller(4000, seed=3)
    call.slot(*frames)
    assert call.sound == frames


def test_a_burst_of_echo_after_a_stall_is_still_echo() -> None:
    """What was captured while the agent was audible and comes after its end does not go out; what
    the caller said after it in the same burst does."""
    call = start()
    call.quiet(500)
    call.play(echo(500), agent_voice(500))
    call.idle(1500, agent=True)
    call.idle(2500)
    assert call.state is OPEN
    stalled = [*echo(1500, seed=3), *[bytes(320)] * 40]
    frames = caller(1000, seed=5)
    call.slot(*stalled, *frames)
    call.quiet(200)
    assert set(call.sound) & set(stalled) == set()
    assert set(call.sound) == set(frames)


def test_what_comes_late_is_judged_by_what_was_audible_when_it_was_captured() -> None:
    """The reference is asked about all that was captured in the agent's turn, and not beyond it."""
    asked: list[bool] = []

    class AskedNearEnd(ScriptedNearEnd):
        def process(self, *args: object, agent_audible: bool = True) -> NearEndVerdict | None:
            asked.append(agent_audible)
            return NearEndVerdict(logit=-5.0) if agent_audible else None

    call = start(near_end_factory=AskedNearEnd)
    call.quiet(500)
    call.idle(1000, agent=True)
    call.idle(1000)
    assert call.state is OPEN
    asked.clear()
    frames = echo(2000)
    call.slot(*frames)
    n_audible = (1000 + GRACE_MS) // 20
    assert abs(sum(asked) - n_audible) <= 2
    assert not any(asked[n_audible + 2 :])
    assert not set(call.sound) & set(frames[: n_audible - 2])


def test_a_line_that_comes_back_from_dtx_is_live() -> None:
    """The caller's first word after a silence in which the agent spoke is heard from the onset."""
    call = start()
    call.quiet(500)
    call.idle(2000, agent=True)
    call.idle(600)
    frames = caller(1000, seed=3)
    call.play(frames)
    assert call.sound == frames


# -- never starved ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("guarded", [True, False])
def test_scripted_calls_never_starve_the_provider(name, guarded) -> None:
    """At every moment of every scripted call the provider has had the line's time, but 100 ms."""
    sent_ms = 0.0
    manager = plain_manager(audio_guard_enabled=guarded)
    for slot, decision in run_call(manager, SCENARIOS[name]()):
        sent_ms += sum(map(len, decision.audio)) / 16
        if decision.measurements is None:  # the slot's last word
            assert sent_ms >= slot * 20.0 - 100.0


PARTS = st.sampled_from(["quiet", "caller", "noise", "echo", "idle", "holes", "burst", "speech"])


@settings(max_examples=25)
@given(st.lists(st.tuples(PARTS, st.integers(1, 40)), min_size=1, max_size=14), st.booleans())
def test_no_scenario_starves_the_provider(parts, guarded) -> None:
    """Over any mix of talk, echo, holes, stalls and bursts: never more than 100 ms behind the line,
    no sound left out for a surplus, and silence only between turns."""
    call = GateCall(plain_manager(audio_guard_enabled=guarded))
    call.quiet(20)
    missed: list[bytes] = []
    for kind, length in parts:
        before = call.stats
        if kind == "idle":
            call.idle(length * 20)
            missed += caller(length * 20, seed=length)
        elif kind == "burst":
            call.slot(*missed[:200])
            missed = []
        elif kind == "holes":
            for _ in range(length):
                call.idle(80)
                call.slot(bytes(320))
        elif kind == "speech":
            call.hear_provider()
        else:
            frames = {
                "quiet": lambda n: [bytes(320)] * n,
                "caller": lambda n: caller(n * 20, seed=n),
                "noise": lambda n: frames_of(white_noise(n * 20, level_dbfs=-38.0, seed=n)),
                "echo": lambda n: echo(n * 20, seed=n),
            }[kind](length)
            call.play(frames, agent_voice(length * 20) if kind == "echo" else ())
        assert call.audio_ms >= call.now_ms - 100.0
        if call.manager._gates["call"]._outlet.feed.in_turn:
            assert call.stats.surplus_frames == before.surplus_frames
        if kind == "speech" and length % 2:
            call.manager.receive_provider_speech_stopped("call", call.now_ms)
    stats = call.stats
    assert stats.captured_frames == stats.forwarded_frames + stats.withheld_frames
    n_audio = stats.forwarded_frames + stats.released_frames + stats.silence_frames
    assert n_audio + stats.gap_recovery_frames == len(call.audio)


def test_a_released_onset_is_taken_back_as_silence_between_turns() -> None:
    """The provider's clock runs ahead by the onset, and is back in step a few seconds later."""
    call = barge_in()
    call.hear_provider()
    call.play(caller(400, seed=4))
    ahead_ms = call.audio_ms - call.now_ms
    assert ahead_ms >= 140.0
    call.quiet(3000)
    assert call.audio_ms - call.now_ms == ahead_ms  # the turn is open
    call.manager.receive_provider_speech_stopped("call", call.now_ms)
    call.quiet(4000)
    assert call.audio_ms - call.now_ms <= 80.0
    assert call.stats.surplus_frames > 0


def test_adaptive_saves_silence_and_still_closes_the_turn() -> None:
    """2 s of silence after the caller, then nothing while the agent talks on."""
    call = start(withheld_audio=WithheldAudio.ADAPTIVE)
    call.play(caller(1000))
    call.quiet(1000)
    call.quiet(10_000, agent=True)
    silent_ms = call.audio_ms - 20 * len(call.sound)
    assert 2000 <= silent_ms <= 3000
    call.quiet(600)
    frames = caller(600, seed=4)
    n_before = len(call.sound)
    call.play(frames)
    assert call.sound[n_before:] == frames


def test_drop_sends_sound_only() -> None:
    """Withheld frames and idle time leave nothing behind, and nothing is counted as sent."""
    call = start(withheld_audio=WithheldAudio.DROP)
    call.quiet(1000)
    call.quiet(1000, agent=True)
    call.idle(2000)
    assert call.audio == []
    assert call.stats.idle_fill_frames == call.stats.silence_frames == 0


# -- determinism, gap recovery ---------------------------------------------------------------------


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_same_inputs_give_the_same_decisions(name) -> None:
    """Decisions compare equal field by field, measurements included."""
    first = list(run_call(plain_manager(), SCENARIOS[name]()))
    second = list(run_call(plain_manager(), SCENARIOS[name](), call_id="other"))
    assert first == second


def holes_of(n_slots: int, *, guarded: bool) -> GateCall:
    call = start(audio_guard_enabled=guarded)
    call.play(caller(500))
    for _ in range(10):
        call.idle(20 * n_slots)
        call.play(caller(200, seed=3))
    return call


def test_gap_recovery_is_there_without_the_guard_only() -> None:
    """Gaps of three slots are filled without the guard; with it nothing is put into the stream."""
    assert holes_of(3, guarded=False).stats.gap_recovery_frames == 30
    assert holes_of(3, guarded=True).stats.gap_recovery_frames == 0
    assert holes_of(1, guarded=False).stats.gap_recovery_frames == 0


def test_idle_fill_waits_as_long_as_configured() -> None:
    """Operators may wait longer before silence is filled in."""
    config = GatingConfig(idle_fill=IdleFillConfig(after_ms=1000))
    call = GateCall(plain_manager(config=config))
    call.quiet(200)
    call.idle(980)
    assert call.stats.idle_fill_frames == 0
    call.idle(100)
    assert call.stats.idle_fill_frames == 50
    call.idle(20)
    assert call.stats.idle_fill_frames == 55


def test_the_guards_preroll_is_as_long_as_configured() -> None:
    """None at all: an onset begins with the frame on which speech was heard."""
    config = GatingConfig(audio_guard=AudioGuardConfig(preroll_ms=0))
    call = GateCall(plain_manager(config=config))
    call.quiet(500)
    frames = caller(500)
    call.play(frames)
    n_unheard = len(frames) - len(call.sound)
    assert 1 <= n_unheard <= 4  # evidence takes two frames
    assert call.sound == frames[n_unheard:]


@pytest.mark.parametrize("n_frames", range(6, 11))
def test_a_short_answer_in_the_echo_tail_reaches_the_provider(n_frames) -> None:
    """With nothing left to say, a word of any length is the caller's turn, not a candidate lost."""
    call = start()
    call.quiet(1000, agent=True)
    call.quiet(60)
    word = caller(n_frames * 20, level_dbfs=-14.0, seed=4)
    call.play(word)
    call.quiet(1000)
    assert call.state is OPEN
    assert len([chunk for chunk in call.sound if chunk in word]) >= n_frames - 1


def test_the_hangover_runs_on_while_the_gate_is_closed() -> None:
    """After a long answer, the noise of the line is no word end of the caller's last turn."""
    call = start()
    call.play(caller(500))
    call.play([], agent_voice(4000))
    call.quiet(GRACE_MS + 40)
    n_before = len(call.sound)
    call.play(frames_of(white_noise(600, level_dbfs=-55.0, seed=3)))
    assert len(call.sound) == n_before


def test_a_caller_who_spoke_in_a_stall_is_heard() -> None:
    """What comes late, said over the agent, goes out from its onset on."""
    call = start()
    call.quiet(500, agent=True)
    speech = caller(1500, level_dbfs=-14.0, seed=6)
    call.idle(1000, agent=True)
    call.idle(1500)
    for chunk in [bytes(320)] * 40 + speech:
        call.decisions.append(call.manager.process("call", chunk, call.now_ms))
    heard = [chunk for chunk in call.sound if chunk in speech]
    assert len(heard) >= len(speech) - 10


def test_speech_that_the_provider_was_sent_before_the_gate_closed_interrupts() -> None:
    """Its report comes late; what it names as its time tells it from an echo of silence."""
    call = start()
    call.play(caller(300))
    call.quiet(700)
    call.quiet(100, agent=True)
    assert call.state is CLOSED
    decision = call.hear_provider(capture_ms=20.0)
    assert [event.type for event in decision.events] == [E.INTERRUPTED]


def test_an_answer_that_waits_for_its_first_slot_can_be_interrupted() -> None:
    """Generated in a moment and not yet played: the provider's word still stops it."""
    call = start()
    call.quiet(200)
    call.manager.set_agent_speaking("call", True, call.now_ms, audio_ms=900)
    call.manager.set_agent_speaking("call", False, call.now_ms)
    decision = call.hear_provider()
    assert [event.type for event in decision.events] == [E.INTERRUPTED]


def test_after_an_interruption_the_guard_has_its_hangover() -> None:
    """The pause after the caller's first words is heard as a pause, not cut as line noise."""
    call = start()
    call.quiet(500, agent=True)
    call.play(caller(700, level_dbfs=-14.0), agent_voice(300))
    assert E.INTERRUPTED in call.event_types
    pause = frames_of(white_noise(600, level_dbfs=-62.0, seed=9))
    call.play(pause)
    assert call.decisions[-1].measurements is None or call.state is OPEN
    assert len([chunk for chunk in call.sound if chunk in pause]) >= 15


def test_after_an_interruption_a_derived_end_is_forgotten() -> None:
    """Where nobody reports playout: what was generated and flushed keeps no gate closed."""
    manager = plain_manager()
    manager.start_call("call", provider="openai_realtime", now_ms=0)
    manager.set_agent_speaking("call", True, 0, audio_ms=20_000)
    manager.set_agent_speaking("call", False, 20)
    events = []
    frames = [*[bytes(320)] * 25, *caller(1200, level_dbfs=-14.0), *[bytes(320)] * 100]
    for number, frame in enumerate(frames, 1):
        events += [event.type for event in manager.process("call", frame, 20.0 * number).events]
    assert E.INTERRUPTED in events
    assert E.GATE_CLOSED not in events[events.index(E.INTERRUPTED) :]


def test_noise_held_by_the_guard_is_no_onset_over_the_agent() -> None:
    """What was held before the agent began is forgotten when the gate closes."""
    call = start()
    call.quiet(1000)
    noise = frames_of(white_noise(400, level_dbfs=-58.0, seed=5))
    call.play(noise)
    call.play(caller(400, level_dbfs=-14.0, seed=3), agent_voice(400))
    assert E.BARGE_IN_COMMITTED in call.event_types
    assert not [chunk for chunk in call.sound if chunk in noise]
