"""A call that had failures is one line in the log; another one is none."""

from __future__ import annotations

from structlog.testing import capture_logs

from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.integrations.failure_log import log_failures
from voxgate.integrations.plugged_call import PluggedCall


def test_only_failures_are_logged() -> None:
    call = PluggedCall(AudioGatingManager(), "call")
    with capture_logs() as logged:
        log_failures(call)
        assert logged == []
        call.receive_capture(bytes(320), 20.0)
        call.count_failure(OSError())
        log_failures(call)
    assert logged == [
        {
            "event": "plugin.gate_failed",
            "log_level": "warning",
            "call_id": "call",
            "failures": 1,
            "last_failure": "OSError",
            "ungated_ms": 20.0,
        }
    ]
