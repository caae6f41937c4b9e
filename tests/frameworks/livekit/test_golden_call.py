"""The golden call through the plug-in, which decides as the engine and ``evaluate`` do."""

from __future__ import annotations

from frameworks.livekit.session_parts import run_golden_call
from support.golden_call import golden_call
from support.golden_trace import event_differences, run_alone


async def test_the_plug_in_decides_as_stored() -> None:
    """The session gives its output each answer at once: what is played when is worked out here.

    What the session gets is the same but for silence, which is left out 10 ms at a time.
    """
    call = golden_call()
    run = await run_golden_call(call, call.burst_writes())
    assert event_differences(run.events) == []
    assert run.sent.replace(b"\0", b"") == run_alone().sent.replace(b"\0", b"")
