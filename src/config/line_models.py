"""The models of the section ``lines``: one for each kind of line.

Invariant: a section that is enabled says all that its line needs to start, secrets aside, which
stand in environment variables that it names.
"""

from __future__ import annotations

__all__ = [
    "AudioSocketConfig",
    "LinesConfig",
    "TwilioConfig",
]

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import combinations
from typing import Annotated, Literal
from urllib.parse import urlsplit

from annotated_types import Interval, Len

from .asterisk_websocket_model import AsteriskWebSocketConfig
from .browser_line_model import BrowserLineConfig
from .field_rules import Pattern, check_fields
from .field_types import VariableName, broken_address
from .hook_models import CallHooksConfig, KnownCalls, check_known_calls
from .listen_address import Host, Port, UrlPath, check_host, meet
from .peer_networks import AllowedPeers, check_networks

PublicSocketUrl = Annotated[
    str,
    Pattern(
        r"wss://[^\s/?#@\[\]]+(/[^\s?#]*)?",
        "is not a wss:// address without a query",
        broken_address,
    ),
]
PublicUrl = Annotated[
    str,
    Pattern(
        r"https?://[^\s/?#@\[\]]+(/[^\s?#]*)?",
        "is not an https:// address without a query",
        broken_address,
    ),
]
AudioSocketRate = Literal[8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000]
"""Rates that AudioSocket has a frame kind for, in Hz."""
ParameterText = Annotated[str, Len(0, 500)]

TWIML_PATH = "/twiml"
"""Where a Twilio line serves its TwiML."""
_MAX_PARAMETER_CHARS = 500
"""Of a name and its value together: Twilio's own limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSocketConfig:
    """The server that Asterisk's ``AudioSocket()`` application and channel connect to."""

    enabled: bool = True
    """Whether the server listens."""
    host: Host = "127.0.0.1"
    """Address to listen on. AudioSocket has no password: beyond loopback, let a firewall admit the
    Asterisk host only."""
    port: Port = 8090
    """TCP port to listen on; 0: any free one, which the log names."""
    max_connections: Annotated[int, Interval(ge=1, le=10_000)] = 200
    """Open connections, calls or not; further ones are closed at once and counted."""
    max_connections_per_peer: Annotated[int, Interval(ge=1, le=10_000)] | None = None
    """Of one address, for IPv6 of one /64 network; further ones are refused and counted. null: no
    limit of its own, as where all come from one Asterisk."""
    max_unidentified: Annotated[int, Interval(ge=1, le=10_000)] = 50
    """Connections at a time that have not said which call they are; one more costs the oldest of
    them its place, counted."""
    uuid_timeout_s: Annotated[float, Interval(ge=0.1, le=60.0)] = 5.0
    """Time in s within which a connection must send the UUID of its call."""
    allowed_peers: AllowedPeers | None = None
    """Addresses and networks (``192.0.2.7``, ``10.0.0.0/8``) that may connect; others are closed at
    once and counted. null: whoever reaches the address to listen on."""
    playout_rate_hz: AudioSocketRate | None = None
    """Sample rate in Hz of the audio sent to Asterisk; null: as the call began, which is what its
    channel plays. Fix it where telephones send nothing while nobody speaks."""
    calls: KnownCalls = field(default_factory=dict)
    """Metadata of calls that is known beforehand: texts by name, by the UUID of the call, or by
    ``*`` and the end of one."""
    hooks: CallHooksConfig = field(default_factory=CallHooksConfig)
    """Where to ask about a call, and where to have it transferred: AudioSocket says its UUID only,
    and has no command for a transfer."""

    def __post_init__(self) -> None:
        check_fields(self)
        check_host(self.host)
        check_networks(self.allowed_peers)
        check_known_calls(self.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioConfig:
    """The server that Twilio's ``<Connect><Stream>`` connects to, and its TwiML."""

    enabled: bool = False
    """Whether the server listens."""
    host: Host = "127.0.0.1"
    """Address to listen on; the proxy or tunnel that has the certificate forwards to it."""
    port: Port = 8091
    """TCP port to listen on; 0: any free one, which the log names."""
    path: UrlPath = "/twilio"
    """Path of the WebSocket on this server; ``/twiml`` is taken."""
    public_url: PublicSocketUrl | None = None
    """Address under which Twilio reaches the WebSocket, such as ``wss://voice.example.com/twilio``;
    to the letter, as signatures are over it. Needed where the line is enabled."""
    twiml_url: PublicUrl | None = None
    """Address under which Twilio reaches ``/twiml``; null: ``/twiml`` on the host of public_url, by
    https."""
    after_url: PublicUrl | None = None
    """Address under which Twilio asks what comes after a stream; null: ``twiml_url``. One that
    leads to this engine alone where several share a name: only the engine with the call knows."""
    validate_signature: bool = True
    """Whether who asks must prove to be Twilio. Off: whoever reaches the server talks to the agent,
    at your cost."""
    auth_token_env: VariableName = "TWILIO_AUTH_TOKEN"  # noqa: S105 - a variable's name
    """Name of the environment variable that holds the account's auth token."""
    parameters: Mapping[str, ParameterText] = field(default_factory=dict)
    """Custom parameters that the TwiML gives to every call, text by name: metadata of the call."""
    max_connections: Annotated[int, Interval(ge=1, le=10_000)] = 200
    """Open WebSockets, calls or not; further ones are answered with 503 and counted."""
    max_connections_per_peer: Annotated[int, Interval(ge=1, le=10_000)] | None = None
    """Of one address, for IPv6 of one /64 network; further ones are refused and counted. null: no
    limit of its own, as where all come from one proxy."""
    max_unidentified: Annotated[int, Interval(ge=1, le=10_000)] = 50
    """Connections at a time that have not said which call they are; one more costs the oldest of
    them its place, counted."""
    allowed_peers: AllowedPeers | None = None
    """Addresses and networks (``192.0.2.7``, ``10.0.0.0/8``) that may connect, of a proxy where
    there is one; others get 403 and are counted. null: whoever reaches the address to listen on."""
    start_timeout_s: Annotated[float, Interval(ge=0.1, le=60.0)] = 5.0
    """Time in s within which a WebSocket must say which call it is."""

    def __post_init__(self) -> None:
        check_fields(self)
        check_host(self.host)
        check_networks(self.allowed_peers)
        if self.path == TWIML_PATH:
            raise ValueError(f"path: {TWIML_PATH!r} is where the TwiML is served")
        if self.enabled and self.public_url is None:
            raise ValueError(
                "public_url: null is no address, and Twilio must be told where to connect; "
                "set it to wss:// and the public name of this server"
            )
        for name, text in self.parameters.items():
            is_text = isinstance(name, str) and isinstance(text, str)
            if not is_text or not 0 < len(name) <= _MAX_PARAMETER_CHARS - len(text):
                raise ValueError(
                    f"parameters: a name and its text have 1 to {_MAX_PARAMETER_CHARS} characters"
                    " together"
                )

    @property
    def public_twiml_url(self) -> str:
        """Address under which Twilio asks for the TwiML; empty without any public address."""
        if self.twiml_url is not None:
            return self.twiml_url
        host = urlsplit(self.public_url or "").netloc
        return f"https://{host}{TWIML_PATH}" if host else ""

    @property
    def public_after_url(self) -> str:
        """Address under which Twilio asks what comes after a stream; empty as the other one."""
        return self.after_url or self.public_twiml_url


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesConfig:
    """The telephone lines that bring calls, one model a kind of line."""

    audiosocket: AudioSocketConfig = field(default_factory=AudioSocketConfig)
    """Asterisk AudioSocket over TCP."""
    twilio: TwilioConfig = field(default_factory=TwilioConfig)
    """Twilio Media Streams over a WebSocket."""
    browser: BrowserLineConfig = field(default_factory=BrowserLineConfig)
    """Web pages over a WebSocket."""
    asterisk_websocket: AsteriskWebSocketConfig = field(default_factory=AsteriskWebSocketConfig)
    """Asterisk's WebSocket channel."""

    def __post_init__(self) -> None:
        check_fields(self)
        enabled = [
            (line.name, section)
            for line in fields(self)
            if (section := getattr(self, line.name)).enabled and section.port
        ]
        for (name, section), (later, other) in combinations(enabled, 2):
            if section.port == other.port and meet(section.host, other.host):
                raise ValueError(f"{later}.port: {other.port} is the port of {name} already")
