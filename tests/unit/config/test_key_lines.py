"""Lines of keys, for messages that an editor can jump to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.config.key_lines import add_lines, key_lines
from voxgate.errors import ConfigProblem

TEXT = """# a comment
barge_in:
  min_ms: 20

gating:
  providers: {local: {aliases: [a,
    b]}}
"x.y": 1
"""


def placed(key: str, source: str = "a.yaml", text: str = TEXT) -> str:
    problem = ConfigProblem(key=key, value="", rule="is odd", source=source)
    (told,) = add_lines([problem], text, "a.yaml")
    assert (told.key, told.rule) == (key, "is odd")
    return told.source


def test_every_key_has_its_line() -> None:
    """Sections, keys and list items, by the names that messages use."""
    assert key_lines(TEXT) == {
        "barge_in": 2,
        "barge_in.min_ms": 3,
        "gating": 5,
        "gating.providers": 6,
        "gating.providers.local": 6,
        "gating.providers.local.aliases": 6,
        "gating.providers.local.aliases[0]": 6,
        "gating.providers.local.aliases[1]": 7,
        "'x.y'": 8,
    }


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("barge_in.min_ms", "a.yaml:3"),
        ("barge_in.candidate_ms", "a.yaml:2"),
        ("gating.providers.local.aliases[1]", "a.yaml:7"),
        ("gating.providers.local.aliases[9]", "a.yaml:6"),
        ("'x.y'", "a.yaml:8"),
        ("vad", "a.yaml"),
        ("document", "a.yaml"),
    ],
)
def test_a_problem_is_placed_at_its_key_or_at_the_section_around_it(key: str, source: str) -> None:
    """What is missing stands in the section that lacks it, or nowhere."""
    assert placed(key) == source


def test_a_problem_of_another_source_stays_as_it_is() -> None:
    """The file is not to blame for the environment."""
    variable = "environment VOXGATE__BARGE_IN__MIN_MS"
    assert placed("barge_in.min_ms", variable) == variable


def test_what_an_alias_repeats_is_placed_once() -> None:
    """Aliases of aliases, and of themselves, come to an end."""
    text = "a: &a {b: 1, c: *a}\nd: *a\n? [odd]\n: 3\n"
    assert key_lines(text) == {"a": 1, "a.b": 1, "a.c": 1, "d": 2}


@pytest.mark.parametrize("text", ["a: [", "", "[" * 100_000, "a: \x00"])
def test_what_is_no_document_has_no_lines(text: str) -> None:
    """The problem that it is has been told already."""
    assert placed("a", text=text) == "a.yaml"


@given(st.text(alphabet="ab:-? \n&*[]{}'\"|>!%@`#<,0.~\\xuU9", max_size=60))
def test_any_text_has_lines_or_none(text: str) -> None:
    """Never an error in place of the one that is to be told."""
    assert all(line >= 1 for line in key_lines(text).values())
