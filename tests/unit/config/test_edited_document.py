"""Keys of a text are changed, and nothing else is."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.config.edited_document import ABSENT, edited_text, key_path, with_changes
from voxgate.config.yaml_document import dotted, parse_document
from voxgate.errors import ConfigError

DEFAULT = (Path(__file__).resolve().parents[3] / "config/ai-agent.yaml").read_text(encoding="utf-8")


def edit(text: str, changes: dict[str, Any]) -> str:
    return edited_text(text, changes, "a.yaml")


def tree_of(text: str) -> dict[str, Any]:
    tree, problems = parse_document(text, "a.yaml")
    assert problems == []
    return tree


def test_what_is_not_there_says_so() -> None:
    """In messages and in tests' output."""
    assert repr(ABSENT) == "ABSENT"


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        ("a:   1   # one\n", {"a": 2}, "a:   2   # one\n"),
        ("a: 1", {"a": 2}, "a: 2"),
        ("a: 1\r\nb: 2\r\n", {"c": 3}, "a: 1\r\nb: 2\r\nc: 3\r\n"),
        ("a: 'x'\n", {"a": "y"}, "a: 'y'\n"),
        ("a: 'x'\n", {"a": "it's"}, 'a: "it\'s"\n'),
        ('a: "x"\n', {"a": "y"}, 'a: "y"\n'),
        ("a: x\n", {"a": "y"}, "a: y\n"),
        ("a: x\n", {"a": "true"}, 'a: "true"\n'),
        ("a: x\n", {"a": "5"}, 'a: "5"\n'),
        ("a: x\n", {"a": "on a: b # c"}, 'a: "on a: b # c"\n'),
        ("a: x\n", {"a": "two\nlines"}, 'a: "two\\nlines"\n'),
        ("a:\nb: 1\n", {"a": None}, "a: null\nb: 1\n"),
        ("a: # later\nb: 1\n", {"a": 5}, "a: 5 # later\nb: 1\n"),
        ("a: ~\n", {"a": False}, "a: false\n"),
        ("a: |\n  x\n  y\n\nb: 1\n", {"a": "z"}, "a: z\nb: 1\n"),
        ("a: >-\n  x\n# end\n", {"a": "z"}, "a: z\n# end\n"),
        ("a: [1, 2]  # two\n", {"a": [3]}, "a: [3]  # two\n"),
        ("a: {x: 1,  y: 2}\n", {"a.y": 3}, "a: {x: 1,  y: 3}\n"),
        ("a: {x: 1}\n", {"a.y": "q"}, "a: {x: 1, y: q}\n"),
        ("a: {}\n", {"a.y": 3}, "a: {y: 3}\n"),
        ("a: null # n\n", {"a.y": 3}, "a: {y: 3} # n\n"),
        ("a: {b: }\n", {"a.b.c": 3}, "a: {b: {c: 3} }\n"),
        ("# empty\n", {"a.b": 1}, "# empty\na:\n  b: 1\n"),
        ("", {"a": 1}, "a: 1\n"),
        ("a:\n    x: 1  # one\n\nb: 2\n", {"a.y": 2}, "a:\n    x: 1  # one\n    y: 2\n\nb: 2\n"),
        ("a:\n  x:\n    y: 1\n# b\nb: 2\n", {"a.z.w": 2}, None),
        ("a:  # none\nb: 2\n", {"a.x": 1}, "a:  # none\n  x: 1\nb: 2\n"),
        ("a: 1 # end", {"b.c": 1}, "a: 1 # end\nb:\n  c: 1"),
        ("a: 1 # end\r\nb: 2", {"b": ABSENT}, "a: 1 # end"),
        ("a: {  # none yet\n}\n", {"a.y": 3}, "a: {y: 3  # none yet\n}\n"),
        ("a: &none {}\n", {"a.y": 3}, "a: &none {y: 3}\n"),
        ("a:\n  - 1\n  - 2 # two\n# b\nb: 3\n", {"a": [4]}, "a:\n  - 4\n# b\nb: 3\n"),
        ("a:\n- 1\n# b\nb: 3\n", {"a": []}, "a: []\n# b\nb: 3\n"),
        ("a: # list\n  - 1\nb: 3\n", {"a": None}, "a: null # list\nb: 3\n"),
        ("a: []\n", {"a": [{"m": {}, "p": "x"}]}, "a: [{m: {}, p: x}]\n"),
        ("a:\n  x: 1\n  # y\n  y: 2\n", {"a.x": ABSENT}, "a:\n  # y\n  y: 2\n"),
        ("a:\n  x: 1\n\n# b\nb: 2\n", {"a.x": ABSENT}, "\n# b\nb: 2\n"),
        ("a: {x: 1, y: 2, z: 3}\n", {"a.y": ABSENT}, "a: {x: 1, z: 3}\n"),
        ("a: {x: 1, y: 2}\n", {"a.y": ABSENT}, "a: {x: 1}\n"),
        ("a:\n  b: |\n    x\n\nc: 1\n", {"a.d": 2}, "a:\n  b: |\n    x\n\n  d: 2\nc: 1\n"),
        ("a: {b: 1, c: }\n", {"a.c": 2}, "a: {b: 1, c: 2 }\n"),
        ("a: {x: 1}\nb: 1\n", {"a.x": ABSENT}, "b: 1\n"),
        ("a: 1\n", {"a": ABSENT}, ""),
        ("a: 1\n", {"b.c": ABSENT}, "a: 1\n"),
        ("a:\n", {"a.c": ABSENT}, "a:\n"),
        ("a: {}\n", {"a.c": ABSENT}, "a: {}\n"),
        ("a: &x {k: 1}\nb:\n  <<: *x\n", {"b.k": 2}, "a: &x {k: 1}\nb:\n  <<: *x\n  k: 2\n"),
    ],
)
def test_only_what_was_asked_for_is_different(
    before: str, changes: dict[str, Any], after: str | None
) -> None:
    """To the letter."""
    edited = edit(before, changes)
    assert tree_of(edited) == with_changes(tree_of(before), changes)
    if after is not None:
        assert edited == after


def test_the_default_file_keeps_every_other_line() -> None:
    """Of its lines, as many differ as keys were changed."""
    changes: dict[str, Any] = {
        "barge_in.min_ms": 200,
        "gating.providers.openai_realtime.sensitivity": 0.75,
        "engine.fall_back_provider": "openai",
        "audio_guard.quieter_voices": "pass",
    }
    edited = edit(DEFAULT, changes)
    pairs = zip(DEFAULT.splitlines(), edited.splitlines(), strict=True)
    assert [new.strip() for old, new in pairs if old != new] == [
        "fall_back_provider: openai",
        "sensitivity: 0.75",
        "quieter_voices: pass",
        "min_ms: 200",
    ]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("a: &x {k: 1}\nb: *x\n", {"b.k": 2}),
        ("a: &x 1\nb: *x\n", {"a": 2}),
        ("a: 1\n...\n", {"b": 2}),
        ("- a: 1\n", {"a": 2}),
        ("? a\n: b\n", {"a": [1]}),
        ("a: 1\n", {"a": float("nan")}),
        ("a: 1\n", {"a.b": 2}),
        ("a: [1]\n", {"a.b": 2}),
        ("a: [1\n", {"a": 2}),
    ],
)
def test_what_cannot_be_changed_by_itself_is_refused(text: str, changes: dict[str, Any]) -> None:
    """Or it is changed as asked for; never anything else."""
    edited = None
    with suppress(ConfigError):
        edited = edit(text, changes)
    assert edited is None or tree_of(edited) == with_changes(tree_of(text), changes)


def test_an_anchor_that_others_point_to_is_not_cut_away() -> None:
    """The text would not even be a document any more; the key is told, not that."""
    with pytest.raises(ConfigError, match=r"a: can't be changed by itself"):
        edit("a: &x 1\nb: *x\n", {"a": 2})
    assert edit("a: 1\n", {}) == "a: 1\n"


@pytest.mark.parametrize("key", ["", ".", "a.", ".a", "a..b", "routes[0].provider", "a b", "'x"])
def test_what_names_no_key_is_refused(key: str) -> None:
    """A place in a list is none: a list is one value."""
    with pytest.raises(ConfigError, match="is not the name of a key"):
        key_path(key)


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4))
def test_a_key_leads_where_its_name_says(names: list[str]) -> None:
    """Names of one's own with dots and quotes in them too."""
    assert key_path(dotted(tuple(names))) == tuple(names)


# -- any document ----------------------------------------------------------------------------------

words = st.from_regex(r"[a-z]{1,3}", fullmatch=True)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10_000, 10_000),
    st.floats(-1e6, 1e6).map(lambda number: round(number, 3)),
    words,
    st.text(max_size=12),
)
values = st.one_of(scalars, st.lists(scalars, max_size=3))
trees = st.dictionaries(
    words,
    st.one_of(values, st.dictionaries(words, st.one_of(values, st.dictionaries(words, values)))),
    max_size=4,
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Draw a document as people write them: comments, blank lines, blocks and braces."""
    lines: list[str] = []
    empty = ""

    def note(indent: str) -> None:
        lines.extend(draw(st.sampled_from([[], [], [f"{indent}# note {len(lines)}"], [empty]])))

    def section(tree: dict[str, Any], indent: str) -> None:
        for name, value in tree.items():
            note(indent)
            tail = draw(st.sampled_from(["", "", f"  # tail {len(lines)}"]))
            if isinstance(value, dict) and value and draw(st.booleans()):
                lines.append(f"{indent}{name}:{tail}")
                section(value, indent + "  ")
            elif isinstance(value, list) and value and draw(st.booleans()):
                lines.append(f"{indent}{name}:{tail}")
                lines.extend(f"{indent}  - {plain(item)}" for item in value)
            else:
                lines.append(f"{indent}{name}: {plain(value)}{tail}")

    def plain(value: Any) -> str:
        (line,) = edit("x: 1\n", {"x": value}).splitlines()
        return line.removeprefix("x: ")

    section(draw(trees), "")
    note("")
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


paths = st.lists(words, min_size=1, max_size=3).map(".".join)


@given(documents(), words, values)
def test_a_key_that_came_and_goes_leaves_the_text_as_it_was(
    text: str, name: str, value: Any
) -> None:
    """In a section that is not there either, and whether or not the last line ends."""
    if name not in tree_of(text):
        for key in (name, f"{name}.x"):
            assert edit(edit(text, {key: value}), {key: ABSENT}) == text


@given(documents(), st.dictionaries(paths, st.one_of(values, st.just(ABSENT)), max_size=3))
def test_comments_stay_and_the_values_are_those_asked_for(
    text: str, changes: dict[str, Any]
) -> None:
    """Whatever is changed in whatever document."""
    tree = tree_of(text)
    try:
        wanted = with_changes(tree, changes)
    except ConfigError:
        with pytest.raises(ConfigError):
            edit(text, changes)
        return
    edited = edit(text, changes)
    assert tree_of(edited) == wanted
    touched = {key.partition(".")[0] for key in changes}
    section, untouched = "", []
    for line in text.splitlines():
        if line[:1].isalpha():
            section = line.partition(":")[0]
        if section not in touched and "#" in line:
            untouched.append(line)
    assert [line for line in untouched if line not in edited.splitlines()] == []
