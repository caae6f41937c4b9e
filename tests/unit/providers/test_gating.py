"""What providers ask of the gate is what the gate offers."""

from __future__ import annotations

import inspect

import pytest

from support.scripted_gate import ScriptedGate
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.providers.gating import GatingManager

_METHODS = [name for name in vars(GatingManager) if not name.startswith("_")]


@pytest.mark.parametrize("implementation", [AudioGatingManager, ScriptedGate])
@pytest.mark.parametrize("method", _METHODS)
def test_every_call_a_provider_makes_is_accepted(implementation: type, method: str) -> None:
    """Same names in the same order, so that both positions and keywords work; more may have
    defaults."""
    wanted = inspect.signature(getattr(GatingManager, method)).parameters
    offered = inspect.signature(getattr(implementation, method)).parameters

    assert list(offered)[: len(wanted)] == list(wanted)
    extra = [offered[name] for name in list(offered)[len(wanted) :]]
    assert all(parameter.default is not inspect.Parameter.empty for parameter in extra)


def test_a_manager_that_knows_no_call_answers_all_the_same() -> None:
    """A late event after the call's end is no error."""
    manager: GatingManager = AudioGatingManager()

    assert manager.process("gone", b"\0" * 320, 1.0).audio_for(b"\1\0") == (b"\1\0",)
    assert manager.advance("gone", 2.0).audio == ()
    manager.set_agent_speaking("gone", is_speaking=True, now_ms=3.0, audio_ms=20.0)
    assert manager.receive_provider_speech_started("gone", 4.0).events == ()
    manager.receive_provider_speech_stopped("gone", 5.0)
