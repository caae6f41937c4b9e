"""A loss is told once."""

from __future__ import annotations

from voxgate.core.call_stats import CallStats
from voxgate.core.config import GatingMode
from voxgate.core.degradation_report import DegradationReport
from voxgate.core.gate_decision import GateEventType, GateReason
from voxgate.core.gate_output import GateOutput


def test_each_loss_is_told_and_counted_once() -> None:
    """Also where two came between two frames, and of detectors and networks apart."""
    stats = CallStats()
    report = DegradationReport(stats)
    output = GateOutput(0.0, GateReason.INCOMPLETE_FRAME)
    report.follow_detectors(0, GatingMode.ECHO_AWARE, output, agent_audible=False)
    assert output.events == []
    for _ in range(2):
        report.follow_detectors(2, GatingMode.HALF_DUPLEX, output, agent_audible=True)
        report.follow_networks(1, output, agent_audible=False)
    assert [(event.type, event.detail, event.reason) for event in output.events] == [
        (GateEventType.DETECTOR_DEGRADED, "half_duplex", GateReason.AGENT_AUDIBLE),
        (GateEventType.DETECTOR_DEGRADED, "half_duplex", GateReason.AGENT_AUDIBLE),
        (GateEventType.DETECTOR_DEGRADED, "audio_guard", GateReason.AGENT_SILENT),
    ]
    assert stats.degradations == 3
