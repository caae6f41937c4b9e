"""Nothing that was said, typed or kept secret gets into the log, whatever goes wrong on a call."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from collections.abc import Iterator

import pytest
import structlog

from support.realtime_peer import PeerSession, RealtimePeer
from support.scripted_call import loud_frame
from support.telephone import Telephone, until
from support.virtual_time import in_socket_time
from support.voice_service import VoiceService, realtime_config
from voxgate.call_observer import CallObserver
from voxgate.config.models import LogFormat, LogLevel
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode
from voxgate.core.gate_decision import GateDecision
from voxgate.observe.call_log import CallLog
from voxgate.observe.logging_setup import set_up_logging
from voxgate.providers.base import ProviderDisconnected, ProviderEvent, ProviderWarning
from voxgate.transports.base import LineDtmf, LineEvent

_KEY = "planted-api-key-of-nobody"
_INSTRUCTIONS = "planted instructions of the operator"
_GREETING = "planted greeting of the operator"
_SAID = "planted words of the agent"
_COMPLAINT = "planted words of an error that quotes the caller"
_VOICE = b"\x31\x32\x33\x34" * 40

_TRACES = {
    "the key": _KEY,
    "the instructions": _INSTRUCTIONS,
    "the greeting": _GREETING,
    "a transcript": _SAID,
    "a peer's own words": _COMPLAINT,
    "the secrets of the peer": "SECRET",
    "the agent's audio": "12341234",
    "the agent's audio as sent": b64encode(_VOICE).decode()[:12],
    "the caller's audio": repr(loud_frame()[:8])[2:-1],
    "a header": "Bearer",
    "a digit": "digit 7",
}
"""What must not be found, by what it would give away."""


class Clumsy(CallObserver):
    """Raises when it is told of what matters most, with all of it at hand."""

    def on_line_event(self, call_id: str, now_ms: float, event: LineEvent) -> None:
        typed = [event.digit for event in (event,) if isinstance(event, LineDtmf)]
        if typed:
            raise ValueError(f"digit {typed[0]}")

    def on_decision(
        self, call_id: str, now_ms: float, frame: bytes | None, decision: GateDecision
    ) -> None:
        if frame == loud_frame():
            raise ValueError(f"{frame!r}")


class ClumsyAboutAgent(CallObserver):
    """The same, for what the agent says."""

    def on_provider_event(self, call_id: str, now_ms: float, event: ProviderEvent) -> None:
        heard = repr(event)
        if "AgentAudio" in heard:
            raise ValueError(heard)


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Leave the log of the process as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def talk(session: PeerSession) -> None:
    """Let the agent say something, in every form that a server has for it."""
    await session.start_response("r")
    await session.send_odd(
        {"type": "response.output_audio_transcript.delta", "delta": _SAID, "item_id": "i"}
    )
    await session.send_odd({"type": "an.event.of.the.future", "text": _SAID})
    await session.send_odd({"type": "response.done", "response": _SAID})
    await session.send_text(f"no JSON: {_SAID}")
    await session.send_voice("r", "i", _VOICE)
    await session.finish_voice("r", "i")
    await session.end_response("r")


async def complain(session: PeerSession) -> None:
    """Let the server refuse things, in words that are nobody's business."""
    await session.send_error("some_code")
    await session.send_odd(
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "code": _COMPLAINT, "message": _COMPLAINT},
        }
    )


@pytest.mark.parametrize("log_format", LogFormat)
@in_socket_time
async def test_the_log_of_a_troubled_call_gives_nothing_away(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    """A call with refusals, a cut connection, observers that raise and a lost provider, logged at
    the lowest level: what was planted everywhere is nowhere in the log."""
    set_up_logging(LogLevel.DEBUG, log_format)
    async with RealtimePeer() as peer:
        provider = realtime_config(
            peer.url,
            api_key_env="PLANTED",
            instructions=_INSTRUCTIONS,
            greeting=_GREETING,
            max_reconnects=1,
        )
        async with (
            VoiceService.running(
                provider,
                environ={"PLANTED": _KEY},
                observers=[CallLog(), Clumsy(), ClumsyAboutAgent()],
            ) as service,
            Telephone.calling(service.address) as phone,
        ):
            record = await service.taken(phone)
            session = await peer.accept_configured()
            assert session.headers["Authorization"] == f"Bearer {_KEY}"
            await talk(session)
            await complain(session)
            await phone.peer.send_digit("7")
            phone.say(decode(loud_frame() * 20, AudioFormat()))
            await until(phone.sounds)
            await until(lambda: len(record.provider_times_of(ProviderWarning)) == 2)
            await asyncio.sleep(1)
            session.abort()
            session = await peer.accept_configured()
            assert record.provider_times_of(ProviderDisconnected)
            peer.refuse_next(401)
            await session._connection.close(1011, _COMPLAINT)
            assert (await service.ended(phone)).reason == "provider_lost"
    log = capsys.readouterr().err
    for name in (
        "call.started",
        "provider.disconnected",
        "provider.reconnected",
        "provider.warned",
        "provider.lost",
        "observer.failed",
        "call.ended",
    ):
        assert name in log, f"{name} was not logged, so that the search proves nothing"
    assert log.count("observer.failed") == 2
    assert [what for what, trace in _TRACES.items() if trace in log] == []


def test_the_traces_are_what_audio_looks_like() -> None:
    """The search would find audio if it were there, as bytes and as sent."""
    assert _TRACES["the caller's audio"] in repr(loud_frame())
    assert _TRACES["the agent's audio"] in repr(_VOICE)
    assert decode(_VOICE, AudioFormat(Encoding.MULAW)).any()
