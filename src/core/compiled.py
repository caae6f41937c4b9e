"""Whether the modules that decide run as machine code, from ``make compile``, or as Python.

Invariant: nothing but the time that things take depends on it.
"""

from __future__ import annotations

__all__ = ["is_compiled"]

from types import FunctionType
from typing import Any

from .units import ms_to_samples


def is_compiled() -> bool:
    """Return True where the compiled modules are in use; False in pure Python."""
    probe: Any = ms_to_samples
    return not isinstance(probe, FunctionType)
