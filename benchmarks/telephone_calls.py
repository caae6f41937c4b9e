"""Scripted telephone calls for benchmarks of plug-ins: the caller, the line, and who cut whom off.

A caller asks, hears the answer out or interrupts it, and asks again; the line brings the agent's
echo back 12 dB weaker, over one of several paths, with noise in some calls, and G.711 both ways. It
is stepped 20 ms at a time by whoever plays the agent's audio, and knows no clock.

Invariant: the same bank and seed give the same caller, line and plan, whatever the agent does.
"""

from __future__ import annotations

__all__ = ["Judged", "PlannedTurn", "ScriptedCall", "TurnRecord", "judge_turns"]

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from voxgate.core.audio import FRAME_MS
from voxgate.lab.scenarios.backgrounds import make_background
from voxgate.lab.scenarios.bank import Bank
from voxgate.lab.scenarios.line import apply_codec
from voxgate.lab.scenarios.paths import make_handset_path, make_hybrid_path, make_room_path
from voxgate.lab.scenarios.signals import FRAME_SAMPLES, RATE_HZ, Audio, Rng, scale_to_dbfs
from voxgate.lab.scenarios.turns import Span, mark_speech

ERL_DB = 12.0
"""Echo return loss of every call, over what the agent says."""
EARLY_MS, LATE_MS = 20.0, 1000.0
"""A cut-off counts as the caller's from so long before the caller's onset to so long after it."""

_PATHS = {"hybrid": make_hybrid_path, "handset": make_handset_path, "room": make_room_path}
_DELAYS_MS = (60.0, 300.0)
_NOISES = ("none", "none", "steady", "hum", "recorded")
_SNR_DB = (12.0, 26.0)
_HISS_DBFS = -66.0
_AGENT_DBFS = -20.0
_CALLER_DBFS = (-30.0, -18.0)
_ANSWER_S = 9.0
_UTTERANCE_S = (0.7, 2.4)
_LONGEST_PAUSE_SAMPLES = RATE_HZ * 3 // 10
_QUIET_MS = 700.0
"""The agent has finished, where nothing of it was played for so long."""
_PATIENCE_MS = 5000.0
"""The caller asks again, where nobody has answered for so long."""
_OVERLAP_MS = 400.0
"""A turn that begins so soon after the caller spoke is the caller's own, and is not judged."""
_ONSETS_MS = (1000.0, 5000.0)
_AUDIBLE_RMS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTurn:
    """What the caller does in one turn of the agent's."""

    onset_ms: float | None
    """When the caller begins to speak, after the turn's begin; None: the caller hears it out."""
    utterance: npt.NDArray[np.int16]
    """What the caller then says, or asks after the turn."""


@dataclass(slots=True, kw_only=True)
class TurnRecord:
    """What became of one turn of the agent's."""

    begin_ms: float
    """When the first of it was played."""
    onset_ms: float | None = None
    """When the caller spoke over it."""
    cut_ms: float | None = None
    """When it was cut off."""
    end_ms: float | None = None
    """When it was over."""
    is_planned_over: bool = False
    """The caller meant to interrupt it."""
    is_overlapped: bool = False
    """It began while the caller was speaking, or right after: nobody's fault, and not judged."""


@dataclass(slots=True)
class Judged:
    """Figures of many turns."""

    n_turns: int = 0
    n_over: int = 0
    """Turns in which the caller interrupted, or would have: it was cut off before."""
    n_false: int = 0
    """Turns cut off without the caller, or before the caller spoke."""
    n_right: int = 0
    """Turns cut off by the caller within a second."""
    n_skipped: int = 0
    """Turns that were not judged: they overlapped, or did not come to their end."""
    latencies_ms: list[float] = field(default_factory=list)
    """Of the right ones, from the caller's onset to the cut."""

    def figures(self) -> dict[str, Any]:
        """Return counts, shares in percent and percentiles in ms, for a table and for JSON."""
        latencies = self.latencies_ms or [0.0]
        return {
            "turns": self.n_turns,
            "without_caller": self.n_turns - self.n_over,
            "with_caller": self.n_over,
            "not_judged": self.n_skipped,
            "false": self.n_false,
            "false_pct": round(100 * self.n_false / max(1, self.n_turns), 1),
            "right": self.n_right,
            "right_pct": round(100 * self.n_right / max(1, self.n_over), 1),
            "latency_ms_p50": round(float(np.percentile(latencies, 50))),
            "latency_ms_p95": round(float(np.percentile(latencies, 95))),
        }


def judge_turns(turns: Iterable[TurnRecord]) -> Judged:
    """Return the figures of turns.

    A turn that is over before its caller was to speak, and that nobody cut off, has no caller.
    """
    judged = Judged()
    for turn in turns:
        if turn.is_overlapped or turn.end_ms is None:
            judged.n_skipped += 1
            continue
        judged.n_turns += 1
        has_spoken = turn.onset_ms is not None
        judged.n_over += turn.is_planned_over and (has_spoken or turn.cut_ms is not None)
        if turn.cut_ms is None:
            continue
        latency_ms = None if turn.onset_ms is None else turn.cut_ms - turn.onset_ms
        if latency_ms is None or latency_ms < -EARLY_MS:
            judged.n_false += 1
        elif latency_ms <= LATE_MS:
            judged.n_right += 1
            judged.latencies_ms.append(latency_ms)
    return judged


class ScriptedCall:
    """One call: the caller and the line.

    Args:
        bank: Voices and noises.
        split: Of the clips to use.
        seed: All of the call's chance.
        n_turns: Turns of the agent's until the call is over; every second one is interrupted.
    """

    def __init__(self, bank: Bank, split: str, seed: int, n_turns: int) -> None:
        rng = np.random.default_rng(seed)
        speakers = _speakers(bank, split)
        agent, *others = rng.permutation(len(speakers))
        caller = next(n for n in others if _can_speak(bank, rng, split, speakers[n]))
        self.answers = [_answer(bank, rng, split, speakers[agent]) for _ in range(3)]
        """What the agent says, over and over: int16 [shape=(n,), mono, 8 kHz]."""
        self.path = list(_PATHS)[seed % len(_PATHS)]
        self.delay_ms = float(rng.uniform(*_DELAYS_MS))
        self.noise = str(rng.choice(_NOISES))
        caller_dbfs = float(rng.uniform(*_CALLER_DBFS))
        self.plan = [
            _plan(bank, rng, split, speakers[caller], caller_dbfs, is_over=(n + seed) % 2 == 0)
            for n in range(n_turns)
        ]
        self.turns: list[TurnRecord] = []
        """What became of the agent's turns so far."""
        self._line = _EchoLine(rng, self.path, self.delay_ms, np.concatenate(self.answers))
        self._noise = _background(bank, rng, split, self.noise, caller_dbfs)
        self._n_steps = 0
        self._saying: npt.NDArray[np.int16] = np.zeros(0, np.int16)
        self._spoken_ms = -1e9
        self._heard_ms = 0.0
        self._wanted_ms: float | None = 500.0
        """When the caller asks next."""
        self._turn: TurnRecord | None = None

    @property
    def now_ms(self) -> float:
        """Time of the call, in ms."""
        return self._n_steps * float(FRAME_MS)

    def clock(self) -> float:
        """Return the time of the call, in ms: a clock that goes as the telephone is stepped."""
        return self.now_ms

    @property
    def is_over(self) -> bool:
        """All turns are over."""
        return self._turn is None and len(self.turns) >= len(self.plan)

    def cut_off(self) -> None:
        """Take that the agent was told to be silent, with something left to say."""
        if self._turn is not None and self._turn.cut_ms is None:
            self._turn.cut_ms = self.now_ms

    def step(self, agent: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """Play 20 ms of the agent; return what the line captures meanwhile."""
        self._follow(is_agent=float(np.sqrt(np.mean(agent.astype(np.float64) ** 2))) > _AUDIBLE_RMS)
        said = self._say()
        at = self._n_steps * FRAME_SAMPLES % len(self._noise)
        mixed = said + self._line.step(agent) + self._noise[at : at + FRAME_SAMPLES]
        self._n_steps += 1
        return _coded(mixed)

    # -- the caller --------------------------------------------------------------------------------

    def _follow(self, *, is_agent: bool) -> None:
        now_ms = self.now_ms
        if is_agent:
            self._heard_ms = now_ms
            if self._turn is None and len(self.turns) < len(self.plan):
                self._begin_turn(now_ms)
        turn = self._turn
        if turn is None:
            if self._wanted_ms is not None and now_ms >= self._wanted_ms:
                self._ask(now_ms)
        elif now_ms - self._heard_ms >= _QUIET_MS:
            self._end_turn(turn, now_ms)
        else:
            self._interrupt(turn, now_ms)

    def _begin_turn(self, now_ms: float) -> None:
        planned = self.plan[len(self.turns)]
        self._turn = TurnRecord(begin_ms=now_ms, is_planned_over=planned.onset_ms is not None)
        self._turn.is_overlapped = bool(len(self._saying)) or (
            now_ms - self._spoken_ms < _OVERLAP_MS
        )
        self.turns.append(self._turn)
        self._wanted_ms = None

    def _end_turn(self, turn: TurnRecord, now_ms: float) -> None:
        turn.end_ms = now_ms
        self._turn = None
        # Whoever has interrupted is answered; others ask on.
        self._wanted_ms = now_ms + (_PATIENCE_MS if turn.onset_ms is not None else 300.0)

    def _ask(self, now_ms: float) -> None:
        self._saying = self.plan[len(self.turns) % len(self.plan)].utterance
        self._wanted_ms = now_ms + len(self._saying) / 8 + _PATIENCE_MS

    def _interrupt(self, turn: TurnRecord, now_ms: float) -> None:
        planned = self.plan[len(self.turns) - 1]
        if planned.onset_ms is None or turn.onset_ms is not None or turn.cut_ms is not None:
            return
        if now_ms >= turn.begin_ms + planned.onset_ms and now_ms - self._heard_ms <= FRAME_MS:
            turn.onset_ms = now_ms
            self._saying = planned.utterance

    def _say(self) -> Audio:
        said = np.zeros(FRAME_SAMPLES, np.float32)
        part, self._saying = self._saying[:FRAME_SAMPLES], self._saying[FRAME_SAMPLES:]
        if len(part):
            said[: len(part)] = part.astype(np.float32) / 32768
            self._spoken_ms = self.now_ms
        return said


class _EchoLine:
    """G.711 to the telephone, and what comes back of it."""

    def __init__(self, rng: Rng, path: str, delay_ms: float, sample: npt.NDArray[np.int16]) -> None:
        response = _PATHS[path](rng)
        echo = np.convolve(sample.astype(np.float64), response)[: len(sample)]
        gain = 10 ** (-ERL_DB / 20) * np.linalg.norm(sample.astype(np.float64))
        response = np.asarray(response * gain / np.linalg.norm(echo))
        delay = np.zeros(int(delay_ms * RATE_HZ / 1000))
        self._response = np.concatenate([delay, response])
        self._past = np.zeros(len(self._response) + FRAME_SAMPLES - 1)
        self._n_delay = len(delay)
        self._short = response

    def step(self, agent: npt.NDArray[np.int16]) -> Audio:
        heard = apply_codec(agent.astype(np.float32) / 32768, "mulaw")
        self._past = np.concatenate([self._past[FRAME_SAMPLES:], heard])
        window = self._past[: len(self._past) - self._n_delay]
        tail = window[-(len(self._short) + FRAME_SAMPLES - 1) :]
        return np.asarray(np.convolve(tail, self._short, "valid"), np.float32)


def _coded(mixed: Audio) -> npt.NDArray[np.int16]:
    coded = apply_codec(np.clip(mixed, -1.0, 0.9999), "mulaw")
    return np.clip(np.round(coded * 32768), -32768, 32767).astype(np.int16)


# -- sounds ----------------------------------------------------------------------------------------


def _speakers(bank: Bank, split: str) -> list[str]:
    return sorted({f"{clip.source}/{clip.speaker}" for clip in bank.select("speech", split)})


def _answer(bank: Bank, rng: Rng, split: str, speaker: str) -> npt.NDArray[np.int16]:
    pieces: list[Audio] = []
    while sum(map(len, pieces)) < _ANSWER_S * RATE_HZ:
        pieces += [_clip_of(bank, rng, split, speaker), np.zeros(RATE_HZ // 5, np.float32)]
    return _pcm(scale_to_dbfs(np.concatenate(pieces)[: int(_ANSWER_S * RATE_HZ)], _AGENT_DBFS))


def _plan(
    bank: Bank, rng: Rng, split: str, speaker: str, dbfs: float, *, is_over: bool
) -> PlannedTurn:
    onset_ms = float(rng.uniform(*_ONSETS_MS))
    utterance = _pcm(scale_to_dbfs(_utterance(bank, rng, split, speaker), dbfs))
    return PlannedTurn(onset_ms=onset_ms if is_over else None, utterance=utterance)


def _can_speak(bank: Bank, rng: Rng, split: str, speaker: str) -> bool:
    """Say whether a speaker has words that are long enough, and often so."""
    return all(_words(bank, rng, split, speaker) is not None for _ in range(3))


def _utterance(bank: Bank, rng: Rng, split: str, speaker: str) -> Audio:
    """Return words without a long pause, from their onset on."""
    words = _words(bank, rng, split, speaker)
    while words is None:
        words = _words(bank, rng, split, speaker)
    return words


def _words(bank: Bank, rng: Rng, split: str, speaker: str) -> Audio | None:
    """Return the first long words of one of 20 clips; None where there are none."""
    for _ in range(20):
        clip = _clip_of(bank, rng, split, speaker)
        for start, end in _phrases(mark_speech(clip, 0)):
            if end - start >= _UTTERANCE_S[0] * RATE_HZ:
                return clip[start : min(end, start + int(_UTTERANCE_S[1] * RATE_HZ))]
    return None


def _phrases(spans: list[Span]) -> list[Span]:
    """Join what no long pause parts."""
    phrases: list[Span] = []
    for start, end in spans:
        if phrases and start - phrases[-1][1] <= _LONGEST_PAUSE_SAMPLES:
            phrases[-1] = (phrases[-1][0], end)
        else:
            phrases.append((start, end))
    return phrases


def _clip_of(bank: Bank, rng: Rng, split: str, speaker: str) -> Audio:
    clips = bank.spoken_by(speaker, split)
    return bank.audio(clips[int(rng.integers(len(clips)))])


def _background(bank: Bank, rng: Rng, split: str, kind: str, caller_dbfs: float) -> Audio:
    length = 30 * RATE_HZ
    noise = rng.standard_normal(length) * 10 ** (_HISS_DBFS / 20)
    if kind != "none":
        level_dbfs = caller_dbfs - rng.uniform(*_SNR_DB)
        noise = noise + make_background(bank, rng, kind, length, split) * 10 ** (level_dbfs / 20)
    return np.asarray(noise, np.float32)


def _pcm(audio: Audio) -> npt.NDArray[np.int16]:
    return np.clip(np.round(audio * 32768), -32768, 32767).astype(np.int16)
