"""The gate in Asterisk voice agents that have a gating manager of the older face.

Such an engine makes one manager with its voice activity detector, hands it to each provider, and
its provider asks about each chunk. This one has the same constructor and methods, and besides them
two that the older face lacks: what to send in place of a chunk, and what the caller hears.

Invariant: nothing raised in here reaches the engine; a chunk whose gate failed goes out as it came
or not at all, as chosen, and is counted.
"""

from __future__ import annotations

__all__ = ["AsteriskGatingManager", "asterisk_agents_config"]

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from ..clock import Clock, monotonic_ms
from ..core.audio_gating_manager import AudioGatingManager
from ..core.call_options import required_member
from ..core.config import ForwardedAudio, GatingConfig, ProviderGatingPolicy
from ..core.gate_decision import GateEvent
from ..core.gated_call import FailureMode
from ..core.older_face import EndedCalls, config_for_chunks, parse_audio_format
from ..core.vad_manager import EnhancedVADManager
from .asterisk_call import AsteriskCall

_MAX_CALLS = 1024
"""Calls kept; the one unused for longest goes first."""

_RATES_HZ: Mapping[str, int] = MappingProxyType(
    {
        "openai_realtime": 24_000,
        "azure_openai_realtime": 24_000,
        "grok": 24_000,
        "google_live": 16_000,
        "elevenlabs_agent": 16_000,
        "local": 16_000,
        "local_only": 16_000,
        "hybrid_support": 16_000,
        "deepgram": 8000,
    }
)
"""Rate of the ``pcm16`` that those engines' providers send, in Hz; 8 kHz for any other."""

_NO_STATS = {"total_buffered": 0, "total_dropped": 0, "total_forwarded": 0}


def asterisk_agents_config(config: GatingConfig | None = None) -> GatingConfig:
    """Return a configuration that knows the provider names of that ecosystem.

    Providers of OpenAI's protocol, whose turn detector runs on the audio that they receive, are
    gated alike; those that the ecosystem passes through are passed through. Policies that
    ``config`` has of a name stay.

    Args:
        config: What to start from; the defaults if left out.
    """
    config = config or GatingConfig()
    openai = config.providers.get("openai_realtime", ProviderGatingPolicy(gating_enabled=True))
    untouched = ProviderGatingPolicy(gating_enabled=False)
    policies = {
        "azure_openai_realtime": replace(openai, aliases=()),
        "grok": replace(openai, aliases=()),
        "google_live": untouched,
        "elevenlabs_agent": untouched,
        "external_strategy_agent": untouched,
    }
    added = {name: policy for name, policy in policies.items() if config.policy_for(name) is None}
    return replace(config, providers={**config.providers, **added})


class AsteriskGatingManager:
    """Gates the calls of an engine that knows the older face; one for all calls.

    Args:
        vad_manager: As the engine has it. Voxgate's own is used; of any other, nothing.
        config: Policies and thresholds; :func:`asterisk_agents_config` if left out.
        sample_rates_hz: Rate of a provider's ``pcm16`` by its name, where it is another.
        on_failure: What goes out where the gate itself fails.
        clock: Returns a monotonic time in ms.

    One thread at a time may use it. Its coroutines never wait.

    Raises:
        ValueError: at construction, if ``on_failure`` is none of the modes.
    """

    def __init__(
        self,
        vad_manager: object = None,
        *,
        config: GatingConfig | None = None,
        sample_rates_hz: Mapping[str, int] | None = None,
        on_failure: FailureMode = FailureMode.OPEN,
        clock: Clock = monotonic_ms,
    ) -> None:
        config = asterisk_agents_config() if config is None else config
        own_vad = vad_manager if isinstance(vad_manager, EnhancedVADManager) else None
        vad = own_vad or EnhancedVADManager(config.vad)
        self.manager = AudioGatingManager(vad, config)
        """The gate of calls that ask what to send."""
        self.chunk_manager = AudioGatingManager(vad, _config_of_whole_chunks(config))
        """The gate of calls that ask whether to send a chunk: what goes out is the chunk itself."""
        self.late_inputs = 0
        """Inputs about calls that have ended."""
        self._rates_hz = {**_RATES_HZ, **(sample_rates_hz or {})}
        self._on_failure = required_member(FailureMode, on_failure, "on_failure")
        self._clock = clock
        self._failures_of_ended = 0
        self._calls: OrderedDict[str, AsteriskCall] = OrderedDict()
        self._ended = EndedCalls()

    def __len__(self) -> int:
        """Return the number of calls that hold state."""
        return len(self._calls)

    def __bool__(self) -> bool:
        """Return True: engines ask ``if self._gating_manager``."""
        return True

    @property
    def failures(self) -> int:
        """Inputs on which something raised, of all calls."""
        return self._failures_of_ended + sum(call.failures for call in self._calls.values())

    # -- the older face ----------------------------------------------------------------------------

    async def should_forward_audio(
        self, call_id: str, provider_name: str, audio_chunk: bytes, audio_format: str = "pcm16"
    ) -> tuple[bool, list[bytes] | None]:
        """Tell whether to send a chunk, and what to send before it.

        Best ask :meth:`audio_to_send`: a provider that gets nothing on False never ends a turn.

        Args:
            call_id: Whose audio; an unknown call begins here.
            provider_name: Instance name, kind or alias.
            audio_chunk: Best 20 ms.
            audio_format: ``pcm16`` at the provider's rate, ``pcm16_8k``, ``ulaw``, ``alaw``, or one
                of their usual other names. The first chunk's holds for the call.

        Returns:
            Whether to send the chunk itself; chunks to send before it, or None. Test the first
            half: a pair is always true.
        """
        call = self._started_call(
            self.chunk_manager, call_id, provider_name, audio_format, len(audio_chunk)
        )
        return (True, None) if call is None else call.answer_for(audio_chunk, self._clock())

    async def cleanup_call(self, call_id: str) -> None:
        """Forget a call; unknown ids are no error."""
        call = self._calls.pop(call_id, None)
        if call is not None:
            self._failures_of_ended += call.close()
        self._ended.add(call_id)

    def set_agent_speaking(
        self,
        call_id: str,
        is_speaking: bool,  # noqa: FBT001 - the older face
        provider_name: str = "unknown",
        *,
        audio_ms: float = 0.0,
    ) -> None:
        """Take a provider's word on whether it generates agent audio.

        Args:
            call_id: Whose agent.
            is_speaking: False when generation has ended; playing goes on.
            provider_name: Not used; the older face has it.
            audio_ms: Agent audio generated since the last word. Where :meth:`receive_agent_audio`
                is never called, the end of the agent's speech is derived from it.
        """
        del provider_name
        call = self._call(call_id)
        if call is not None:
            call.hear_agent(self._clock(), is_speaking=is_speaking, audio_ms=audio_ms)

    def get_stats(self, call_id: str) -> dict[str, int]:
        """Return a call's counters by the names of the older face, and some of our own."""
        call = self._calls.get(call_id)
        stats = None if call is None else call.stats
        if call is None or stats is None:
            return dict(_NO_STATS)
        return {
            "total_buffered": stats.withheld_frames,
            "total_dropped": stats.discarded_frames,
            "total_forwarded": stats.forwarded_frames + stats.released_frames,
            "current_buffer_size": 0,
            "barge_ins": stats.barge_ins,
            "interruptions": stats.interruptions,
            "failures": call.failures,
            "malformed": stats.malformed_chunks + stats.malformed_far_end_frames,
        }

    # -- what the older face lacks -----------------------------------------------------------------

    async def audio_to_send(
        self, call_id: str, provider_name: str, audio_chunk: bytes, audio_format: str = "pcm16"
    ) -> bytes:
        """Return what to send in place of a chunk: over time as much as came.

        Silence stands for what is withheld, so that the provider's turn detector goes on; while
        the agent is heard the chunk comes without its echo. The arguments are those of
        :meth:`should_forward_audio`. A call asks by one of both.
        """
        call = self._started_call(
            self.manager, call_id, provider_name, audio_format, len(audio_chunk)
        )
        return audio_chunk if call is None else call.audio_for(audio_chunk, self._clock())

    def receive_agent_audio(
        self,
        call_id: str,
        audio: bytes,
        audio_format: str = "pcm16_8k",
        sample_rate_hz: int | None = None,
    ) -> None:
        """Take what is written to the caller's channel, just before it is.

        This is what tells echo from the caller; without it, voice activity has to decide.

        Args:
            call_id: Whose channel.
            audio: Any whole number of samples, paced or faster than real time.
            audio_format: As above; a bare ``pcm16``, ``slin`` or ``ulaw`` is at 8 kHz.
            sample_rate_hz: Its rate, if the name of the format does not say it.
        """
        call = self._call(call_id)
        if call is not None:
            call.hear_far_end(audio, audio_format, sample_rate_hz, self._clock())

    def flush_agent_audio(self, call_id: str) -> None:
        """Take that the channel was told to forget what it has not played."""
        call = self._calls.get(call_id)
        if call is not None:
            call.flush()

    def receive_speech_started(self, call_id: str) -> None:
        """Take that the provider's turn detector has heard the caller; it confirms a barge-in."""
        call = self._calls.get(call_id)
        if call is not None:
            call.hear_speech(self._clock(), is_started=True)

    def receive_speech_stopped(self, call_id: str) -> None:
        """Take that the provider has heard the end of the caller's turn."""
        call = self._calls.get(call_id)
        if call is not None:
            call.hear_speech(self._clock(), is_started=False)

    def take_events(self, call_id: str) -> tuple[GateEvent, ...]:
        """Return what happened at a call's gate since it was last asked, oldest first."""
        call = self._calls.get(call_id)
        return () if call is None else call.take_events()

    # -- private steps -----------------------------------------------------------------------------

    def _call(self, call_id: str) -> AsteriskCall | None:
        """Return a call, which is now the last one used; None of one that has ended."""
        if call_id in self._ended:
            self.late_inputs += 1
            return None
        call = self._calls.get(call_id)
        if call is None:
            call = self._calls[call_id] = AsteriskCall(call_id, on_failure=self._on_failure)
            if len(self._calls) > _MAX_CALLS:
                _, oldest = self._calls.popitem(last=False)
                self._failures_of_ended += oldest.close()
        self._calls.move_to_end(call_id)
        return call

    def _started_call(
        self,
        manager: AudioGatingManager,
        call_id: str,
        provider: str,
        audio_format: str,
        n_bytes: int,
    ) -> AsteriskCall | None:
        call = self._call(call_id)
        if call is None or call.is_started:
            return call
        rate_hz = self._rate_hz_of(provider) if audio_format == "pcm16" else None
        try:
            capture = parse_audio_format(audio_format, rate_hz)
        except ValueError:
            call.count_failure()
            return call
        call.start(manager, provider, capture, self._clock() - capture.duration_ms(n_bytes))
        return call

    def _rate_hz_of(self, provider: str) -> int:
        """Return the rate of a provider's ``pcm16``, by its name or that of its kind."""
        kind = self.manager.config.kind_of(provider) or provider
        return self._rates_hz.get(provider, self._rates_hz.get(kind, 8000))


def _config_of_whole_chunks(config: GatingConfig) -> GatingConfig:
    """Return a configuration whose calls send their chunks as they came, or not."""
    raw = {
        kind: replace(policy, forwarded_audio=ForwardedAudio.RAW)
        for kind, policy in config.providers.items()
    }
    return config_for_chunks(replace(config, providers=raw))
