"""What the client plays is followed item by item."""

from __future__ import annotations

import pytest

from voxgate.core.audio import AudioFormat
from voxgate.core.far_end_timeline import FarEndTimeline
from voxgate.integrations.realtime_proxy.client_playback import ClientPlayback

PCM = AudioFormat()


class Client:
    """A playback whose slots pass when they are told to."""

    def __init__(self) -> None:
        self.timeline = FarEndTimeline(PCM, lead_ms=0.0)
        self.playback = ClientPlayback(self.timeline)
        self.now_ms = 0.0

    def get(self, item_id: str, duration_ms: int, response_id: str = "r1") -> None:
        audio = b"\x11\x11" * (8 * duration_ms)
        self.playback.receive_delta(item_id, response_id, audio, duration_ms, self.now_ms)

    def live(self, duration_ms: int) -> int:
        """Let time pass; return in how many slots there was agent audio."""
        n_agent = 0
        for _ in range(duration_ms // 20):
            n_agent += bool(self.timeline.play_slot(self.now_ms).audio.strip(b"\0"))
            self.now_ms += 20
        return n_agent


@pytest.fixture
def client() -> Client:
    return Client()


def test_items_play_one_behind_the_other(client: Client) -> None:
    """Sent faster than they play, they play at 1x."""
    client.get("a", 200)
    client.get("b", 300)
    assert client.live(1000) == 25


def test_a_truncation_in_mid_item_forgets_what_waits(client: Client) -> None:
    """The client has stopped; what comes of that item afterwards is not played either."""
    client.get("a", 1000)
    assert client.live(400) == 20
    client.playback.receive_truncate("a", 380)
    client.get("a", 500)
    assert client.live(1000) == 0
    assert client.playback.flushes == 1
    assert client.playback.ignored_deltas == 1
    client.get("b", 100)
    assert client.live(1000) == 5


@pytest.mark.parametrize(
    ("item_id", "audio_end_ms"),
    [("a", 1000), ("a", 990), ("a", 5000), ("x", 10), ("a", None), ("a", "0"), (None, 0), ([], 0)],
)
def test_a_truncation_of_what_was_heard_or_is_unknown_forgets_nothing(
    client: Client, item_id: object, audio_end_ms: object
) -> None:
    """Forgotten too soon, the agent's echo would have no reference."""
    client.get("a", 1000)
    client.playback.receive_truncate(item_id, audio_end_ms)
    assert client.live(2000) == 50


def test_a_cancelled_response_forgets_what_waits_of_it(client: Client) -> None:
    """That of another response plays on."""
    client.get("a", 400, response_id="r1")
    client.playback.receive_cancel("r0")
    assert client.live(200) == 10
    client.playback.receive_cancel("r1")
    assert client.live(200) == 0
    client.get("b", 400)
    client.playback.receive_cancel(None)
    assert client.live(200) == 0


def test_the_lag_is_what_was_assumed_less_what_was_heard(client: Client) -> None:
    """Audio forgotten before counts for no item: its place is taken by what came after it."""
    client.get("a", 2000)
    client.live(200)
    client.playback.flush()
    client.get("b", 1000)
    client.live(500)
    client.playback.receive_truncate("b", 400)
    assert client.playback.lag_ms == pytest.approx(100)
    client.playback.receive_truncate("a", 150)
    assert client.playback.lag_ms == pytest.approx(50)


def test_a_client_that_is_steadily_far_behind_is_taken_to_play_later(client: Client) -> None:
    """Twice 600 ms: the third answer begins later, so that its echo is near its reference."""
    begins = []
    for item_id in "abc":
        begin_ms = client.now_ms
        client.get(item_id, 2000)
        while not client.live(20):
            pass
        begins.append(client.now_ms - 20 - begin_ms)
        client.live(1000)
        client.playback.receive_truncate(item_id, 420 if item_id != "c" else 900)
    assert begins[:2] == [0, 0]
    assert 400 <= begins[2] <= 500


def test_a_client_that_does_not_count_teaches_nothing(client: Client) -> None:
    """It says 0 each time."""
    for item_id in "abcd":
        client.get(item_id, 2000)
        assert client.live(1000) == 50
        client.playback.receive_truncate(item_id, 0)
    assert client.playback.lag_ms is None


def test_old_items_are_forgotten(client: Client) -> None:
    """A truncation of the oldest of hundreds is one of something unknown; memory is bounded."""
    for number in range(300):
        client.get(f"{number}", 40)
    client.playback.receive_truncate("0", 1)
    assert client.timeline.waiting_ms == 12_000
    client.playback.receive_truncate("299", 1)
    assert client.timeline.waiting_ms == 0
