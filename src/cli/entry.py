"""Where the ``voxgate`` script starts.

Invariant: what an operator can cause ends in one line on stderr and a status, not in a traceback.
"""

from __future__ import annotations

__all__ = ["main"]

import sys

from ..errors import VoxgateError
from .extras import missing_extra


def main() -> None:
    """Run the command named by the arguments of the process; exits with its status.

    An error of voxgate that a command lets through is printed, with status 1. A module of an extra
    that is not installed is named with the extra, with status 1.
    """
    try:
        from .command_group import command_group

        command_group(prog_name="voxgate")
    except VoxgateError as error:
        _fail(str(error))
    except ModuleNotFoundError as error:
        hint = missing_extra(error)
        if hint is None:
            raise
        _fail(hint)


def _fail(message: str) -> None:
    print(f"voxgate: {message}", file=sys.stderr)
    sys.exit(1)
