"""The log as an operator gets it: on standard error, line by line, without secrets."""

from __future__ import annotations

import errno
import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from voxgate.config.models import LogFormat, LogLevel
from voxgate.observe.logging_setup import set_up_logging

_SECRET = "k-planted-in-a-local-variable"  # noqa: S105 - what must not be found


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Leave the log of the process as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail(heard: str) -> None:
    """Raise with a secret at hand, and in the message."""
    raise ValueError(f"can't use {heard}")


def log_failure() -> None:
    try:
        fail(_SECRET)
    except ValueError:
        structlog.get_logger().exception("call.failed", call_id="c-1")


def test_events_go_to_standard_error_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, with event, level, time and fields."""
    set_up_logging(LogLevel.INFO, LogFormat.JSON)
    structlog.get_logger().info("call.started", call_id="c-1")
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    event = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "call.started", "level": "info", "call_id": "c-1"}


def test_events_go_to_standard_error_as_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """For people, without colours where nobody sees them."""
    set_up_logging(LogLevel.INFO, LogFormat.CONSOLE)
    structlog.get_logger().info("call.started", call_id="c-1")
    output = capsys.readouterr()
    assert output.out == ""
    assert "call.started" in output.err
    assert "call_id=c-1" in output.err
    assert "\x1b" not in output.err


@pytest.mark.parametrize("log_format", LogFormat)
def test_without_standard_error_nothing_is_written(
    log_format: LogFormat, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where it was closed before the program began: a command's own output stays clean."""
    monkeypatch.setattr(sys, "stderr", None)
    set_up_logging(LogLevel.INFO, log_format)
    structlog.get_logger().info("call.started", call_id="c-1")
    assert capsys.readouterr().out == ""


def test_a_full_disk_costs_lines_and_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there is room again, the log says how many lines are missing."""

    class Disk(io.BytesIO):
        is_full = True

        def write(self, data: object) -> int:
            if self.is_full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)  # type: ignore[arg-type]

    disk = Disk()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(disk, "utf-8", write_through=True))
    set_up_logging(LogLevel.INFO, LogFormat.JSON)
    structlog.get_logger().info("call.started", call_id="c-1")
    structlog.get_logger().info("call.ended", call_id="c-1")
    disk.is_full = False
    structlog.get_logger().info("call.started", call_id="c-2")
    lost, started = map(json.loads, disk.getvalue().splitlines())
    assert lost.pop("timestamp").endswith("Z")
    assert lost == {"event": "log.lines_lost", "level": "warning", "lines": 2}
    assert started["call_id"] == "c-2"


@pytest.mark.parametrize("level", LogLevel)
def test_what_is_less_serious_is_left_out(
    level: LogLevel, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the level on, everything is written."""
    set_up_logging(level, LogFormat.JSON)
    names = [each.value for each in LogLevel]
    for name in names:
        getattr(structlog.get_logger(), name)("tried")
    written = [json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()]
    assert written == names[names.index(level.value) :]


@pytest.mark.parametrize("log_format", LogFormat)
def test_an_exception_does_not_take_secrets_along(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither by its message nor by the local variables of the frames that it passed."""
    set_up_logging(LogLevel.DEBUG, log_format)
    log_failure()
    text = capsys.readouterr().err
    assert _SECRET not in text
    assert "call.failed" in text
    assert "ValueError" in text
    assert "in fail" in text


def test_every_way_to_hand_over_an_exception_is_understood(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """True, the exception itself, or the triple of ``sys.exc_info``; None is none."""
    set_up_logging(LogLevel.DEBUG, LogFormat.JSON)
    log = structlog.get_logger()
    error = KeyError("x")
    for given in (error, (KeyError, error, None), None, True):
        log.error("call.failed", exc_info=given)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event.get("exception") for event in told] == ["KeyError", "KeyError", None, None]
    assert all("exc_info" not in event for event in told)


def test_what_libraries_log_is_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    """A collector of JSON gets JSON only; the text that was filled in may be anybody's, and is
    left out, as is everything below a warning."""
    set_up_logging(LogLevel.DEBUG, LogFormat.JSON)
    library = logging.getLogger("websockets.client")
    library.debug("> Authorization: %s", _SECRET)
    library.info("> %s", _SECRET)
    try:
        fail(_SECRET)
    except ValueError:
        library.exception("data transfer of %s failed\nand more of %s", _SECRET, _SECRET)
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert _SECRET not in line
    assert event["event"] == "library.logged"
    assert event["level"] == "error"
    assert event["library"] == "websockets.client"
    assert event["message"] == "data transfer of %s failed"
    assert event["exception"].endswith("ValueError")


def test_setting_up_again_doubles_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The newest set-up counts, alone."""
    set_up_logging(LogLevel.DEBUG, LogFormat.CONSOLE)
    set_up_logging(LogLevel.DEBUG, LogFormat.JSON)
    logging.getLogger("asyncio").warning("slow")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "slow"


@pytest.mark.parametrize(
    ("text", "given", "written"),
    [
        ("Unknown child process pid %d, it is gone", (4711,), "Unknown child process pid 4711, it"),
        ("took %.1f of %d s", (0.25, 3), "took 0.2 of 3 s"),
        ("call from %d", (441632960000,), "call from %d"),
        ("worker %d of %s", (3, _SECRET), "worker %d of %s"),
        ("three: %d %d", (1,), "three: %d %d"),
        ("a share of 5 %", (), "a share of 5 %"),
        ("of %(name)s", ({"name": _SECRET},), "of %(name)s"),
    ],
)
def test_numbers_of_a_library_are_told_and_its_texts_are_not(
    text: str, given: tuple[object, ...], written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which process, how long: that helps. A long number may be a telephone's."""
    logging.getLogger().handlers.clear()  # pytest's own raises over what does not fit
    set_up_logging(LogLevel.INFO, LogFormat.JSON)
    logging.getLogger("asyncio").warning(text, *given)
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"].startswith(written)
    assert _SECRET not in line
