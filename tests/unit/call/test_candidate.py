"""Who may answer."""

from __future__ import annotations

from voxgate.call import Candidate, FallBackPolicy
from voxgate.config.models import EngineConfig


def test_a_candidate_is_not_made_before_it_is_asked() -> None:
    """Most calls never need the second."""
    made: list[object] = []
    Candidate("second", made.append)  # type: ignore[arg-type]
    assert made == []


def test_the_times_are_those_of_the_configuration() -> None:
    """In code as in a file."""
    config, policy = EngineConfig(), FallBackPolicy()
    assert policy.after_s == config.fall_back_after_s
    assert policy.hold_ms == config.provider_hold_ms
