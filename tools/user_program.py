"""A program of somebody who has voxgate: tools/check_dist.py checks its types, and runs it.

Invariant: it uses public names only, and needs nothing but the core.
"""

from __future__ import annotations

__all__ = ["main"]

from voxgate import (
    AudioFormat,
    AudioGatingManager,
    Encoding,
    EnhancedVADManager,
    GatedCall,
    GateDecision,
    GateEventType,
    GateState,
    GatingConfig,
    ProviderGatingPolicy,
    gating_config_from,
)
from voxgate.integrations.asterisk_agents import AsteriskGatingManager

_SILENT = b"\xff" * 160


def main() -> bool:
    """Gate a second of a call; return whether the caller interrupted it, which nobody did."""
    config: GatingConfig = gating_config_from({"vad": {"webrtc_aggressiveness": 2}})
    policy: ProviderGatingPolicy | None = config.policy_for("openai_realtime")
    assert policy is not None, "the kind has a policy by default"  # noqa: S101
    manager = AudioGatingManager(EnhancedVADManager(config.vad), config)
    call = GatedCall(manager, "call", capture_format=AudioFormat(Encoding.MULAW), now_ms=0.0)
    call.receive_agent_audio(_SILENT * 50, 0.0)
    sent: list[bytes] = [call.receive_capture(_SILENT, 20.0 * n) for n in range(1, 51)]
    assert sum(map(len, sent)) == 50 * len(_SILENT), "nothing is left out, nothing added"  # noqa: S101
    decision: GateDecision | None = call.last_decision
    state: GateState | None = call.state
    assert decision is not None, "a frame was judged"  # noqa: S101
    assert decision.state is state, "the last decision tells the state"  # noqa: S101
    return any(event.type is GateEventType.INTERRUPTED for event in call.take_events())


async def ask_the_older_face() -> tuple[bool, list[bytes] | None]:
    """Ask whether a chunk goes to a provider."""
    return await AsteriskGatingManager().should_forward_audio("call", "grok", bytes(960))


if __name__ == "__main__":
    assert not main(), "silence interrupts nobody"  # noqa: S101
