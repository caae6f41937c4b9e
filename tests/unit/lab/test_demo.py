"""The demonstration call: what the ways to place it have in common, and how long it can last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from voxgate.config.models import AppConfig
from voxgate.core.levels import rms
from voxgate.core.units import rms_to_dbfs, samples_to_ms
from voxgate.errors import TransportError
from voxgate.lab.call_script import Say, WaitForAgent, demo_script
from voxgate.lab.demo import (
    DEMO_BABBLE_DB,
    DEMO_CALLS,
    _babble,
    _caller_voices,
    _demo_config,
    _first_error,
    _sentences,
)


def test_the_calls_differ_in_the_gate_and_in_nothing_else() -> None:
    """Whatever is compared is the gate's doing; the echo-aware one is as it comes."""
    off, vad, echo_aware = (_demo_config(call) for call in DEMO_CALLS)
    policies = [config.gating.providers["openai_realtime"] for config in (off, vad, echo_aware)]
    assert [policy.gating_enabled for policy in policies] == [False, True, True]
    assert [policy.mode for policy in policies] == ["off", "vad", "echo_aware"]
    assert policies[2] == AppConfig().gating.providers["openai_realtime"]
    for config, policy in zip((off, vad), policies, strict=False):
        assert replace(policy, gating_enabled=True, mode=policies[2].mode) == policies[2]
        assert replace(config, gating=echo_aware.gating) == echo_aware


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
    """All waits at their longest, under 100 s: a busy machine needs some more."""
    sentences = _sentences(_caller_voices())
    total_ms = 0.0
    for step in demo_script():
        if isinstance(step, Say):
            total_ms += samples_to_ms(len(sentences[step.line_id]), 8000)
        elif isinstance(step, WaitForAgent):
            total_ms += step.timeout_ms
    assert total_ms < 100_000


def test_the_caller_speaks_as_loud_as_people_do() -> None:
    """Every sentence of the script is there, around -20 dBFS."""
    sentences = _sentences(_caller_voices())
    spoken = [step.line_id for step in demo_script() if isinstance(step, Say)]
    assert len(spoken) == 5
    for line_id in spoken:
        assert -26 < rms_to_dbfs(rms(sentences[line_id])) < -16


def test_the_babble_is_as_much_weaker_than_the_caller_as_it_is_said_to_be() -> None:
    """All of it, over its whole length."""
    babble = _babble()
    caller_dbfs = -20.0
    assert rms_to_dbfs(rms(babble)) == pytest.approx(caller_dbfs - DEMO_BABBLE_DB, abs=0.1)
    assert samples_to_ms(len(babble), 8000) > 30_000


def test_of_several_errors_the_first_is_told() -> None:
    """Two calls that fail alike are one line for whoever reads it."""
    errors = [
        TransportError("one", "busy", retryable=True),
        TransportError("two", "", retryable=True),
    ]
    nested = ExceptionGroup("all", [ExceptionGroup("calls", [errors[0]]), errors[1]])
    assert _first_error(nested) is errors[0]
