"""What every test has in common."""

from __future__ import annotations

import os

from hypothesis import settings

# Examples are few and cheap; a deadline would only measure how busy the machine is.
settings.register_profile("voxgate", deadline=None)
settings.register_profile("voxgate-ci", deadline=None, derandomize=True)
settings.load_profile("voxgate-ci" if os.environ.get("CI") else "voxgate")
