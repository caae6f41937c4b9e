"""How a command is told which recorded call it is about.

Invariant: what can't be found or read ends in one line on stderr and status 2.
"""

from __future__ import annotations

__all__ = ["UNREADABLE", "call_folder_option", "find_call", "reading"]

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from ..config import AppConfig
from ..errors import ConfigError, RecordingError
from ..recordings import CallSummary, RecordedCall, list_calls, open_call
from ..recordings.call_folders import ENCRYPTED_SUFFIX
from ..recordings.call_writer import TRACE_FILE

UNREADABLE = 2
"""Status of a command that could not read a call or a configuration."""

Function = TypeVar("Function", bound=Callable[..., Any])


def call_folder_option(function: Function) -> Function:
    """Give a command the option ``--folder``."""
    return click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where recorded calls are looked for; recording.folder of the configuration if left "
        "out.",
    )(function)


@contextmanager
def reading(ctx: click.Context) -> Iterator[None]:
    """End the command with status 2 if a call or a configuration can't be read."""
    try:
        yield
    except (ConfigError, RecordingError) as error:
        click.echo(f"voxgate: {error}", err=True)
        ctx.exit(UNREADABLE)


def find_call(call: str, folder: Path | None, config: AppConfig) -> RecordedCall:
    """Open the call that an operator names.

    Args:
        call: Its folder; or its id or the name of its folder, as far as it is the only one that
            begins so.
        folder: Where calls are looked for by their id.
        config: Says where calls are recorded, where ``folder`` does not.

    Raises:
        RecordingError: there is none, more than one, or it can't be read.
    """
    path = Path(call)
    if not _is_call(path):
        root = folder or config.recording.root
        path = _named(call, root, list_calls(root))
    return open_call(path)


def _is_call(path: Path) -> bool:
    """Say whether a folder holds a recorded call, and is not one of the same name that does not."""
    return any((path / f"{TRACE_FILE}{suffix}").is_file() for suffix in ("", ENCRYPTED_SUFFIX))


def _named(call: str, root: Path, calls: tuple[CallSummary, ...]) -> Path:
    """Return the folder of the newest call with that id, or of the only one that begins so."""
    exact = [each.folder for each in calls if call in (each.call_id, each.folder.name)]
    if exact:
        return exact[0]
    alike = [
        each.folder
        for each in calls
        if call and (each.call_id.startswith(call) or each.folder.name.startswith(call))
    ]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise RecordingError(
            f"{call}: {len(alike)} of the calls in {root} begin so; say more of it"
        )
    raise RecordingError(
        f"{call}: is no folder of a recorded call, and no call among the {len(calls)} in {root}"
    )
