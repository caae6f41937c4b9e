"""The simulated phone without its socket: what one slot is made of."""

from __future__ import annotations

import numpy as np

from support.signals import white_noise
from support.simulated_calls import LOUD, SILENT
from voxgate.core.levels import rms
from voxgate.lab.call_record import CallRecord
from voxgate.lab.call_script import Say, ScriptedCaller, Step
from voxgate.lab.echo_path import EchoPath
from voxgate.lab.phone import Phone

SENTENCE = white_noise(100, level_dbfs=-20)


def phone_of(
    *script: Step,
    erl_db: float = 12.0,
    delay_ms: float = 40.0,
    background: np.ndarray | None = None,
) -> Phone:
    caller = ScriptedCaller(script, {"sentence": SENTENCE})
    path = EchoPath(delay_ms=delay_ms, erl_db=erl_db)
    return Phone(caller, path, CallRecord(), background=background)


def test_what_was_received_is_heard_and_comes_back_as_echo() -> None:
    """After the echo path delay, weaker, in the capture too; the caller is silent."""
    phone = phone_of()
    for _ in range(3):
        phone._received.push(LOUD)
    slots = [phone._live_slot(20.0 * n) for n in range(6)]
    assert [bool(slot.far_end.any()) for slot in slots] == [True] * 3 + [False] * 3
    assert [bool(slot.echo.any()) for slot in slots] == [False] * 2 + [True] * 4
    assert 0 < rms(slots[3].echo) < rms(LOUD)
    assert rms(slots[3].capture) > 0
    assert not any(slot.near_end.any() for slot in slots)
    assert [slot.t_ms for slot in slots] == [20.0 * n for n in range(6)]


def test_capture_is_speech_and_echo_and_noise_within_a_mulaw_step() -> None:
    """The line is G.711: half a step is 1/32 of the sample with the bias of 132."""
    background = white_noise(200, level_dbfs=-30)
    phone = phone_of(Say("sentence"), background=background)
    for _ in range(10):
        phone._received.push(LOUD)
    for n in range(10):
        slot = phone._live_slot(20.0 * n)
        parts = slot.near_end.astype(int) + slot.echo + slot.noise
        assert np.all(np.abs(slot.capture - parts) <= (np.abs(parts) + 132) / 32 + 1)
        assert (n < 5) == bool(slot.near_end.any())
        assert slot.noise.any()


def test_what_is_heard_in_the_room_goes_on_and_on() -> None:
    """To the sample, through slots that its length is no multiple of, from the start again."""
    background = np.arange(1, 401, dtype=np.int16)
    phone = phone_of(background=background)
    heard = []
    for n in range(6):
        slot = phone._live_slot(20.0 * n)
        phone._record.slots.append(slot)
        heard.append(slot.noise)
    assert np.array_equal(np.concatenate(heard), np.resize(background, 960))


def test_without_a_background_the_room_is_silent() -> None:
    """Nothing but the caller and the echo is in the capture."""
    slot = phone_of()._live_slot(0.0)
    assert not slot.noise.any()
    assert not slot.capture.any()


def test_a_line_that_is_too_loud_clips() -> None:
    """It does not wrap round: that would be a crack at full scale."""
    phone = phone_of(erl_db=-40.0, delay_ms=0.0)
    for _ in range(4):
        phone._received.push(LOUD)
    slots = [phone._live_slot(20.0 * n) for n in range(4)]
    loudest = max(slots, key=lambda slot: rms(slot.echo))
    assert set(np.sign(loudest.echo) * np.sign(loudest.capture)) <= {0, 1}
    assert np.abs(loudest.capture.astype(int)).max() > 32_000


def test_the_caller_listens_to_what_the_phone_plays() -> None:
    """Not to what has been received and still waits."""
    heard = []

    class Listener(ScriptedCaller):
        def step(self, heard_now: np.ndarray) -> np.ndarray:
            heard.append(bool(heard_now.any()))
            return super().step(heard_now)

    phone = Phone(Listener((), {}), EchoPath(delay_ms=0, erl_db=24), CallRecord())
    phone._received.push(LOUD)
    phone._live_slot(0.0)
    phone._received.push(SILENT)
    phone._live_slot(20.0)
    assert heard == [False, True]
