"""Changes are remembered, newest first, and no secret with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.config.edited_document import ABSENT
from voxgate.config.reload_rules import KeyChange, TakesEffect
from voxgate.observe import config_history
from voxgate.observe.config_history import REDACTED_VALUE, ConfigChange, ConfigHistory

AT = datetime(2026, 1, 1, tzinfo=UTC)


def key(name: str = "barge_in.min_ms", old: object = 140, new: object = 200) -> KeyChange:
    return KeyChange(key=name, old=old, new=new, takes_effect=TakesEffect.RUNNING_CALLS)


def change(history: ConfigHistory, *keys: KeyChange, who: str = "desk") -> ConfigChange:
    made = ConfigChange(
        id=history.next_id, at=AT, who=who, keys=keys or (key(),), is_saved=True, undoes=None
    )
    return history.add(made)


def reread(path: Path) -> ConfigHistory:
    history = ConfigHistory(path)
    history.load()
    return history


def test_the_newest_change_comes_first_and_ids_count_up() -> None:
    """In memory, without a file."""
    history = ConfigHistory()
    history.load()
    first, second = change(history), change(history)
    history.save_newest()
    assert history.newest_first == (second, first)
    assert [first.id, second.id, history.next_id] == ["1", "2", "3"]
    assert history.find("1") is first
    assert history.find("7") is None


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Values of every kind, keys that came and went, and who it was."""
    path = tmp_path / "history.jsonl"
    history = ConfigHistory(path)
    history.save_newest()
    assert not path.exists()
    change(history, key(old=ABSENT), key("routes", [], [{"provider": "x"}]), who="Jörg")
    history.save_newest()
    change(history, key("providers.x", {"a": {"b": [1.5, None, True]}}, ABSENT))
    history.save_newest()
    again = reread(path)
    assert again.newest_first == history.newest_first
    assert again.next_id == "3"


def test_whoever_may_read_the_configuration_may_read_its_history(tmp_path: Path) -> None:
    """And nobody else; the file is made anew with the same mode."""
    path, config = tmp_path / "history.jsonl", tmp_path / "a.yaml"
    config.write_text("")
    config.chmod(0o640)
    history = ConfigHistory(path, like=config)
    change(history)
    history.save_newest()
    assert path.stat().st_mode & 0o777 == 0o640
    alone = ConfigHistory(tmp_path / "alone.jsonl", like=tmp_path / "gone.yaml")
    change(alone)
    alone.save_newest()
    assert (tmp_path / "alone.jsonl").stat().st_mode & 0o777 == 0o600


def test_lines_that_cannot_be_read_cost_themselves_only(tmp_path: Path) -> None:
    """Half a line after a crash, another version's, and no text at all."""
    path = tmp_path / "history.jsonl"
    history = ConfigHistory(path)
    change(history)
    history.save_newest()
    good = path.read_text()
    later = json.dumps({**json.loads(good), "version": 2})
    odd = [good[:40], later, "[]", "null", "\ufffd", json.dumps({**json.loads(good), "keys": 5})]
    path.write_bytes("\n".join(odd).encode() + b"\n\xff\xfe\n" + good.encode())
    assert reread(path).newest_first == history.newest_first
    missing = reread(tmp_path / "none.jsonl")
    assert missing.newest_first == ()


@given(st.binary(max_size=200))
def test_no_line_is_too_odd(line: bytes) -> None:
    """Whatever stands in the file."""
    assert config_history._parsed(line.decode(errors="replace")) is None


def test_memory_and_file_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is written anew when it is twice as long."""
    monkeypatch.setattr(config_history, "_MAX_CHANGES", 3)
    path = tmp_path / "history.jsonl"
    history = ConfigHistory(path)
    history._changes = type(history._changes)(maxlen=3)
    lengths = []
    for _ in range(20):
        change(history)
        history.save_newest()
        lengths.append(len(path.read_text().splitlines()))
    assert len(history.newest_first) == 3
    assert max(lengths) == 6
    assert [each.id for each in reread(path).newest_first][:3] == ["20", "19", "18"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "one",
    [
        key("providers.x.api_key", None, "k-12345"),
        key("x.y", "sk-" + 24 * "a", "ok"),
        key("providers.x", ABSENT, {"token": "k-12345", "kind": "y"}),
        key("providers.x", ABSENT, {"deep": {"password": "k-12345"}}),
        key("lists", [], ["wss://me:k-12345@host"]),
    ],
)
def test_a_secret_is_never_kept(tmp_path: Path, one: KeyChange) -> None:
    """Nor written, though no configuration that was judged can hold one."""
    path = tmp_path / "history.jsonl"
    history = ConfigHistory(path)
    kept = change(history, one)
    history.save_newest()
    assert REDACTED_VALUE in path.read_text()
    assert "k-12345" not in path.read_text() + repr(kept)
    assert "sk-aaa" not in path.read_text() + repr(kept)


def test_the_name_of_a_variable_is_no_secret() -> None:
    """It says where one is."""
    (one,) = change(ConfigHistory(), key("providers.x.api_key_env", "A", "B")).keys
    assert (one.old, one.new) == ("A", "B")


def test_times_are_in_utc(tmp_path: Path) -> None:
    """However they were written."""
    path = tmp_path / "history.jsonl"
    history = ConfigHistory(path)
    made = change(history)
    history.save_newest()
    record = json.loads(path.read_text())
    record["at"] = AT.isoformat().replace("+00:00", "") + "+02:00"
    path.write_text(json.dumps(record))
    (read,) = reread(path).newest_first
    assert read.at == made.at - timedelta(hours=2)
    assert read.at.tzinfo is UTC
