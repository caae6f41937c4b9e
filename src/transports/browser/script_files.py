"""The JavaScript that a page calls with, as it comes with the package.

Invariant: what is served is one of these files, by its name; no path is ever looked up.
"""

from __future__ import annotations

__all__ = ["SCRIPT_NAMES", "load_script"]

from importlib.resources import files

SCRIPT_NAMES = (
    "voxgate-call.js",
    "voxgate-capture.js",
    "voxgate-playout.js",
    "voxgate-resampler.js",
)
"""The class ``VoxgateCall``, and what it loads."""


def load_script(name: str) -> str:
    """Return the text of a script.

    Raises:
        ValueError: if it is none of :data:`SCRIPT_NAMES`.
    """
    if name not in SCRIPT_NAMES:
        raise ValueError(f"name: {name!r} is not one of {', '.join(SCRIPT_NAMES)}")
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")
