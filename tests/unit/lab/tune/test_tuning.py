"""From calls to a proposal, or none."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from support.tuned_calls import FakeTrials, measures, prepared
from voxgate.config import AppConfig, load_config
from voxgate.lab.tune import tuning as module
from voxgate.lab.tune.call_sources import CallProblem
from voxgate.lab.tune.measures import CallMeasures
from voxgate.lab.tune.prepared_call import PreparedCall
from voxgate.lab.tune.sufficiency import split_calls
from voxgate.lab.tune.tuning import Tuning, TuningPlan, Verdict, tune_calls
from voxgate.lab.tune.workforce import Workforce

CALLS = [prepared(f"call-{n}", tags={"path": "room"}) for n in range(30)]
HELD_OUT = {call.name for call in split_calls(CALLS, 1).held_out}
KEY = "audio_guard.preroll_ms"
PLAN = TuningPlan(config=load_config(None, {}), kind="openai_realtime", only=(KEY,))


def tuned(
    monkeypatch: pytest.MonkeyPatch, measure, calls: list[PreparedCall] = CALLS
) -> tuple[Tuning, list[FakeTrials]]:
    """Tune, with measures worked out of setting, number and whether the call is held out."""
    made: list[FakeTrials] = []

    def trials(calls: tuple[PreparedCall, ...], *_: object) -> FakeTrials:
        names = [call.name for call in calls]
        fake = FakeTrials(
            calls, lambda setting, n: measure(setting, n, is_held_out=names[n] in HELD_OUT)
        )
        made.append(fake)
        return fake

    monkeypatch.setattr(module, "Trials", trials)
    return tune_calls(calls, PLAN, Workforce()), made


def longer_is_better(
    setting: Mapping[str, float], number: int, *, is_held_out: bool
) -> CallMeasures:
    del is_held_out
    return measures(lost_ms=4000.0 - 9.0 * setting.get(KEY, 300) + 10.0 * number)


def test_what_is_surely_better_on_held_out_calls_is_proposed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With what it changes, and figures of both parts."""
    tuning, (searched, checked) = tuned(monkeypatch, longer_is_better)
    assert tuning.verdict is Verdict.PROPOSED
    (change,) = tuning.changes
    assert (change.key.name, change.current, change.proposed) == (KEY, 300, 400)
    assert tuning.calls_needed is None
    assert tuning.search is not None
    assert tuning.held_out is not None
    assert tuning.held_out.gain is not None
    assert tuning.held_out.gain.low > 0.0
    assert tuning.held_out.proposed is not None
    assert (tuning.search.current.calls, tuning.held_out.proposed.calls) == (18, 12)
    assert tuning.held_out.proposed_by_tag["path"]["room"].calls == 12
    assert len(searched.tried) > len(checked.tried) == 2


def test_the_search_never_sees_the_held_out_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are tried under two settings: the current one, and the one that was found."""
    _, (searched, checked) = tuned(monkeypatch, longer_is_better)
    assert {call.name for call in checked.calls} == HELD_OUT
    assert not HELD_OUT & {call.name for call in searched.calls}
    assert checked.tried == [{}, {KEY: 400}]


def test_what_only_helps_where_it_was_found_is_not_proposed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The held-out calls say no: keep what you have."""

    def measure(setting: Mapping[str, float], number: int, *, is_held_out: bool) -> CallMeasures:
        return longer_is_better({} if is_held_out else setting, number, is_held_out=is_held_out)

    tuning, _ = tuned(monkeypatch, measure)
    assert tuning.verdict is Verdict.NOT_SURE
    assert [change.proposed for change in tuning.changes] == [400]
    assert tuning.calls_needed is None, "what gains nothing is shown by no number of calls"


def test_where_nothing_is_surely_better_the_likeliest_is_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And the number of calls is said that might show it."""

    def measure(setting: Mapping[str, float], number: int, *, is_held_out: bool) -> CallMeasures:
        del is_held_out
        return measures(lost_ms=0.0 if setting.get(KEY) == 400 and number == 3 else 900.0)

    tuning, _ = tuned(monkeypatch, measure)
    assert tuning.verdict is Verdict.NOTHING_BETTER
    assert [change.proposed for change in tuning.changes] == [400]
    assert tuning.calls_needed is not None
    assert tuning.calls_needed > 30


def test_few_calls_are_measured_and_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """What they hold is shown all the same."""
    tuning, (searched, _) = tuned(monkeypatch, longer_is_better, CALLS[:10])
    assert tuning.verdict is Verdict.TOO_FEW
    assert (tuning.changes, tuning.keys, searched.tried) == ((), (), [{}])
    assert tuning.search is not None
    assert tuning.search.proposed is None
    assert [shortage.calls_needed for shortage in tuning.shortages] == [20]


def test_without_any_call_there_is_nothing_to_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is too few."""
    tuning, _ = tuned(monkeypatch, longer_is_better, [])
    assert (tuning.verdict, tuning.search, tuning.held_out) == (Verdict.TOO_FEW, None, None)


def test_keys_that_calls_cannot_judge_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without interruptions, those of barge-ins."""
    plan = TuningPlan(config=PLAN.config, kind=PLAN.kind)
    monkeypatch.setattr(module, "Trials", lambda calls, *_: FakeTrials(calls, _fixed))
    tuning = tune_calls(CALLS, plan, Workforce())
    assert {key.group for key in tuning.keys} == {"guard"}
    assert {key.group for key in plan.keys} == {"guard", "barge-in"}
    assert tuning.verdict is Verdict.NOTHING_BETTER


def test_a_mode_without_reference_is_held_against_the_one_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With its thresholds as they are, on the held-out calls; sure gains only are told."""
    variables = {"VOXGATE__GATING__PROVIDERS__OPENAI_REALTIME__MODE": "vad"}
    plan = TuningPlan(config=load_config(None, variables), kind=PLAN.kind, only=(KEY,))
    modes: list[str] = []

    def trials(calls: tuple[PreparedCall, ...], config: AppConfig, *_: object) -> FakeTrials:
        mode = config.gating.providers["openai_realtime"].mode
        modes.append(mode)
        lost_ms = 100.0 if mode == "echo_aware" else 5000.0
        return FakeTrials(calls, lambda _, n: measures(lost_ms=lost_ms + n))

    monkeypatch.setattr(module, "Trials", trials)
    gain = tune_calls(CALLS, plan, Workforce()).saved_by_reference
    assert modes == ["vad", "vad", "echo_aware"]
    assert gain is not None
    assert gain.mean == pytest.approx(2.45)


def test_what_got_surely_worse_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the whole is better."""

    def measure(setting: Mapping[str, float], number: int, *, is_held_out: bool) -> CallMeasures:
        del is_held_out
        is_new = setting.get(KEY) == 400
        return measures(false=0 if is_new else 3, lost_ms=900.0 * is_new + 10.0 * number)

    tuning, _ = tuned(monkeypatch, measure)
    assert tuning.verdict is Verdict.PROPOSED
    assert tuning.held_out is not None
    assert tuning.held_out.worse == ("lost",)


def _fixed(_: Mapping[str, float], __: int) -> CallMeasures:
    return CallMeasures(agent_turns=5, speech_ms=8000.0, idle_ms=8000.0)


def test_calls_that_failed_on_the_way_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both parts."""

    def trials(calls: tuple[PreparedCall, ...], *_: object) -> FakeTrials:
        fake = FakeTrials(calls, lambda setting, n: measures(lost_ms=10.0 * n))
        fake.problems[calls[0].name] = CallProblem(calls[0].name, "broken")
        fake.calls = fake.calls[1:]
        return fake

    monkeypatch.setattr(module, "Trials", trials)
    tuning = tune_calls(CALLS, PLAN, Workforce())
    assert [problem.message for problem in tuning.problems] == ["broken", "broken"]
