"""The echo-aware detector as the gate knows it."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from support.signals import frames_of, silence
from voxgate.core.echo import echo_aware
from voxgate.core.echo.echo_aware import EchoAwareNearEnd, packaged_near_end
from voxgate.core.echo.near_end import NearEndVerdict, NullNearEndDetector
from voxgate.core.echo.recurrent_network import packaged_weights
from voxgate.core.g711 import decode
from voxgate.lab.echo_path import EchoPath
from voxgate.realtime_server.voice_library import VoiceLibrary, agent_voices


def samples_of(library: VoiceLibrary, line_id: str, n_frames: int) -> list[np.ndarray]:
    line = library[line_id]
    audio = decode(line.audio, line.audio_format)
    padded = np.concatenate([audio, np.zeros(160 * n_frames, np.int16)])[: 160 * n_frames]
    return list(padded.reshape(n_frames, 160))


def logits(captures: list[np.ndarray], far_ends: list[np.ndarray]) -> list[float | None]:
    detector = EchoAwareNearEnd(packaged_weights())
    result = []
    for number, (capture, far_end) in enumerate(zip(captures, far_ends, strict=True)):
        detector.receive_far_end(far_end, 20.0 * number)
        verdict = detector.process(capture, 20.0 * number, agent_audible=True)
        result.append(None if verdict is None else verdict.logit)
    return result


def test_without_a_far_end_there_is_no_verdict() -> None:
    """Voice activity and level decide where nobody shows what the line plays."""
    detector = EchoAwareNearEnd(packaged_weights())
    loud = np.full(160, 5000, np.int16)
    assert detector.process(loud, 0.0, agent_audible=True) is None


def test_while_the_agent_is_silent_there_is_no_verdict() -> None:
    """The guard decides then; the detector only listens."""
    detector = EchoAwareNearEnd(packaged_weights())
    detector.receive_far_end(np.zeros(160, np.int16), 0.0)
    assert detector.process(np.full(160, 900, np.int16), 0.0, agent_audible=False) is None


def test_a_caller_on_a_line_that_is_silent_to_the_last_bit_is_heard() -> None:
    """Digital silence is no loss of packets: it says that there is no echo."""
    n_frames = 250
    far_ends = samples_of(agent_voices(), "service_time", n_frames)
    caller = samples_of(VoiceLibrary.load(files("voxgate.lab") / "voices"), "interruption", 100)
    captures = [np.zeros(160, np.int16)] * 150 + caller
    heard = logits(captures, far_ends)
    assert all(logit is None or logit < 0 for logit in heard[:150])
    assert any(logit is not None and logit > 2 for logit in heard[150:165])


def test_echo_of_the_agent_is_not_the_caller() -> None:
    """At 12 dB of return loss and 180 ms, no frame of a long answer reaches a commitment."""
    n_frames = 600
    far_ends = samples_of(agent_voices(), "service_time", n_frames)
    path = EchoPath(delay_ms=180, erl_db=12)
    noise = np.random.default_rng(1)
    captures = [
        (path.process(far_end) + noise.normal(0, 15, 160)).astype(np.int16) for far_end in far_ends
    ]
    heard = [logit for logit in logits(captures, far_ends) if logit is not None]
    assert np.mean(np.array(heard) > 0) < 0.01


def test_echo_that_comes_late_after_a_stall_is_not_the_caller() -> None:
    """A second of echo that comes all at once is compared with what was played a second ago."""
    n_frames = 400
    far_ends = samples_of(agent_voices(), "service_time", n_frames)
    path = EchoPath(delay_ms=180, erl_db=12)
    noise = np.random.default_rng(1)
    detector = EchoAwareNearEnd(packaged_weights())
    stalled = range(300, 350)
    heard, waiting = [], []
    for number, far_end in enumerate(far_ends):
        waiting.append((path.process(far_end) + noise.normal(0, 15, 160)).astype(np.int16))
        detector.receive_far_end(far_end, 20.0 * number)
        if number in stalled:
            detector.pass_slot(agent_audible=True)
            continue
        now_ms = 20.0 * number + 20.0
        heard += [detector.process(capture, now_ms, agent_audible=True) for capture in waiting]
        waiting.clear()
    logits_late = [one.logit for one in heard[300:] if one is not None and not one.is_pending]
    assert len(logits_late) == 99
    assert max(logits_late) < 0


class RecordingDetector:
    """Notes what it is given, by the first sample of each frame; its logits are the captures'."""

    def __init__(self, weights: object, scratch: object = None) -> None:
        self.given: list[tuple[int, int, bool]] = []
        self.has_judged = False
        self.left = np.zeros(160, np.float32)

    def process(
        self, capture: np.ndarray, far_end: np.ndarray, *, agent_audible: bool
    ) -> NearEndVerdict:
        self.given.append((int(capture[0]), int(far_end[0]), agent_audible))
        self.has_judged = agent_audible and bool(capture.any())
        self.left = capture.astype(np.float32)
        return NearEndVerdict(logit=float(capture[0]))

    def reset(self) -> None:
        self.given.clear()


class RecordedNearEnd(EchoAwareNearEnd):
    """Is told slot by slot what comes: frames by number, far-end slots by their negative one."""

    def __init__(self) -> None:
        super().__init__(packaged_weights())
        self.now_ms = 0.0
        self.slots = 0

    @property
    def given(self) -> list[tuple[int, int, bool]]:
        return self._detector.given  # type: ignore[attr-defined]

    def slot(self, *numbers: int, audible: bool = True) -> list[NearEndVerdict | None]:
        """Push a slot, and let frames come at its end; pass it if there are none."""
        self.slots += 1
        self.receive_far_end(np.full(160, -self.slots, np.int16), self.now_ms)
        self.now_ms += 20.0
        if not numbers:
            self.pass_slot(agent_audible=audible)
        return [
            self.process(np.full(160, number, np.int16), self.now_ms, agent_audible=audible)
            for number in numbers
        ]


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> RecordedNearEnd:
    monkeypatch.setattr(echo_aware, "EchoAwareDetector", RecordingDetector)
    return RecordedNearEnd()


def test_a_burst_after_a_stall_is_judged_with_the_slots_of_the_stall(
    recorded: RecordedNearEnd,
) -> None:
    """The first frame waits for the second; no slot is shown twice or left out."""
    for number in range(1, 11):
        recorded.slot(number)
    for _ in range(30):
        recorded.slot()
    first, second, *_ = recorded.slot(*range(11, 42))
    assert first is not None
    assert first.is_pending
    assert second is not None
    assert (second.is_pending, second.logit) == (False, 12.0)
    assert recorded.given == [(n, -n, True) for n in range(1, 42)]


def test_a_late_burst_over_an_agent_that_has_ended_is_one_turn(recorded: RecordedNearEnd) -> None:
    """When the first frame comes nothing shows that it is late; what was audible then is told by
    the second."""
    for number in range(1, 11):
        recorded.slot(number)
    for _ in range(30):
        recorded.slot()
    recorded.receive_far_end(np.zeros(160, np.int16), recorded.now_ms)
    recorded.now_ms += 20.0
    for number in range(11, 30):
        frame = np.full(160, number, np.int16)
        recorded.process(frame, recorded.now_ms, agent_audible=number > 11)
    assert all(audible for _, _, audible in recorded.given)


def test_lost_frames_pass_the_detector_as_lost(recorded: RecordedNearEnd) -> None:
    """Their slots are shown with frames of zeros before the next frame, that has its own slot."""
    for number in range(1, 11):
        recorded.slot(number)
    for _ in range(4):
        recorded.slot()
    (pending,) = recorded.slot(15)
    assert pending is not None
    assert pending.is_pending
    assert recorded.residual is None
    (verdict,) = recorded.slot(6)
    assert verdict is not None
    assert verdict.logit == 15.0, "the strongest of the two judged now"
    assert recorded.residual is not None
    assert recorded.given[10:] == [
        *[(0, -n, True) for n in range(11, 15)],
        (15, -15, True),
        (6, -16, True),
    ]


def test_a_frame_that_waits_while_the_agent_is_silent_has_no_verdict(
    recorded: RecordedNearEnd,
) -> None:
    """Nobody asks for one: the guard decides at once."""
    for number in range(1, 5):
        recorded.slot(number)
    recorded.slot()
    assert recorded.slot(6, audible=False) == [None]
    assert recorded.slot(7, audible=False) == [None]
    assert recorded.given[-2:] == [(6, -6, False), (7, -7, False)]


def test_an_agent_that_fell_silent_in_a_hole_begins_a_turn_after_it(
    recorded: RecordedNearEnd,
) -> None:
    """The detector is told of the silence once, before the frames of the turn that came then."""
    for number in range(1, 11):
        recorded.slot(number)
    for slot in range(20):
        recorded.slot(audible=not 5 <= slot < 10)
    recorded.slot(31)
    recorded.slot(32)
    audible = [audible for _, _, audible in recorded.given[10:]]
    assert audible == [False] + [True] * 21


def test_a_line_that_falls_silent_is_heard_to_be_silent(recorded: RecordedNearEnd) -> None:
    """Once it is known to, the far end goes on without an echo while nothing comes."""
    for _ in range(2):
        for _ in range(10):
            recorded.slot(7)
        for _ in range(20):
            recorded.slot()
    while_silent = recorded.given[20 + 20 :]
    assert [far_end for _, far_end, _ in while_silent] == list(range(-41, -55, -1))
    assert [capture for capture, _, _ in while_silent[:5]] == [0] * 5
    assert all(np.abs(capture) <= 8 for capture, _, _ in while_silent)
    assert any(capture for capture, _, _ in while_silent[5:])
    recorded.reset()
    assert recorded.given == []


def test_without_weights_there_is_the_null_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package built without weights still works, by voice activity and level."""

    def missing() -> None:
        raise ValueError("no weights")

    monkeypatch.setattr(echo_aware, "packaged_weights", missing)
    assert isinstance(packaged_near_end(), NullNearEndDetector)


def test_reset_forgets_the_call() -> None:
    """After a reset the same input gives the same verdicts as at first."""
    detector = EchoAwareNearEnd(packaged_weights())
    frame = np.frombuffer(frames_of(silence(20))[0], "<i2")
    loud = (np.random.default_rng(2).normal(0, 2000, 160)).astype(np.int16)

    def run() -> list[object]:
        result = []
        for number in range(20):
            detector.receive_far_end(loud, 20.0 * number)
            result.append(detector.process(frame + 9, 20.0 * number, agent_audible=True))
        return result

    first = run()
    detector.reset()
    assert detector.process(loud, 0.0, agent_audible=True) is None, "the reference is forgotten too"
    assert run() == first


@pytest.mark.parametrize("agent_audible", [True, False])
def test_a_frame_without_echo_is_its_own_residual(agent_audible: bool) -> None:
    """The very samples, without a look at each: no far end so far that could echo in them."""
    detector = EchoAwareNearEnd(packaged_weights())
    for number, capture in enumerate(samples_of(agent_voices(), "service_time", 20)):
        detector.receive_far_end(np.zeros(160, np.int16), 20.0 * number)
        detector.process(capture, 20.0 * number, agent_audible=agent_audible)
        assert detector.residual is capture


def test_the_residual_is_the_last_frame_without_its_echo() -> None:
    """None without a far end; weaker than the capture once the path is known; the caller stays."""
    detector = EchoAwareNearEnd(packaged_weights())
    assert detector.residual is None
    n_frames = 250
    far_ends = samples_of(agent_voices(), "service_time", n_frames)
    path = EchoPath(erl_db=6.0, delay_ms=100.0)
    heard, left = [], []
    for number, far_end in enumerate(far_ends):
        capture = path.process(far_end).astype(np.int16)
        detector.receive_far_end(far_end, 20.0 * number)
        detector.process(capture, 20.0 * number, agent_audible=True)
        heard.append(capture)
        left.append(detector.residual)
    echo = np.concatenate(heard[150:]) / 32768.0
    assert np.mean(np.concatenate(left[150:]) ** 2) < 0.1 * np.mean(echo**2)
    detector.reset()
    assert detector.residual is None
