"""Record what the gate does without the audio guard: `python tests/golden/record_guard_off.py`.

The traces were first recorded before the guard existed; recording them anew needs a reason in the
changelog, since with the guard switched off nothing may ever change by the guard.

Recorded anew since: ``caller_starts_as_agent_ends``, when a barge-in in the echo tail, with nothing
left to pause, became the caller's turn as soon as the tail ended; ``small_gaps``, when lost frames
were no longer filled with silence but with sound.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.gate_calls import plain_manager
from support.gate_traces import SCENARIOS, trace

if __name__ == "__main__":
    traces = {
        name: trace(plain_manager(audio_guard_enabled=False), scenario())
        for name, scenario in SCENARIOS.items()
    }
    target = Path(__file__).with_name("guard_off.json")
    target.write_text(json.dumps(traces, indent=1) + "\n", encoding="utf-8")
