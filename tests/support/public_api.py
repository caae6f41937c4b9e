"""The names that voxgate promises to keep, with their signatures, as text that can be stored."""

from __future__ import annotations

__all__ = ["API_FILE", "describe_api"]

import dataclasses
import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

API_FILE = Path(__file__).parents[1] / "golden" / "public_api.txt"
"""Made by ``python tests/golden/record_public_api.py``."""

_MODULES = ("voxgate", "voxgate.errors", "voxgate.integrations.asterisk_agents")
"""What docs/stability.md promises, and the core by itself can load."""


def describe_api() -> str:
    """Return one line a name, argument list, field and enum member."""
    lines = []
    for name in _MODULES:
        module = importlib.import_module(name)
        for public in sorted(module.__all__):
            if not (name != "voxgate" and _is_told_elsewhere(module, public)):
                lines += sorted(_describe(f"{name}.{public}", getattr(module, public)))
    return "".join(f"{line}\n" for line in lines)


def _is_told_elsewhere(module: ModuleType, name: str) -> bool:
    package = importlib.import_module("voxgate")
    return getattr(package, name, None) is getattr(module, name)


def _describe(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, type) and issubclass(value, enum.Enum):
        yield f"{path}: enum"
        yield from (f"{path}.{member.name} = {member.value!r}" for member in value)
    elif isinstance(value, type):
        yield f"{path}{_bases(value)}"
        yield from _fields(path, value)
        yield from _members(path, value)
    elif callable(value):
        yield f"{path}{_signature(value)}"
    elif path.endswith("__version__"):
        yield f"{path}: str"
    else:
        yield f"{path}: {type(value).__name__}"


def _bases(value: type) -> str:
    bases = [base.__name__ for base in value.__bases__ if base is not object]
    return f"({', '.join(bases)})" if bases else ""


def _fields(path: str, value: type) -> Iterator[str]:
    if dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            if not each.init:
                yield f"{path}.{each.name}: property"
                continue
            has_default = each.default is not dataclasses.MISSING
            has_factory = each.default_factory is not dataclasses.MISSING
            default = f" = {each.default!r}" if has_default else " = ..." if has_factory else ""
            yield f"{path}.{each.name}: {_spelled(each.type)}{default}"
    elif "_fields" in vars(value):
        yield from (f"{path}.{name}" for name in vars(value)["_fields"])


def _members(path: str, value: type) -> Iterator[str]:
    for name in sorted(vars(value)):
        member = inspect.getattr_static(value, name)
        if name == "__init__" and not dataclasses.is_dataclass(value):
            yield f"{path}.__init__{_signature(member)}"
        elif name.startswith("_"):
            continue
        elif isinstance(member, property):
            yield f"{path}.{name}: property"
        elif isinstance(member, (classmethod, staticmethod)):
            yield f"{path}.{name}{_signature(member.__func__)}: {type(member).__name__}"
        elif inspect.isfunction(member):
            prefix = "async " if inspect.iscoroutinefunction(member) else ""
            yield f"{prefix}{path}.{name}{_signature(member)}"


def _signature(function: Any) -> str:
    """Return a signature, with objects that show their address by their name only."""
    return re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", str(inspect.signature(function)))


def _spelled(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else annotation.__name__
