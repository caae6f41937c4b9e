"""Where the ``voxgate`` script starts."""

from __future__ import annotations

import sys

import pytest

from voxgate.cli import command_group, main
from voxgate.errors import ProviderError


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/voxgate", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(caught.value.code or 0)


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(command_group, "command_group", fail)


def test_a_command_runs_with_the_arguments_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The script is the group under its own name."""
    assert run(monkeypatch, "--help") == 0
    assert capsys.readouterr().out.startswith("Usage: voxgate ")


def test_an_error_of_ours_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator reads what failed, not where in the code."""
    fail_with(monkeypatch, ProviderError("openai", "refused", retryable=False))
    assert run(monkeypatch) == 1
    assert capsys.readouterr().err == "voxgate: openai: refused\n"


def test_a_missing_extra_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether the command line itself lacks it or a command does."""
    fail_with(monkeypatch, ModuleNotFoundError("no", name="websockets"))
    assert run(monkeypatch) == 1
    assert "pip install 'voxgate[server]'" in capsys.readouterr().err


def test_the_command_line_itself_may_be_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The script is installed with the library alone, which brings no click."""
    monkeypatch.delitem(sys.modules, "voxgate.cli.command_group")
    monkeypatch.setitem(sys.modules, "click", None)
    assert run(monkeypatch) == 1
    assert capsys.readouterr().err.startswith("voxgate: click is not installed")


def test_a_missing_module_of_no_extra_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug keeps its traceback."""
    fail_with(monkeypatch, ModuleNotFoundError("no", name="voxgate.nothing"))
    with pytest.raises(ModuleNotFoundError):
        main()
