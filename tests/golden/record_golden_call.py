"""Record what the gate makes of the golden call: `python tests/golden/record_golden_call.py`.

Recording it anew needs a reason in the changelog: the same call is decided otherwise than before,
or it is another call.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.golden_trace import GOLDEN_FILE, run_alone

if __name__ == "__main__":
    GOLDEN_FILE.write_text(run_alone().to_text(), encoding="utf-8")
