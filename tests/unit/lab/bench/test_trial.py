"""One call of the bench."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.sound_banks import SPLIT, small_bank
from voxgate.core.config import GatingConfig
from voxgate.lab.bench.matrix import Scenario, draw_scenarios
from voxgate.lab.bench.trial import TrialSetting, measured_responses, run_trial
from voxgate.lab.evaluate.pauses import playout_pauses
from voxgate.lab.scenarios.call_simulation import Call, SimulatedLine


@pytest.fixture
def setting() -> TrialSetting:
    return TrialSetting(
        split=SPLIT,
        duration_s=6.0,
        gates=("vad", "off", "usual_rule"),
        config=GatingConfig(),
    )


def scenario(**levels: str) -> Scenario:
    """Return a scenario that needs no codec of an extra."""
    (drawn,) = draw_scenarios(1, 5, has_measured=True)
    return Scenario(number=0, seed=7, levels={**drawn.levels, "codec": "mulaw", **levels})


def test_every_gate_is_judged_on_the_same_call(setting: TrialSetting) -> None:
    """The truth is one, the conditions are its tags, and the same again is the same."""
    trial = run_trial(scenario(), bank=small_bank(), setting=setting)
    assert list(trial.rows) == ["vad", "off", "usual_rule"]
    assert len({row.row.agent_speaking for row in trial.rows.values()}) == 1
    assert trial.rows["vad"].row.tags == trial.scenario.levels
    again = run_trial(scenario(), bank=small_bank(), setting=setting)
    for gate, row in trial.rows.items():
        assert row.verdict == again.rows[gate].verdict
        assert row.run.events == again.rows[gate].run.events


@pytest.mark.parametrize("line", ["jitter", "stalls", "gaps", "dtx", "lead", "clears"])
def test_every_line_runs(setting: TrialSetting, line: str) -> None:
    """A call of 6 s has an agent turn to judge; what is forwarded lies within the call."""
    trial = run_trial(scenario(line=line), bank=small_bank(), setting=setting)
    for row in trial.rows.values():
        assert row.verdict.duration_ms == 6000
        assert all(0 <= start < end <= 6000 for start, end in row.run.forwarded)


def test_room_responses_have_unit_energy() -> None:
    """And no more than half a second."""
    (response,) = measured_responses(small_bank(), SPLIT)
    assert np.sum(response**2) == pytest.approx(1.0, rel=1e-3)
    assert len(response) <= 4000


LOUD = {
    "path": "hybrid",
    "return_loss_db": "-6 to 0",
    "line": "steady",
    "packet_loss": "no",
    "background": "none",
}


def test_in_a_closed_loop_a_gate_that_opens_stops_the_agent(setting: TrialSetting) -> None:
    """Each turn ends with the first commitment in it; a gate that never opens changes nothing."""
    open_loop = run_trial(scenario(**LOUD), bank=small_bank(), setting=setting)
    closed_loop = replace(setting, is_closed_loop=True)
    closed = run_trial(scenario(**LOUD), bank=small_bank(), setting=closed_loop)
    assert closed.rows["off"].verdict == open_loop.rows["off"].verdict
    row = closed.rows["usual_rule"]
    assert row.run.barge_in_ms
    whole = open_loop.rows["usual_rule"].row.agent_speaking or ()
    stopped = row.row.agent_speaking or ()
    assert [start for start, _ in stopped] == [start for start, _ in whole]
    assert stopped != whole
    ends = {end for _, end in stopped} - {end for _, end in whole}
    assert ends <= set(row.run.barge_in_ms)


def test_in_a_closed_loop_a_gate_that_pauses_delays_the_agent(setting: TrialSetting) -> None:
    """It goes on where it stopped: a turn takes longer by the pauses in it, or is cut off."""
    loud = replace(scenario(**LOUD), seed=1)
    closed = replace(setting, gates=("vad",), is_closed_loop=True, duration_s=12.0)
    row = run_trial(loud, bank=small_bank(), setting=closed).rows["vad"]
    as_planned = replace(closed, is_closed_loop=False)
    planned = run_trial(loud, bank=small_bank(), setting=as_planned).rows["vad"]
    assert row.row.agent_speaking is not None
    assert planned.row.agent_speaking is not None
    ((start_ms, end_ms),) = row.row.agent_speaking
    ((planned_start_ms, planned_end_ms),) = planned.row.agent_speaking
    assert start_ms == planned_start_ms
    assert end_ms > planned_end_ms
    pauses = playout_pauses(row.run.events, end_ms=12_000.0)
    paused_ms = sum((pause.resumed_ms or end_ms) - pause.start_ms for pause in pauses)
    assert end_ms - start_ms - paused_ms < planned_end_ms - start_ms
    (turn,) = row.verdict.turns
    assert sum(turn.needless_delays_ms) == sum(pause.delay_ms for pause in pauses) > 2000


def test_a_call_is_simulated_once_for_all_gates(
    setting: TrialSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the same for all of them."""
    renders = []
    render = SimulatedLine.render

    def counted(line: SimulatedLine) -> Call:
        renders.append(line)
        return render(line)

    monkeypatch.setattr(SimulatedLine, "render", counted)
    run_trial(scenario(), bank=small_bank(), setting=setting)
    assert len(renders) == 1
