"""What several workers can't have is known before they start."""

from __future__ import annotations

import pytest

from voxgate.config.load import parse_config
from voxgate.config.models import AppConfig
from voxgate.workers.shareable import own_ports, sharing_problems


def config(text: str) -> AppConfig:
    """Return a configuration of three workers."""
    return parse_config(f"engine: {{workers: 3}}\n{text}", "test", {}).config


@pytest.mark.parametrize("number", [1, 3])
def test_each_worker_has_ports_of_its_own(number: int) -> None:
    """Behind those that are set; any free one stays any free one."""
    ports = own_ports(config("desk: {port: 9000}\nrealtime_server: {port: 9010}"), number)
    assert ports == {
        "VOXGATE__DESK__PORT": str(9000 + number),
        "VOXGATE__REALTIME_SERVER__PORT": str(9010 + number),
    }
    assert set(own_ports(config("desk: {port: 0}"), number).values()) == {"0"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "desk: {port: 8086}",
        "desk: {port: 8087, enabled: false}\nlines: {audiosocket: {port: 8088}}",
        "desk: {port: 8100}\nrealtime_server: {port: 8103}",
        "lines: {audiosocket: {port: 8103}}\ndesk: {port: 8099}",
        "lines: {audiosocket: {port: 0}}\ndesk: {port: 0}\nrealtime_server: {port: 0}",
    ],
)
def test_ports_that_do_not_meet_are_no_problem(text: str) -> None:
    """The default among them."""
    assert sharing_problems(config(text)) == ()


@pytest.mark.parametrize(
    ("text", "names", "port"),
    [
        (
            "desk: {port: 8087}\nlines: {audiosocket: {port: 8090}}",
            "lines.audiosocket and desk",
            8090,
        ),
        ("desk: {port: 8100}\nrealtime_server: {port: 8102}", "desk and realtime_server", 8103),
        (
            "lines: {audiosocket: {port: 8103}}\nrealtime_server: {port: 8100}",
            "lines.audiosocket and realtime_server",
            8103,
        ),
    ],
)
def test_ports_that_meet_are_told_with_who_wants_them(text: str, names: str, port: int) -> None:
    """A worker that finds its port taken would end the start of all, and not say by whom."""
    (problem,) = sharing_problems(config(text))
    assert problem.startswith(f"{names} both want port {port}")


def test_ports_that_do_not_exist_are_told() -> None:
    """The last port is no place for a desk that others follow."""
    (problem,) = sharing_problems(config("desk: {port: 65533}"))
    assert "behind that of desk" in problem
    assert sharing_problems(config("desk: {port: 65532}")) == ()


def test_twilio_with_transfers_needs_engines_of_their_own() -> None:
    """Whom to dial is asked at any worker, and known by one."""
    tools = "tools: {transfer_targets: {sales: '+15550100'}}"
    provider = f"providers: {{embedded: {{kind: openai_realtime, {tools}}}}}"
    twilio = "lines: {twilio: {enabled: true, public_url: 'wss://a.example/twilio'}}"
    (problem,) = sharing_problems(config(f"{twilio}\n{provider}"))
    assert "transfers over Twilio" in problem
    assert sharing_problems(config(provider)) == ()
