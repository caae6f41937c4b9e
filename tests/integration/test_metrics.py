"""The metrics of whole calls: telephone, AudioSocket, gate and a Realtime server."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from support.realtime_peer import RealtimePeer
from support.telephone import Telephone, mulaw_frames, spoken, until
from support.virtual_time import in_socket_time, virtual_ms
from support.voice_service import VoiceService, realtime_config
from voxgate.core.gate_decision import GateEventType
from voxgate.observe.metrics import CallMetrics
from voxgate.realtime_server import RealtimeServer, agent_voices

_LABELS = ("audiosocket", "agent")
_OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def scraped(metrics: CallMetrics) -> dict[tuple[str, ...], float]:
    """Return every sample but buckets, by name and values of labels in the order of their names."""
    page = metrics.write(metrics.snapshot(), _OPENMETRICS)
    return {
        (sample.name.removeprefix("voxgate_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page.body.decode())
        for sample in family.samples
        if "le" not in sample.labels
    }


@in_socket_time
async def test_a_call_with_an_interruption_is_counted_as_it_was() -> None:
    """What the metrics say is what the call's record, its counters and its line say."""
    async with RealtimeServer(clock=virtual_ms) as server:
        greeting = agent_voices()["service_time"].text
        async with VoiceService.running(realtime_config(server.url, greeting=greeting)) as service:
            metrics = CallMetrics(service.engine)
            await metrics.start()
            async with Telephone.calling(service.address, echo_loss_db=24.0) as phone:
                record = await service.taken(phone)
                await until(lambda: phone.heard_of(mulaw_frames("service_time")) >= 100)
                during = scraped(metrics)
                phone.say(spoken("interruption"))
                await until(lambda: record.times_of(GateEventType.INTERRUPTED))
                await until(lambda: not phone.is_saying)
                await asyncio.sleep(3.0)
                ended = await service.ended_after_hangup(phone)
            after = scraped(metrics)
    assert during["calls_running", *_LABELS] == 1
    assert during["gate_calls", "closed"] == 1
    assert during["gate_audio_seconds_total", "withheld", "agent"] > 0
    assert after["calls_running", *_LABELS] == 0
    assert after["calls_ended_total", *_LABELS, "caller_hangup"] == 1
    assert after["call_duration_seconds_sum", "audiosocket"] == pytest.approx(
        ended.duration_ms / 1000
    )
    for event_type in {event.type for event in record.gate_events}:
        assert after["gate_events_total", "agent", event_type.value] == len(
            record.times_of(event_type)
        )
    assert after["barge_in_commit_seconds_count", "agent"] == len(
        record.times_of(GateEventType.BARGE_IN_COMMITTED)
    )
    assert 0 < after["barge_in_commit_seconds_sum", "agent"] < 1
    assert 0 < after["barge_in_silence_seconds_sum", "agent"] < 1
    assert ended.gate is not None
    for fate in ("forwarded", "withheld", "released", "silence"):
        seconds = getattr(ended.gate, f"{fate}_frames") * 0.02
        assert after["gate_audio_seconds_total", fate, "agent"] == pytest.approx(seconds)
    visits = sum(after["gate_state_seconds_sum", state] for state in ("open", "closed", "barge_in"))
    assert visits + after["gate_state_seconds_sum", "candidate"] == pytest.approx(
        ended.duration_ms / 1000, abs=0.1
    )
    captured = ended.gate.captured_frames
    assert after["frame_processing_seconds_count",] == pytest.approx(captured, rel=0.02)
    assert after["provider_turn_seconds_count", "agent"] >= 1
    assert after["line_server_events_total", "accepted_calls", "audiosocket"] == 1
    assert after["observer_failures_total",] == 0
    assert phone.call_id not in metrics.render().decode()


@in_socket_time
async def test_a_session_that_comes_back_is_a_reconnect_with_a_cause() -> None:
    """The call goes on meanwhile."""
    async with (
        RealtimePeer() as peer,
        VoiceService.running(realtime_config(peer.url)) as service,
    ):
        metrics = CallMetrics(service.engine)
        await metrics.start()
        async with Telephone.calling(service.address) as phone:
            await service.taken(phone)
            session = await peer.accept_configured()
            await session.close(1011)
            await peer.accept_configured()
            await until(lambda: scraped(metrics)["provider_reconnects_total", "agent"])
            await service.ended_after_hangup(phone)
        after = scraped(metrics)
    errors = {
        key[1:]: value
        for key, value in after.items()
        if key[0] == "provider_errors_total" and value
    }
    assert errors == {("connection_lost", "disconnected", "agent"): 1}
