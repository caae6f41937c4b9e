"""Record what the near-end detector says: `python tests/golden/record_echo_detector.py`.

The network's weights are untrained ones, so that the trace stays when the packaged ones are trained
anew. Recording it anew needs a reason in the changelog: trained weights fit these features only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.echo_scenes import detector_trace

if __name__ == "__main__":
    lines = [f" {json.dumps(name)}: {json.dumps(row)}" for name, row in detector_trace().items()]
    target = Path(__file__).with_name("echo_detector.json")
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
