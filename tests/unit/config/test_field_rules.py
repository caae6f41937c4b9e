"""The rules of the models' fields, and their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Interval, Len

from voxgate.config.field_rules import Pattern, TaggedBy, broken_rule, check_fields, type_hints


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    kind: Literal["lamp"] = "lamp"
    level: Annotated[int, Interval(ge=0, le=10)] = 5
    api_key_env: Annotated[str, Pattern(r"[A-Z]+", "is not a variable")] = "KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    kind: Literal["fan"] = "fan"


@pytest.mark.parametrize(
    ("value", "hint", "rule"),
    [
        (5, Annotated[int, Interval(ge=0, le=10)], ""),
        (-1, Annotated[int, Interval(ge=0, le=10)], "is not in 0..10"),
        (11, Annotated[int, Interval(ge=0, le=10)], "is not in 0..10"),
        (True, Annotated[int, Interval(ge=0, le=10)], "is not a whole number"),
        (1.0, int, "is not a whole number"),
        ("1", int, "is not a whole number"),
        (1, float, ""),
        (True, float, "is not a number"),
        (float("nan"), Annotated[float, Interval(ge=0.0, le=1.0)], "is not in 0.0..1.0"),
        (float("inf"), Annotated[float, Interval(ge=0.0, le=1.0)], "is not in 0.0..1.0"),
        (1, bool, "is not true or false"),
        (True, bool, ""),
        (1, str, "is not text"),
        ("", Annotated[str, Len(1, 3)], "is empty"),
        ("a", Annotated[str, Len(2, 3)], "is too short"),
        ("abcd", Annotated[str, Len(1, 3)], "is longer than 3 characters"),
        ("abcd", Annotated[str, Len(1)], ""),
        ("A\n", Annotated[str, Pattern(r"[A-Z]", "is no letter")], "is no letter"),
        ("red", Colour, ""),
        (Colour.RED, Colour, ""),
        ("green", Colour, "is not one of red, blue"),
        (1, Colour, "is not one of red, blue"),
        (None, Colour | None, ""),
        ("green", Colour | None, "is not one of red, blue"),
        ("b", Literal["a", "b"], ""),
        ("c", Literal["a", "b"], "is not one of a, b"),
        (1, tuple[str, ...], "is not a list"),
        ({}, Mapping[str, int], ""),
        (3, Mapping[str, int], "is not a section with keys"),
        (Lamp(), Lamp, ""),
        (Fan(), Lamp, "is not a section with keys"),
    ],
)
def test_a_rule_is_told_in_words(value: object, hint: Any, rule: str) -> None:
    """What fits says nothing; what does not says what would."""
    assert broken_rule(value, hint) == rule


def test_a_model_names_its_first_bad_field() -> None:
    """The text starts with the field, so that the loader can make the full key of it."""
    with pytest.raises(ValueError, match=r"^level: 11 is not in 0\.\.10$"):
        check_fields(Lamp(level=11))


def test_a_valid_model_passes() -> None:
    """Defaults obey the rules of their fields."""
    check_fields(Lamp())


def test_what_stands_for_a_key_is_not_quoted() -> None:
    """A secret put into the field for its variable's name is not in the error."""
    with pytest.raises(ValueError, match=r"^api_key_env: \*\*\* is not a variable$"):
        check_fields(Lamp(api_key_env="hunter2"))


def test_a_union_knows_its_models_by_tag() -> None:
    """The tags are the literals of the models, in the order of the union."""
    assert TaggedBy("kind").models(Lamp | Fan) == (("lamp", Lamp), ("fan", Fan))


def test_hints_keep_their_constraints() -> None:
    """Ranges are read from the annotations of the model, not written twice."""
    assert type_hints(Lamp)["level"] == Annotated[int, Interval(ge=0, le=10)]
