"""What workers are started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxgate.errors import ConfigError
from voxgate.workers.held_config import HeldConfig


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a configuration file."""
    file = tmp_path / "agent.yaml"
    file.write_text("engine: {workers: 2, max_calls: 7}\n", encoding="utf-8")
    return file


def test_a_wrong_file_is_told_before_anything_starts(path: Path) -> None:
    """With its key."""
    path.write_text("engine: {workers: 0}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"engine\.workers: 0 is not in 1\.\.64"):
        HeldConfig(path, {})


def test_the_packaged_default_is_never_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no file to follow."""
    held = HeldConfig(None, {"VOXGATE__ENGINE__WORKERS": "3"})
    monkeypatch.setattr("voxgate.workers.held_config.read_default", lambda: pytest.fail("read"))
    assert held.refresh() == ()
    assert held.config.engine.workers == 3


def test_a_change_that_others_may_follow_is_taken(path: Path) -> None:
    """Text and configuration."""
    held = HeldConfig(path, {})
    text = "engine: {workers: 2, max_calls: 9}\n"
    path.write_text(text, encoding="utf-8")
    assert held.refresh() == ()
    assert (held.text, held.config.engine.max_calls) == (text, 9)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("engine: {workers: 2, max_calls: 0}\n", "is not in 1..10000"),
        ("engine: {workers: 3, max_calls: 7}\n", "can't be changed while voxgate runs"),
        ("lines: {audiosocket: {port: 9}}\nengine: {workers: 2}\n", "can't be changed"),
        ("", "workers"),
        (None, "can't be read"),
    ],
)
def test_what_the_others_could_not_follow_is_left(
    text: str | None, problem: str, path: Path
) -> None:
    """A worker that is started anew gets what the others have, and the log says why."""
    held = HeldConfig(path, {})
    before = held.text
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    assert any(problem in each for each in held.refresh())
    assert (held.text, held.config.engine.max_calls) == (before, 7)
