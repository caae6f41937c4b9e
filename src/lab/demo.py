"""The demonstration call: the same caller, line and agent with the gate off and with the gate on.

Both calls run at once, over real sockets: phone -> AudioSocket -> engine -> WebSocket -> embedded
Realtime server. Invariant: the calls differ in the gate's policy and in nothing else.
"""

from __future__ import annotations

__all__ = ["DEMO_DELAY_MS", "DEMO_ERL_DB", "DemoCall", "Progress", "run_demo"]

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files

from ..config.models import AppConfig
from ..core.config import ProviderGatingPolicy
from ..core.g711 import decode
from ..engine import AIEngine
from ..realtime_server.voice_library import VoiceLibrary
from .call_record import CallRecord, Frame, GateRecorder
from .call_script import ScriptedCaller, demo_script
from .echo_path import EchoPath
from .phone import Phone

DEMO_DELAY_MS = 180.0
"""Echo path delay of the demonstration call."""
DEMO_ERL_DB = 24.0
"""Echo return loss of the demonstration call."""

Progress = Callable[[str, float, str], None]
"""Told the call's title, its time in s, and what the caller does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCall:
    """One way to place the demonstration call."""

    title: str
    gating_enabled: bool


DEMO_CALLS = (
    DemoCall(title="gate off", gating_enabled=False),
    DemoCall(title="gate on", gating_enabled=True),
)


async def run_demo(config: AppConfig, *, progress: Progress) -> dict[str, CallRecord]:
    """Place the call once for each of :data:`DEMO_CALLS`, all at once.

    Args:
        config: Of the engines; lines listen on free ports, the embedded server answers.
        progress: Told where each call is.

    Returns:
        The record of each call by its title.
    """
    async with asyncio.TaskGroup() as tasks:
        calls = {
            call.title: tasks.create_task(_place_call(config, call, progress), name=call.title)
            for call in DEMO_CALLS
        }
    return {title: task.result() for title, task in calls.items()}


async def _place_call(config: AppConfig, call: DemoCall, progress: Progress) -> CallRecord:
    record = CallRecord()
    engine = AIEngine(_demo_config(config, call), observers=[GateRecorder(record)])
    await engine.start()
    try:
        phone = Phone(
            ScriptedCaller(demo_script(), _sentences()),
            EchoPath(delay_ms=DEMO_DELAY_MS, erl_db=DEMO_ERL_DB),
            record,
            on_slot=lambda caller: progress(call.title, len(record.slots) / 50, caller.doing),
        )
        await phone.call(engine.addresses["audiosocket"])
    finally:
        await engine.stop()
    return record


def _demo_config(config: AppConfig, call: DemoCall) -> AppConfig:
    policies = dict(config.gating.providers)
    policies["openai_realtime"] = _with_gating(policies["openai_realtime"], call)
    return replace(
        config,
        engine=replace(config.engine, default_provider="embedded"),
        lines=replace(
            config.lines,
            audiosocket=replace(config.lines.audiosocket, enabled=True, host="127.0.0.1", port=0),
        ),
        gating=replace(config.gating, providers=policies),
    )


def _with_gating(policy: ProviderGatingPolicy, call: DemoCall) -> ProviderGatingPolicy:
    return replace(policy, gating_enabled=call.gating_enabled)


def _sentences() -> dict[str, Frame]:
    library = VoiceLibrary.load(files("voxgate.lab") / "voices")
    return {line.id: decode(line.audio, line.audio_format) for line in library.values()}
