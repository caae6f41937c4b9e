"""What people are told to paste, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from browser.engine_service import EngineService
from browser.headless import browsing, eventually

pytestmark = pytest.mark.timeout(120)

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "lines" / "browser.md"


def pasted_page() -> str:
    """Return the page of the documentation."""
    block = re.search(
        r"^ *```html\n(.*?)^ *```", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert block
    return block[1]


async def test_the_page_of_the_documentation_calls(tmp_path: Path) -> None:
    """One click, and the agent is heard; another one, and the call is over."""
    async with EngineService.running(greeting="hello") as service:
        default = "http://127.0.0.1:8092/browser/voxgate-call.js"
        assert default in pasted_page()
        text = pasted_page().replace(default, service.script_url)
        (tmp_path / "call.html").write_text(text, encoding="utf-8")
        async with browsing(folder=tmp_path) as page:
            await page.click("#call")
            await page.wait_for_function(
                "() => document.querySelector('#state').textContent === 'ready'"
            )
            (started,) = service.started
            record = service.record(started.call_id)
            await eventually(lambda: len(record.agent_slots()) > 50)
            await page.click("#hang-up")
            await eventually(lambda: record.ended)
            assert (await page.text_content("#state") or "").strip() == "caller"
    assert record.ended is not None
    assert record.ended.reason == "caller_hangup"
