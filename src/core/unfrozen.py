"""Values in the making: a frozen value with many fields, written in a fifth of the time.

The constructor of a frozen dataclass writes each field by a call of its own; a slot of a gated call
has fifty of them. So what is made in every slot is written as an object of a class with the same
slots, and then turned into a value of the frozen one (data model, 3.3.2.4.1: ``__class__`` may be
assigned where both classes have the same slots). Invariant: nobody is given a value before it is
frozen.
"""

from __future__ import annotations

__all__ = ["unfrozen"]

from dataclasses import fields
from typing import Any


def unfrozen(frozen: type[Any]) -> type[Any]:
    """Return a class with the slots of a frozen dataclass: no defaults, no checks.

    Write every field of an object of it, then assign the frozen class to its ``__class__``.
    """
    slots = tuple(field.name for field in fields(frozen))
    return type(f"Unfrozen{frozen.__name__}", (), {"__slots__": slots})
