"""The demonstration call: the same caller, room, line and agent, with one gate after the other.

All calls run at once, over real sockets: phone -> AudioSocket -> engine -> WebSocket -> embedded
Realtime server, in the time of the event loop. Invariant: the calls differ in the gate's policy and
in nothing else; no key and no variable of the environment is read.
"""

from __future__ import annotations

__all__ = [
    "DEMO_BABBLE_DB",
    "DEMO_CALLS",
    "DEMO_DELAY_MS",
    "DEMO_ERL_DB",
    "DEMO_TALKERS",
    "DemoCall",
    "DemoProgress",
    "run_demo",
]

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from ..config.models import SCRIPTED, AppConfig
from ..core.audio import FRAME_MS, AudioFormat
from ..core.config import GatingMode
from ..core.g711 import decode
from ..engine import AIEngine
from ..errors import VoxgateError
from ..realtime_server.voice_library import VoiceLibrary, agent_voices
from .babble import make_babble
from .call_record import CallRecord, Frame, GateRecorder
from .call_script import ScriptedCaller, Step, demo_script
from .echo_path import EchoPath
from .jitter_buffer import JITTER_DELAY_MS
from .phone import Phone

DEMO_DELAY_MS = 260.0
"""Echo path delay of the demonstration call: far-end sent by the engine to its echo received, the
phone's buffer included."""
DEMO_ERL_DB = 10.0
"""Echo return loss of the demonstration call, for speech."""
DEMO_TALKERS = 8
"""People who talk in the caller's room, all through the call."""
DEMO_BABBLE_DB = 20.0
"""How much weaker than the caller all of them together are."""
_CALLER_DBFS = -20.0
"""Active speech level of the caller's sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCall:
    """One way to place the demonstration call."""

    title: str
    mode: GatingMode
    """Of the gate; without one where it is off."""


DEMO_CALLS = (
    DemoCall(title="gate off", mode=GatingMode.OFF),
    DemoCall(title="VAD only", mode=GatingMode.VAD),
    DemoCall(title="echo-aware", mode=GatingMode.ECHO_AWARE),
)
"""The calls that are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoProgress:
    """Where a call is."""

    title: str
    elapsed_s: float
    done_ratio: float
    """How much of the script is done, 0..1."""
    doing: str
    """What the caller does, such as ``listens to the agent``."""


async def run_demo(
    *,
    script: Sequence[Step] | None = None,
    progress: Callable[[DemoProgress], None] = lambda _progress: None,
) -> dict[str, CallRecord]:
    """Place the call once for each of :data:`DEMO_CALLS`, all at once.

    In a :class:`.patient_loop.PatientLoop` a busy machine makes it slower and not worse.

    Args:
        script: What the caller does; :func:`demo_script` if left out.
        progress: Told after each 20 ms of each call.

    Returns:
        The record of each call by its title; also of one that ended early.

    Raises:
        VoxgateError: a call could not be placed.
    """
    steps = demo_script() if script is None else script
    sentences = _sentences(_caller_voices())
    babble = _babble()
    placed: dict[str, asyncio.Task[CallRecord]] = {}
    failure: VoxgateError | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            for call in DEMO_CALLS:
                caller = ScriptedCaller(steps, sentences)
                placed[call.title] = tasks.create_task(
                    _place_call(call, caller, babble, progress), name=f"demo {call.title}"
                )
    except* VoxgateError as errors:
        failure = _first_error(errors)
    if failure is not None:
        raise failure
    return {title: task.result() for title, task in placed.items()}


async def _place_call(
    call: DemoCall,
    caller: ScriptedCaller,
    babble: Frame,
    progress: Callable[[DemoProgress], None],
) -> CallRecord:
    record = CallRecord()

    def report(caller: ScriptedCaller) -> None:
        progress(
            DemoProgress(
                title=call.title,
                elapsed_s=len(record.slots) * FRAME_MS / 1000,
                done_ratio=caller.done_ratio,
                doing=caller.doing,
            )
        )

    recorder = GateRecorder(record, AudioFormat())
    engine = AIEngine(_demo_config(call), observers=[recorder], clock=_loop_ms, environ={})
    await engine.start()
    try:
        echo_path = EchoPath(delay_ms=DEMO_DELAY_MS - JITTER_DELAY_MS, erl_db=DEMO_ERL_DB)
        phone = Phone(caller, echo_path, record, background=babble, on_slot=report, clock=_loop_ms)
        await phone.call(engine.addresses["audiosocket"])
    finally:
        await engine.stop()
    return record


def _loop_ms() -> float:
    return asyncio.get_running_loop().time() * 1000


def _demo_config(call: DemoCall) -> AppConfig:
    config = AppConfig()
    policies = dict(config.gating.providers)
    policies["openai_realtime"] = replace(
        policies["openai_realtime"],
        gating_enabled=call.mode is not GatingMode.OFF,
        mode=call.mode,
    )
    line = replace(config.lines.audiosocket, enabled=True, host="127.0.0.1", port=0)
    return replace(
        config,
        engine=replace(config.engine, default_provider="embedded"),
        realtime_server=replace(config.realtime_server, answered_by=SCRIPTED),
        lines=replace(config.lines, audiosocket=line),
        gating=replace(config.gating, providers=policies),
    )


def _caller_voices() -> VoiceLibrary:
    return VoiceLibrary.load(files(__package__) / "voices")


def _sentences(library: VoiceLibrary) -> Mapping[str, Frame]:
    return {line.id: decode(line.audio, line.audio_format) for line in library.values()}


def _babble() -> Frame:
    """Return what is heard in the caller's room."""
    voices = [list(_sentences(each).values()) for each in (agent_voices(), _caller_voices())]
    level_dbfs = _CALLER_DBFS - DEMO_BABBLE_DB
    return make_babble(voices, n_talkers=DEMO_TALKERS, level_dbfs=level_dbfs)


def _first_error(errors: BaseExceptionGroup[VoxgateError]) -> VoxgateError:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, VoxgateError), "the group holds nothing else"  # noqa: S101
    return first
