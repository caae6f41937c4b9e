"""Which extra brings a missing module."""

from __future__ import annotations

from importlib import metadata

import pytest

from voxgate.cli import extras
from voxgate.cli.extras import missing_extra


def missing(name: str | None) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("pydantic", "server"),
        ("websockets.asyncio.client", "server"),
        ("matplotlib", "bench"),
        ("distributed.comm", "cluster"),
    ],
)
def test_a_module_of_an_extra_is_told_with_the_command_that_brings_it(
    module: str, extra: str
) -> None:
    """One line that can be pasted; a submodule counts as its package."""
    hint = missing_extra(missing(module))
    assert hint is not None
    assert hint.startswith(module.partition(".")[0])
    assert f"pip install 'voxgate[{extra}]', or in a checkout: pip install '.[{extra}]'" in hint


@pytest.mark.parametrize("module", ["voxgate.cli.nothing", "numpy", "no_such_module", None])
def test_a_module_of_no_extra_is_a_bug(module: str | None) -> None:
    """Our own modules and what is always installed are not for the operator to bring."""
    assert missing_extra(missing(module)) is None


def test_names_are_compared_as_package_indexes_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """``some_thing`` is imported where ``Some.Thing`` is required."""
    requirements = ["numpy>=2", 'Some.Thing>=1; python_version < "4" and extra == "more"']
    monkeypatch.setattr(metadata, "requires", lambda _: requirements)
    assert missing_extra(missing("some_thing")) == (
        "some_thing is not installed; it comes with: pip install 'voxgate[more]', "
        "or in a checkout: pip install '.[more]'"
    )


def test_without_metadata_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources on the path without an installation have no extras."""

    def not_installed(_: str) -> list[str]:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(extras.metadata, "requires", not_installed)
    assert missing_extra(missing("pydantic")) is None
