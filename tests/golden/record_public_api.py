"""Record the names that voxgate promises to keep: `python tests/golden/record_public_api.py`.

A line that goes or changes is for the changelog, and for docs/stability.md's rules.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.public_api import API_FILE, describe_api

if __name__ == "__main__":
    API_FILE.write_text(describe_api(), encoding="utf-8")
