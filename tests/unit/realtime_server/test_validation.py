"""What pydantic finds is told in the API's words, with the path of what the client sent."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from voxgate.realtime_server.request_error import RequestError
from voxgate.realtime_server.session_config import StrictModel
from voxgate.realtime_server.validation import request_error, type_name


class Cat(StrictModel):
    """One member of a union."""

    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=1, le=9)] = 9
    weight: Annotated[float, Field(ge=0.5, le=9.5)] = 4.0
    name: Annotated[str, Field(max_length=4)] = "Tom"


class Dog(StrictModel):
    """The other member."""

    kind: Literal["dog"]
    tricks: list[str] = Field(default_factory=list)


class House(StrictModel):
    """A model with a union in a list."""

    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]]
    door: Literal["open", "shut"] = "shut"
    floor: Literal[1, 2] = 1
    rooms: dict[str, int] = Field(default_factory=dict)


def problem_with(sent: object) -> RequestError:
    """Return the error that ``sent`` gives as a house."""
    with pytest.raises(ValidationError) as caught:
        House.model_validate(sent)
    return request_error(caught.value, sent)


@pytest.mark.parametrize(
    ("sent", "code", "param"),
    [
        ({}, "missing_required_parameter", "pets"),
        ({"pets": [], "garden": 1}, "unknown_parameter", "garden"),
        ({"pets": 3}, "invalid_type", "pets"),
        ({"pets": ["cat"]}, "invalid_type", "pets[0]"),
        ({"pets": [{}]}, "missing_required_parameter", "pets[0].kind"),
        ({"pets": [{"kind": "cow"}]}, "invalid_value", "pets[0].kind"),
        ({"pets": [{"kind": "dog", "wings": 2}]}, "unknown_parameter", "pets[0].wings"),
        ({"pets": [{"kind": "dog", "tricks": [1]}]}, "invalid_type", "pets[0].tricks[0]"),
        ({"pets": [{"kind": "cat", "lives": 0}]}, "integer_below_min_value", "pets[0].lives"),
        ({"pets": [{"kind": "cat", "lives": 10}]}, "integer_above_max_value", "pets[0].lives"),
        ({"pets": [{"kind": "cat", "lives": 1.5}]}, "invalid_type", "pets[0].lives"),
        ({"pets": [{"kind": "cat", "weight": 0}]}, "decimal_below_min_value", "pets[0].weight"),
        ({"pets": [{"kind": "cat", "weight": 10}]}, "decimal_above_max_value", "pets[0].weight"),
        ({"pets": [{"kind": "cat", "name": "Felix"}]}, "string_above_max_length", "pets[0].name"),
        ({"pets": [], "door": "ajar"}, "invalid_value", "door"),
        ({"pets": [], "door": 1}, "invalid_type", "door"),
        ({"pets": [], "floor": 3}, "invalid_value", "floor"),
        ({"pets": [], "floor": "1"}, "invalid_type", "floor"),
        ({"pets": [], "rooms": {"a": "b"}}, "invalid_type", "rooms.a"),
        ([], "invalid_type", ""),
    ],
)
def test_each_problem_has_its_code_and_path(sent: object, code: str, param: str) -> None:
    """The path is made of the client's own fields; names of union members are not among them."""
    problem = problem_with(sent)
    assert (problem.code, problem.param) == (code, param)


def test_messages_say_what_would_have_been_right() -> None:
    """Each names the field, what was expected and what came."""
    assert problem_with({"pets": [], "door": "ajar"}).message == (
        "Invalid value: 'ajar'. Supported values are: 'open' and 'shut'."
    )
    assert problem_with({"pets": [{"kind": "cow"}]}).message == (
        "Invalid value: 'cow'. Supported values are: 'cat' and 'dog'."
    )
    assert problem_with({"pets": [{"kind": "cat", "weight": 10}]}).message == (
        "Invalid 'pets[0].weight': decimal above maximum value. "
        "Expected a value <= 9.5, but got 10 instead."
    )
    assert problem_with({"pets": [{"kind": "cat", "name": "Felix"}]}).message == (
        "Invalid 'pets[0].name': string too long. "
        "Expected a string with maximum length 4, but got a string with length 5 instead."
    )


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "a boolean"),
        (1, "an integer"),
        (1.5, "a decimal number"),
        ("x", "a string"),
        ([], "an array"),
        ({}, "an object"),
        (None, "null"),
    ],
)
def test_json_types_are_called_as_the_api_calls_them(value: object, name: str) -> None:
    """A boolean is no integer here, though it is one in Python."""
    assert type_name(value) == name
