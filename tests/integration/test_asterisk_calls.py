"""The drop-in for Asterisk voice agents on whole calls with echo: what its page promises, in short.

``python -m benchmarks.asterisk_calls`` measures the same on many calls. No clock is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from voxgate.integrations.asterisk_agents import AsteriskGatingManager
from voxgate.lab.bench.sounds import gather_sounds

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "integrations"

Judge = Callable[[str], Any]
"""Judges the turns of two calls by what the engine does with the gate."""


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Two calls of four turns, every second one interrupted; the other side is the benchmark's."""
    monkeypatch.syspath_prepend(ROOT)
    asterisk_calls = import_module("benchmarks.asterisk_calls")
    calls = import_module("benchmarks.telephone_calls")
    sounds = gather_sounds(None)

    def judged(setting: str) -> Any:
        two = [calls.ScriptedCall(sounds.bank, sounds.split, seed, 4) for seed in (0, 1)]
        turns = (turn for call in two for turn in asterisk_calls.run_call(call, setting))
        return calls.judge_turns(turns)

    return judged


def test_with_what_is_written_only_the_caller_cuts_the_agent_off(judge: Judge) -> None:
    """Every interruption in time, and none besides."""
    judged = judge("far_end")
    assert judged.n_turns == 8
    assert judged.n_false == 0
    assert judged.n_right == judged.n_over == 4


def test_without_a_gate_the_agent_cuts_itself_off(judge: Judge) -> None:
    """What such an engine does on the same calls."""
    judged = judge("no_gate")
    assert judged.n_false >= 6


@pytest.mark.parametrize("page", ["asterisk-agents.md", "plain-asyncio.md"])
def test_whole_programs_of_the_pages_run(page: str) -> None:
    """Blocks that import what they use; the others are lines of somebody's engine."""
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    whole = [block for block in blocks if re.search(r"^(manager|gate) = ", block, re.MULTILINE)]
    assert len(whole) == 1
    names: dict[str, Any] = {}
    exec(compile(whole[0], page, "exec"), names)  # noqa: S102 - it is ours
    if page == "asterisk-agents.md":
        manager = names["manager"]
        assert isinstance(manager, AsteriskGatingManager)
        policy = manager.manager.config.policy_for("google_live")
        assert policy is not None
        assert policy.gating_enabled
    else:
        assert len(names["to_provider"]) == 160
        assert names["unheard_ms"] == 200
        assert len(names["manager"]) == 0


def test_every_method_that_the_page_names_is_there() -> None:
    """A method that was renamed would send its reader to an AttributeError."""
    text = (DOCS / "asterisk-agents.md").read_text(encoding="utf-8")
    named = set(re.findall(r"gating_manager\.(\w+)\(", text))
    assert {"audio_to_send", "receive_agent_audio", "set_agent_speaking"} <= named
    assert [name for name in sorted(named) if not hasattr(AsteriskGatingManager, name)] == []
