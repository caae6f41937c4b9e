"""``voxgate replay``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.recorded_calls import record_call
from support.taped_calls import MemoryCall, eventful_call, taped_call
from voxgate.cli import replay as module
from voxgate.cli.replay import command
from voxgate.lab.replay.replayed_call import OPEN_LOOP

DEAF = "gating.providers.openai_realtime.mode=half_duplex"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> MemoryCall:
    """The call that is found whatever is asked for."""
    recorded = eventful_call()
    monkeypatch.setattr(module, "find_call", lambda *_: recorded)
    return recorded


def replay(*arguments: str, call: str = "call-1") -> Result:
    return CliRunner().invoke(command, [call, *arguments])


@pytest.mark.usefixtures("call")
def test_the_same_configuration_is_the_same_to_the_bit() -> None:
    """Status 0, with every decision and its reason."""
    result = replay()
    assert result.exit_code == 0, result.output
    assert "identical, bit for bit" in result.stdout
    assert "nothing confirmed it in time" in result.stdout
    assert "open loop" not in result.stdout
    rows = [line for line in result.stdout.splitlines() if line.startswith("│")]
    assert len(rows) == 12
    assert all(line[2] == " " for line in rows)
    assert "changed" not in result.stdout  # the changes of then are part of the replay


@pytest.mark.usefixtures("call")
def test_another_one_shows_what_differs() -> None:
    """Status 1; differences are marked by a sign, and what a replay can't tell is said."""
    result = replay("--set", DEAF, "--set", "gating.providers.deepgram.sensitivity=0.4")
    assert result.exit_code == 1
    words = " ".join(result.stdout.split())
    assert "of 12 decisions differ" in words
    assert "captured frames differ" in words
    assert OPEN_LOOP in words
    assert f"as recorded, {DEAF}" in words
    marks = {line[2] for line in result.stdout.splitlines() if line.startswith("│")}
    assert "-" in marks
    assert " " in marks
    assert "the configuration was changed once during the call" in words
    only = replay("--set", DEAF, "--differences")
    marks = {line[2] for line in only.stdout.splitlines() if line.startswith("│")}
    assert " " not in marks


@pytest.mark.usefixtures("call")
def test_two_configurations_are_compared(tmp_path: Path) -> None:
    """With one another, whatever was recorded."""
    a, b = tmp_path / "a.yaml", tmp_path / "b.yaml"
    a.write_text("gating: {providers: {openai_realtime: {mode: half_duplex}}}\n")
    b.write_text("{}")
    same = replay("--config", str(a), "--against", str(a))
    assert same.exit_code == 0
    assert "identical" in same.stdout
    other = replay("--config", str(a), "--against", str(b), "--json")
    assert other.exit_code == 1
    report = json.loads(other.stdout)
    assert (report["against"], report["config"]) == (str(b), str(a))
    assert report["decisions_differ"] > 0


def test_the_result_comes_as_json(call: MemoryCall) -> None:
    """One object, in which times begin with the call."""
    report = json.loads(replay("--json", "--set", DEAF).stdout)
    assert report["call"]["call_id"] == "call-1"
    assert report["identical"] is False
    assert report["summary"].endswith("decisions differ")
    assert report["frames"] > report["frames_differ"] > 0
    assert report["inputs"] == sum(each.decision is not None for each in call.taped)
    gone = [each for each in report["decisions"] if each["change"] == "gone"]
    assert len(gone) == report["decisions_differ"] - sum(
        each["change"] == "added" for each in report["decisions"]
    )
    assert all(0 < each["first_ms"] < 40_000 and each["second_ms"] is None for each in gone)
    assert report["spans"][0]["from_ms"] < 40_000
    assert report["note"] == OPEN_LOOP
    same = json.loads(replay("--json").stdout)
    assert same["identical"] is True
    assert same["note"] is None


@pytest.mark.usefixtures("call")
def test_a_wrong_configuration_is_status_2(tmp_path: Path) -> None:
    """As 1 says that decisions differ."""
    wrong = replay("--set", "barge_in.min_ms=5")
    assert wrong.exit_code == 2
    assert "barge_in.min_ms: 5 is not in 20..2000" in wrong.stderr
    assert replay("--set", "engine.max_calls=5").exit_code == 2
    assert replay("--config", str(tmp_path / "none.yaml")).exit_code == 2
    assert replay("--against", str(tmp_path / "none.yaml")).exit_code == 2


def test_a_call_that_can_not_be_replayed_is_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not there, has no audio, or ended before its gate began."""
    assert replay("--folder", str(tmp_path), call="none").exit_code == 2
    entries = [(each.given, None) for each in eventful_call().taped[:3]]
    trace = record_call(tmp_path, entries, has_audio=False)
    result = replay(call=str(trace))
    assert result.exit_code == 2
    assert "no audio was recorded" in result.stderr
    empty = taped_call(lambda call: None)
    empty.taped.clear()
    monkeypatch.setattr(module, "find_call", lambda *_: empty)
    assert "nothing to replay" in replay().stderr


def test_the_folder_is_that_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of the file that is named."""
    path = tmp_path / "a.yaml"
    path.write_text("recording: {folder: /var/calls}\n")
    asked: list[str] = []

    def find_call(call: str, folder: Path | None, config: object) -> MemoryCall:
        asked.append(config.recording.folder)  # type: ignore[attr-defined]
        return eventful_call()

    monkeypatch.setattr(module, "find_call", find_call)
    replay("--config", str(path))
    assert asked == ["/var/calls"]


@pytest.mark.usefixtures("call")
def test_how_far_a_long_replay_is_stands_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    """In seconds of the call, for each of the replays; the result is the same."""
    told: list[tuple[int, int, str]] = []

    def with_progress(items: Iterable[int], total: int, doing: str) -> Iterator[int]:
        for item in items:
            told.append((item, total, doing))
            yield item

    plain = replay("--json")
    monkeypatch.setattr(module, "with_progress", with_progress)
    assert replay("--json").stdout == plain.stdout
    assert [second for second, _, _ in told] == list(range(1, len(told) + 1))
    assert len(told) == 33
    assert told[0][2] == "replaying, seconds of the call"
