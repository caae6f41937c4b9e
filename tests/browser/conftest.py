"""Tests in a real browser, for an environment of their own: `make test-browser`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import pytest_asyncio

# The ordinary environment has no playwright: `make test` leaves this folder alone.
collect_ignore_glob = [] if find_spec("playwright") else ["*"]

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all of them in one event loop, as a browser that they share belongs to one."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def _one_browser() -> AsyncIterator[None]:
    from browser.headless import shared_browsers  # it needs playwright

    async with shared_browsers():
        yield
