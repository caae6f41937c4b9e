"""Who does the work."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from voxgate.cli.workforce import refuse_jobs_with_dask, workforce_options
from voxgate.lab.evaluate.batch import usable_cores


@click.command
@workforce_options
@click.pass_context
def command(ctx: click.Context, jobs: int, dask: str | None) -> None:
    refuse_jobs_with_dask(ctx, dask)
    click.echo(f"{jobs} {dask}")


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ([], f"{usable_cores()} None"),
        (["--jobs", "3"], "3 None"),
        (["--dask", "tcp://a:1"], f"{usable_cores()} tcp://a:1"),
    ],
)
def test_all_cores_of_this_machine_work_unless_something_else_is_asked_for(
    arguments: list[str], printed: str
) -> None:
    """Fewer, or a cluster."""
    result = CliRunner().invoke(command, arguments)
    assert (result.exit_code, result.output.strip()) == (0, printed)


def test_a_number_of_processes_means_nothing_to_a_cluster() -> None:
    """It is a usage error, not ignored."""
    result = CliRunner().invoke(command, ["--dask", "tcp://a:1", "--jobs", "2"])
    assert result.exit_code == 2
    assert "--jobs: the workers of --dask do it all" in result.output
