"""A telephone call between Twilio and OpenAI Realtime, gated, without a framework: 40 lines.

``pip install voxgate websockets``, ``OPENAI_API_KEY=... python plain_asyncio.py``, and have Twilio
``<Connect><Stream url="wss://YOUR-HOST/"/></Connect>``. See docs/integrations/plain-asyncio.md.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time

from websockets.asyncio.client import ClientConnection as Provider
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection as Phone
from websockets.asyncio.server import serve

from voxgate import AudioFormat, AudioGatingManager, Encoding, GatedCall

URL = os.environ.get("REALTIME_URL", "wss://api.openai.com/v1/realtime?model=gpt-realtime")
KEY = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', '')}"}
MULAW = {"format": {"type": "audio/pcmu"}}
SESSION = {"type": "realtime", "audio": {"input": MULAW, "output": MULAW}}
MANAGER = AudioGatingManager()


def now_ms() -> float:
    """Return the one clock of all calls."""
    return time.monotonic() * 1000


async def listen(phone: Phone, provider: Provider, gate: GatedCall) -> None:
    """Send the provider what the gate lets out of what the caller's line delivers."""
    async for message in phone:
        event = json.loads(message)
        if event["event"] == "media":
            captured = base64.b64decode(event["media"]["payload"])
            audio = base64.b64encode(gate.receive_capture(captured, now_ms())).decode()
            await provider.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))


async def speak(phone: Phone, provider: Provider, gate: GatedCall, sid: str) -> None:
    """Play the agent's audio, and stop it where the provider hears the caller."""
    async for message in provider:
        event = json.loads(message)
        if event["type"] == "response.output_audio.delta":
            gate.receive_agent_audio(base64.b64decode(event["delta"]), now_ms())
            media = {"event": "media", "streamSid": sid, "media": {"payload": event["delta"]}}
            await phone.send(json.dumps(media))
        elif event["type"] == "input_audio_buffer.speech_started":
            gate.receive_speech_started(now_ms())
            gate.flush_agent_audio()
            await phone.send(json.dumps({"event": "clear", "streamSid": sid}))


async def answer(phone: Phone) -> None:
    """Serve one call, from Twilio's start message to the caller's hangup."""
    while (start := json.loads(await phone.recv()))["event"] != "start":
        pass
    sid = start["streamSid"]
    gate = GatedCall(MANAGER, sid, capture_format=AudioFormat(Encoding.MULAW), now_ms=now_ms())
    async with connect(URL, additional_headers=KEY) as provider:
        await provider.send(json.dumps({"type": "session.update", "session": SESSION}))
        speaking = asyncio.create_task(speak(phone, provider, gate, sid))
        await listen(phone, provider, gate)
        speaking.cancel()
    gate.close()


async def main() -> None:
    """Take calls on port 8080, behind whatever ends TLS."""
    await (await serve(answer, "127.0.0.1", 8080)).serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
