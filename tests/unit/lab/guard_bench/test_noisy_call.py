"""The noisy call that is drawn."""

from __future__ import annotations

import numpy as np

from voxgate.core.levels import rms
from voxgate.core.units import rms_to_dbfs
from voxgate.lab.guard_bench.noisy_call import make_noisy_call


def dbfs(samples: np.ndarray, start_s: float, end_s: float) -> float:
    return rms_to_dbfs(rms(samples[int(start_s * 8000) : int(end_s * 8000)]))


def test_the_call_is_always_the_same() -> None:
    """No chance is left in it."""
    first, second = make_noisy_call(), make_noisy_call()
    assert np.array_equal(first.capture, second.capture)
    assert np.array_equal(first.is_caller, second.is_caller)


def test_every_part_is_heard_and_the_line_is_quiet_between() -> None:
    """Street, music, a dial tone, typing, in this order, 20 dB over the line and more."""
    call = make_noisy_call()
    assert [part.name for part in call.parts] == ["street", "music", "dial tone", "typing"]
    for part in call.parts:
        assert dbfs(call.capture, part.start_s, part.end_s) > -48.0
    for before, after in zip(call.parts[:-1], call.parts[1:], strict=True):
        assert before.end_s < after.start_s
        assert dbfs(call.capture, before.end_s + 0.1, after.start_s) < -60.0


def test_the_caller_speaks_over_the_street_over_music_and_over_typing() -> None:
    """And says nothing to a dial tone; nothing is clipped."""
    call = make_noisy_call()
    assert call.capture.dtype == np.int16
    assert len(call.is_caller) == len(call.capture) // 160
    spoken = {
        part.name: call.is_caller[int(part.start_s * 50) : int(part.end_s * 50)].mean()
        for part in call.parts
    }
    assert spoken["street"] > 0.5
    assert spoken["music"] > 0.3
    assert spoken["typing"] > 0.05
    assert spoken["dial tone"] == 0.0
    assert np.abs(call.capture.astype(int)).max() < 32_767
