"""What the real gate makes of a caller's frames is matched without a false loss or lateness."""

from __future__ import annotations

import numpy as np
import pytest

from support.gate_calls import agent_voice, plain_manager
from voxgate.core.audio import AudioFormat
from voxgate.core.g711 import encode_mulaw
from voxgate.core.vad_manager import EnhancedVADManager
from voxgate.lab.load.caller_mix import CallerMix
from voxgate.lab.load.caller_sounds import load_sounds
from voxgate.lab.load.frame_log import frame_digest
from voxgate.lab.load.frame_matching import match_call

SILENCE = bytes(320)
LONGEST_MS = 6.0


@pytest.mark.parametrize("seed", range(3))
def test_a_call_through_the_gate_has_lost_nothing_and_is_as_late_as_it_was(seed: int) -> None:
    """Held frames are released, and silence is left out later: none is a loss, and none is late.

    A question, an answer, a caller who breaks in, silence, and another word.
    """
    sounds = load_sounds()
    mix = CallerMix(sounds.hums, [seed], echo_delay_ms=160, erl_db=24.0)
    question, interruption = sounds.utterances[seed : seed + 2]
    agent = agent_voice(4000)
    starts = {50: question, 350: interruption, 840: question}
    manager = plain_manager(EnhancedVADManager())
    line = AudioFormat()
    manager.start_call(
        "c", provider="openai_realtime", now_ms=0.0, capture_format=line, far_end_format=line
    )
    sent_ms, sent, received_ms, received = [], [], [], []
    saying, at = None, 0
    chance = np.random.default_rng(seed)
    for slot in range(900):
        saying, at = (starts[slot], 0) if slot in starts else (saying, at)
        is_saying = saying is not None and at < len(saying)
        mix.say(0, saying[at] if saying is not None and is_saying else None)
        at += 1
        is_agent = 300 <= slot < 300 + len(agent) and slot < 370
        far_end = agent[slot - 300] if is_agent else SILENCE
        now_ms = slot * 20.0 + chance.uniform(1.0, LONGEST_MS - 1)
        manager.receive_far_end("c", far_end, now_ms, is_agent_audio=is_agent)
        frames, _ = mix.step([far_end])
        sent_ms.append(slot * 20.0)
        sent.append(frame_digest(frames.mulaw))
        decision = manager.process("c", frames.pcm, now_ms)
        for number, audio in enumerate(decision.audio_for(frames.pcm)):
            received_ms.append(now_ms + 0.02 * number)
            received.append(frame_digest(encode_mulaw(np.frombuffer(audio, np.int16))))
    match = match_call(sent_ms, sent, received_ms, received)
    assert match.lost == 0
    assert match.released > 0
    assert max(*match.live_ms, *match.silent_ms) < LONGEST_MS
    assert len(match.live_ms) + len(match.silent_ms) > 0.8 * len(sent)
