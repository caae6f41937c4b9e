"""A recorded call as one picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.image import imread

from support.taped_calls import MemoryCall, eventful_call, speech, taped_call
from voxgate.lab.report.call_png import draw_report


def ungated_call() -> MemoryCall:
    return taped_call(lambda call: call.play(speech(400, seed=3)), provider="deepgram")


@pytest.mark.parametrize(
    "call",
    [eventful_call, lambda: eventful_call().without_audio(), ungated_call],
    ids=["whole", "trace", "ungated"],
)
def test_every_call_has_a_picture(call: Callable[[], MemoryCall], tmp_path: Path) -> None:
    """With what was recorded of it; not a blank one."""
    draw_report(call(), tmp_path / "call.png")  # type: ignore[arg-type]
    pixels = imread(tmp_path / "call.png")
    assert pixels.shape[1] > 1000
    assert pixels[..., :3].std() > 0.05


def test_a_name_that_looks_like_a_formula_is_a_name(tmp_path: Path) -> None:
    """An id comes from the line: it is text."""
    recorded = ungated_call()
    object.__setattr__(recorded.header, "call_id", r"$\frac{$ & <b>")
    draw_report(recorded, tmp_path / "call.png")  # type: ignore[arg-type]
    assert (tmp_path / "call.png").stat().st_size > 1000


@pytest.mark.parametrize("name", ["\u540d\u524d $x_1$", "a\x00b\x1b[31m\nc", "\ud83d", "x" * 3000])
def test_any_name_can_be_drawn(tmp_path: Path, name: str) -> None:
    """Whatever the wire calls a call; no warning is written beside the picture."""
    recorded = taped_call(lambda call: call.quiet(200))
    header = replace(recorded.header, call_id=name, provider=name)
    path = tmp_path / "call.png"
    draw_report(replace(recorded, header=header), path)  # type: ignore[arg-type]
    assert path.stat().st_size > 10_000
