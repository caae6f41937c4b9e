"""The provider's clock: never starved, and a surplus only taken back as silence between turns."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.config import WithheldAudio
from voxgate.core.provider_feed import ProviderFeed


def make(withheld_audio: WithheldAudio = WithheldAudio.SILENCE) -> ProviderFeed:
    return ProviderFeed(withheld_audio, AudioFormat(), 0.0)


def withhold(feed: ProviderFeed, n_frames: int, start_ms: float = 0.0) -> list[bool]:
    """Withhold frames in step with time; return which of them were replaced by silence."""
    return [
        feed.substitute(start_ms + 20.0 * number) is not None for number in range(1, n_frames + 1)
    ]


def test_silence_is_one_for_one_for_as_long_as_it_takes() -> None:
    """A minute of withheld frames is a minute of silence, and neither surplus nor deficit."""
    feed = make()
    assert all(withhold(feed, 3000))
    assert feed.surplus_ms(60_000.0) == feed.deficit_ms(60_000.0) == 0.0


def test_silence_is_20_ms_of_the_captures_format() -> None:
    """Mu-law silence is 160 bytes of 0xFF."""
    feed = ProviderFeed(WithheldAudio.SILENCE, AudioFormat(Encoding.MULAW), 0.0)
    assert feed.substitute(20.0) == b"\xff" * 160


def test_drop_sends_nothing_and_owes_nothing() -> None:
    """A provider that is sent nothing in place of frames does not fall behind by them."""
    feed = make(WithheldAudio.DROP)
    assert not any(withhold(feed, 100))
    assert feed.surplus_ms(2000.0) == 0.0
    assert not feed.was_surplus


def test_adaptive_stops_when_every_turn_detector_has_closed_the_turn() -> None:
    """Two seconds of silence after the last sound, then none, and nothing is owed for the rest."""
    feed = make(WithheldAudio.ADAPTIVE)
    feed.forward(10)
    assert withhold(feed, 300, 200.0) == [True] * 100 + [False] * 200
    assert feed.surplus_ms(200.0 + 6000.0) == 0.0


def test_adaptive_goes_on_while_the_provider_has_a_turn_open() -> None:
    """Semantic turn detectors wait for seconds; silence goes on, up to a bound."""
    feed = make(WithheldAudio.ADAPTIVE)
    feed.in_turn = True
    assert withhold(feed, 600) == [True] * 500 + [False] * 100


def test_adaptive_begins_anew_after_sound() -> None:
    """After the next sound the provider again gets the silence that closes its turn."""
    feed = make(WithheldAudio.ADAPTIVE)
    withhold(feed, 200)
    feed.forward()
    assert withhold(feed, 150, 4020.0) == [True] * 100 + [False] * 50


def test_a_surplus_is_taken_back_after_the_turn_every_other_frame() -> None:
    """Of a released onset of 300 ms all but 80 ms, which may be jitter, is taken back after 1 s."""
    feed = make()
    feed.forward(15)  # released at once, at time 0
    sent = withhold(feed, 100)
    assert all(sent[:50])
    left_out = [number for number, is_sent in enumerate(sent) if not is_sent]
    assert len(left_out) == (300 - 80) / 20
    assert {b - a for a, b in pairwise(left_out)} == {2}
    assert feed.surplus_ms(2000.0) == 80.0


def test_no_surplus_is_taken_back_within_a_turn() -> None:
    """While the provider has a turn open its detector counts the silence."""
    feed = make()
    feed.in_turn = True
    feed.forward(15)
    assert all(withhold(feed, 400))
    feed.in_turn = False
    assert withhold(feed, 100, 8000.0).count(False) == 11


def test_a_turn_whose_end_is_never_reported_ends_some_time() -> None:
    """A provider that lost its connection in mid-turn does not keep the surplus for ever."""
    feed = make()
    feed.in_turn = True
    feed.forward(15)
    assert withhold(feed, 600).count(False) == 11


def test_sound_is_never_left_out() -> None:
    """Sound counts in full, however large the surplus."""
    feed = make()
    for _ in range(100):
        feed.forward()
    assert feed.surplus_ms(0.0) == 2000.0


def test_the_line_may_begin_later_than_the_call() -> None:
    """Nothing is owed for the time before the line's first audio."""
    feed = make()
    feed.begin(5000.0)
    assert feed.deficit_ms(5000.0) == 0.0
    assert all(withhold(feed, 10, 5000.0))
    assert feed.surplus_ms(5200.0) == 0.0


def test_a_deficit_has_a_bound_beyond_which_it_is_forgotten() -> None:
    """After a process has slept for an hour, nobody wants an hour of silence."""
    feed = make()
    assert feed.deficit_ms(400.0) == 400.0
    assert feed.deficit_ms(3_600_000.0) == 10_000.0
    assert feed.surplus_ms(3_600_000.0) == -10_000.0


def test_hours_bring_no_drift() -> None:
    """After 12 hours of turns at times that are no round numbers, the books are even to 1 us."""
    feed = ProviderFeed(WithheldAudio.ADAPTIVE, AudioFormat(), 1234.567)
    now_ms = 1234.567
    for number in range(12 * 3600 * 5):  # every tenth slot stands for ten
        now_ms += 20.0
        if number % 500 < 100:
            feed.forward()
        else:
            feed.substitute(now_ms)
    assert abs(feed.surplus_ms(now_ms)) < 1e-3


@given(
    st.lists(
        st.tuples(st.sampled_from(["sound", "onset", "withheld"]), st.integers(1, 200)),
        max_size=12,
    ),
    st.booleans(),
)
def test_never_starved(parts, in_turn) -> None:
    """In mode silence the provider never has less than the line has delivered, whatever comes."""
    feed = make()
    feed.in_turn = in_turn
    now_ms = 0.0
    for kind, n_frames in parts:
        for _ in range(n_frames):
            now_ms += 20.0
            if kind == "withheld":
                feed.substitute(now_ms)
            else:
                feed.forward()
            assert feed.surplus_ms(now_ms) >= 0.0
        if kind == "onset":
            feed.forward(min(n_frames, 25))
