"""The unit file of docs/run-as-a-service.md, held against the defaults and the command."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

from voxgate.config.models import AppConfig

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
TEXT = (ROOT / "docs" / "run-as-a-service.md").read_text(encoding="utf-8")
_END_S = 10.0
"""Time in s that the engine may take to end once running calls had theirs."""


def service() -> dict[str, str]:
    """Return the section about the process."""
    (unit,) = re.findall(r"```ini\n(.*?)```", TEXT, re.DOTALL)
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit)
    assert parser.sections() == ["Unit", "Service", "Install"]
    return dict(parser["Service"])


def test_running_calls_get_their_time() -> None:
    """Systemd is patient for longer than the engine, and spares the processes that calls need."""
    drain_s = AppConfig().engine.drain_timeout_s
    assert int(service()["TimeoutStopSec"]) >= drain_s + _END_S
    assert (service()["KillMode"], service()["KillSignal"]) == ("mixed", "SIGTERM")
    assert f"`engine.drain_timeout_s` ({drain_s:.0f} s)" in TEXT


def test_it_runs_commands_that_there_are_on_files_that_the_page_makes() -> None:
    """The check before the start reads the same file; the secrets are root's alone."""
    for key, command in (("ExecStart", "serve"), ("ExecStartPre", "check-config")):
        program, name, path = service()[key].split()
        assert name == command
        assert (SRC / "cli" / f"{command.replace('-', '_')}.py").is_file()
        assert Path(program).parent == Path("/opt/voxgate/bin")
        assert f"sudo install -m 644 config/ai-agent.yaml {path}\n" in TEXT
    assert f"sudo install -m 600 /dev/null {service()['EnvironmentFile']} " in TEXT


def test_every_connection_that_the_lines_take_has_a_file_descriptor() -> None:
    """One for the line and two for the provider and what is asked about the call."""
    lines = AppConfig().lines
    sections = (lines.audiosocket, lines.twilio, lines.browser, lines.asterisk_websocket)
    assert int(service()["LimitNOFILE"]) > 3 * sum(line.max_connections for line in sections)
