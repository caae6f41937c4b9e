"""The demonstration call: what both ways to place it have in common, and how long it can last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from voxgate.core.levels import rms
from voxgate.core.units import rms_to_dbfs, samples_to_ms
from voxgate.errors import TransportError
from voxgate.lab.call_script import MakeNoise, Say, WaitForAgent, demo_script
from voxgate.lab.demo import DEMO_CALLS, _demo_config, _first_error, _sentences


def test_the_calls_differ_in_the_gate_and_in_nothing_else() -> None:
    """Whatever is compared is the gate's doing."""
    off, on = (_demo_config(call) for call in DEMO_CALLS)
    policy_off, policy_on = (config.gating.providers["openai_realtime"] for config in (off, on))
    assert (policy_off.gating_enabled, policy_on.gating_enabled) == (False, True)
    assert replace(policy_off, gating_enabled=True) == policy_on
    assert replace(off, gating=on.gating) == on


@pytest.mark.parametrize("call", DEMO_CALLS, ids=lambda call: call.title)
def test_nothing_leaves_this_machine(call: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback, any free port, the embedded agent; no variable changes that."""
    monkeypatch.setenv("VOXGATE__ENGINE__DEFAULT_PROVIDER", "openai")
    monkeypatch.setenv("VOXGATE__LINES__AUDIOSOCKET__HOST", "0.0.0.0")  # noqa: S104 - not read
    config = _demo_config(call)
    assert config.engine.default_provider == "embedded"
    line, server = config.lines.audiosocket, config.realtime_server
    assert (line.host, line.port) == (server.host, server.port) == ("127.0.0.1", 0)


def test_the_call_ends_in_time_whatever_the_agent_does() -> None:
    """All waits at their longest, under 70 s: a busy machine needs the rest of the 120 s."""
    sentences = _sentences()
    total_ms = 0.0
    for step in demo_script():
        if isinstance(step, Say):
            total_ms += samples_to_ms(len(sentences[step.line_id]), 8000)
        elif isinstance(step, WaitForAgent):
            total_ms += step.timeout_ms
        elif isinstance(step, MakeNoise):
            total_ms += step.duration_ms
    assert total_ms < 70_000


def test_the_caller_speaks_as_loud_as_people_do() -> None:
    """Every sentence of the script is there, around -20 dBFS."""
    sentences = _sentences()
    spoken = [step.line_id for step in demo_script() if isinstance(step, Say)]
    assert len(spoken) == 4
    for line_id in spoken:
        assert -26 < rms_to_dbfs(rms(sentences[line_id])) < -16


def test_of_several_errors_the_first_is_told() -> None:
    """Two calls that fail alike are one line for whoever reads it."""
    errors = [
        TransportError("one", "busy", retryable=True),
        TransportError("two", "", retryable=True),
    ]
    nested = ExceptionGroup("all", [ExceptionGroup("calls", [errors[0]]), errors[1]])
    assert _first_error(nested) is errors[0]
