"""Rows of a manifest, good and bad."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.recordings import manifest_line
from voxgate.lab.evaluate.manifest import Manifest, ManifestRow, parse_manifest

FOLDER = Path("calls")


def parse(*lines: str) -> Manifest:
    return parse_manifest("\n".join(lines).encode(), FOLDER)


def problems(*lines: str) -> list[str]:
    return [str(problem) for problem in parse(*lines).problems]


def test_a_whole_row_is_read() -> None:
    """Paths are relative to the manifest, intervals sorted and joined, tags text."""
    line = manifest_line(
        far_end="far/end.wav",
        agent_speaking=[[500, 2000.5], [3000, 4000]],
        caller_speech=[[1500, 1800], [1000, 1500], [5000, 6000]],
        tags={"erl_db": 24, "noise": False, "path": "hybrid", "more": {"b": 1, "a": [None]}},
    )
    manifest = parse(line)
    assert manifest.rows == (
        ManifestRow(
            line=1,
            id="one",
            capture=FOLDER / "capture.wav",
            far_end=FOLDER / "far" / "end.wav",
            provider="openai_realtime",
            agent_speaking=((500, 2000.5), (3000, 4000)),
            caller_speech=((1000, 1800), (5000, 6000)),
            tags={
                "erl_db": "24",
                "noise": "false",
                "path": "hybrid",
                "more": '{"a": [null], "b": 1}',
            },
        ),
    )
    assert manifest.problems == manifest.notes == ()


def test_an_absolute_path_stays_as_it_is() -> None:
    """Recordings may lie anywhere."""
    (row,) = parse(manifest_line(capture="/calls/a.wav")).rows
    assert row.capture == Path("/calls/a.wav")


@pytest.mark.parametrize("value", [None, ...])
def test_agent_speaking_and_tags_may_be_left_out(value: object) -> None:
    """Then it is derived from the far end, and there are none."""
    (row,) = parse(manifest_line(agent_speaking=value, tags=value)).rows
    assert row.agent_speaking is None
    assert row.tags == {}


def test_an_agent_that_never_speaks_is_not_left_out() -> None:
    """An empty list is a statement, not a gap in what is known."""
    (row,) = parse(manifest_line(agent_speaking=[])).rows
    assert row.agent_speaking == ()


def test_bad_rows_cost_no_other_row() -> None:
    """They are named by line and field; blank lines and a byte order mark are no rows."""
    manifest = parse_manifest(
        b"\xef\xbb\xbf"
        + "\n".join(
            [
                manifest_line(id="a"),
                "",
                manifest_line(id="b", capture=3, far_end=...),
                "   \r",
                manifest_line(id="c") + "\r",
                "{",
            ]
        ).encode(),
        FOLDER,
    )
    assert [(row.line, row.id) for row in manifest.rows] == [(1, "a"), (5, "c")]
    assert [(bad.line, bad.field, bad.row_id) for bad in manifest.problems] == [
        (3, "capture", "b"),
        (3, "far_end", "b"),
        (6, None, None),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": ...}, "1: id: is missing; it must be text"),
        ({"id": 7.5}, "1: id: 7.5 is not text"),
        ({"id": True}, "1: id: true is not text"),
        ({"id": ""}, '1: id: "" is no name'),
        ({"capture": None}, "1: capture: null is not text"),
        ({"capture": "a\0b"}, r'1: capture: "a\u0000b" is no name'),
        ({"capture": "\ud800"}, "1: holds half a character"),
        ({"tags": {"\udfff": 1}}, "1: holds half a character"),
        ({"far_end": ...}, "1: far_end: is missing; it must be text, or null"),
        ({"far_end": False}, "1: far_end: false is not text, or null"),
        ({"provider": ...}, "1: provider: is missing"),
        ({"caller_speech": ...}, "1: caller_speech: is missing; it must be a list of [start_ms"),
        ({"caller_speech": None}, "1: caller_speech: null is not a list of [start_ms, end_ms]"),
        ({"caller_speech": [[1]]}, "1: caller_speech[0]: [1] is not [start_ms, end_ms]"),
        ({"caller_speech": [[0, 1], 4]}, "1: caller_speech[1]: 4 is not [start_ms, end_ms]"),
        ({"caller_speech": [[-1, 4]]}, "1: caller_speech[0]: [-1, 4] is not [start_ms"),
        ({"caller_speech": [[True, 4]]}, "1: caller_speech[0]: [true, 4] is not [start_ms"),
        ({"caller_speech": [["0", 4]]}, '1: caller_speech[0]: ["0", 4] is not [start_ms'),
        ({"caller_speech": [[0, 1e12]]}, "1: caller_speech[0]: [0, 1000000000000.0] is not ["),
        ({"caller_speech": [[4, 4]]}, "1: caller_speech[0]: [4, 4] does not end after its start"),
        ({"agent_speaking": "all"}, '1: agent_speaking: "all" is not a list of [start_ms'),
        ({"agent_speaking": [[5, 4]]}, "1: agent_speaking[0]: [5, 4] does not end after"),
        ({"tags": ["noisy"]}, '1: tags: ["noisy"] is not an object'),
    ],
)
def test_what_is_wrong_is_named_with_its_field(change: dict[str, object], message: str) -> None:
    """The value as it stands, and what it should be."""
    (problem,) = problems(manifest_line(**change))
    assert problem.startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1, 2]", "1: [1, 2] is not a JSON object"),
        (
            "{'id': 1}",
            "1: is not JSON: Expecting property name enclosed in double quotes (column 2)",
        ),
        ('{"id": NaN}', "1: is not JSON in UTF-8: NaN is not a number of JSON"),
        ("[" * 100_000, "1: is nested too deeply"),
    ],
)
def test_what_is_no_row_is_named_with_its_line(line: str, message: str) -> None:
    """Without a field, since there is none."""
    (problem,) = problems(line)
    assert problem.startswith(message)


def test_bytes_that_are_no_text_are_named_with_their_line() -> None:
    """One line's bytes spoil that line."""
    manifest = parse_manifest(b"\xff\xfe\n" + manifest_line().encode(), FOLDER)
    assert [row.id for row in manifest.rows] == ["one"]
    assert [problem.line for problem in manifest.problems] == [1]


def test_an_id_stands_once() -> None:
    """Results are found by it; the first row keeps it."""
    manifest = parse(manifest_line(), manifest_line(id="two"), manifest_line(capture="other.wav"))
    assert [row.id for row in manifest.rows] == ["one", "two"]
    assert [str(bad) for bad in manifest.problems] == ["3: id: 'one' is the id of line 1 already"]


def test_a_long_value_is_not_shown_whole() -> None:
    """A message is a line for a person."""
    (problem,) = problems(manifest_line(tags=list(range(1000))))
    assert len(problem) < 120


def test_an_unknown_key_is_noted_and_ignored() -> None:
    """A manifest may hold more than is asked for; a slip of the pen is worth a word."""
    manifest = parse(manifest_line(agent_speeking=[[0, 1]], duration=4))
    assert len(manifest.rows) == 1
    (odd,) = parse(manifest_line(**{"a\nb": 1})).notes
    assert str(odd).startswith(r'1: "a\nb": is ignored')
    typo, other = map(str, manifest.notes)
    prefix = "1: agent_speeking: is ignored: it is no key of a row; "
    assert typo == f"{prefix}did you mean 'agent_speaking'?"
    assert other.startswith("1: duration: is ignored: it is no key of a row; known: id, capture, ")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
_keys = st.sampled_from(
    ["id", "capture", "far_end", "provider", "agent_speaking", "caller_speech", "tags"]
)


@given(st.lists(st.binary(max_size=60), max_size=6))
@example([b"\xc3\x28", b"\x00", b'{"id": "' + b"\xed\xa0\x80" + b'"}'])
def test_any_bytes_give_rows_and_problems(lines: list[bytes]) -> None:
    """Never an exception, and every line that holds anything is accounted for."""
    data = b"\n".join(lines)
    manifest = parse_manifest(data, FOLDER)
    first = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    filled = {number for number, line in enumerate(first, 1) if line.strip()}
    told = {row.line for row in manifest.rows} | {bad.line for bad in manifest.problems}
    assert told == filled


@given(st.dictionaries(_keys, _json))
def test_any_values_give_a_row_or_a_problem(row: dict[str, object]) -> None:
    """A row that comes out is of the right types throughout."""
    manifest = parse(json.dumps(row))
    assert bool(manifest.rows) is not bool(manifest.problems)
    for parsed in manifest.rows:
        assert all(start < end for start, end in parsed.caller_speech)
        assert all(isinstance(value, str) for value in parsed.tags.values())


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 500)), max_size=5))
def test_intervals_come_back_as_their_union(spans: list[tuple[int, int]]) -> None:
    """Whatever their order, every ms that was named is there."""
    values = [[start, start + length] for start, length in spans]
    (row,) = parse(manifest_line(caller_speech=values)).rows
    named = {ms for start, end in values for ms in range(start, end)}
    assert {ms for start, end in row.caller_speech for ms in range(int(start), int(end))} == named


def test_an_id_may_be_a_whole_number() -> None:
    """As databases have it; 7 and "7" are two ids, 7 and 7 are one."""
    lines = [manifest_line(id=7), manifest_line(id="7"), manifest_line(id=7)]
    manifest = parse_manifest("\n".join(lines).encode(), Path())
    assert [row.id for row in manifest.rows] == [7, "7"]
    (problem,) = manifest.problems
    assert str(problem) == "3: id: 7 is the id of line 1 already"


@pytest.mark.parametrize("key", ["agent_speaking", "caller_speech"])
def test_times_that_look_like_seconds_are_noted(key: str) -> None:
    """Where every interval is shorter than a frame; the row is judged all the same."""
    manifest = parse(manifest_line(**{key: [[1.2, 3.5], [10, 14.25]]}))
    assert len(manifest.rows) == 1
    (note,) = manifest.notes
    assert (
        str(note) == f"1: {key}: none is as long as 20 ms: times are in ms, and these look like s"
    )
    assert parse(manifest_line(**{key: [[1.2, 3.5], [1000, 1400]]})).notes == ()
    assert parse(manifest_line(**{key: []})).notes == ()
