"""What a value written in the making has in common with one from the constructor: everything."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, replace

import pytest

from voxgate.core.unfrozen import unfrozen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    level: float
    is_loud: bool = False


def _made(level: float, *, is_loud: bool) -> _Value:
    made = unfrozen(_Value)()
    made.level = level
    made.is_loud = is_loud
    made.__class__ = _Value
    value: _Value = made
    return value


def test_a_value_written_in_the_making_is_the_one_from_the_constructor() -> None:
    """Same class, equal, of one hash, shown and changed alike."""
    made, constructed = _made(2.0, is_loud=True), _Value(level=2.0, is_loud=True)
    assert type(made) is _Value
    assert made == constructed
    assert hash(made) == hash(constructed)
    assert repr(made) == repr(constructed)
    assert replace(made, level=3.0) == _Value(level=3.0, is_loud=True)


def test_once_made_it_is_frozen() -> None:
    """Nobody can write to it any more."""
    made = _made(2.0, is_loud=False)
    with pytest.raises(FrozenInstanceError):
        made.level = 3.0  # type: ignore[misc]


def test_a_field_that_the_class_does_not_have_is_refused() -> None:
    """What is misspelt shows at once."""
    made = unfrozen(_Value)()
    with pytest.raises(AttributeError):
        made.lvel = 2.0
