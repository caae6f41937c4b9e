"""The package knows what it runs as."""

from __future__ import annotations

import types

import pytest

import voxgate.core.units as units
from voxgate.core import compiled
from voxgate.core.compiled import is_compiled


def test_it_says_what_the_module_files_say() -> None:
    """Python where the conversions were read from a source file."""
    assert units.__file__ is not None
    assert is_compiled() is not units.__file__.endswith(".py")


def test_a_function_that_is_none_of_pythons_was_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own are of one type, those of extension modules of another."""
    monkeypatch.setattr(compiled, "ms_to_samples", len)
    assert is_compiled()
    monkeypatch.setattr(compiled, "ms_to_samples", types.FunctionType(is_compiled.__code__, {}))
    assert not is_compiled()
