"""What the page of Asterisk's WebSocket channel tells people to paste, held against the code."""

from __future__ import annotations

import configparser
import re
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus

from integration.test_asterisk_websocket import ENVIRON, serving
from integration.test_line_docs import LINES, blocks
from support.asterisk_websocket_messages import media_start
from support.dialplan import Dialplan
from voxgate.config.asterisk_websocket_model import AsteriskWebSocketConfig
from voxgate.config.load import parse_config
from voxgate.transports.asterisk_websocket.events import MediaStarted
from voxgate.transports.asterisk_websocket.protocol import SUBPROTOCOL, ChannelParser, Command
from voxgate.transports.base import CALLED_NUMBER, CALLER_NUMBER

pytestmark = pytest.mark.timeout(60)

PAGE = "asterisk-websocket.md"
TEXT = (LINES / PAGE).read_text(encoding="utf-8")
CALL = {"EXTEN": "710", "CALLERID(num)": "+15550199", "DIALSTATUS": "ANSWER"}

_DIAL = re.compile(r"WebSocket/([\w-]+)/c\((\w+)\)f\(json\)n,10,g")


def connections() -> configparser.ConfigParser:
    """Return what the page says of ``websocket_client.conf``."""
    parser = configparser.ConfigParser(interpolation=None)
    for block in blocks(PAGE, "ini"):
        if "type = websocket_client" in block:
            parser.read_string(block)
    return parser


def dialplans() -> list[Dialplan]:
    """Return what it says of ``extensions.conf``."""
    texts = [block for block in blocks(PAGE, "ini") if "type = websocket_client" not in block]
    return [Dialplan(block) for block in texts]


CONNECTIONS = connections()
CALLS = [pytest.param(*key, plan, id=key[0]) for plan in dialplans() for key in plan.extensions]


class TestConnections:
    """``websocket_client.conf``."""

    def test_the_first_leads_to_a_line_with_its_defaults(self):
        """Nothing else must be said."""
        default = AsteriskWebSocketConfig()
        address = f"ws://{default.host}:{default.port}{default.path}"
        assert CONNECTIONS["voxgate"]["uri"] == address

    @pytest.mark.parametrize("name", CONNECTIONS.sections())
    def test_each_is_one_that_the_channel_can_use(self, name: str):
        """One connection a call, and our subprotocol; TLS where the address says so."""
        section = CONNECTIONS[name]
        assert section["connection_type"] == "per_call_config"
        assert section["protocols"] == SUBPROTOCOL
        uri = urlsplit(section["uri"])
        assert (uri.scheme == "wss") == (section["tls_enabled"] == "yes")
        assert uri.path == AsteriskWebSocketConfig().path

    async def test_the_password_of_the_other_is_asked_for(self):
        """By the section of the configuration beside it; the placeholder is nobody's."""
        remote = CONNECTIONS["voxgate-remote"]
        (section,) = (block for block in blocks(PAGE, "yaml") if "password_env: V" in block)
        config = parse_config(section, source=PAGE, environ={}).config.lines.asterisk_websocket
        environ = {
            str(config.username_env): remote["username"],
            str(config.password_env): remote["password"],
        }
        fields = {"username_env": config.username_env, "password_env": config.password_env}
        user = (remote["username"], remote["password"])
        async for exchange in serving(environ, **fields):
            await exchange.place_call(user=user)
            with pytest.raises(InvalidStatus, match="401"):
                await exchange.connect(user=(ENVIRON["WS_USER"], remote["password"]))


class TestDialplan:
    """``extensions.conf``."""

    @pytest.mark.parametrize(("context", "pattern", "plan"), CALLS)
    def test_a_call_reaches_the_agent_and_goes_on(self, context: str, pattern: str, plan: Dialplan):
        """By a connection of the page, in a format that we take, with its numbers."""
        steps, channel = plan.walked(context, pattern, CALL)
        (dialled,) = (step.arguments for step in steps if step.application == "Dial")
        found = _DIAL.fullmatch(dialled)
        assert found is not None, dialled
        assert found[1] in CONNECTIONS
        (event,) = [ChannelParser().receive_text(media_start(format_name=found[2]))]
        assert isinstance(event, MediaStarted)
        assert channel.variables[f"_{CALLED_NUMBER}"] == CALL["EXTEN"]
        assert channel.variables[f"_{CALLER_NUMBER}"] == CALL["CALLERID(num)"]
        assert steps[-1].application == "Hangup"

    def test_what_is_included_is_there(self):
        """The context that a phone has leads to ours."""
        contexts = {context for plan in dialplans() for context, _ in plan.extensions}
        included = [name for plan in dialplans() for _, name in plan.includes]
        assert included == ["voxgate-websocket"]
        assert set(included) <= contexts

    def test_every_format_that_is_named_is_taken_and_none_is_left_out(self):
        """The row of the dial string's ``c()``."""
        (row,) = re.findall(r"^\| `c\(slin16\)` \| the format: (.*?); others", TEXT, re.MULTILINE)
        named = re.findall(r"`(\w+)`", row)
        for name in named:
            (event,) = [ChannelParser().receive_text(media_start(format_name=name))]
            assert isinstance(event, MediaStarted)
        refused = ChannelParser().receive_text(media_start(format_name="opus"))
        assert f"is none of {', '.join(named)} " in str(refused.error)  # type: ignore[union-attr]


class TestConfiguration:
    """The YAML, and what the tables say."""

    @pytest.mark.parametrize("block", blocks(PAGE, "yaml"))
    def test_every_block_is_a_configuration(self, block: str):
        """That the loader takes, and in which the line is on."""
        assert parse_config(block, source=PAGE, environ={}).config.lines.asterisk_websocket.enabled

    def test_the_block_of_defaults_has_them_all(self):
        """With the values that they have."""
        (block,) = (each for each in blocks(PAGE, "yaml") if "start_timeout_s" in each)
        config = parse_config(block, source=PAGE, environ={}).config.lines.asterisk_websocket
        assert config == AsteriskWebSocketConfig(enabled=True)
        assert all(f"    {name}:" in block for name in AsteriskWebSocketConfig.__slots__)

    def test_commands_that_are_named_are_commands(self):
        """Of the table of what voxgate sends."""
        table = TEXT.partition("| voxgate sends |")[2].partition("\n\n")[0]
        named = {
            word for word in re.findall(r"`([A-Z_]+)`", table) if "_" in word or word.isupper()
        }
        assert named <= {str(command) for command in Command}
        assert {"ANSWER", "MARK_MEDIA", "FLUSH_MEDIA", "HANGUP"} <= named
