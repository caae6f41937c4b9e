"""The options that say who does the work: processes of this machine, or workers of a cluster."""

from __future__ import annotations

__all__ = ["refuse_jobs_with_dask", "workforce_options"]

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from ..lab.evaluate.batch import usable_cores

Function = TypeVar("Function", bound=Callable[..., Any])


def workforce_options(function: Function) -> Function:
    """Give a command the options ``--jobs`` and ``--dask``."""
    function = click.option(
        "--dask",
        metavar="ADDRESS",
        help="Let the workers of this Dask scheduler do it, such as tcp://10.0.0.5:8786.",
    )(function)
    return click.option(
        "--jobs",
        type=click.IntRange(min=1),
        default=usable_cores,
        help="Processes to use; all cores if left out.",
    )(function)


def refuse_jobs_with_dask(ctx: click.Context, dask: str | None) -> None:
    """Raise a usage error if a number of processes was asked for beside a cluster."""
    is_given = ctx.get_parameter_source("jobs") is ParameterSource.COMMANDLINE
    if dask is not None and is_given:
        raise click.UsageError("--jobs: the workers of --dask do it all")
