"""What the provider was given of the caller, as sound.

It is made anew by a replay, since only its digest is recorded. Each frame that went out is laid
where it was captured, held frames released later too, so that it can be heard beside what the line
delivered. Invariant: it is what went out to the bit, or nothing.
"""

from __future__ import annotations

__all__ = ["provider_track"]

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...core.audio import FRAME_MS, AudioFormat
from ...core.g711 import decode
from ...core.gate_decision import GateAction, GateDecision
from ...core.gate_tape import FrameCaptured, GateBegun
from ...core.units import ms_to_samples
from ...recordings import CallTracks, RecordedCall, RecordedDecision
from ..replay.replayed_call import replayed_decisions

_JITTER_MS = 3 * FRAME_MS
"""A frame that comes so little sooner or later than its turn follows the one before."""

Samples = NDArray[np.int16]


def provider_track(recorded: RecordedCall, tracks: CallTracks) -> Samples | None:
    """Return what went out of the capture, aligned with the tracks.

    Returns:
        int16 [shape=(n,), mono, tracks.rate_hz], as long as the tracks, silence where the provider
        was given silence or nothing; None if the gate does not decide today as it did then.

    Raises:
        RecordingError: the call can't be replayed.
    """
    layer = _Layer(tracks)
    audio_format = AudioFormat()
    replayed = replayed_decisions(recorded)
    for taped in recorded.inputs():
        given = taped.given
        if isinstance(given, GateBegun):
            audio_format = given.capture_format
            layer.begin(given)
        if taped.decision is None:
            continue
        _, decision = next(replayed, (given, None))
        if decision is None or RecordedDecision.of(decision) != taped.decision:
            return None
        if isinstance(given, FrameCaptured):
            layer.follow(given, audio_format, taped.track_ms)
            if decision.action is GateAction.FORWARD:
                layer.lay(_sounding(given, decision, audio_format), audio_format)
    return layer.ended()


def _sounding(
    given: FrameCaptured, decision: GateDecision, audio_format: AudioFormat
) -> Sequence[bytes]:
    """Return what went out from the last silence on: that ends where the chunk does."""
    pieces = decision.audio_for(given.audio)
    first = max(0, len(pieces) - len(decision.released) - 1)
    while first and pieces[first - 1] != audio_format.silence(len(pieces[first - 1])):
        first -= 1
    return pieces[first:]


class _Layer:
    """A track that is laid piece by piece."""

    def __init__(self, tracks: CallTracks) -> None:
        self.samples: Samples = np.zeros(len(tracks.capture), np.int16)
        self._tracks = tracks
        self._length_s = len(tracks.capture) / tracks.rate_hz
        self._passes_from_ms: float | None = None
        """Since when a provider gets what comes, unjudged and untold; None: it does not."""
        self._end: int | None = None
        """Where the last chunk ended."""

    def begin(self, given: GateBegun) -> None:
        """Take note of a gate that takes over; one that lets all pass is not told what comes."""
        self._pass(given.now_ms)
        policy = given.config.policy_for(given.provider)
        is_gated = policy is not None and policy.gating_enabled
        self._passes_from_ms = None if is_gated else given.now_ms

    def ended(self) -> Samples:
        """Return the track; nothing comes any more."""
        self._pass(math.inf)
        return self.samples

    def _pass(self, until_ms: float) -> None:
        """Lay what the line delivered where nobody judged it."""
        if self._passes_from_ms is not None:
            part = slice(
                *(
                    ms_to_samples(
                        min(max(t_ms - self._tracks.origin_ms, 0.0), 1000 * self._length_s),
                        self._tracks.rate_hz,
                    )
                    for t_ms in (self._passes_from_ms, until_ms)
                )
            )
            self.samples[part] = self._tracks.capture[part]
        self._passes_from_ms = None

    def follow(
        self, given: FrameCaptured, audio_format: AudioFormat, track_ms: float | None
    ) -> None:
        """Take note of where a chunk lies: where it was recorded, else behind the one before."""
        self._passes_from_ms = None  # this one is told what comes
        rate_hz, origin_ms = self._tracks.rate_hz, self._tracks.origin_ms
        duration_ms = audio_format.duration_ms(len(given.audio))
        if track_ms is not None:
            self._end = ms_to_samples(track_ms + duration_ms - origin_ms, rate_hz)
            return
        end = ms_to_samples(given.now_ms - origin_ms, rate_hz)
        if self._end is not None:
            follows = self._end + ms_to_samples(duration_ms, rate_hz)
            if abs(end - follows) <= ms_to_samples(_JITTER_MS, rate_hz):
                end = follows
        self._end = end

    def lay(self, pieces: Sequence[bytes], audio_format: AudioFormat) -> None:
        """Lay pieces one after the other so that they end where the last chunk does."""
        end = self._end or 0
        audio = b"".join(pieces)
        whole = len(audio) // audio_format.sample_bytes * audio_format.sample_bytes
        sound = self._at_rate(decode(audio[:whole], audio_format), audio_format.rate_hz)
        start, stop = max(0, end - len(sound)), min(max(0, end), len(self.samples))
        if stop > start:
            self.samples[start:stop] = sound[len(sound) - (end - start) :][: stop - start]

    def _at_rate(self, samples: Samples, rate_hz: int) -> Samples:
        wanted_hz = self._tracks.rate_hz
        if rate_hz == wanted_hz:
            return samples
        n_samples = len(samples) * wanted_hz // rate_hz
        places = np.arange(n_samples) * rate_hz / wanted_hz
        return np.interp(places, np.arange(len(samples)), samples).astype(np.int16)
