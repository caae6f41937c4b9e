"""What is in force is known, and a change is whole or not at all."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from voxgate.config import load
from voxgate.config.edited_document import ABSENT
from voxgate.config.load import load_config
from voxgate.config.models import AppConfig
from voxgate.config.reload_rules import KeyChange, changes_between, restart_problems
from voxgate.core.guard_profile import PROFILE_DEFAULTS, GuardProfile
from voxgate.errors import ConfigError, ConfigProblem, LocalProtocolError
from voxgate.observe.config_file import ConfigFile, StagedText
from voxgate.observe.config_history import ConfigChange, ConfigHistory
from voxgate.observe.config_keeper import ConfigKeeper

AT = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = """\
# Mine.
engine: {max_calls: 7}  # seven
barge_in:
  # Long enough.
  min_ms: 160
"""


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


class StandInEngine:
    """An engine that follows whatever is valid, unless it is told not to."""

    def __init__(self, config: AppConfig) -> None:
        self.config = config
        self.refuses: ConfigError | LocalProtocolError | None = None
        self.followed: list[AppConfig] = []

    def check(self, config: AppConfig) -> tuple[ConfigProblem, ...]:
        return tuple(restart_problems(changes_between(self.config, config)))

    async def reconfigure(self, config: AppConfig) -> tuple[KeyChange, ...]:
        await asyncio.sleep(0)
        if self.refuses is not None:
            raise self.refuses
        if problems := self.check(config):
            raise ConfigError(problems)
        changes = changes_between(self.config, config)
        self.config = config
        self.followed.append(config)
        return changes


class Kept:
    """A keeper, its engine and its file."""

    def __init__(
        self, folder: Path, text: str | None = TEXT, environ: Mapping[str, str] | None = None
    ) -> None:
        self.path = None if text is None else folder / "agent.yaml"
        if self.path is not None:
            self.path.write_text(text or "", encoding="utf-8")
        self.engine = StandInEngine(load_config(self.path, environ or {}))
        self.keeper = ConfigKeeper(
            self.engine, path=self.path, environ=environ or {}, now=lambda: AT
        )
        self.told: list[tuple[AppConfig, ConfigChange]] = []
        self.keeper.add_listener(lambda config, change: self.told.append((config, change)))

    @property
    def text(self) -> str:
        assert self.path is not None
        return self.path.read_text(encoding="utf-8")

    async def started(self) -> Kept:
        await self.keeper.start()
        return self

    async def refused(self, work: Any) -> tuple[ConfigProblem, ...]:
        """Return why something is refused; nothing has changed."""
        before = self.engine.config, self.text if self.path else "", self.keeper.history()
        n_told = len(self.told)
        with pytest.raises(ConfigError) as info:
            await work
        assert before == (
            self.engine.config,
            self.text if self.path else "",
            self.keeper.history(),
        )
        assert len(self.told) == n_told
        return info.value.problems


async def test_a_change_reaches_engine_file_and_history(tmp_path: Path) -> None:
    """Every other character of the file stays."""
    kept = await Kept(tmp_path).started()
    change = await kept.keeper.apply({"barge_in.min_ms": 200, "vad.energy_threshold": 99}, "desk")
    assert kept.keeper.config.barge_in.min_ms == 200
    assert kept.text == TEXT.replace("160", "200") + "vad:\n  energy_threshold: 99\n"
    assert load_config(kept.path, {}) == kept.keeper.config
    assert {(each.key, each.old, each.new) for each in change.keys} == {
        ("barge_in.min_ms", 160, 200),
        ("vad.energy_threshold", 120, 99),
    }
    assert (change.id, change.at, change.who, change.is_saved) == ("1", AT, "desk", True)
    assert kept.keeper.history() == (change,)
    assert kept.told == [(kept.keeper.config, change)]
    again = ConfigHistory(kept.path.with_name("agent.yaml.history.jsonl"))
    again.load()
    assert again.newest_first == (change,)


@pytest.mark.parametrize(
    ("changes", "key", "rule"),
    [
        ({"barge_in.min_ms": 5}, "barge_in.min_ms", "is not in 20..2000"),
        ({"barge_in.min_ms": "long"}, "barge_in.min_ms", "is not a whole number"),
        ({"barge_in.candidate_ms": 170}, "barge_in.min_ms", "is below candidate_ms"),
        ({"barge_in.mim_ms": 5}, "barge_in.mim_ms", "is not a known key; did you mean 'min_ms'"),
        ({"engine.default_provider": "x"}, "engine.default_provider", "is not the name of one"),
        ({"lines.audiosocket.port": 99}, "lines.audiosocket.port", "restart voxgate"),
        ({"providers.openai.api_key": "k"}, "providers.openai.api_key", "must not stand"),
        ({"barge_in..": 5}, "barge_in..", "is not the name of a key"),
        ({"engine.max_calls.x": 5}, "engine.max_calls.x", "is not a section"),
    ],
)
async def test_everything_that_is_wrong_is_found_before_anything_changes(
    tmp_path: Path, changes: dict[str, Any], key: str, rule: str
) -> None:
    """Range, type, fields across, references, restart, secrets; the same by check and apply."""
    kept = await Kept(tmp_path).started()
    problems = await kept.keeper.check(changes)
    assert key in {problem.key for problem in problems}
    assert any(rule in problem.rule for problem in problems), problems
    assert await kept.refused(kept.keeper.apply(changes, "desk")) == problems
    assert await kept.keeper.check({"barge_in.min_ms": 200}) == ()
    assert (await kept.keeper.judged({"barge_in.min_ms": 200})).barge_in.min_ms == 200


async def test_what_the_environment_sets_cannot_be_changed(tmp_path: Path) -> None:
    """Nor the section around it; the variable is told."""
    environ = {"VOXGATE__BARGE_IN__MIN_MS": "180"}
    kept = await Kept(tmp_path, environ=environ).started()
    assert kept.keeper.overrides == {"barge_in.min_ms": "VOXGATE__BARGE_IN__MIN_MS"}
    for changes in ({"barge_in.min_ms": 200}, {"barge_in": {"min_ms": 200}}):
        (problem,) = await kept.refused(kept.keeper.apply(changes, "desk"))
        assert "VOXGATE__BARGE_IN__MIN_MS" in problem.rule
    both = await kept.keeper.check({"barge_in.min_ms": 200, "vad.energy_threshold": -1})
    assert [problem.key for problem in both] == ["barge_in.min_ms", "vad.energy_threshold"]
    await kept.keeper.apply({"barge_in.cooldown_ms": 100}, "desk")
    assert kept.keeper.config.barge_in.min_ms == 180
    assert "min_ms: 160" in kept.text


async def test_what_was_asked_for_and_refused_is_counted(tmp_path: Path) -> None:
    """A look at what would be refused is not, nor is a file that is wrong: others tell of that."""
    kept = await Kept(tmp_path).started()
    await kept.keeper.check({"barge_in.min_ms": -1})
    await kept.keeper.apply({"barge_in.min_ms": 200}, "desk")
    assert kept.keeper.refused == 0
    await kept.refused(kept.keeper.apply({"barge_in.min_ms": -1}, "desk"))
    await kept.refused(kept.keeper.undo("no such", "desk"))
    assert kept.keeper.refused == 2
    assert kept.path is not None
    write(kept.path, "barge_in: {min_ms: -1}")
    await kept.refused(kept.keeper.reload())
    assert kept.keeper.refused == 2


async def test_the_engine_s_refusal_changes_no_file(tmp_path: Path) -> None:
    """What only it knows, and that it does not run."""
    kept = await Kept(tmp_path).started()
    problem = ConfigProblem(key="K", value="", rule="is not set", source="environment")
    kept.engine.refuses = ConfigError([problem])
    assert await kept.refused(kept.keeper.apply({"barge_in.min_ms": 200}, "desk")) == (problem,)
    kept.engine.refuses = LocalProtocolError("not running")
    (problem,) = await kept.refused(kept.keeper.apply({"barge_in.min_ms": 200}, "desk"))
    assert "starting or ending" in problem.rule
    assert names_in(tmp_path) == ["agent.yaml"]


async def test_a_file_that_somebody_else_changed_is_not_written_over(tmp_path: Path) -> None:
    """It is told, and after a reload both changes are there."""
    kept = await Kept(tmp_path).started()
    kept.path.write_text(TEXT.replace("seven", "7"), encoding="utf-8")
    (problem,) = await kept.refused(kept.keeper.apply({"barge_in.min_ms": 200}, "desk"))
    assert problem.key == "document"
    assert "reload it first" in problem.rule
    assert await kept.keeper.reload() is None
    await kept.keeper.apply({"barge_in.min_ms": 200}, "desk")
    assert kept.text == TEXT.replace("seven", "7").replace("160", "200")


async def test_a_file_that_cannot_be_replaced_lets_the_old_hold_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine had followed already."""
    kept = await Kept(tmp_path).started()

    def refuse(staged: StagedText) -> None:
        staged.discard()
        raise ConfigError([ConfigProblem(key="document", value="", rule="no", source="a")])

    monkeypatch.setattr(StagedText, "commit", refuse)
    await kept.refused(kept.keeper.apply({"barge_in.min_ms": 200}, "desk"))
    assert [config.barge_in.min_ms for config in kept.engine.followed] == [200, 160]


async def test_without_a_file_changes_are_in_memory(tmp_path: Path) -> None:
    """And said to be."""
    kept = await Kept(tmp_path, None).started()
    assert not kept.keeper.is_saved
    assert kept.keeper.source.endswith("ai-agent.yaml")
    first = await kept.keeper.apply({"barge_in.min_ms": 200}, "desk")
    await kept.keeper.apply({"providers.openai.voice": "cedar"}, "desk")
    assert not first.is_saved
    assert kept.keeper.config.barge_in.min_ms == 200
    (problem,) = await kept.refused(kept.keeper.reload())
    assert "no file" in problem.rule
    await kept.keeper.undo("1", "desk")
    assert kept.keeper.config.barge_in.min_ms == 140
    assert names_in(tmp_path) == []


async def test_a_file_that_cannot_be_written_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes hold until the file is read anew; once it can be written they go there together."""
    kept = await Kept(tmp_path).started()
    with monkeypatch.context() as patch:
        patch.setattr(ConfigFile, "is_writable", lambda self: False)
        change = await kept.keeper.apply({"barge_in.min_ms": 200}, "desk")
        assert not change.is_saved
        assert not kept.keeper.is_saved
        assert kept.text == TEXT
        back = await kept.keeper.reload()
        assert [(each.old, each.new) for each in back.keys] == [(200, 160)]
        await kept.keeper.apply({"barge_in.min_ms": 220}, "desk")
    await kept.keeper.apply({"vad.energy_threshold": 99}, "desk")
    assert load_config(kept.path, {}) == kept.keeper.config
    assert "220" in kept.text


async def test_a_file_without_providers_gets_all_of_them_where_one_is_changed(
    tmp_path: Path,
) -> None:
    """The section takes the place of the default ones."""
    kept = await Kept(tmp_path).started()
    change = await kept.keeper.apply({"providers.openai.voice": "cedar"}, "desk")
    assert [each.key for each in change.keys] == ["providers.openai.voice"]
    assert kept.text.startswith(TEXT)
    assert load_config(kept.path, {}) == kept.keeper.config
    await kept.keeper.apply({"providers.openai.voice": "marin", "engine.max_calls": 8}, "desk")
    assert load_config(kept.path, {}) == kept.keeper.config


async def test_nothing_is_no_change(tmp_path: Path) -> None:
    """Nor is a value that a key has already."""
    kept = await Kept(tmp_path).started()
    for changes in ({}, {"barge_in.min_ms": 160}):
        (problem,) = await kept.refused(kept.keeper.apply(changes, "desk"))
        assert "nothing would change" in problem.rule


async def test_a_change_is_taken_back_by_its_id(tmp_path: Path) -> None:
    """And the taking back too; both stand in the history."""
    kept = await Kept(tmp_path).started()
    await kept.keeper.apply({"barge_in.min_ms": 200}, "desk")
    undone = await kept.keeper.undo("1", "me")
    assert kept.text == TEXT
    assert (undone.id, undone.undoes, undone.who) == ("2", "1", "me")
    redone = await kept.keeper.undo("2", "me")
    assert kept.text == TEXT.replace("160", "200")
    assert [each.id for each in kept.keeper.history()] == [redone.id, "2", "1"]


async def test_a_provider_that_was_added_is_taken_away_again(tmp_path: Path) -> None:
    """A key that was not there is not there."""
    kept = await Kept(tmp_path, "providers:\n  embedded: {kind: openai_realtime}\n").started()
    await kept.keeper.apply({"providers.mine": {"kind": "deepgram"}}, "desk")
    assert set(kept.keeper.config.providers) == {"embedded", "mine"}
    await kept.keeper.undo("1", "desk")
    assert set(kept.keeper.config.providers) == {"embedded"}
    assert kept.text == "providers:\n  embedded: {kind: openai_realtime}\n"


async def test_what_has_changed_since_cannot_be_taken_back(tmp_path: Path) -> None:
    """Nor what the history does not know."""
    kept = await Kept(tmp_path).started()
    await kept.keeper.apply({"barge_in.min_ms": 200}, "desk")
    await kept.keeper.apply({"barge_in.min_ms": 240}, "desk")
    (problem,) = await kept.refused(kept.keeper.undo("1", "desk"))
    assert "barge_in.min_ms was changed again since: it is 240" in problem.rule
    (problem,) = await kept.refused(kept.keeper.undo("99", "desk"))
    assert (problem.key, problem.rule) == ("history", "there is no change '99'")


async def test_a_value_that_the_history_does_not_keep_cannot_be_given_back(
    tmp_path: Path,
) -> None:
    """It looked like a secret, in a history that somebody else has written."""
    kept = await Kept(tmp_path).started()
    await kept.keeper.apply({"barge_in.min_ms": 200}, "desk")
    path = tmp_path / "agent.yaml.history.jsonl"
    record = json.loads(read(path))
    record["keys"][0]["old"] = "***"
    later = Kept(tmp_path, kept.text)
    write(path, json.dumps(record))
    await later.started()
    (problem,) = await later.refused(later.keeper.undo("1", "desk"))
    assert "does not keep" in problem.rule


async def test_a_file_that_was_changed_is_followed(tmp_path: Path) -> None:
    """As one change, by whoever asked."""
    kept = await Kept(tmp_path).started()
    kept.path.write_text(TEXT.replace("160", "300").replace("max_calls: 7", "max_calls: 8"))
    change = await kept.keeper.reload("SIGHUP")
    assert {each.key for each in change.keys} == {"barge_in.min_ms", "engine.max_calls"}
    assert (change.who, change.is_saved, change.overridden) == ("SIGHUP", True, ())
    assert kept.keeper.history() == (change,)
    await kept.keeper.undo(change.id, "desk")
    assert kept.text == TEXT


@pytest.mark.parametrize(
    "text",
    ["barge_in: {min_ms: 5}\n", "barge_in: [", "barge_in: {min_ms: 5, x: 1}\nfoo: 1\n"],
)
async def test_a_file_that_is_wrong_changes_nothing(tmp_path: Path, text: str) -> None:
    """And everything that is wrong is told, with its line."""
    kept = await Kept(tmp_path).started()
    kept.path.write_text(text)
    problems = await kept.refused(kept.keeper.reload())
    assert all("agent.yaml" in problem.source for problem in problems)
    assert len(problems) >= text.count(":") - 1
    kept.path.unlink()
    before = kept.keeper.config
    with pytest.raises(ConfigError, match="can't be read"):
        await kept.keeper.reload()
    assert kept.keeper.config is before


async def test_a_file_that_is_suddenly_empty_is_not_followed(tmp_path: Path) -> None:
    """All defaults would hold; one that was empty from the start may stay so."""
    kept = await Kept(tmp_path).started()
    kept.path.write_text("\n")
    (problem,) = await kept.refused(kept.keeper.reload())
    assert "is empty" in problem.rule
    empty = await Kept(tmp_path, "").started()
    assert await empty.keeper.reload() is None


async def test_what_a_file_changes_in_vain_is_told(tmp_path: Path) -> None:
    """As the environment sets it: with other changes, or alone, where nothing is remembered."""
    environ = {"VOXGATE__ENGINE__MAX_CALLS": "5"}
    kept = await Kept(tmp_path, environ=environ).started()
    kept.path.write_text(TEXT.replace("max_calls: 7", "max_calls: 9"))
    change = await kept.keeper.reload()
    assert (change.keys, change.overridden) == ((), ("engine.max_calls",))
    assert kept.keeper.history() == ()
    assert await kept.keeper.reload() is None
    kept.path.write_text(TEXT.replace("160", "300"))
    change = await kept.keeper.reload()
    assert [each.key for each in change.keys] == ["barge_in.min_ms"]
    assert change.overridden == ("engine.max_calls",)
    assert kept.keeper.config.engine.max_calls == 5


async def test_changes_at_the_same_time_come_one_after_the_other(tmp_path: Path) -> None:
    """None is lost."""
    kept = await Kept(tmp_path).started()
    await asyncio.gather(
        kept.keeper.apply({"barge_in.min_ms": 200}, "one"),
        kept.keeper.apply({"vad.energy_threshold": 99}, "two"),
        kept.keeper.apply({"engine.max_calls": 9}, "three"),
    )
    assert load_config(kept.path, {}) == kept.keeper.config
    assert kept.keeper.config.vad.energy_threshold == 99
    assert {each.id for each in kept.keeper.history()} == {"1", "2", "3"}


async def test_the_history_goes_on_after_a_restart(tmp_path: Path) -> None:
    """With its ids, and what was changed before can be taken back."""
    kept = await Kept(tmp_path).started()
    await kept.keeper.apply({"barge_in.min_ms": 200}, "desk")
    text = kept.text
    later = await Kept(tmp_path, text).started()
    assert [each.id for each in later.keeper.history()] == ["1"]
    undone = await later.keeper.undo("1", "desk")
    assert (undone.id, later.text) == ("2", TEXT)


async def test_who_listens_wrongly_and_a_history_that_cannot_be_written_cost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change has taken effect, and both are told in the log, the history once."""
    kept = await Kept(tmp_path).started()

    def full(history: ConfigHistory) -> None:
        raise OSError(28, "No space left on device")

    def fail(config: AppConfig, change: ConfigChange) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ConfigHistory, "save_newest", full)
    kept.keeper.add_listener(fail)
    with capture_logs() as logs:
        await kept.keeper.apply({"barge_in.min_ms": 200}, "desk")
        await kept.keeper.apply({"barge_in.min_ms": 220}, "desk")
    assert [log["event"] for log in logs].count("config.history_not_saved") == 1
    assert [log["event"] for log in logs].count("config.listener_failed") == 2
    assert len(kept.keeper.history()) == 2


async def test_a_key_is_taken_away_so_that_its_default_holds(tmp_path: Path) -> None:
    """The section that is left empty goes too."""
    kept = await Kept(tmp_path).started()
    change = await kept.keeper.apply({"barge_in.min_ms": ABSENT}, "desk")
    assert [(each.old, each.new) for each in change.keys] == [(160, 140)]
    assert "barge_in" not in kept.text


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.rstrip(),
        TEXT.replace("\n", "\r\n"),
        "engine: {max_calls: 7}\n",
        "{engine: {max_calls: 7}, barge_in: {min_ms: 160}}\n",
    ],
)
async def test_taken_back_a_key_that_was_not_there_is_not_there_again(
    tmp_path: Path, text: str
) -> None:
    """The file is as it was, to the letter, and what was there has its value again."""
    kept = await Kept(tmp_path).started()
    assert kept.path is not None
    kept.path.write_bytes(text.encode())
    await kept.keeper.reload()
    before = kept.engine.config
    changes = {"barge_in.cooldown_ms": 900, "idle_fill.after_ms": 300, "engine.max_calls": 9}
    change = await kept.keeper.apply(changes, "desk")
    assert set(change.added) == {"barge_in.cooldown_ms", "idle_fill.after_ms"}
    undone = await kept.keeper.undo(change.id, "desk")
    assert kept.path.read_bytes().decode() == text
    assert kept.engine.config == before
    await kept.keeper.undo(undone.id, "desk")
    assert kept.engine.config.barge_in.cooldown_ms == 900


async def test_a_key_that_a_file_brought_goes_from_it_again(tmp_path: Path) -> None:
    """Whoever wrote it."""
    kept = await Kept(tmp_path).started()
    assert kept.path is not None
    write(kept.path, TEXT + "  cooldown_ms: 900\n")
    change = await kept.keeper.reload()
    assert change is not None
    await kept.keeper.undo(change.id, "desk")
    assert kept.text == TEXT


async def test_where_another_default_holds_by_now_the_old_value_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile may give its keys defaults of its own."""
    profiles = {**PROFILE_DEFAULTS, GuardProfile.MOBILE: {"sensitivity": 0.7}}
    monkeypatch.setattr(load, "PROFILE_DEFAULTS", profiles)
    kept = await Kept(tmp_path).started()
    old = kept.engine.config.audio_guard.sensitivity
    change = await kept.keeper.apply({"audio_guard.sensitivity": 0.9}, "desk")
    await kept.keeper.apply({"audio_guard.profile": "mobile"}, "desk")
    assert kept.engine.config.audio_guard.sensitivity == 0.9
    await kept.keeper.undo(change.id, "desk")
    assert kept.engine.config.audio_guard.sensitivity == old
    assert f"sensitivity: {old}" in kept.text


async def test_a_change_that_nobody_waits_for_any_more_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked has gone while the file was written: engine, file and history agree."""
    kept = await Kept(tmp_path).started()
    writing, goes_on = asyncio.Event(), threading.Event()
    loop, commit = asyncio.get_running_loop(), StagedText.commit

    def slow(staged: StagedText) -> None:
        loop.call_soon_threadsafe(writing.set)
        assert goes_on.wait(60.0)
        commit(staged)

    monkeypatch.setattr(StagedText, "commit", slow)
    asking = asyncio.create_task(kept.keeper.apply({"barge_in.min_ms": 200}, "desk"))
    await writing.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    goes_on.set()
    assert await kept.keeper.check({"barge_in.min_ms": 220}) == ()  # once that is done
    assert kept.engine.config.barge_in.min_ms == 200
    assert load_config(kept.path, {}) == kept.keeper.config
    assert [each.id for each in kept.keeper.history()] == ["1"]
    await kept.keeper.apply({"barge_in.min_ms": 220}, "desk")


async def test_a_key_that_needs_a_restart_is_named_with_file_and_line(tmp_path: Path) -> None:
    """As everything else that is wrong in a file."""
    kept = await Kept(tmp_path).started()
    assert kept.path is not None
    write(kept.path, TEXT + "desk:\n  port: 8095\n")
    with pytest.raises(ConfigError) as info:
        await kept.keeper.reload()
    (problem,) = info.value.problems
    assert (problem.key, problem.value, problem.source) == ("desk.port", "8095", f"{kept.path}:7")


async def test_a_file_that_changed_while_voxgate_was_starting_is_told(tmp_path: Path) -> None:
    """As is one that can be read but once, such as a pipe; that resets nothing."""
    kept = await Kept(tmp_path).started()
    assert kept.keeper.is_in_step
    other = Kept(tmp_path)
    assert other.path is not None
    write(other.path, "")
    await other.keeper.start()
    assert not other.keeper.is_in_step
    with pytest.raises(ConfigError, match="is empty"):
        await other.keeper.reload()
    assert other.engine.config.barge_in.min_ms == 160
