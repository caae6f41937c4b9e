"""Pieces of audio on one time axis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.recordings.audio_tracks import AudioTracks, Side, Stretch
from voxgate.recordings.wav_head import parse_wav_tracks

FAR, NEAR = Side.FAR_END, Side.CAPTURE
MULAW = AudioFormat(Encoding.MULAW)


def tracks_of(
    far_end: AudioFormat = MULAW, capture: AudioFormat = MULAW, origin_ms: float = 1000.0
) -> AudioTracks:
    return AudioTracks(far_end=far_end, capture=capture, origin_ms=origin_ms)


def frame(letter: bytes, n_bytes: int = 160) -> bytes:
    return letter * n_bytes


def columns(taken: list[dict[str, bytes]]) -> tuple[bytes, bytes]:
    """Return far end and capture of a stereo file."""
    samples = parse_wav_tracks(b"".join(each.get("audio.wav", b"") for each in taken)).samples
    return samples[:, 0].tobytes(), samples[:, 1].tobytes()


def test_pieces_in_step_with_time_lie_side_by_side() -> None:
    """The far end's begins when it is played, the capture's ended when it came."""
    tracks = tracks_of()
    for n in range(10):
        now_ms = 1000.0 + 20 * n
        tracks.receive(FAR, frame(b"f"), now_ms, now_ms + 20)
        tracks.receive(NEAR, frame(b"n"), now_ms + 20, now_ms + 20)
    assert columns([tracks.take()]) == (frame(b"f", 1600), frame(b"n", 1600))


def test_jitter_makes_no_hole() -> None:
    """Pieces up to 100 ms late follow the one before."""
    tracks = tracks_of()
    for n, late_ms in enumerate((0, 30, 5, 90, 0, 99)):
        now_ms = 1020.0 + 20 * n + late_ms
        tracks.receive(NEAR, frame(b"n"), now_ms, now_ms)
    tracks.receive(FAR, frame(b"f"), 1300.0, 1020.0)
    _, capture = columns([tracks.take(is_over=True)])
    assert capture == frame(b"n", 960)


def test_silence_of_a_line_is_a_hole_as_long() -> None:
    """A telephone that sends nothing while its user is silent (DTX)."""
    tracks = tracks_of()
    tracks.receive(NEAR, frame(b"a"), 1020.0, 1020.0)
    stretch = tracks.receive(NEAR, frame(b"b"), 3020.0, 3020.0)
    assert stretch is not None
    assert stretch.at is None  # it may be the first of a burst
    tracks.pass_time(4000.0)
    assert stretch.at is None
    tracks.pass_time(4020.0)
    assert stretch.at == 2000 * 8
    _, capture = columns([tracks.take(is_over=True)])
    assert capture == frame(b"a") + MULAW.silence(2000 * 8 - 160) + frame(b"b")


def test_a_burst_after_a_stall_fills_the_hole() -> None:
    """What comes all at once ended when it came."""
    tracks = tracks_of()
    tracks.receive(NEAR, frame(b"a"), 1020.0, 1020.0)
    held = [tracks.receive(NEAR, frame(b"b"), 2020.0 + n / 10, 2020.0 + n / 10) for n in range(50)]
    tracks.pass_time(2040.0)
    assert [stretch and stretch.at for stretch in held] == [160 + 160 * n for n in range(50)]
    tracks.receive(NEAR, frame(b"c"), 2040.0, 2040.0)
    _, capture = columns([tracks.take(is_over=True)])
    assert capture == frame(b"a") + frame(b"b", 8000) + frame(b"c")


def test_a_burst_that_takes_a_while_fills_the_hole_too() -> None:
    """However often a line stalls, its sound lies where it was: echo stays behind its cause."""
    tracks = tracks_of()
    now_ms, n_held, at = 1000.0, 0, []
    for n in range(1000):
        now_ms = 1020.0 + 20 * n
        if n % 200 in range(100, 140):  # held back for 0.8 s, and delivered three at a time
            n_held += 1
            continue
        n_late = min(2, n_held)
        at += [tracks.receive(NEAR, frame(b"b"), now_ms, now_ms) for _ in range(1 + n_late)]
        n_held -= n_late
    tracks.pass_time(now_ms + 20)
    assert n_held == 0
    assert [stretch and stretch.at for stretch in at] == [160 * n for n in range(1000)]


def test_silence_is_as_long_as_it_was_though_what_follows_jitters() -> None:
    """The first piece after it may be the latest."""
    tracks = tracks_of()
    tracks.receive(NEAR, frame(b"a"), 1020.0, 1020.0)
    pieces = [
        tracks.receive(NEAR, frame(b"b"), 3020.0 + 20 * n + late_ms, 3020.0 + 20 * n + late_ms)
        for n, late_ms in enumerate([60.0, 40.0, 0.0, 30.0, *[20.0] * 60])
    ]
    assert pieces[0] is not None
    assert pieces[0].at == 2000 * 8


def test_what_the_line_places_lies_there_however_late_it_comes() -> None:
    """In bursts seconds late, with silence in the midst of one, beside a far end that goes on."""
    tracks, taken, held = tracks_of(), [], []
    stretches: list[tuple[Stretch, float]] = []
    for n in range(1, 1200):
        now_ms = 1000.0 + 20 * n
        tracks.receive(FAR, frame(b"f"), now_ms - 20, now_ms)
        if n % 97 not in range(20, 40):  # the caller's telephone says nothing for 0.4 s
            held.append(now_ms)
        if n == 1 or n % 300 == 299:  # what was captured comes at once, up to 6 s late
            for ended_ms in held:
                stretch = tracks.receive(NEAR, frame(b"n"), now_ms, ended_ms, is_placed=True)
                assert stretch is not None
                stretches.append((stretch, ended_ms))
            held.clear()
        taken.append(tracks.take())
    taken.append(tracks.take(is_over=True))
    assert [each.at for each, _ in stretches] == [round((end - 1020.0) * 8) for _, end in stretches]
    far_end, capture = columns(taken)
    assert far_end == frame(b"f", 1199 * 160)
    assert len(capture) == 1199 * 160


def test_what_is_placed_where_other_audio_lies_has_no_place() -> None:
    """As what comes after silence was written there; the next lies where it was all the same."""
    tracks = tracks_of()

    def place(now_ms: float, ended_ms: float) -> int | None:
        stretch = tracks.receive(NEAR, frame(b"n"), now_ms, ended_ms, is_placed=True)
        return None if stretch is None else stretch.at

    assert place(1020.0, 1020.0) == 0
    assert place(1030.0, 1030.0) == 160  # 10 ms behind its place: jitter
    assert place(1031.0, 1031.0) == 320
    tracks.receive(FAR, frame(b"f"), 18_000.0, 18_020.0)
    tracks.pass_time(19_100.0)
    tracks.take()  # 15 s are waited for what may come: silence up to 4100
    assert place(19_101.0, 3600.0) is None
    assert place(19_101.0, 4500.0) == (4480 - 1000) * 8


def test_slots_skipped_again_and_again_are_holes_each() -> None:
    """Though the track waits to see what a hole is: what lies behind a further one lies there."""
    tracks, stretches = tracks_of(), []
    for n in range(600):
        if n % 30 < 15:  # half of all slots, for want of processor time
            now_ms = 1000.0 + 20 * n
            stretches.append((tracks.receive(FAR, frame(b"f"), now_ms, now_ms + 20), n))
    tracks.take(is_over=True)
    assert [stretch and stretch.at for stretch, _ in stretches] == [160 * n for _, n in stretches]


def test_the_first_piece_lies_where_it_was() -> None:
    """Of both sides, however they begin: what is between them is the delay of an echo."""
    tracks = tracks_of()
    tracks.receive(FAR, frame(b"f"), 1063.0, 1083.0)
    tracks.receive(NEAR, frame(b"n"), 1090.0, 1090.0)
    far_end, capture = columns([tracks.take(is_over=True)])
    assert (far_end.index(b"f"), capture.index(b"n")) == (63 * 8, 70 * 8)


def test_a_side_that_says_nothing_holds_the_other_up_for_5_s_only() -> None:
    """Then silence is written in its place, and what comes late lies where there is room."""
    tracks = tracks_of()
    taken = []
    for n in range(400):
        now_ms = 1000.0 + 20 * n
        tracks.receive(FAR, frame(b"f"), now_ms, now_ms + 20)
        taken.append(tracks.take())
    n_bytes = sum(len(each.get("audio.wav", b"")) for each in taken)
    assert 2 * 8 * 2900 <= n_bytes <= 2 * 8 * 3100
    stretch = tracks.receive(NEAR, frame(b"n"), 8990.0, 8990.0)
    taken.append(tracks.take(is_over=True))
    far_end, capture = columns(taken)
    assert far_end == frame(b"f", 400 * 160)
    assert stretch is not None
    assert stretch.at is not None
    assert capture[stretch.at : stretch.at + 160] == frame(b"n")


@pytest.mark.parametrize("audio", [b"", b"odd", bytes(16_002)], ids=["nothing", "odd", "1 s"])
def test_what_is_no_audio_has_no_place(audio: bytes) -> None:
    """Nothing, half a sample, more than a second."""
    tracks = tracks_of(AudioFormat(), AudioFormat())
    assert tracks.receive(NEAR, audio, 1020.0, 1020.0) is None
    assert tracks.receive(NEAR, bytes(16_000), 2000.0, 2000.0) is not None


def test_sides_of_two_formats_are_two_files() -> None:
    """Each in its own."""
    wide = AudioFormat(rate_hz=16_000)
    tracks = tracks_of(far_end=MULAW, capture=wide)
    tracks.receive(FAR, frame(b"f"), 1000.0, 1020.0)
    tracks.receive(NEAR, frame(b"n", 640), 1020.0, 1020.0)
    taken = tracks.take(is_over=True)
    assert parse_wav_tracks(taken["far_end.wav"]).samples.tobytes() == frame(b"f")
    capture = parse_wav_tracks(taken["capture.wav"])
    assert capture.audio_format == wide
    assert capture.samples.tobytes() == frame(b"n", 640)


def test_the_final_head_says_how_long_it_is() -> None:
    """It takes the place of the one that did not know."""
    tracks = tracks_of()
    tracks.receive(FAR, frame(b"f"), 1000.0, 1020.0)
    data = tracks.take(is_over=True)["audio.wav"]
    head = tracks.final_heads()["audio.wav"]
    whole = head + data[len(head) :]
    assert int.from_bytes(whole[4:8], "little") == len(whole) - 8
    assert parse_wav_tracks(whole).samples.tobytes() == parse_wav_tracks(data).samples.tobytes()


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[Side, bytes, float, bool]]:
    now_ms = 1000.0
    pieces = []
    for _ in range(draw(st.integers(0, 40))):
        now_ms += draw(st.sampled_from([0.0, 0.1, 20.0, 20.0, 33.3, 150.0, 700.0, 6000.0]))
        side = draw(st.sampled_from(Side))
        n_samples = draw(st.sampled_from([1, 53, 160, 160, 480, 8000]))
        piece = draw(st.binary(min_size=2, max_size=2)) * n_samples
        pieces.append((side, piece, now_ms, draw(st.booleans())))
    return pieces


@given(arrivals(), st.booleans())
def test_every_sample_is_there_once_where_it_was_said_to_be(
    pieces: list[tuple[Side, bytes, float, bool]], is_one_file: bool
) -> None:
    """Whatever comes when, and whenever what there is is taken."""
    narrow = AudioFormat()
    tracks = tracks_of(narrow, narrow if is_one_file else AudioFormat(rate_hz=16_000))
    files: dict[str, bytes] = {}
    placed = []

    def take(*, is_over: bool = False) -> None:
        for name, data in tracks.take(is_over=is_over).items():
            files[name] = files.get(name, b"") + data

    for side, audio, now_ms, is_taken in pieces:
        placed.append((side, audio, tracks.receive(side, audio, now_ms, now_ms)))
        if is_taken:
            take()
    take(is_over=True)
    ends = dict.fromkeys(Side, 0)
    for side, audio, stretch in placed:
        assert stretch is not None
        assert stretch.at is not None
        assert stretch.at >= ends[side]
        ends[side] = stretch.at + stretch.n_samples
        name, column = ("audio.wav", list(Side).index(side)) if is_one_file else (f"{side}.wav", 0)
        found = parse_wav_tracks(files[name]).samples[stretch.at : ends[side], column]
        assert found.tobytes() == audio
    if is_one_file:
        lengths = {len(parse_wav_tracks(data).samples) for data in files.values()}
        assert lengths <= {max(ends.values())}
