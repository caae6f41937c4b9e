"""A telephone call between Twilio and OpenAI Realtime, gated, without a framework: 40 lines.

``pip install voxgate websockets``, ``OPENAI_API_KEY=... python plain_asyncio.py``, and have Twilio
``<Connect><Stream url="wss://YOUR-HOST/"/></Connect>``. See docs/integrations/plain-asyncio.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from base64 import b64decode, b64encode
from contextlib import closing

from websockets.asyncio.client import ClientConnection as Cloud
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection as Phone
from websockets.asyncio.server import serve

from voxgate import AudioFormat, AudioGatingManager, Encoding, GatedCall

URL = os.environ.get("REALTIME_URL", "wss://api.openai.com/v1/realtime?model=gpt-realtime")
KEY = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', '')}"}
PCMU = {"format": {"type": "audio/pcmu"}}
SESSION = {"type": "realtime", "audio": {"input": PCMU, "output": PCMU}}
MANAGER, MULAW = AudioGatingManager(), AudioFormat(Encoding.MULAW)


def now_ms() -> float:
    """Return the one clock of all calls."""
    return time.monotonic() * 1000


async def say(peer: Phone | Cloud, **event: object) -> None:
    """Send an event."""
    await peer.send(json.dumps(event))


async def listen(phone: Phone, cloud: Cloud, gate: GatedCall) -> None:
    """Send the cloud what the gate lets out of what the caller's line delivers."""
    async for event in (json.loads(message) async for message in phone):
        if event["event"] == "media":
            captured = b64decode(event["media"]["payload"])
            if audio := gate.receive_capture(captured, now_ms()):
                await say(cloud, type="input_audio_buffer.append", audio=b64encode(audio).decode())


async def speak(phone: Phone, cloud: Cloud, gate: GatedCall, sid: str) -> None:
    """Play the agent's audio; where the cloud hears the caller, stop, and tell what was heard."""
    line, began_ms = gate.far_end, dict[str, float]()
    async for event in (json.loads(message) async for message in cloud):
        if event["type"] == "response.output_audio.delta":
            began_ms.setdefault(event["item_id"], line.played_ms + line.waiting_ms)
            gate.receive_agent_audio(b64decode(event["delta"]), now_ms())
            await say(phone, event="media", streamSid=sid, media={"payload": event["delta"]})
        elif event["type"] == "input_audio_buffer.speech_started":
            gate.receive_speech_started(now_ms())
            await say(phone, event="clear", streamSid=sid)
            if gate.flush_agent_audio():
                item, start_ms = began_ms.popitem()
                cut = {"item_id": item, "audio_end_ms": max(0, round(line.played_ms - start_ms))}
                await say(cloud, type="conversation.item.truncate", content_index=0, **cut)


async def answer(phone: Phone) -> None:
    """Serve one call, from Twilio's second message, its start, until either side is gone."""
    _, sid = [json.loads(await phone.recv()).get("streamSid") for _ in range(2)]
    with closing(GatedCall(MANAGER, sid, capture_format=MULAW, now_ms=now_ms())) as gate:
        async with connect(URL, additional_headers=KEY) as cloud:
            await say(cloud, type="session.update", session=SESSION)
            sides = listen(phone, cloud, gate), speak(phone, cloud, gate, sid)
            await asyncio.wait(map(asyncio.create_task, sides), return_when="FIRST_COMPLETED")


async def main() -> None:
    """Take calls on port 8080, behind whatever ends TLS."""
    await (await serve(answer, "127.0.0.1", 8080)).serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
