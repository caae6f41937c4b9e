"""A LiveKit voice agent on a telephone line, gated: what is added are the lines with ``gate``.

``pip install 'voxgate[livekit]' 'livekit-agents[openai]'``, ``LIVEKIT_URL``, ``LIVEKIT_API_KEY``,
``LIVEKIT_API_SECRET`` and ``OPENAI_API_KEY`` in the environment, and
``python livekit_agent.py start``. See docs/integrations/livekit.md.
"""

from __future__ import annotations

from livekit.agents import Agent, AgentSession, JobContext, WorkerOptions, cli
from livekit.agents.voice.room_io import RoomOptions
from livekit.plugins import openai

from voxgate.integrations.livekit import SessionGate


async def answer(ctx: JobContext) -> None:
    """Serve one call, from when the caller's room is there to when it closes."""
    gate = SessionGate()
    session: AgentSession[None] = AgentSession(
        llm=openai.realtime.RealtimeModel(),
        **gate.session_options(),
    )
    gate.attach(session)
    await session.start(
        Agent(instructions="You answer the telephone of a bicycle shop."),
        room=ctx.room,
        room_options=RoomOptions(audio_input=gate.audio_input_options()),
    )
    session.generate_reply(instructions="Greet the caller.")


if __name__ == "__main__":
    cli.run_app(WorkerOptions(entrypoint_fnc=answer))
