"""Which extra of the package brings a module that is missing."""

from __future__ import annotations

__all__ = ["missing_extra"]

import re
from importlib import metadata

_EXTRA = re.compile(r"^([\w.-]+).*\bextra\s*==\s*['\"]([\w-]+)['\"]")


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """Return one line on what to install, or None if no extra has the module: then it is a bug."""
    module = (error.name or "").partition(".")[0]
    extra = _extras().get(_normalized(module))
    if extra is None:
        return None
    return (
        f"{module} is not installed; it comes with: pip install 'voxgate[{extra}]', "
        f"or in a checkout: pip install '.[{extra}]'"
    )


def _extras() -> dict[str, str]:
    """Return the first extra of each optional requirement, by its normalized name."""
    try:
        requirements = metadata.requires("voxgate") or []
    except metadata.PackageNotFoundError:
        return {}
    extras: dict[str, str] = {}
    for requirement in requirements:
        if match := _EXTRA.match(requirement):
            extras.setdefault(_normalized(match[1]), match[2])
    return extras


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
