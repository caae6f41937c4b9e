"""YAML text to a tree, whatever the text holds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.config.yaml_document import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_NODES,
    Tree,
    dotted,
    parse_document,
    parse_scalar,
)
from voxgate.errors import ConfigError


def parsed(text: str) -> dict[str, Tree]:
    tree, problems = parse_document(text, "a.yaml")
    assert problems == []
    return tree


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "a.yaml")
    return str(caught.value)


def problems_of(text: str) -> list[str]:
    return [str(problem) for problem in parse_document(text, "a.yaml")[1]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("yes", "yes"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-3", -3),
        ("10_000", "10_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("'3'", "3"),
        ('"a\\tb"', "a\tb"),
        ("!!str 3", "3"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    """A mode named ``off`` is text, and a leading zero is no octal."""
    result = parsed(f"a: {text}")["a"]
    assert result == value
    assert type(result) is type(value)


def test_not_a_number_is_read() -> None:
    """The ranges of the models refuse it, with its key."""
    value = parsed("a: .nan")["a"]
    assert isinstance(value, float)
    assert math.isnan(value)


def test_empty_text_has_no_sections() -> None:
    """An empty file, or one of comments only, is a configuration of defaults."""
    assert parsed("# nothing\n") == {}
    assert parsed("null") == {}


def test_a_key_set_twice_is_told_with_both_lines() -> None:
    """The second of two equal keys would silently win."""
    assert problems_of("a:\n  b: 1\n  c: 2\n  b: 3\n") == [
        "a.b: is set twice, in line 2 and line 4 (a.yaml)"
    ]


def test_the_first_of_two_equal_keys_is_kept() -> None:
    """What follows in checking is about one value."""
    assert parse_document("a: 1\na: 2", "a.yaml")[0] == {"a": 1}


def test_aliases_and_merges_are_resolved() -> None:
    """Two providers that differ in one key need not be written twice; own keys win."""
    tree = parsed("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [{x: 5}, *a]}\n")
    assert tree == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 5, "y": 2}}


def test_merging_what_is_no_section_is_a_problem() -> None:
    """``<<`` takes a section or a list of sections."""
    assert problems_of("a: {<<: 3}") == ["a.'<<': is not a section or a list of sections (a.yaml)"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1: 2", "document: has a key that is not a word, in line 1 (a.yaml)"),
        ("? [a]\n: 1", "document: has a key that is not a word, in line 1 (a.yaml)"),
        ('"\\ud800": 1', "document: has a key that is not a word, in line 1 (a.yaml)"),
        ('a: "\\ud800"', "a: holds a character that is not text (a.yaml)"),
        ("a: " + "9" * 5000, "a: is a number of more than 1000 digits (a.yaml)"),
        ("a: !!int x", "a: is not a value of the tag 'tag:yaml.org,2002:int' (a.yaml)"),
        ("a: !secret x", "a: is not a value of the tag '!secret' (a.yaml)"),
        ("a: !thing {b: 1}", "a: has the tag '!thing', which has no meaning here (a.yaml)"),
    ],
)
def test_odd_values_are_problems_of_their_key(text: str, problem: str) -> None:
    """They are collected, so that the rest of the file is checked too."""
    assert problems_of(text) == [problem]


def test_a_syntax_error_names_line_and_column() -> None:
    """An editor can jump to it."""
    assert refusal("a: 1\nb: c: d\n") == (
        "document: is not valid YAML: mapping values are not allowed here; quote a text that holds "
        "a colon (a.yaml, line 2, column 5)"
    )


@pytest.mark.parametrize("text", ["a:\n\tb: 1\n", "a:\n  b: 1\n\tc: 2\n", "\ta: 1\n"])
def test_a_tab_is_told_with_what_to_do(text: str) -> None:
    """The commonest trap of YAML, and one that can't be seen."""
    assert "; indent with spaces, not with a tab (a.yaml, line " in refusal(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[1]", "is not a mapping of sections"),
        ("3", "is not a mapping of sections"),
        ("a: 1\n---\nb: 2", "is not valid YAML: expected a single document in the stream"),
        ("a: \x00", "holds a character that YAML does not allow"),
        ('a: "\\UFFFFFFFF"', "is not valid YAML"),
        ("[" * 100_000, "is nested too deeply"),
        ("a: " + "[" * 30 + "]" * 30, f"is nested deeper than {MAX_DEPTH} levels"),
        ("a: &a [*a]", f"is nested deeper than {MAX_DEPTH} levels"),
        ("#" * (MAX_CHARACTERS + 1), f"is longer than {MAX_CHARACTERS} characters"),
    ],
)
def test_what_is_no_document_is_refused(text: str, rule: str) -> None:
    """One error with the reason; nothing hangs and nothing else escapes."""
    assert refusal(text).startswith(f"document: {rule}")


def test_aliases_of_aliases_do_not_explode() -> None:
    """Ten lists of ten aliases each would be ten thousand million values."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert refusal("\n".join(lines)).startswith(f"document: has more than {MAX_NODES} values")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("160", 160),
        (" true ", True),
        ("", None),
        ("a: b", "a: b"),
        ("[1, 2]", "[1, 2]"),
        ("'160'", "160"),
        ('"a\\tb"', "a\tb"),
        ("'unclosed", "'unclosed"),
        ("'a': b", "'a': b"),
        ("You are: # 1", "You are: # 1"),
        ("<<", "<<"),
    ],
)
def test_a_scalar_alone_needs_no_quotes(text: str, value: object) -> None:
    """An environment variable holds text as people type it, colons and brackets included."""
    result = parse_scalar(text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize("text", ["9" * 5000, "\udcff"])
def test_a_scalar_that_is_none_is_a_value_error(text: str) -> None:
    """The caller knows the key and makes the problem of it."""
    with pytest.raises(ValueError, match=r"digits|not text"):
        parse_scalar(text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("a", "b_c", "d-e"), "a.b_c.d-e"),
        (("a", 0, "b"), "a[0].b"),
        (("a", "b.c"), "a.'b.c'"),
        (("a", ""), "a.''"),
        ((), "document"),
    ],
)
def test_a_path_reads_as_a_key(path: tuple[str | int, ...], text: str) -> None:
    """A key that is no word is quoted, so that one line stays one key."""
    assert dotted(path) == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_is_a_tree_or_a_config_error(text: str) -> None:
    """Nothing but :class:`ConfigError` comes out of a parser of files."""
    try:
        tree, _ = parse_document(text, "a.yaml")
    except ConfigError:
        return
    assert isinstance(tree, dict)


@given(st.text(alphabet="ab:-? \n&*[]{}'\"|>!%@`#<,0.~\\xuU9", max_size=60))
def test_any_yaml_like_text_is_a_tree_or_a_config_error(text: str) -> None:
    """The same for text of YAML's own signs, where its corners are."""
    try:
        tree, _ = parse_document(text, "a.yaml")
    except ConfigError:
        return
    assert isinstance(tree, dict)
