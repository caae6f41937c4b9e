"""What a change would have decided in the newest recorded minutes."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from support.taped_calls import ECHO_AWARE, MemoryCall, echo_of, mixed, speech, taped_call
from voxgate.core.config import GatingConfig, GatingMode, ProviderGatingPolicy
from voxgate.errors import RecordingError
from voxgate.lab.replay import preview as package_name
from voxgate.lab.replay import replayed_call
from voxgate.lab.replay.preview import MAX_CALLS, MAX_MINUTES, PreviewResult, preview
from voxgate.recordings import CallSummary

DEAF = GatingConfig(
    providers={
        ECHO_AWARE: ProviderGatingPolicy(gating_enabled=True, mode=GatingMode.HALF_DUPLEX),
    }
)
"""Nobody can interrupt."""


def interrupted_call() -> MemoryCall:
    """Four seconds, in the third of which the caller interrupts."""
    agent = speech(4000, seed=2, level_dbfs=-20.0)
    captured = mixed(echo_of(agent), [bytes(320)] * 100 + speech(1200, seed=3))
    return taped_call(lambda call: call.play(captured[: len(agent)], agent))


class Shelf:
    """Recorded calls that stand in for those of a folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: dict[Path, MemoryCall | RecordingError] = {}
        self.opened: list[tuple[Path, str | None]] = []
        module = __import__("sys").modules["voxgate.lab.replay.preview"]
        monkeypatch.setattr(module, "list_calls", self.list_calls)
        monkeypatch.setattr(module, "open_call", self.open_call)

    def put(self, call: MemoryCall | RecordingError, name: str) -> None:
        self.calls[Path(name)] = call

    def list_calls(self, root: Path) -> tuple[CallSummary, ...]:
        started_at = interrupted_call().header.started_at
        return tuple(
            CallSummary(
                folder=folder,
                call_id=folder.name,
                started_at=started_at - timedelta(hours=n),
                changed_at=started_at,
                size_bytes=1,
                has_audio=True,
                is_encrypted=False,
            )
            for n, folder in enumerate(self.calls)
        )

    def open_call(self, folder: Path, *, identity: str | None = None) -> MemoryCall:
        self.opened.append((folder, identity))
        call = self.calls[folder]
        if isinstance(call, RecordingError):
            raise call
        return call


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf(monkeypatch)


def test_a_change_is_tried_on_what_was_recorded(shelf: Shelf) -> None:
    """Decisions that would not be made any more are named, with their time in the call."""
    shelf.put(interrupted_call(), "a")
    result = preview(Path("calls"), DEAF, identity="key")
    assert shelf.opened == [(Path("a"), "key")]
    (call,) = result.calls
    assert 0 < call.points_differ <= call.points
    assert {point.type for point in call.differing} >= {"barge_in_committed", "interrupted"}
    assert all(0 < point.t_ms < 4000 for point in call.differing)
    verb = "differs" if call.points_differ == 1 else "differ"
    said = f"with this setting, {call.points_differ} of {call.points} decisions {verb}"
    assert str(result) == said
    assert result.minutes == pytest.approx(4 / 60)


def test_the_same_setting_changes_nothing(shelf: Shelf) -> None:
    """Compared with what was recorded, and with a replay of another setting."""
    shelf.put(interrupted_call(), "a")
    assert preview(Path(), GatingConfig()).points_differ == 0
    assert preview(Path(), DEAF, against=DEAF).points_differ == 0
    assert preview(Path(), GatingConfig(), against=GatingConfig()).points_differ == 0
    assert preview(Path(), GatingConfig(), against=DEAF).points_differ > 0


def test_another_version_is_no_effect_of_the_change(shelf: Shelf) -> None:
    """Both settings are decided by the software of today, where the recording was made by other."""
    recorded = interrupted_call()
    taped = [
        replace(each, decision=replace(each.decision, events=())) if each.decision else each
        for each in recorded.taped
    ]
    shelf.put(replace(recorded, taped=taped), "a")
    assert preview(Path(), GatingConfig(), against=GatingConfig()).points_differ > 0
    header = replace(recorded.header, voxgate_version="0.0.9")
    shelf.put(replace(recorded, taped=taped, header=header), "a")
    assert preview(Path(), GatingConfig(), against=GatingConfig()).points_differ == 0


def test_no_more_than_the_newest_minutes_are_replayed(shelf: Shelf) -> None:
    """The call in which they end is cut there; older ones are not opened."""
    for name in ("newest", "older", "oldest"):
        shelf.put(interrupted_call(), name)
    result = preview(Path(), DEAF, minutes=6 / 60)
    assert [call.minutes for call in result.calls] == pytest.approx([4 / 60, 2 / 60], abs=0.001)
    assert [folder.name for folder, _ in shelf.opened] == ["newest", "older"]
    assert preview(Path(), DEAF, minutes=-1.0).calls == ()


def test_what_can_not_be_replayed_is_named_and_costs_the_others_nothing(shelf: Shelf) -> None:
    """A trace without audio, and one that no key opens."""
    shelf.put(RecordingError("no identity opens it"), "locked")
    shelf.put(interrupted_call().without_audio(), "trace")
    shelf.put(interrupted_call(), "good")
    result = preview(Path(), DEAF)
    assert len(result.calls) == 1
    assert result.skipped == ("locked: no identity opens it", "trace: no audio was recorded")


def test_many_calls_are_not_all_opened(shelf: Shelf) -> None:
    """Unreadable ones are counted too."""
    for n in range(MAX_CALLS + 5):
        shelf.put(RecordingError("is no recording"), f"{n}")
    assert len(preview(Path(), DEAF).skipped) == MAX_CALLS


def test_without_recordings_there_is_nothing_to_tell(shelf: Shelf) -> None:
    """And no figure that looks like one."""
    result = preview(Path(), DEAF, minutes=2 * MAX_MINUTES)
    assert result.points == 0
    assert str(result) == "there is no recorded call to try this setting on"


def test_it_can_run_in_another_process(shelf: Shelf) -> None:
    """Arguments and result can be pickled."""
    shelf.put(interrupted_call(), "a")
    assert _sent(package_name) is preview
    assert _sent(DEAF) == DEAF
    result = preview(Path(), DEAF)
    copy = _sent(result)
    assert isinstance(copy, PreviewResult)
    assert copy == result
    assert result.note == replayed_call.OPEN_LOOP
    assert replace(result, calls=()).minutes == 0


def _sent(value: object) -> object:
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own
