"""What the documents of the lines tell people to paste, held against the code that takes it."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web

from support.dialplan import Dialplan, Step
from voxgate.config.hook_models import CallHooksConfig
from voxgate.config.line_models import AudioSocketConfig
from voxgate.config.load import parse_config
from voxgate.errors import TransportError
from voxgate.transports.audiosocket.protocol import (
    AUDIO_RATES_HZ,
    AudioSocketParser,
    CallIdentified,
    serialize_call_id,
)
from voxgate.transports.call_hooks import CallHooks
from voxgate.transports.call_metadata import KnownCallTable, parse_metadata
from voxgate.transports.twilio.twiml import dial_twiml

pytestmark = pytest.mark.timeout(60)

LINES = Path(__file__).resolve().parents[2] / "docs" / "lines"
ASTERISK = "asterisk-audiosocket.md"
FREEPBX = "freepbx.md"
TWILIO = "twilio.md"

CALL = {
    "EXTEN": "700",
    "FROM_DID": "+15550100",
    "CALLERID(num)": "+15550199",
    "CHANNEL": "PJSIP/alice-0000001a",
}
CODECS = {
    "slin": 8_000,
    "slin12": 12_000,
    "slin16": 16_000,
    "slin24": 24_000,
    "slin32": 32_000,
    "slin44": 44_100,
    "slin48": 48_000,
    "slin96": 96_000,
    "slin192": 192_000,
}


def blocks(name: str, language: str) -> list[str]:
    """Return the blocks of a language in a document, without the indentation of lists."""
    text = (LINES / name).read_text(encoding="utf-8")
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for block in found]


def calls_of(name: str) -> list[tuple[str, str, Dialplan]]:
    """Return context, pattern and dialplan of every extension in a document."""
    plans = [Dialplan(block) for block in blocks(name, "ini")]
    return [(*key, plan) for plan in plans for key in plan.extensions]


EVERY_CALL = [
    pytest.param(*each, id=each[0]) for doc in (ASTERISK, FREEPBX) for each in calls_of(doc)
]


def agent_of(steps: list[Step]) -> tuple[UUID, str, int]:
    """Return the call id, the server and the rate with which a call reaches the agent."""
    (step,) = (step for step in steps if step.application in {"AudioSocket", "Dial"})
    if step.application == "AudioSocket":
        call_id, server = step.arguments.split(",")
        return UUID(call_id), server, 8_000
    technology, server, call_id, option = step.arguments.split("/")
    codec = re.fullmatch(r"c\((\w+)\)", option)
    assert technology == "AudioSocket"
    assert codec is not None
    return UUID(call_id), server, CODECS[codec[1]]


class TestDialplan:
    """Asterisk's and FreePBX's."""

    @pytest.mark.parametrize(("context", "pattern", "plan"), EVERY_CALL)
    def test_a_call_is_answered_reaches_the_agent_and_ends(
        self, context: str, pattern: str, plan: Dialplan
    ) -> None:
        """With an id and a rate that our line takes, on the port that it has unless told."""
        steps, _ = plan.walked(context, pattern, CALL)
        assert steps[0].application == "Answer"
        assert steps[-1].application in {"Hangup", "Return"}
        call_id, server, rate_hz = agent_of(steps)
        default = AudioSocketConfig()
        assert server == f"{default.host}:{default.port}"
        assert rate_hz in AUDIO_RATES_HZ
        events = AudioSocketParser().receive_data(serialize_call_id(call_id))
        assert events == [CallIdentified(call_id)]

    def test_every_codec_that_is_named_has_a_kind(self) -> None:
        """And none is left out."""
        assert tuple(CODECS.values()) == AUDIO_RATES_HZ
        text = (LINES / ASTERISK).read_text(encoding="utf-8")
        assert all(f"`{codec}`" in text for codec in CODECS if codec != "slin")

    def test_what_is_included_is_there(self) -> None:
        """The context that a phone has leads to ours."""
        plans = [Dialplan(block) for block in blocks(ASTERISK, "ini")]
        contexts = {context for plan in plans for context, _ in plan.extensions}
        included = [name for plan in plans for _, name in plan.includes]
        assert included == ["voxgate"]
        assert set(included) <= contexts

    @pytest.mark.parametrize(
        ("document", "context", "dialled", "number"),
        [
            (ASTERISK, "voxgate-numbers", {"EXTEN": "700"}, "700"),
            (ASTERISK, "voxgate-numbers", {"EXTEN": "701"}, "701"),
            (FREEPBX, "voxgate-agent", {"FROM_DID": "+15550100"}, "+15550100"),
            (FREEPBX, "voxgate-agent", {"FROM_DID": "15550101"}, "+15550101"),
        ],
    )
    def test_the_number_in_the_uuid_is_known(
        self, document: str, context: str, dialled: dict[str, str], number: str
    ) -> None:
        """The dialplan writes what the configuration beside it reads."""
        ((pattern, plan),) = [(p, plan) for c, p, plan in calls_of(document) if c == context]
        steps, channel = plan.walked(context, pattern, {**CALL, **dialled})
        call_id = str(agent_of(steps)[0])
        configs = [parse_config(block, document, {}).config for block in blocks(document, "yaml")]
        (known,) = [c.lines.audiosocket.calls for c in configs if c.lines.audiosocket.calls]
        assert KnownCallTable(known).metadata_of(call_id)["called_number"] == number
        assert call_id[:24] == channel.uuid[:24]


class TestConfiguration:
    """What goes into ai-agent.yaml."""

    @pytest.mark.parametrize("document", [ASTERISK, FREEPBX, TWILIO])
    def test_every_block_loads(self, document: str) -> None:
        """A key that is gone or misspelt would be refused."""
        texts = blocks(document, "yaml")
        assert texts
        for text in texts:
            assert parse_config(text, document, {}).config

    def test_the_whole_section_shows_every_key_with_its_default(self) -> None:
        """As many as the model has."""
        (whole,) = [text for text in blocks(ASTERISK, "yaml") if "uuid_timeout_s" in text]
        assert parse_config(whole, ASTERISK, {}).config.lines.audiosocket == AudioSocketConfig()
        keys = set(re.findall(r"^ +(\w+):", whole, re.MULTILINE))
        fields = {*AudioSocketConfig.__dataclass_fields__, *CallHooksConfig.__dataclass_fields__}
        assert keys == {*fields, "audiosocket"}

    def test_who_may_connect_may(self) -> None:
        """IPv4 and IPv6."""
        (text,) = [text for text in blocks(ASTERISK, "yaml") if "0.0.0.0" in text]  # noqa: S104
        assert parse_config(text, ASTERISK, {}).config.lines.audiosocket.allowed_peers == (
            "192.0.2.7",
            "10.20.0.0/16",
            "2001:db8:20::/48",
        )


class TestTwiml:
    """What Twilio is answered; the first block is held against the server in its own tests."""

    def test_a_transfer_is_what_the_document_shows(self) -> None:
        """To the letter."""
        assert dial_twiml("+15550101") == blocks(TWILIO, "xml")[1]


class Ami:
    """Asterisk's manager interface: takes what it is told, and notes it."""

    def __init__(self) -> None:
        self.port = 0
        self.actions: list[dict[str, str]] = []
        self.refused = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/9.0.0\r\n")
        try:
            while True:
                packet = (await reader.readuntil(b"\r\n\r\n")).decode().strip()
                action = dict(line.split(": ", 1) for line in packet.split("\r\n"))
                self.actions.append(action)
                word = "Error" if action["Action"] == self.refused else "Success"
                writer.write(f"Response: {word}\r\nMessage: ...\r\n\r\n".encode())
        except asyncio.IncompleteReadError:
            writer.close()


@asynccontextmanager
async def small_system(
    monkeypatch: pytest.MonkeyPatch, token: str | None
) -> AsyncIterator[tuple[str, Ami]]:
    """Run the program of the document, and an Asterisk for it; gives its address."""
    ami = Ami()
    server = await asyncio.start_server(ami.serve, "127.0.0.1", 0)
    (listening,) = [s for s in server.sockets if s.family == socket.AF_INET]
    environ = {
        "AMI_PORT": str(listening.getsockname()[1]),
        "AMI_USER": "voxgate",
        "AMI_SECRET": "s",
        **({} if token is None else {"PBX_HOOKS_TOKEN": token}),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    (program,) = blocks(ASTERISK, "python")
    names: dict[str, Any] = {"__name__": "pbx_hooks"}
    exec(compile(program, ASTERISK, "exec"), names)  # noqa: S102 - our own document
    runner = web.AppRunner(names["app"])
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}", ami
    await runner.cleanup()
    server.close()


async def transferred(hooks: CallHooks, call_id: str, target: str) -> None:
    """Have a call transferred."""
    transfer = hooks.transfer_of(call_id)
    assert transfer is not None
    await transfer(target)


class TestSmallSystem:
    """The program that the document gives to who has none: dialplan, hooks and AMI meet in it."""

    @staticmethod
    async def call_through(url: str, document: str, context: str) -> str:
        """Let a call walk through a dialplan, and return its id."""
        ((pattern, plan),) = [(p, plan) for c, p, plan in calls_of(document) if c == context]
        steps, channel = plan.walked(context, pattern, CALL)
        ((told, form),) = channel.posted
        base = "http://127.0.0.1:8088"
        assert told.startswith(base)
        async with (
            aiohttp.ClientSession() as session,
            session.post(url + told.removeprefix(base), data=dict(parse_qsl(form))) as answer,
        ):
            assert answer.status == 200
        return str(agent_of(steps)[0])

    @staticmethod
    @asynccontextmanager
    async def hooks(url: str, token: str) -> AsyncIterator[CallHooks]:
        """Run the hooks as the document configures them."""
        (text,) = [text for text in blocks(ASTERISK, "yaml") if "PBX_HOOKS_TOKEN" in text]
        text = text.replace("http://127.0.0.1:8088", url)
        config = parse_config(text, ASTERISK, {}).config.lines.audiosocket.hooks
        hooks = CallHooks(config, {"PBX_HOOKS_TOKEN": token}, section="lines.audiosocket.hooks")
        try:
            yield hooks
        finally:
            await hooks.close()

    @pytest.mark.parametrize(
        ("document", "context", "metadata"),
        [
            (
                ASTERISK,
                "voxgate-hooks",
                {"called_number": "700", "caller_number": "+15550199"},
            ),
            (FREEPBX, "voxgate-transferable", {"called_number": "+15550100"}),
        ],
    )
    async def test_a_call_is_known_and_transferred(
        self, monkeypatch: pytest.MonkeyPatch, document: str, context: str, metadata: dict[str, str]
    ) -> None:
        """From the dialplan to the agent, and from the agent to the channel."""
        async with small_system(monkeypatch, "sesame") as (url, ami):
            call_id = await self.call_through(url, document, context)
            async with self.hooks(url, "sesame") as hooks:
                assert await hooks.fetch_metadata(call_id) == metadata
                await transferred(hooks, call_id, "200")
        assert ami.actions == [
            {"Action": "Login", "Username": "voxgate", "Secret": "s", "Events": "off"},
            {
                "Action": "Redirect",
                "Channel": CALL["CHANNEL"],
                "Context": "from-internal",
                "Exten": "200",
                "Priority": "1",
            },
        ]

    @pytest.mark.parametrize("refused", ["Login", "Redirect"])
    async def test_what_asterisk_refuses_has_failed(
        self, monkeypatch: pytest.MonkeyPatch, refused: str
    ) -> None:
        """The agent is told so."""
        async with small_system(monkeypatch, "sesame") as (url, ami):
            ami.refused = refused
            call_id = await self.call_through(url, ASTERISK, "voxgate-hooks")
            async with self.hooks(url, "sesame") as hooks:
                with pytest.raises(TransportError, match="http_502"):
                    await transferred(hooks, call_id, "200")

    async def test_nobody_without_the_token_learns_or_moves_a_call(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nor is a target taken that is more than a number."""
        async with small_system(monkeypatch, "sesame") as (url, ami):
            call_id = await self.call_through(url, ASTERISK, "voxgate-hooks")
            async with self.hooks(url, "guess") as stranger:
                with pytest.raises(TransportError, match="http_401"):
                    await stranger.fetch_metadata(call_id)
                with pytest.raises(TransportError, match="http_401"):
                    await transferred(stranger, call_id, "200")
            async with self.hooks(url, "sesame") as friend:
                with pytest.raises(TransportError, match="http_404"):
                    await transferred(friend, call_id, "200\r\nAction: Originate")
            assert ami.actions == []


def test_the_answers_that_are_shown_are_good_ones() -> None:
    """What is asked for, and what is asked of a transfer."""
    answer, request = blocks(ASTERISK, "json")
    assert set(parse_metadata(answer.encode())) == {"called_number", "caller_number"}
    assert set(json.loads(request)) == {"call_id", "target"}
