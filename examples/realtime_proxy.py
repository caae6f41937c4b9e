"""A client of the Realtime API behind ``voxgate proxy``: nothing changes but the URL.

Run it as it is: the embedded server stands in for the cloud, so it needs neither key nor telephone.
With your own client, run ``voxgate proxy`` instead and point the client at it.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode

from openai import AsyncOpenAI

from voxgate.config.realtime_proxy_model import RealtimeProxyConfig
from voxgate.integrations.realtime_proxy import RealtimeProxy
from voxgate.realtime_server import RealtimeServer

_MULAW = {"format": {"type": "audio/pcmu"}}
_SILENCE = b64encode(b"\xff" * 160).decode()
"""20 ms of it."""


async def main() -> None:
    """Talk to the embedded server through the proxy, and show what came."""
    async with RealtimeServer() as cloud:
        upstream_url = cloud.base_url.removesuffix("/v1")
        async with RealtimeProxy(RealtimeProxyConfig(port=0, upstream_url=upstream_url)) as proxy:
            await talk(AsyncOpenAI(api_key="none", websocket_base_url=proxy.base_url))


async def talk(client: AsyncOpenAI) -> None:
    """Be a client as anybody writes one: this part knows nothing of voxgate."""
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.session.update(
            session={"type": "realtime", "audio": {"input": _MULAW, "output": _MULAW}}
        )
        await connection.input_audio_buffer.append(audio=_SILENCE)
        await connection.response.create()
        n_bytes = 0
        async for event in connection:
            if event.type == "response.output_audio.delta":
                n_bytes += len(event.delta) * 3 // 4
            elif event.type == "response.output_audio_transcript.done":
                print(f"agent: {event.transcript}")
            elif event.type == "response.done":
                break
        print(f"{n_bytes / 8000:.1f} s of audio through the proxy")


if __name__ == "__main__":
    asyncio.run(main())
