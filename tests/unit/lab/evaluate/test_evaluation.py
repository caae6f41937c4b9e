"""One row from manifest to result."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from support.recordings import manifest_row, write_wav
from support.signals import silence, speech_like
from voxgate.core.config import GatingConfig, GatingMode
from voxgate.core.gate_decision import GateEvent, GateEventType, GateReason
from voxgate.lab.evaluate import evaluation
from voxgate.lab.evaluate.evaluation import EvaluatedRow, evaluate_row, result_of, with_mode
from voxgate.lab.evaluate.judge import AudioShare
from voxgate.lab.evaluate.manifest import ManifestRow, RowProblem
from voxgate.lab.evaluate.runner import GateRun

CONFIG = GatingConfig()


@pytest.fixture
def row(tmp_path: Path) -> ManifestRow:
    """A caller who speaks loudly over the agent, on a line without echo."""
    caller = speech_like(2000, level_dbfs=-16.0, seed=1)
    return manifest_row(
        write_wav(tmp_path / "capture.wav", np.concatenate([silence(2000), caller])),
        write_wav(tmp_path / "far.wav", speech_like(4000, seed=2)),
        caller_speech=((2000, 4000),),
    )


def _changed(row: ManifestRow, **changes: object) -> ManifestRow:
    fields = {name: getattr(row, name) for name in ManifestRow.__slots__}
    return ManifestRow(**{**fields, **changes})


def evaluated(row: ManifestRow, config: GatingConfig = CONFIG) -> EvaluatedRow:
    outcome = evaluate_row(row, config=config)
    assert isinstance(outcome, EvaluatedRow), outcome
    return outcome


def test_an_interruption_is_found_and_judged_right(row: ManifestRow) -> None:
    """The agent's turn is derived from the far end."""
    outcome = evaluated(row, with_mode(CONFIG, GatingMode.VAD))
    (turn,) = outcome.verdict.turns
    assert turn.judged == (0, 4000)
    assert turn.right_ms == outcome.run.barge_in_ms[0]
    assert outcome.is_gated


@pytest.mark.parametrize("mode", [GatingMode.HALF_DUPLEX, GatingMode.OFF])
def test_the_mode_decides(row: ManifestRow, mode: GatingMode) -> None:
    """In half duplex the caller is lost; with the gate off nobody commits anything."""
    outcome = evaluated(row, with_mode(CONFIG, mode))
    assert outcome.verdict.turns[0].right_ms is None
    lost = 2000 if mode is GatingMode.HALF_DUPLEX else 0
    assert outcome.verdict.speech_lost == AudioShare(lost, 2000)


def test_a_mode_for_all_leaves_providers_alone_that_are_not_gated(row: ManifestRow) -> None:
    """They get every frame, in every mode."""
    config = with_mode(CONFIG, GatingMode.HALF_DUPLEX)
    assert config.providers["openai_realtime"].mode is GatingMode.HALF_DUPLEX
    assert config.providers["deepgram"] == CONFIG.providers["deepgram"]
    outcome = evaluated(_changed(row, provider="deepgram"), config)
    assert outcome.run.forwarded == ((0, 4000),)
    assert not outcome.is_gated


def test_an_unknown_provider_is_a_problem_of_the_row(row: ManifestRow) -> None:
    """With the one that was probably meant."""
    problem = evaluate_row(_changed(row, provider="openai-realtim"), config=CONFIG)
    assert str(problem) == (
        "1: provider: 'openai-realtim' is not configured; did you mean 'openai_realtime'?"
    )


def test_an_instance_of_a_known_kind_is_gated_like_its_kind(row: ManifestRow) -> None:
    """As in the engine."""
    assert evaluated(_changed(row, provider="openai_realtime_2")).is_gated


def test_a_file_that_is_not_there_is_a_problem_of_the_row(row: ManifestRow) -> None:
    """Named by its field."""
    problem = evaluate_row(_changed(row, capture=Path("gone.wav")), config=CONFIG)
    assert isinstance(problem, RowProblem)
    assert str(problem) == "1: capture: file not found: gone.wav"


def test_a_gate_that_raises_costs_its_own_row(
    row: ManifestRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it raises, the other rows are judged."""

    def broken(config: GatingConfig) -> None:
        raise ZeroDivisionError("in the gate")

    monkeypatch.setattr(evaluation, "make_gate", broken)
    problem = evaluate_row(row, config=CONFIG)
    assert str(problem) == "1: could not be judged: ZeroDivisionError('in the gate')"


def test_a_file_too_large_for_memory_costs_its_own_row(
    row: ManifestRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading it fails before any gate is asked."""

    def load(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(evaluation, "load_recording", load)
    assert str(evaluate_row(row, config=CONFIG)) == "1: could not be judged: MemoryError()"


def test_an_id_comes_out_as_it_went_in(row: ManifestRow) -> None:
    """A number stays a number."""
    assert result_of(evaluated(_changed(row, id=7)))["id"] == 7


def test_a_result_has_the_public_form(row: ManifestRow) -> None:
    """Keys, order and types; whole numbers where times are whole."""
    outcome = evaluated(row)
    run = GateRun(
        events=(
            GateEvent(
                type=GateEventType.BARGE_IN_COMMITTED, t_ms=2140.0, reason=GateReason.BARGE_IN
            ),
        ),
        forwarded=((1900.0, 3997.5),),
        us_per_frame_p50=17.12345,
    )
    changed = EvaluatedRow(
        row=outcome.row, run=run, verdict=outcome.verdict, is_gated=True, notes=()
    )
    assert json.dumps(result_of(changed)) == (
        '{"id": "one", "barge_in_ms": [2140], "forwarded": [[1900, 3997.5]], '
        '"events": [{"t_ms": 2140, "type": "barge_in_committed", "reason": "barge_in"}], '
        '"us_per_frame_p50": 17.12}'
    )


def test_the_same_row_gives_the_same_result(row: ManifestRow) -> None:
    """To the byte, but for the time that it took."""

    def result() -> str:
        return json.dumps({**result_of(evaluated(row)), "us_per_frame_p50": None})

    first = result()
    assert first == result()
    assert '"barge_in_committed"' in first
