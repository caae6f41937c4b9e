"""What the caller hears of the agent."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from support.signals import speech_like
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode, encode
from voxgate.core.playout import MAX_QUEUED_ITEMS, Playout, PlayoutFrame

PCM16 = AudioFormat()
MULAW = AudioFormat(Encoding.MULAW, 8000)
FRAME = PCM16.frame_bytes
SILENCE = PCM16.silence(FRAME)


def voice(n_frames: float, *, seed: int = 0) -> bytes:
    """Return so many frames of speech as PCM16 at 8 kHz."""
    return speech_like(n_frames * 20, seed=seed).tobytes()


def frames_of_bytes(audio: bytes) -> list[bytes]:
    """Return audio cut into frames."""
    return [audio[at : at + FRAME] for at in range(0, len(audio), FRAME)]


def play(playout: Playout, slots: int) -> list[PlayoutFrame]:
    """Return the frames of the next slots."""
    return [playout.next_frame() for _ in range(slots)]


def loudest_step(audio: bytes) -> int:
    """Return the largest jump between neighbouring samples: the size of a click."""
    samples = decode(audio, PCM16).astype(int)
    return int(np.abs(np.diff(samples)).max())


# --- playing -------------------------------------------------------------------------------------


def test_silence_when_there_is_nothing_to_play() -> None:
    """Every slot has a frame; one shared frame of silence keeps the line alive."""
    playout = Playout(PCM16)
    frame = playout.next_frame()
    assert frame == PlayoutFrame(audio=SILENCE, is_agent_audio=False, item_id=None)
    assert playout.next_frame() is frame
    assert playout.underruns == 0
    assert not playout.is_active


def test_audio_of_any_chunking_plays_as_whole_frames() -> None:
    """Chunks of odd sizes come out as 20 ms frames, in order and complete."""
    playout, audio = Playout(PCM16), voice(4)
    for start, end in ((0, 1), (1, 500), (500, 501), (501, 1280)):
        playout.enqueue("a", audio[start:end])
    assert playout.queued_ms == 80
    assert [frame.audio for frame in play(playout, 4)] == frames_of_bytes(audio)


def test_frame_names_its_item() -> None:
    """A frame says whose voice it is."""
    playout = Playout(PCM16)
    playout.enqueue("a", voice(1))
    playout.enqueue("b", voice(1))
    assert [(f.item_id, f.is_agent_audio) for f in play(playout, 3)] == [
        ("a", True),
        ("b", True),
        (None, False),
    ]


def test_partial_tail_waits_for_more_of_its_item() -> None:
    """Less than a frame is not played before it is known that nothing follows."""
    playout, audio = Playout(PCM16), voice(2)
    playout.enqueue("a", audio[:400])
    assert [frame.is_agent_audio for frame in play(playout, 2)] == [True, False]
    playout.enqueue("a", audio[400:])
    assert playout.next_frame().audio == audio[FRAME:]


@pytest.mark.parametrize("close", ["finish", "next item"])
def test_partial_tail_is_filled_with_silence_when_its_item_ends(close) -> None:
    """The end of an item is heard, and what fills its last frame is not counted as speech."""
    playout, audio = Playout(PCM16), voice(2)
    playout.enqueue("a", audio[:480])
    if close == "finish":
        playout.finish("a")
    else:
        playout.enqueue("b", voice(1, seed=2))
    playout.next_frame()
    assert playout.next_frame().audio == audio[FRAME:480] + bytes(160)
    assert playout.sent_ms("a") == playout.heard_ms("a") == 30
    assert playout.next_frame().item_id == (None if close == "finish" else "b")


def test_half_a_sample_at_the_end_is_left_out() -> None:
    """An odd last byte is no sample: it is neither played nor counted."""
    playout, audio = Playout(PCM16), voice(1)
    playout.enqueue("a", audio[:101])
    playout.finish("a")
    assert playout.next_frame().audio == audio[:100] + bytes(220)
    playout.enqueue("b", b"\x55")
    playout.finish("b")
    assert playout.next_frame().audio == SILENCE
    assert playout.queued_ms == 0


def test_g711_is_filled_with_its_own_silence() -> None:
    """Silence on a mu-law line is 0xFF, alone and at the end of an item."""
    playout = Playout(MULAW)
    assert playout.next_frame().audio == b"\xff" * 160
    playout.enqueue("a", b"\x11" * 10)
    playout.finish("a")
    assert playout.next_frame().audio == b"\x11" * 10 + b"\xff" * 150
    assert playout.audio_format is MULAW


def test_late_audio_of_a_finished_item_is_played() -> None:
    """Speech that was not flushed is never lost: the item opens again behind the others."""
    playout = Playout(PCM16)
    playout.enqueue("a", voice(1))
    playout.finish("a")
    play(playout, 2)
    playout.enqueue("b", voice(1))
    playout.enqueue("a", voice(1, seed=3))
    assert [frame.item_id for frame in play(playout, 2)] == ["b", "a"]
    assert playout.sent_ms("a") == 40


def test_item_that_opens_again_waits_for_its_whole_frames() -> None:
    """Audio after an item was finished is not the end of it: a partial frame waits once more."""
    playout, audio = Playout(PCM16), voice(1, seed=3)
    playout.enqueue("a", voice(1))
    playout.finish("a")
    playout.next_frame()
    playout.enqueue("a", audio[:100])
    assert not playout.next_frame().is_agent_audio
    playout.enqueue("a", audio[100:])
    assert playout.next_frame().audio == audio


def test_empty_audio_and_unknown_items_are_nothing() -> None:
    """Empty chunks begin no item; finishing or asking for an unknown one does no harm."""
    playout = Playout(PCM16)
    playout.enqueue("a", b"")
    playout.finish("b")
    assert playout.flush() == {}
    assert playout.sent_ms("a") == playout.heard_ms("b") == 0.0


# --- underruns -----------------------------------------------------------------------------------


def test_gap_within_an_item_is_an_underrun() -> None:
    """Silence inside an item that has begun is counted, once a gap and by its length."""
    playout = Playout(PCM16)
    playout.enqueue("a", voice(1))
    play(playout, 4)
    assert (playout.underruns, playout.underrun_ms) == (1, 60.0)
    playout.enqueue("a", voice(1))
    play(playout, 2)
    assert (playout.underruns, playout.underrun_ms) == (2, 80.0)


def test_waiting_before_or_after_an_item_is_no_underrun() -> None:
    """An item that has not begun, or that is finished, does not run out."""
    playout = Playout(PCM16)
    playout.enqueue("a", b"\x01\x00")
    play(playout, 3)
    playout.finish("a")
    play(playout, 3)
    assert playout.underruns == 0


def test_pause_is_no_underrun() -> None:
    """Silence that we ask for is not a fault."""
    playout = Playout(PCM16)
    playout.enqueue("a", voice(3))
    play(playout, 1)
    playout.pause()
    play(playout, 5)
    assert playout.underruns == 0


# --- pause and resume ----------------------------------------------------------------------------


def test_pause_fades_out_within_one_frame() -> None:
    """The next frame falls to silence in 5 ms without a click, and silence follows."""
    playout, audio = Playout(PCM16), voice(10)
    playout.enqueue("a", audio)
    played = play(playout, 3)
    playout.pause()
    fade, *rest = play(playout, 3)
    assert playout.is_paused
    assert (fade.is_agent_audio, fade.item_id) == (True, "a")
    assert not any(fade.audio[80:])
    assert [frame.audio for frame in rest] == [SILENCE, SILENCE]
    assert not any(frame.is_agent_audio for frame in rest)
    whole = played[-1].audio + fade.audio + rest[0].audio
    assert loudest_step(whole) <= loudest_step(audio) * 1.1


def test_resume_loses_and_repeats_nothing_but_the_fade() -> None:
    """After a pause the faded frame is played again from its start, fading in."""
    playout, audio = Playout(PCM16), voice(10)
    playout.enqueue("a", audio)
    play(playout, 3)
    playout.pause()
    play(playout, 4)
    playout.resume()
    assert not playout.is_paused
    fade_in, *rest = play(playout, 7)
    frames = frames_of_bytes(audio)
    assert fade_in.audio[80:] == frames[3][80:]
    assert fade_in.audio[:80] != frames[3][:80]
    assert abs(int(decode(fade_in.audio, PCM16)[0])) < 100
    assert [frame.audio for frame in rest] == frames[4:]


def test_fade_out_is_not_counted_as_heard() -> None:
    """Queued, sent and heard stand still in a pause."""
    playout = Playout(PCM16)
    playout.enqueue("a", voice(10))
    play(playout, 3)
    playout.pause()
    play(playout, 5)
    assert playout.sent_ms("a") == playout.heard_ms("a") == 60
    assert playout.queued_ms == 140
    assert playout.is_active


def test_pause_taken_back_in_time_changes_nothing() -> None:
    """Pause and resume between two slots leave no trace in the audio."""
    playout, audio = Playout(PCM16), voice(4)
    playout.enqueue("a", audio)
    first = playout.next_frame()
    playout.pause()
    playout.resume()
    assert [frame.audio for frame in (first, *play(playout, 3))] == frames_of_bytes(audio)


def test_pause_when_nothing_plays_has_no_fade() -> None:
    """Silence is not faded, nor is the beginning of an item that had not begun."""
    playout, audio = Playout(PCM16), voice(2)
    playout.pause()
    assert playout.next_frame().audio == SILENCE
    playout.enqueue("a", audio)
    assert playout.next_frame() == PlayoutFrame(audio=SILENCE, is_agent_audio=False, item_id=None)
    playout.resume()
    assert playout.next_frame().audio == audio[:FRAME]


def test_pause_between_items_does_not_blip_the_next_one() -> None:
    """Where an item has just ended, nothing of the next one is heard in the pause."""
    playout, second = Playout(PCM16), voice(2, seed=1)
    playout.enqueue("a", voice(1))
    playout.enqueue("b", second)
    playout.next_frame()
    playout.pause()
    assert playout.next_frame().audio == SILENCE
    playout.resume()
    assert playout.next_frame().audio == second[:FRAME]


def test_second_pause_right_after_resume_still_fades_in() -> None:
    """The fade-in is due until a frame has been played."""
    playout, audio = Playout(PCM16), voice(4)
    playout.enqueue("a", audio)
    play(playout, 1)
    playout.pause()
    play(playout, 1)
    playout.resume()
    playout.pause()
    assert playout.next_frame().audio == SILENCE
    playout.resume()
    assert abs(int(decode(playout.next_frame().audio, PCM16)[0])) < 100


def test_pause_fades_a_short_last_frame() -> None:
    """Also what is less than a frame is faded out, and played whole afterwards."""
    playout, audio = Playout(PCM16), voice(2)
    playout.enqueue("a", audio[: FRAME + 40])
    play(playout, 1)
    playout.pause()
    fade = playout.next_frame()
    assert any(fade.audio[:40])
    assert not any(fade.audio[40:])
    playout.finish("a")
    playout.resume()
    play(playout, 1)
    assert playout.sent_ms("a") == 22.5


# --- flush ---------------------------------------------------------------------------------------


def test_flush_returns_what_was_heard_of_each_item_in_order() -> None:
    """Items that were completely heard are not in it, those that did not begin are, with 0."""
    playout = Playout(PCM16)
    for item_id, n_frames in (("a", 2), ("b", 3), ("c", 1)):
        playout.enqueue(item_id, voice(n_frames))
        playout.finish(item_id)
    play(playout, 4)
    assert list(playout.flush().items()) == [("b", 40.0), ("c", 0.0)]


def test_flush_fades_out_within_one_frame_and_forgets() -> None:
    """The next frame falls to silence, and nothing of what was queued is heard any more."""
    playout, audio = Playout(PCM16), voice(10)
    playout.enqueue("a", audio)
    played = play(playout, 2)
    playout.flush()
    assert not playout.is_active
    assert playout.queued_ms == 0
    fade, *rest = play(playout, 5)
    assert (fade.is_agent_audio, fade.item_id) == (True, "a")
    assert not any(fade.audio[80:])
    assert all(frame.audio == SILENCE for frame in rest)
    assert loudest_step(played[-1].audio + fade.audio) <= loudest_step(audio) * 1.1


def test_flush_in_a_pause_fades_once_and_ends_it() -> None:
    """A pause has already faded out; the next item plays without being resumed."""
    playout, audio = Playout(PCM16), voice(3, seed=5)
    playout.enqueue("a", voice(10))
    play(playout, 2)
    playout.pause()
    play(playout, 2)
    assert playout.flush() == {"a": 40.0}
    assert not playout.is_paused
    assert playout.next_frame().audio == SILENCE
    playout.enqueue("b", audio)
    assert playout.next_frame().audio == audio[:FRAME]


def test_flush_before_the_pause_was_heard_fades_out() -> None:
    """Pause and flush between two slots leave one fade-out, and the new item follows it."""
    playout, audio = Playout(PCM16), voice(3, seed=5)
    playout.enqueue("a", voice(10))
    play(playout, 2)
    playout.pause()
    playout.flush()
    playout.flush()
    playout.enqueue("b", audio)
    fade, first = play(playout, 2)
    assert fade.item_id == "a"
    assert not any(fade.audio[80:])
    assert first.audio == audio[:FRAME]


def test_later_audio_of_a_flushed_item_is_ignored() -> None:
    """What the provider still sends of an interrupted answer is counted and not played."""
    playout = Playout(PCM16)
    playout.enqueue("a", voice(5))
    playout.enqueue("b", voice(5))
    play(playout, 2)
    playout.flush()
    playout.enqueue("a", voice(2))
    playout.enqueue("b", voice(1))
    playout.finish("a")
    playout.next_frame()
    assert not any(frame.is_agent_audio for frame in play(playout, 5))
    assert playout.ignored_ms == 60
    assert playout.heard_ms("a") == playout.sent_ms("a") == 40


def test_flush_covers_an_item_that_waits_for_more_audio() -> None:
    """An item that ran dry when the caller interrupted must not go on talking afterwards."""
    playout = Playout(PCM16)
    playout.enqueue("a", voice(2))
    play(playout, 4)
    assert playout.flush() == {"a": 40.0}
    playout.enqueue("a", voice(2))
    assert not playout.next_frame().is_agent_audio


def test_flush_of_silence_has_no_fade() -> None:
    """Where nothing was playing, nothing is faded."""
    playout = Playout(PCM16)
    assert playout.flush() == {}
    playout.enqueue("a", voice(2))
    assert playout.flush() == {"a": 0.0}
    assert playout.next_frame().audio == SILENCE


def test_fades_can_be_switched_off() -> None:
    """At 0 ms a pause cuts at the frame's edge, and resuming changes no sample."""
    playout, audio = Playout(PCM16, fade_ms=0.0), voice(3)
    playout.enqueue("a", audio)
    first = playout.next_frame()
    playout.pause()
    assert playout.next_frame().audio == SILENCE
    playout.resume()
    assert [frame.audio for frame in (first, *play(playout, 2))] == frames_of_bytes(audio)


def test_fade_out_on_a_mulaw_line_is_mulaw() -> None:
    """A G.711 frame is faded as samples, not as bytes."""
    playout = Playout(MULAW)
    playout.enqueue("a", encode(speech_like(100), MULAW))
    play(playout, 2)
    playout.pause()
    assert playout.next_frame().audio[40:] == MULAW.silence(120)


# --- bounds --------------------------------------------------------------------------------------


def test_too_much_audio_is_cut_off_and_counted() -> None:
    """The newest audio is dropped; the item ends there, so that it never has a hole."""
    playout, audio = Playout(PCM16, max_queued_ms=60), voice(5)
    playout.enqueue("a", audio)
    assert (playout.queued_ms, playout.dropped_ms) == (60, 40)
    played = play(playout, 1)
    playout.enqueue("a", voice(1))
    assert playout.dropped_ms == 60
    playout.enqueue("b", voice(1, seed=2))
    played += play(playout, 3)
    assert [frame.audio for frame in played[:3]] == frames_of_bytes(audio)[:3]
    assert played[3].item_id == "b"
    assert playout.underruns == 0


def test_items_that_wait_are_bounded_in_number_too() -> None:
    """A provider that begins ever more of them with a byte each would else fill the memory; those
    that wait get their audio all the same."""
    playout = Playout(PCM16)
    for number in range(MAX_QUEUED_ITEMS + 50):
        playout.enqueue(f"i{number}", bytes(2))
    assert playout.queued_ms == pytest.approx(MAX_QUEUED_ITEMS / 8)
    assert playout.dropped_ms == pytest.approx(50 / 8)
    playout.enqueue("i0", bytes(160))
    assert playout.dropped_ms == pytest.approx(50 / 8)
    assert playout.next_frame().item_id == "i0"
    for _ in range(3):
        playout.next_frame()
    playout.enqueue("new", bytes(160))
    assert playout.dropped_ms == pytest.approx(50 / 8), "there is room again"


def test_item_that_found_no_room_does_not_begin_in_the_middle() -> None:
    """When room comes, the rest of an item whose beginning was dropped is dropped too."""
    playout = Playout(PCM16, max_queued_ms=40)
    playout.enqueue("a", voice(2))
    playout.enqueue("b", voice(1))
    play(playout, 2)
    playout.enqueue("b", voice(1))
    assert playout.dropped_ms == 40
    assert not playout.next_frame().is_agent_audio


def test_items_of_the_past_are_forgotten_in_time() -> None:
    """A call with thousands of answers keeps only the last ones, and always those queued."""
    playout = Playout(PCM16, fade_ms=0)
    playout.enqueue("first", voice(1))
    playout.finish("first")
    for number in range(1000):
        playout.enqueue(f"item-{number}", bytes(FRAME))
        playout.next_frame()
    assert len(playout._known) < 300
    assert playout.sent_ms("first") == 0.0
    assert playout.sent_ms("item-998") == 20.0


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"max_queued_ms": 10}, "max_queued_ms"),
        ({"max_queued_ms": float("nan")}, "max_queued_ms"),
        ({"fade_ms": 21}, "fade_ms"),
    ],
)
def test_number_out_of_range_is_refused(arguments, name) -> None:
    """A wrong number is an error that names it."""
    with pytest.raises(ValueError, match=f"{name}: "):
        Playout(PCM16, **arguments)


# --- any order of inputs -------------------------------------------------------------------------

ITEMS = st.sampled_from(["a", "b", "c", "d"])


class PlayoutMachine(RuleBasedStateMachine):
    """Drives a playout with hard cuts and keeps what came in and out of each item."""

    def __init__(self) -> None:
        super().__init__()
        self.playout = Playout(PCM16, fade_ms=0.0, max_queued_ms=400.0)
        self.received: dict[str, bytes] = {}
        self.played: dict[str, bytes] = {}
        self.flushed: dict[str, float] = {}
        self.numbers = count(1)

    @rule(item_id=ITEMS, n_samples=st.integers(0, 700))
    def enqueue(self, item_id: str, n_samples: int) -> None:
        before_ms = self.playout.dropped_ms
        # Numbered samples, never zero: no two places of the stream look alike.
        samples = np.array([next(self.numbers) % 32_767 + 1 for _ in range(n_samples)], "<i2")
        self.playout.enqueue(item_id, samples.tobytes())
        if item_id not in self.flushed:
            dropped = round((self.playout.dropped_ms - before_ms) * 16)
            kept = samples.tobytes()[: n_samples * 2 - dropped]
            self.received[item_id] = self.received.get(item_id, b"") + kept

    @rule(item_id=ITEMS)
    def finish(self, item_id: str) -> None:
        self.playout.finish(item_id)

    @rule()
    def pause(self) -> None:
        self.playout.pause()
        assert self.playout.is_paused

    @rule()
    def resume(self) -> None:
        self.playout.resume()

    @rule(slots=st.integers(1, 6))
    def pass_slots(self, slots: int) -> None:
        for _ in range(slots):
            waiting = self.playout.queued_ms
            frame = self.playout.next_frame()
            assert len(frame.audio) == FRAME
            assert frame.is_agent_audio == (frame.item_id is not None)
            if frame.item_id is None:
                assert frame.audio == SILENCE
                continue
            assert not self.playout.is_paused
            assert frame.item_id not in self.flushed
            audio = frame.audio[: round((waiting - self.playout.queued_ms) * 16)]
            assert not any(frame.audio[len(audio) :])
            self.played[frame.item_id] = self.played.get(frame.item_id, b"") + audio

    @rule()
    def flush(self) -> None:
        heard_ms = self.playout.flush()
        for item_id, item_heard_ms in heard_ms.items():
            assert item_id not in self.flushed
            assert item_heard_ms == len(self.played.get(item_id, b"")) / 16
        for item_id, audio in self.received.items():
            if item_id not in self.flushed and len(self.played.get(item_id, b"")) < len(audio):
                assert item_id in heard_ms
        self.flushed |= heard_ms
        assert not self.playout.is_active

    @precondition(lambda self: not self.playout.is_paused)
    @rule()
    def play_out(self) -> None:
        for item_id in self.received:
            self.playout.finish(item_id)
        self.pass_slots(60)
        assert self.playout.queued_ms == 0
        for item_id, audio in self.received.items():
            if item_id not in self.flushed:
                assert self.played.get(item_id, b"") == audio

    @invariant()
    def played_is_a_prefix_of_received(self) -> None:
        for item_id, audio in self.played.items():
            assert self.received[item_id].startswith(audio)

    @invariant()
    def counts_agree(self) -> None:
        for item_id in self.received:
            played_ms = len(self.played.get(item_id, b"")) / 16
            assert self.playout.sent_ms(item_id) == self.playout.heard_ms(item_id) == played_ms
        waiting = sum(
            len(audio) - len(self.played.get(item_id, b""))
            for item_id, audio in self.received.items()
            if item_id not in self.flushed
        )
        assert self.playout.queued_ms == waiting / 16
        assert self.playout.queued_ms <= 400


TestPlayoutInAnyOrder = PlayoutMachine.TestCase
TestPlayoutInAnyOrder.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


# --- taken back ----------------------------------------------------------------------------------


def test_frames_taken_back_are_played_again() -> None:
    """Of two items, also where the first was handed out to its end; what was sent is less."""
    playout = Playout(PCM16, fade_ms=0)
    audio = voice(6)
    playout.enqueue("a", audio[: 3 * FRAME])
    playout.enqueue("b", audio[3 * FRAME :])
    playout.finish("b")
    frames = play(playout, 5)
    playout.take_back(frames[2:])
    assert (playout.sent_ms("a"), playout.sent_ms("b")) == (40, 0)
    assert playout.queued_ms == 80
    assert [frame.audio for frame in play(playout, 4)] == frames_of_bytes(audio)[2:]
    assert not playout.next_frame().is_agent_audio


def test_a_short_last_frame_is_taken_back_without_its_filling() -> None:
    """What fills it up was never the agent's."""
    playout = Playout(PCM16, fade_ms=0)
    audio = voice(1)[:100]
    playout.enqueue("a", audio)
    playout.finish("a")
    (frame,) = play(playout, 1)
    assert frame.source == audio
    playout.take_back([frame])
    assert playout.flush() == {"a": 0.0}


def test_what_was_faded_in_is_taken_back_as_it_was_queued() -> None:
    """A fade belongs to the moment in which it was played."""
    playout = Playout(PCM16)
    audio = voice(6)
    playout.enqueue("a", audio)
    play(playout, 1)
    playout.pause()
    play(playout, 2)
    playout.resume()
    (faded,) = play(playout, 1)
    assert faded.audio != faded.source == frames_of_bytes(audio)[1]
    playout.take_back([faded])
    assert playout.next_frame().audio == faded.source


def test_silence_fades_and_flushed_items_can_not_be_taken_back() -> None:
    """There is nothing to give back of them."""
    playout = Playout(PCM16)
    silence = playout.next_frame()
    playout.enqueue("a", voice(4))
    sent = play(playout, 1)
    playout.pause()
    fade = playout.next_frame()
    playout.take_back([silence, fade])
    assert playout.queued_ms == 60
    playout.flush()
    playout.take_back(sent)
    assert playout.queued_ms == 0
    assert not playout.is_active


def test_an_item_that_was_opened_again_is_taken_back_to_the_head() -> None:
    """Late audio had put it behind the others; what is taken back comes first all the same."""
    playout = Playout(PCM16, fade_ms=0)
    first, second, late = voice(1, seed=1), voice(2, seed=2), voice(1, seed=3)
    playout.enqueue("a", first)
    playout.finish("a")
    playout.enqueue("b", second)
    frames = play(playout, 2)
    playout.enqueue("a", late)
    playout.take_back(frames)
    playout.finish("a")
    playout.finish("b")
    heard = b"".join(frame.audio for frame in play(playout, 4))
    assert heard == first + late + second


def test_the_next_frame_is_ready_when_it_is_the_agents() -> None:
    """Not while paused or waiting for the rest of a frame; a fade-out after a flush is."""
    playout = Playout(PCM16)
    assert not playout.is_ready
    playout.enqueue("a", voice(2.5))
    assert playout.is_ready
    play(playout, 2)
    assert not playout.is_ready
    playout.finish("a")
    assert playout.is_ready
    playout.pause()
    assert not playout.is_ready
    playout.resume()
    play(playout, 1)
    assert not playout.is_ready
    playout.enqueue("b", voice(3))
    play(playout, 1)
    playout.flush()
    assert playout.is_ready
    assert playout.next_frame().is_agent_audio
    assert not playout.is_ready
