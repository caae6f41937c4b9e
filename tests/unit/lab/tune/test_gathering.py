"""From a folder to calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.recordings import manifest_line, write_wav
from support.signals import silence
from voxgate.config import load_config
from voxgate.lab.tune.gathering import NoCallsError, gather_calls
from voxgate.lab.tune.summary import Gathered
from voxgate.lab.tune.workforce import Workforce

GATED = {"VOXGATE__GATING__PROVIDERS__LOCAL__GATING_ENABLED": "true"}


def gathered(
    folder: Path,
    providers: list[str],
    variables: dict[str, str] | None = None,
    *,
    kind: str | None = None,
) -> tuple[Gathered, str | None]:
    lines = []
    for n, provider in enumerate(providers):
        write_wav(folder / f"{n}.wav", silence(100))
        lines.append(manifest_line(id=n, capture=f"{n}.wav", provider=provider))
    (folder / "calls.jsonl").write_text("\n".join(lines))
    config = load_config(None, variables or {}).gating_config
    return gather_calls(folder, config, Workforce(), kind=kind)


def test_the_gated_kind_that_has_most_calls_is_tuned_for(tmp_path: Path) -> None:
    """Instances of it count; the others are set aside."""
    providers = ["local", "local", "openai_realtime", "openai_realtime_2", "deepgram"]
    found, kind = gathered(tmp_path, providers)
    assert kind == "openai_realtime"
    assert [call.provider for call in found.calls] == ["openai_realtime", "openai_realtime_2"]
    assert (found.set_aside, found.problems) == (3, ())


def test_the_operator_may_say_which_kind(tmp_path: Path) -> None:
    """A tie goes by name."""
    providers = ["local", "openai_realtime"]
    assert gathered(tmp_path, providers, GATED)[1] == "local"
    found, kind = gathered(tmp_path, providers, GATED, kind="openai_realtime")
    assert (kind, len(found.calls)) == ("openai_realtime", 1)


def test_calls_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """A provider that is not configured, a file that is not there, a row that is none."""
    write_wav(tmp_path / "capture.wav", silence(100))
    lines = [
        manifest_line(id="a"),
        manifest_line(id="b", provider="openai_realtme"),
        manifest_line(id="c", capture="gone.wav"),
        "{",
    ]
    (tmp_path / "calls.jsonl").write_text("\n".join(lines))
    found, _ = gather_calls(tmp_path, load_config(None, {}).gating_config, Workforce())
    assert [call.name for call in found.calls] == ["calls.jsonl:1: a"]
    row, gone, unknown = sorted(map(str, found.problems), key=lambda text: "b:" in text)
    assert row.startswith("calls.jsonl:4: is not JSON")
    assert "calls.jsonl:3: c: capture: file not found" in gone
    assert "'openai_realtme' is not configured" in unknown


def test_a_folder_without_calls_is_refused(tmp_path: Path) -> None:
    """With what was looked for."""
    with pytest.raises(NoCallsError, match=r"holds no manifest .* and no recorded call"):
        gather_calls(tmp_path, load_config(None, {}).gating_config, Workforce())


def test_calls_of_providers_that_are_not_gated_leave_nothing_to_tune(tmp_path: Path) -> None:
    """There is no kind."""
    found, kind = gathered(tmp_path, ["deepgram"])
    assert (found.calls, found.set_aside, kind) == ((), 1, None)


def test_calls_of_unknown_providers_only_are_all_problems(tmp_path: Path) -> None:
    """None of them is used, and none is set aside."""
    found, kind = gathered(tmp_path, ["first", "first"])
    assert (found.calls, found.set_aside, kind) == ((), 0, None)
    assert len(found.problems) == 2


def test_notes_are_kept(tmp_path: Path) -> None:
    """Of the manifest."""
    write_wav(tmp_path / "capture.wav", silence(100))
    row = {**json.loads(manifest_line()), "mood": "good"}
    (tmp_path / "calls.jsonl").write_text(json.dumps(row))
    found, _ = gather_calls(tmp_path, load_config(None, {}).gating_config, Workforce())
    (note,) = found.notes
    assert "mood" in note
