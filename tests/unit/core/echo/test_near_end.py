"""The near-end interface and its null implementation."""

from __future__ import annotations

import numpy as np
import pytest

from support.gate_calls import ScriptedNearEnd
from voxgate.core.echo.near_end import NearEndDetector, NearEndVerdict, NullNearEndDetector


def test_the_null_detector_has_no_verdict_whatever_it_hears() -> None:
    """It says None, so that voice activity and level decide."""
    detector: NearEndDetector = NullNearEndDetector()
    loud = np.full(160, 20_000, np.int16)
    detector.receive_far_end(loud, 20.0)
    assert detector.process(loud, 20.0, agent_audible=True) is None
    detector.reset()
    assert detector.process(np.zeros(160, np.int16), 40.0, agent_audible=True) is None


def test_a_verdict_is_a_value_whose_extras_may_be_unknown() -> None:
    """Return loss and delay are None until measured; a verdict can't be changed."""
    verdict = NearEndVerdict(logit=1.5)
    assert (verdict.erl_db, verdict.echo_delay_ms) == (None, None)
    assert verdict == NearEndVerdict(logit=1.5)
    with pytest.raises(AttributeError):
        verdict.logit = 2.0  # type: ignore[misc]


def test_any_object_with_the_three_methods_can_stand_in() -> None:
    """The interface is structural: the gate's tests use a scripted one."""
    detector: NearEndDetector = ScriptedNearEnd(logits=float)
    assert detector.process(np.zeros(160, np.int16), 20.0, agent_audible=True) == NearEndVerdict(
        logit=1.0
    )
