"""Turns under noise: what the embedded Realtime server makes of what the gate lets through.

The same lines are sent three times to the server's own turn detector, at the defaults that the
vendor documents: as they are, through the gate, and through the gate with silence that is left out
where nobody waits for it. What the server says is told to the gate, as a provider would. Invariant:
figures depend on bank, plan and configuration alone.
"""

from __future__ import annotations

__all__ = [
    "SILENCE_MS",
    "TURN_CELLS",
    "HeardLine",
    "Hearing",
    "TurnBenchPlan",
    "TurnFigures",
    "hear_line",
    "measure_turns",
]

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache, partial
from pathlib import Path

from ...core.audio import FRAME_MS, AudioFormat, Encoding
from ...core.audio_gating_manager import AudioGatingManager
from ...core.config import GatingConfig, WithheldAudio
from ...core.g711 import decode, encode
from ...core.vad_manager import EnhancedVADManager
from ...realtime_server.caller_audio import CallerAudio
from ...realtime_server.session_config import InputConfig, PcmuFormat, ServerVad
from ...realtime_server.speech_scorer import FrameScorer, SpeechScorer
from ...realtime_server.turn_detector import SpeechStarted, SpeechStopped, TurnEvent
from ..guard_scenes import GuardScene
from ..process_pool import map_in_processes
from ..scenarios.bank import Bank, load_bank
from ..scenarios.signals import FRAME_SAMPLES, RATE_HZ
from .cells import Cell, draw_cell_scene
from .server_turns import HeardTurns, ServerWord, caller_turns, judge_turns, onset_ms

_CALL_ID = "line"
_PROVIDER = "openai_realtime"
_LINE = AudioFormat()
_WIRE = AudioFormat(Encoding.MULAW)
_INPUT = InputConfig(format=PcmuFormat(type="audio/pcmu"))
"""What the provider asks for on a line at 8 kHz, with the vendor's defaults of turn detection."""
SILENCE_MS = float(ServerVad(type="server_vad").silence_duration_ms)
"""Silence that ends a turn, by the vendor's default."""
_SEEDS_PER_CELL = 10_000
_SEED_OFFSET = 5_000
"""Seeds of the first cell of this bench, within those of a cell of the other: no scene is in both
as long as neither has more than 5,000."""

TURN_CELLS = (
    Cell(kind="none", snr_db=30.0),
    *(Cell(kind="steady", snr_db=snr_db) for snr_db in (12.0, 6.0)),
    *(Cell(kind=kind, snr_db=12.0) for kind in ("everyday", "recorded", "music")),
    *(Cell(kind=kind) for kind in ("steady", "tones", "everyday", "recorded", "music")),
)
"""Callers over nothing, noise and music, then the same without a caller."""


class Hearing(StrEnum):
    """How a line reaches the server."""

    UNGATED = "ungated"
    GATED = "gated"
    """Silence for what is withheld."""
    ADAPTIVE = "adaptive"
    """The same, but for silence that no turn detector waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnBenchPlan:
    """What to measure."""

    bank: Path
    """Folder of the bank."""
    split: str
    scenes: int
    """Of each cell."""
    seed: int
    config: GatingConfig
    duration_s: float = 30.0
    new_scorer: Callable[[], FrameScorer] = SpeechScorer
    """Makes what the server hears with; picklable."""


@dataclass(slots=True, kw_only=True)
class TurnFigures:
    """What came of one cell."""

    cell: Cell
    scenes: int = 0
    heard: dict[Hearing, HeardTurns] = field(
        default_factory=lambda: {hearing: HeardTurns() for hearing in Hearing}
    )
    added_delays_ms: list[float] = field(default_factory=list)
    """Of each onset after a pause that both heard: how much later the gated server said so."""


def measure_turns(plan: TurnBenchPlan, *, jobs: int) -> Iterator[TurnFigures]:
    """Yield the figures of each of :data:`TURN_CELLS`, in order, each as soon as it is due."""
    return map_in_processes(partial(_measure_cell, plan), range(len(TURN_CELLS)), jobs=jobs)


def _measure_cell(plan: TurnBenchPlan, number: int) -> TurnFigures:
    figures = TurnFigures(cell=TURN_CELLS[number])
    first_seed = (plan.seed * len(TURN_CELLS) + number) * _SEEDS_PER_CELL + _SEED_OFFSET
    for seed in range(first_seed, first_seed + plan.scenes):
        scene = draw_cell_scene(
            _bank_at(plan.bank), figures.cell, seed, plan.split, duration_s=plan.duration_s
        )
        _add_scene(figures, scene, plan)
    return figures


@cache
def _bank_at(folder: Path) -> Bank:
    """Return a bank, loaded once a process."""
    return load_bank(folder)


def _add_scene(figures: TurnFigures, scene: GuardScene, plan: TurnBenchPlan) -> None:
    frames = _frames_of(scene)
    line_ms = float(len(frames) * FRAME_MS)
    to_ms = 1000.0 / RATE_HZ
    speech = [(start * to_ms, end * to_ms) for start, end in scene.caller_speech]
    turns = caller_turns(speech, line_ms, SILENCE_MS)
    words: dict[Hearing, Sequence[ServerWord]] = {}
    for hearing in Hearing:
        line = hear_line(frames, _make_gate(plan.config, hearing), plan.new_scorer())
        words[hearing] = line.words
        heard = judge_turns(turns, line.words, line_ms, SILENCE_MS)
        heard.sent_ms, heard.sound_ms = line.sent_ms, line.sound_ms
        figures.heard[hearing].add(heard)
    for turn in turns:
        bare_ms = onset_ms(turn, words[Hearing.UNGATED])
        gated_ms = onset_ms(turn, words[Hearing.GATED])
        if bare_ms is not None and gated_ms is not None:
            figures.added_delays_ms.append(gated_ms - bare_ms)
    figures.scenes += 1


def _frames_of(scene: GuardScene) -> list[bytes]:
    samples = scene.capture[: len(scene.labels) * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    return [frame.astype("<i2").tobytes() for frame in samples]


def _make_gate(config: GatingConfig, hearing: Hearing) -> AudioGatingManager | None:
    if hearing is Hearing.UNGATED:
        return None
    is_adaptive = hearing is Hearing.ADAPTIVE
    withheld = WithheldAudio.ADAPTIVE if is_adaptive else WithheldAudio.SILENCE
    policy = replace(config.providers[_PROVIDER], withheld_audio=withheld)
    config = replace(config, providers={**config.providers, _PROVIDER: policy})
    return AudioGatingManager(EnhancedVADManager(config.vad), config)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardLine:
    """What a server was sent of a line, and what it said."""

    words: tuple[ServerWord, ...]
    sent_ms: float
    sound_ms: float


def hear_line(
    frames: Sequence[bytes], gate: AudioGatingManager | None, scorer: FrameScorer
) -> HeardLine:
    """Send a line to a server's turn detector.

    Args:
        frames: The line, 20 ms each, PCM16 at 8 kHz; the agent is silent.
        gate: A manager that has no call yet; None: every frame goes out.
        scorer: What the server hears with.
    """
    server = _Server(scorer)
    if gate is not None:
        gate.start_call(_CALL_ID, provider=_PROVIDER, now_ms=0.0)
    for number, frame in enumerate(frames):
        start_ms, end_ms = float(number * FRAME_MS), float((number + 1) * FRAME_MS)
        if gate is None:
            server.receive((frame,), end_ms)
            continue
        _tell(gate, server.receive(gate.advance(_CALL_ID, start_ms).audio, start_ms), start_ms)
        audio = gate.process(_CALL_ID, frame, end_ms).audio_for(frame)
        _tell(gate, server.receive(audio, end_ms), end_ms)
    stats = None if gate is None else gate.get_stats(_CALL_ID)
    sound_ms = server.sent_ms
    if stats is not None:
        sound_ms = float((stats.forwarded_frames + stats.released_frames) * FRAME_MS)
    return HeardLine(words=tuple(server.words), sent_ms=server.sent_ms, sound_ms=sound_ms)


def _tell(gate: AudioGatingManager, words: Sequence[ServerWord], now_ms: float) -> None:
    """Tell the gate what the server said, as the provider does."""
    for word in words:
        if word.is_start:
            gate.receive_provider_speech_started(_CALL_ID, now_ms)
        else:
            gate.receive_provider_speech_stopped(_CALL_ID, now_ms)


class _Server:
    """The caller's side of a session of the embedded server, without its protocol."""

    def __init__(self, scorer: FrameScorer) -> None:
        self.words: list[ServerWord] = []
        self.sent_ms = 0.0
        self._caller = CallerAudio(_INPUT, new_scorer=lambda: scorer)

    def receive(self, chunks: Sequence[bytes], now_ms: float) -> list[ServerWord]:
        """Take audio of the line, and return what it shows."""
        wire = b"".join(encode(decode(chunk, _LINE), _WIRE) for chunk in chunks)
        if not wire:
            return []
        self.sent_ms += _WIRE.duration_ms(len(wire))
        events = self._caller.append(wire)
        words = [word for event in events for word in self._follow(event, now_ms)]
        self._caller.forget_silence()
        self.words += words
        return words

    def _follow(self, event: TurnEvent, now_ms: float) -> Iterator[ServerWord]:
        if isinstance(event, SpeechStarted):
            self._caller.begin_turn(event)
            yield ServerWord(now_ms, is_start=True)
        elif isinstance(event, SpeechStopped):
            self._caller.take_turn(event)
            yield ServerWord(now_ms, is_start=False)
