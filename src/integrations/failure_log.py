"""One line in the log for a plugged call that had failures, whatever framework it was of.

Invariant: nothing is logged of a call that had none.
"""

from __future__ import annotations

__all__ = ["log_failures"]

import structlog

from .plugged_call import PluggedCall

_log = structlog.get_logger(__name__)


def log_failures(call: PluggedCall) -> None:
    """Say that the gate failed on a call; to be asked once, when the call is over."""
    counters = call.counters
    if counters.failures:
        _log.warning(
            "plugin.gate_failed",
            call_id=call.call_id,
            failures=counters.failures,
            last_failure=counters.last_failure,
            ungated_ms=counters.ungated_ms,
        )
