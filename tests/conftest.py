"""What every test has in common."""

from __future__ import annotations

import contextlib
import os
import warnings
from importlib import import_module

from hypothesis import settings

# The tests are the same on every machine: no key, setting or proxy of whoever runs them counts.
_FOREIGN = ("DEEPGRAM_", "OPENAI_", "VOXGATE_")
for _name in list(os.environ):
    if _name.startswith(_FOREIGN) or _name.upper().endswith("_PROXY"):
        del os.environ[_name]

# A picture is drawn into a file, never on a screen.
os.environ["MPLBACKEND"] = "Agg"

# Examples are few and cheap; a deadline would only measure how busy the machine is.
settings.register_profile("voxgate", deadline=None)
settings.register_profile("voxgate-ci", deadline=None, derandomize=True)
settings.load_profile("voxgate-ci" if os.environ.get("CI") else "voxgate")

# It keeps the socket class that it finds when it is imported, which in a unit test is one that
# refuses to be used.
with contextlib.suppress(ModuleNotFoundError):
    import_module("uvloop")

# What the package wyoming imports on Python before 3.13 warns once, whoever imports it first.
with warnings.catch_warnings(), contextlib.suppress(ModuleNotFoundError):
    warnings.simplefilter("ignore", DeprecationWarning)
    import_module("wyoming.audio")
