"""The calls of a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.recorded_calls import header_of, write_call
from support.recordings import manifest_line
from voxgate.lab.tune.call_sources import ManifestCall, RecordedCallFolder, find_calls


def test_rows_of_a_manifest_are_calls(tmp_path: Path) -> None:
    """With absolute paths; one that does not say when the caller spoke has no labels."""
    lines = [
        manifest_line(id="a", tags={"x": 1}),
        manifest_line(id="b", capture="b.wav", caller_speech=...),
        "",
        json.dumps({**json.loads(manifest_line(id="c", capture="c.wav")), "caller_speech": None}),
    ]
    (tmp_path / "calls.jsonl").write_text("\n".join(lines))
    found = find_calls(tmp_path)
    assert found.problems == ()
    assert [source.name for source in found.sources] == [
        "calls.jsonl:1: a",
        "calls.jsonl:2: b",
        "calls.jsonl:4: c",
    ]
    assert [source.has_labels for source in found.sources] == [True, False, False]
    first = found.sources[0]
    assert isinstance(first, ManifestCall)
    assert first.row.capture == (tmp_path / "capture.wav").resolve()
    assert first.tags == {"x": "1"}


def test_bad_rows_are_named_and_cost_no_other(tmp_path: Path) -> None:
    """By manifest, line and field."""
    lines = [manifest_line(id="a"), "no json", manifest_line(id="a"), manifest_line(capture=3)]
    (tmp_path / "calls.jsonl").write_text("\n".join(lines))
    found = find_calls(tmp_path)
    assert [source.name for source in found.sources] == ["calls.jsonl:1: a"]
    second, third, fourth = map(str, found.problems)
    assert second.startswith("calls.jsonl:2: is not JSON")
    assert third.startswith("calls.jsonl:3: id: 'a' is the id of line 1")
    assert fourth.startswith("calls.jsonl:4: capture: 3 is not text")


def test_a_recording_that_two_rows_name_is_one_call(tmp_path: Path) -> None:
    """The first with labels, or both if different gates judge it: no part checks itself."""
    (tmp_path / "a.jsonl").write_text(
        "\n".join(
            [manifest_line(id="a", caller_speech=...), manifest_line(id="b", capture="x.wav")]
        )
    )
    lines = [
        manifest_line(id="c"),
        manifest_line(id="d", capture="../" + tmp_path.name + "/x.wav"),
        manifest_line(id="e", provider="local"),
    ]
    (tmp_path / "b.jsonl").write_text("\n".join(lines))
    found = find_calls(tmp_path)
    assert [source.name for source in found.sources] == [
        "a.jsonl:2: b",
        "b.jsonl:1: c",
        "b.jsonl:3: e",
    ]
    assert [str(problem) for problem in found.problems] == [
        "a.jsonl:1: a: is the recording of b.jsonl:1: c",
        "b.jsonl:2: d: is the recording of a.jsonl:2: b",
    ]


def test_unknown_keys_are_noted(tmp_path: Path) -> None:
    """By manifest and line."""
    (tmp_path / "m.jsonl").write_text(manifest_line(mood="good"))
    (note,) = find_calls(tmp_path).notes
    assert note.startswith("m.jsonl:1: mood: is ignored")


def test_recorded_calls_are_calls_without_labels(tmp_path: Path) -> None:
    """By the name of their folder; those without audio can't be used."""
    with_audio = write_call(tmp_path, header_of(call_id="one"), [])
    (with_audio / "call.wav").write_bytes(b"")
    without = write_call(tmp_path, header_of(call_id="two", has_audio=False), [])
    found = find_calls(tmp_path)
    assert [str(problem) for problem in found.problems] == [
        f"{without.name}: no audio was recorded, so that there is nothing to try settings on"
    ] or found.problems == ()
    for source in found.sources:
        assert isinstance(source, RecordedCallFolder)
        assert not source.has_labels


def test_an_empty_folder_has_no_calls(tmp_path: Path) -> None:
    """Nor a trace that lies about by itself."""
    (tmp_path / "trace.jsonl").write_text("{}\n")
    found = find_calls(tmp_path)
    assert (found.sources, found.problems) == ((), ())


def test_a_manifest_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    """It may be a folder."""
    (tmp_path / "m.jsonl").mkdir()
    (problem,) = find_calls(tmp_path).problems
    assert str(problem).startswith("m.jsonl: can't be read: ")


@given(data=st.binary(max_size=300))
def test_bytes_of_any_kind_are_calls_or_problems(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    """Never an exception."""
    folder = tmp_path_factory.mktemp("any")
    (folder / "m.jsonl").write_bytes(data)
    found = find_calls(folder)
    assert len(found.sources) + len(found.problems) <= data.count(b"\n") + 1 + 10
