"""Names of lines."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from voxgate.config.browser_line_model import BrowserLineConfig
from voxgate.config.hook_models import CallHooksConfig
from voxgate.config.line_models import AudioSocketConfig, TwilioConfig
from voxgate.errors import ConfigError
from voxgate.transports.audiosocket import AudioSocketTransport
from voxgate.transports.browser import BrowserTransport
from voxgate.transports.registry import TRANSPORTS, TransportRegistry
from voxgate.transports.scripted import ScriptedTransport
from voxgate.transports.twilio import TwilioTransport

SECTION = SimpleNamespace(host="127.0.0.1", port=0, max_connections=3, uuid_timeout_s=1.0)


def test_registered_name_makes_its_transport():
    """The factory gets the section of the configuration, and the environment for its secrets."""
    sections: list[object] = []

    def factory(*given: object) -> ScriptedTransport:
        sections.extend(given)
        return ScriptedTransport()

    registry = TransportRegistry()
    registry.register("scripted", factory)
    assert isinstance(registry.create("scripted", SECTION, {"TOKEN": "x"}), ScriptedTransport)
    assert sections == [SECTION, {"TOKEN": "x"}]
    registry.create("scripted", SECTION)
    assert sections[2:] == [SECTION, {}]


def test_taken_name_is_refused_and_keeps_its_factory():
    """A plugin can't replace a line unnoticed; the error lists what exists."""
    registry = TransportRegistry([("b", lambda *_: ScriptedTransport())])
    registry.register("a", lambda *_: ScriptedTransport())
    with pytest.raises(ValueError, match=r"transport 'b' exists already \(known: a, b\)"):
        registry.register("b", lambda *_: AudioSocketTransport())
    assert isinstance(registry.create("b", SECTION), ScriptedTransport)


@pytest.mark.parametrize(("names", "known"), [((), "none"), (("x", "c"), "c, x")])
def test_unknown_name_lists_what_exists(names: tuple[str, ...], known: str):
    """A typing error is found by reading the message."""
    registry = TransportRegistry((name, lambda *_: ScriptedTransport()) for name in names)
    with pytest.raises(ValueError, match=rf"'audiosoket' does not exist \(known: {known}\)"):
        registry.create("audiosoket", SECTION)


def test_empty_name_is_refused():
    """A line that no configuration can name is a mistake."""
    with pytest.raises(ValueError, match="name: a transport needs one"):
        TransportRegistry([("", lambda *_: ScriptedTransport())])


def test_audiosocket_is_there():
    """The built-in line takes its section of the configuration."""
    assert "audiosocket" in TRANSPORTS.names
    assert isinstance(TRANSPORTS.create("audiosocket", AudioSocketConfig()), AudioSocketTransport)


def test_what_audiosocket_can_not_do_without_is_missed_at_the_start():
    """The token of its hooks is read from the environment, by the name that the section gives."""
    section = AudioSocketConfig(hooks=CallHooksConfig(token_env="PBX_TOKEN"))  # noqa: S106
    with pytest.raises(ConfigError, match=r"^PBX_TOKEN: is not set, .*lines\.audiosocket\.hooks"):
        TRANSPORTS.create("audiosocket", section, {})
    assert TRANSPORTS.create("audiosocket", section, {"PBX_TOKEN": "t"})


def test_twilio_is_there():
    """It takes its section whole."""
    assert "twilio" in TRANSPORTS.names
    assert isinstance(TRANSPORTS.create("twilio", TwilioConfig()), TwilioTransport)


def test_browser_is_there():
    """It takes its section whole, and reads its token at the start."""
    assert "browser" in TRANSPORTS.names
    section = BrowserLineConfig(token_env="PAGE_TOKEN")  # noqa: S106
    assert isinstance(TRANSPORTS.create("browser", section), BrowserTransport)
