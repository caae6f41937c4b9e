"""What tests ask of the desk's page."""

from __future__ import annotations

__all__ = [
    "FACT",
    "axe_findings",
    "is_wider_than_its_window",
    "tab_to",
    "wait_for_colour",
]

from functools import cache
from importlib.resources import files
from typing import Any

from playwright.async_api import Page

FACT = """(name) => {
    const terms = [...document.querySelectorAll(".monitor dt")];
    return parseFloat(terms.find((term) => term.textContent === name)
        ?.nextElementSibling.textContent.replace("\\u2212", "-"));
}"""
"""Reads a measurement of the call that is watched, by its name; NaN where there is none."""

_COLOUR_SHARE = """([selector, name]) => {
    const canvas = document.querySelector(selector);
    if (!canvas || canvas.width === 0) return 0;
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    const context = canvas.getContext("2d");
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let same = 0;
    for (let i = 0; i < data.length; i += 4) {
        same += data[i] === r && data[i + 1] === g && data[i + 2] === b;
    }
    return same / (data.length / 4);
}"""

_FOCUSED = """() => {
    const element = document.activeElement;
    const label = element.labels?.[0]?.textContent ?? "";
    return (element.getAttribute("aria-label") || label || element.textContent || "").trim();
}"""


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


async def axe_findings(page: Page) -> list[str]:
    """Return what axe-core finds wrong with a page; the page must have been opened to pass CSP."""
    if not await page.evaluate("() => typeof axe === 'object'"):
        await page.evaluate(_axe())
    result: dict[str, Any] = await page.evaluate("() => axe.run()")
    return [
        f"{finding['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for finding in result["violations"]
        for node in finding["nodes"]
    ]


async def is_wider_than_its_window(page: Page) -> bool:
    """Return whether one must scroll sideways."""
    return bool(
        await page.evaluate(
            "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
    )


async def wait_for_colour(page: Page, canvas: str, name: str) -> None:
    """Wait until a canvas shows a colour of the style sheet."""
    await page.wait_for_function(f"(wanted) => ({_COLOUR_SHARE})(wanted) > 0", arg=[canvas, name])


async def tab_to(page: Page, wanted: str, *, most: int = 120) -> None:
    """Press the tab key until what is named so has the focus, and fail if its focus is not seen.

    Args:
        page: Where.
        wanted: Beginning of its name.
        most: Presses.
    """
    passed: list[str] = []
    for _ in range(most):
        await page.keyboard.press("Tab")
        name = str(await page.evaluate(_FOCUSED))
        passed.append(name[:40])
        if name.startswith(wanted):
            outline = await page.evaluate(
                "() => getComputedStyle(document.activeElement).outlineStyle"
            )
            assert outline != "none", f"{wanted}: the focus is not seen"
            return
    raise AssertionError(f"{wanted} is not reached with the tab key; passed {passed}")
