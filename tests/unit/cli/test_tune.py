"""``voxgate tune``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from support.recordings import manifest_line, write_wav
from support.signals import silence, speech_like
from support.tunings import made_tuning
from voxgate.cli import tune as module
from voxgate.cli.check_config import command as check_config
from voxgate.cli.tune import command
from voxgate.errors import ConfigError
from voxgate.lab.tune.patch import PATCH_MARK
from voxgate.lab.tune.prepared_call import PreparedCall
from voxgate.lab.tune.tuning import Tuning, TuningPlan, Verdict


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two calls with labels, and one that is not gated."""
    calls = tmp_path / "calls"
    calls.mkdir()
    caller = speech_like(1500, level_dbfs=-16.0, seed=1)
    write_wav(calls / "capture.wav", np.concatenate([silence(1500), caller]))
    write_wav(calls / "far.wav", speech_like(3000, seed=2))
    write_wav(calls / "other.wav", np.concatenate([silence(1500), caller]))
    speech = {"far_end": "far.wav", "caller_speech": [[1500, 3000]]}
    lines = [
        manifest_line(id="a", **speech),
        manifest_line(id="b", capture="other.wav", **speech),
        manifest_line(id="c", provider="deepgram", **speech),
    ]
    (calls / "calls.jsonl").write_text("\n".join(lines))
    return calls


Tuned = Callable[..., list[tuple[Sequence[PreparedCall], TuningPlan]]]


@pytest.fixture
def proposing(monkeypatch: pytest.MonkeyPatch) -> Tuned:
    """Return what makes every tuning come to a verdict, and keeps what was asked for."""

    def propose(verdict: Verdict = Verdict.PROPOSED, **changes: object):
        asked: list[tuple[Sequence[PreparedCall], TuningPlan]] = []

        def tune(calls: Sequence[PreparedCall], plan: TuningPlan, *_: object) -> Tuning:
            asked.append((calls, plan))
            return made_tuning(verdict, **changes)

        monkeypatch.setattr(module, "tune_calls", tune)
        return asked

    return propose


def tune(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [str(folder), "--jobs", "1", *arguments])


def test_few_calls_are_said_to_be_too_few(folder: Path) -> None:
    """With what they hold, and how many would do; status 0, as nothing is wrong with them."""
    result = tune(folder)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"{folder}: 2 calls, 0.1 min: 2 labelled"
    assert lines[1] == "gate: config/ai-agent.yaml, openai_realtime, mode echo_aware"
    assert lines[2] == "set aside: 1 calls of other kinds of provider"
    assert lines[3] == "can't tell: 2 calls, and 20 are needed; about 20 calls like these would do"
    assert "right barge-ins, of interruptions" in result.stdout


def test_a_proposal_is_shown_and_written(folder: Path, tmp_path: Path, proposing: Tuned) -> None:
    """As a patch that check-config passes; an older patch gives way."""
    proposing()
    patch = tmp_path / "new" / "patch.yaml"
    result = tune(folder, "--patch", str(patch))
    assert result.exit_code == 0, result.output
    assert "proposed: it saves" in result.stdout
    assert "gating.providers.openai_realtime.sensitivity" in result.stdout
    assert f"{patch}: written" in result.stderr
    assert CliRunner().invoke(check_config, [str(patch)]).exit_code == 0
    assert tune(folder, "--patch", str(patch)).exit_code == 0


def test_nothing_is_written_where_nothing_is_proposed(
    folder: Path, tmp_path: Path, proposing: Tuned
) -> None:
    """It is said."""
    proposing(Verdict.NOT_SURE)
    patch = tmp_path / "patch.yaml"
    result = tune(folder, "--patch", str(patch))
    assert result.exit_code == 0
    assert result.stderr.endswith(f"{patch}: not written, as nothing is proposed\n")
    assert not patch.exists()
    patch.write_text(PATCH_MARK)
    result = tune(folder, "--patch", str(patch))
    assert result.stderr.endswith("nothing is proposed; what it holds is an earlier proposal\n")
    assert patch.read_text() == PATCH_MARK


def test_the_operators_file_is_never_written(
    folder: Path, tmp_path: Path, proposing: Tuned
) -> None:
    """Neither the one that is read, nor any other that is no patch."""
    asked = proposing()
    config, other = tmp_path / "mine.yaml", tmp_path / "other.yaml"
    for path in (config, other):
        path.write_text("vad: {}\n")
    same = tune(folder, "--config", str(config), "--patch", str(config))
    assert same.exit_code == 2
    assert "is the configuration, which is never written" in same.stderr
    another = tune(folder, "--config", str(config), "--patch", str(other))
    assert another.exit_code == 2
    assert "is there, and is no patch" in another.stderr
    assert asked == []
    assert config.read_text() == other.read_text() == "vad: {}\n"


def test_a_patch_that_cannot_be_written_is_a_line(
    folder: Path, tmp_path: Path, proposing: Tuned
) -> None:
    """Not a traceback."""
    proposing()
    (tmp_path / "file").write_text("")
    result = tune(folder, "--patch", str(tmp_path / "file" / "patch.yaml"))
    assert result.exit_code == 1
    assert "patch.yaml" in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_everything_comes_as_json(folder: Path) -> None:
    """One object on stdout, the same each time."""
    first, second = tune(folder, "--json"), tune(folder, "--json")
    assert first.stdout == second.stdout
    report = json.loads(first.stdout)
    assert (report["folder"], report["kind"], report["seed"]) == (str(folder), "openai_realtime", 1)
    assert report["verdict"] == "too_few"
    assert report["labels"]["set_aside"] == 1


def test_weights_seed_and_keys_are_the_operators(folder: Path, proposing: Tuned) -> None:
    """As they are given."""
    asked = proposing()
    key = "audio_guard.preroll_ms"
    options = ["--weight", "false=3", "--weight", "noise=0", "--seed", "7", "--key", key]
    assert tune(folder, *options).exit_code == 0
    ((calls, plan),) = asked
    assert [call.name for call in calls] == ["calls.jsonl:1: a", "calls.jsonl:2: b"]
    assert (plan.weights.false, plan.weights.noise, plan.weights.missed) == (3.0, 0.0, 1.0)
    assert (plan.seed, [each.name for each in plan.keys]) == (7, [key])


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--weight", "false", "'false' is not NAME=COST"),
        ("--weight", "speed=1", "'speed' is none of false, missed"),
        ("--weight", "false=-1", "false: -1.0 is no weight"),
        ("--kind", "opnai", "'opnai' is none of openai_realtime"),
        ("--kind", "deepgram", "deepgram is not gated"),
        ("--key", "barge_in.min_ms", "none of the keys that mode echo_aware is tuned by"),
    ],
)
def test_wrong_options_are_refused(folder: Path, option: str, value: str, said: str) -> None:
    """With what there is."""
    result = tune(folder, option, value)
    assert result.exit_code == 2
    assert said in result.stderr


def test_bad_calls_are_named_and_the_others_used(folder: Path) -> None:
    """Status 1."""
    with (folder / "calls.jsonl").open("a") as manifest:
        manifest.write("\n" + manifest_line(id="d", capture="gone.wav", caller_speech=[]))
    result = tune(folder)
    assert result.exit_code == 1
    assert result.stderr.startswith("not used: calls.jsonl:4: d: capture: file not found")
    assert "2 calls, 0.1 min" in result.stdout


def test_a_folder_without_calls_is_a_line(tmp_path: Path) -> None:
    """As is one without calls that can be tuned for."""
    empty = tune(tmp_path)
    assert (empty.exit_code, empty.stdout) == (1, "")
    assert "holds no manifest (*.jsonl) and no recorded call" in empty.stderr
    (tmp_path / "m.jsonl").write_text("{\n")
    useless = tune(tmp_path)
    assert useless.exit_code == 1
    assert "no call can be used" in useless.stderr


def test_a_wrong_configuration_is_said_before_any_call_is_heard(
    folder: Path, tmp_path: Path
) -> None:
    """As everywhere."""
    config = tmp_path / "bad.yaml"
    config.write_text("gating: {mood: good}\n")
    assert isinstance(tune(folder, "--config", str(config)).exception, ConfigError)


def test_labels_that_were_found_are_held_against_those_given(folder: Path) -> None:
    """Where the operator asks for it."""
    result = tune(folder, "--labels", "found")
    assert result.exit_code == 0, result.output
    assert "2 self-labelled" in result.stdout
    assert "labels found against labels given: " in result.stdout


def test_calls_that_fail_on_the_way_and_many_notes_are_told(folder: Path, proposing: Tuned) -> None:
    """On stderr."""
    from voxgate.lab.tune.call_sources import CallProblem

    proposing(problems=(CallProblem("calls.jsonl:1: a", "is lost"),))
    extra = {f"note{n}": n for n in range(25)}
    (folder / "more.jsonl").write_text(manifest_line(caller_speech=[], **extra))
    result = tune(folder)
    assert result.exit_code == 1
    assert "not used: calls.jsonl:1: a: is lost" in result.stderr
    assert "note: and 5 more; --json has them all" in result.stderr


def test_ctrl_c_proposes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 130."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "tune_calls", interrupt)
    result = tune(folder)
    assert result.exit_code == 130
    assert result.stderr.endswith("interrupted: nothing is proposed\n")


def test_calls_can_be_given_to_a_cluster(folder: Path) -> None:
    """Not together with processes."""
    both = tune(folder, "--dask", "tcp://10.0.0.5:8786")
    assert both.exit_code == 2
    assert "the workers of --dask do it all" in both.stderr
