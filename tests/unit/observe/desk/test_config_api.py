"""The desk's answers about thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from support.asgi_client import Answer, application, ask
from voxgate.config.edited_document import ABSENT
from voxgate.config.models import AppConfig
from voxgate.config.reload_rules import KeyChange, TakesEffect
from voxgate.core.config import BargeInConfig
from voxgate.errors import ConfigError, ConfigProblem
from voxgate.observe.config_history import ConfigChange
from voxgate.observe.desk.config_api import ConfigApi
from voxgate.observe.desk.threshold_form import revision_of

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = "barge_in.min_ms"


class Keeper:
    """Keeps one number."""

    def __init__(self) -> None:
        self.config = AppConfig()
        self.source = "agent.yaml"
        self.is_saved = True
        self.overrides: Mapping[str, str] = {}
        self.problems: tuple[ConfigProblem, ...] = ()
        self.refuses = False
        self.changes: list[ConfigChange] = []

    async def judged(self, changes: Mapping[str, Any]) -> AppConfig:
        if changes[KEY] == 30:
            raise ConfigError(self.problems)
        return replace(self.config, barge_in=BargeInConfig(min_ms=changes[KEY]))

    async def apply(self, changes: Mapping[str, Any], who: str) -> ConfigChange:
        if changes[KEY] == 30:
            raise ConfigError(self.problems)
        if self.refuses:
            raise ConfigError([problem("document")])
        old = self.config.barge_in.min_ms
        barge_in = replace(self.config.barge_in, min_ms=changes[KEY])
        self.config = replace(self.config, barge_in=barge_in)
        return self._remember(old, changes[KEY], who)

    def history(self) -> tuple[ConfigChange, ...]:
        return tuple(reversed(self.changes))

    async def undo(self, change_id: str, who: str) -> ConfigChange:
        if change_id != "1":
            raise ConfigError([problem("history")])
        return self._remember(self.changes[0].keys[0].new, ABSENT, who, undoes=change_id)

    def _remember(self, old: Any, new: Any, who: str, *, undoes: str | None = None) -> ConfigChange:
        change = KeyChange(key=KEY, old=old, new=new, takes_effect=TakesEffect.RUNNING_CALLS)
        number = str(len(self.changes) + 1)
        self.changes.append(
            ConfigChange(id=number, at=NOON, who=who, keys=(change,), is_saved=True, undoes=undoes)
        )
        return self.changes[-1]


def problem(key: str) -> ConfigProblem:
    return ConfigProblem(key=key, value="30", rule="is below candidate_ms", source="desk")


async def post(keeper: Keeper | None, path: str, body: Any) -> Answer:
    app = application(ConfigApi(keeper, AppConfig()).routes())
    return await ask(app, f"/api/thresholds/{path}", method="POST", body=body)


async def get(keeper: Keeper | None, path: str = "") -> Any:
    app = application(ConfigApi(keeper, AppConfig()).routes())
    return (await ask(app, f"/api/thresholds{path}")).json


async def test_the_form_shows_what_is_in_force() -> None:
    """With a revision that says of what, and what was changed here."""
    keeper = Keeper()
    form = await get(keeper)
    assert form["revision"] == revision_of(keeper.config)
    assert (form["is_saved"], form["source"]) == (True, "agent.yaml")
    await keeper.apply({KEY: 300}, "desk")
    form = await get(keeper)
    shown = {each["key"]: each for part in form["sections"] for each in part["fields"]}
    assert (shown[KEY]["value"], shown[KEY]["origin"]) == (300, "desk")


async def test_a_check_names_what_is_wrong_and_changes_nothing() -> None:
    """At its field; and says what the rest would take effect on."""
    keeper = Keeper()
    keeper.problems = (problem(KEY),)
    answer = await post(keeper, "check", {"changes": {KEY: 30}})
    assert answer.status == 200
    assert [each["key"] for each in answer.json["problems"]] == [KEY]
    assert answer.json["effects"] == {KEY: "running_calls"}
    assert (await post(keeper, "check", {"changes": {KEY: 150}})).json["problems"] == []
    assert (await post(keeper, "check", {"changes": {}})).json["warnings"] == []
    assert keeper.changes == []


async def test_a_check_says_what_is_odd_about_a_change() -> None:
    """Of its keys, whether that was so before or not; of others, what was not."""
    keeper = Keeper()
    warnings = (await post(keeper, "check", {"changes": {KEY: 450}})).json["warnings"]
    assert [each["key"] for each in warnings] == [KEY, KEY]
    assert "applies only where no far-end reference is shown" in warnings[0]["message"]
    assert "lost to the provider" in warnings[1]["message"]
    keeper.config = replace(keeper.config, barge_in=BargeInConfig(min_ms=450))
    again = (await post(keeper, "check", {"changes": {KEY: 450}})).json["warnings"]
    assert again == warnings


async def test_only_thresholds_are_changed_at_the_desk() -> None:
    """The rest of the configuration is the file's."""
    keeper = Keeper()
    for key in ("engine.max_calls", "desk.token_env", "providers.openai.url", "x" * 10_000):
        answer = await post(keeper, "check", {"changes": {key: 1, KEY: 150}})
        assert [each["key"] for each in answer.json["problems"]] == [key[:100]]
        refused = await post(
            keeper, "apply", {"changes": {key: 1}, "revision": revision_of(keeper.config)}
        )
        assert (refused.status, refused.error) == (422, "refused")
    assert keeper.changes == []


async def test_a_change_is_applied_and_told() -> None:
    """Once, under the desk's name."""
    keeper = Keeper()
    revision = revision_of(keeper.config)
    answer = await post(keeper, "apply", {"changes": {KEY: 300}, "revision": revision})
    assert answer.status == 200
    change = answer.json["change"]
    assert (change["id"], change["who"], change["at"]) == ("1", "desk", "2026-11-22T12:00:00.000Z")
    assert change["values"] == [{"key": KEY, "before": 140, "after": 300}]
    assert (await get(keeper, "/history"))["history"] == [change]


async def test_a_form_that_is_too_old_changes_nothing() -> None:
    """Somebody else was quicker: the operator is to look again."""
    keeper = Keeper()
    for revision in ("older", None):
        answer = await post(keeper, "apply", {"changes": {KEY: 300}, "revision": revision})
        assert (answer.status, answer.error) == (409, "busy")
    assert keeper.changes == []


async def test_what_the_keeper_refuses_is_refused_by_key() -> None:
    """Before it is applied, and while it is."""
    keeper = Keeper()
    revision = revision_of(keeper.config)
    keeper.problems = (problem(KEY),)
    answer = await post(keeper, "apply", {"changes": {KEY: 30}, "revision": revision})
    assert (answer.status, answer.json["error"]["problems"][0]["key"]) == (422, KEY)
    keeper.refuses = True
    answer = await post(keeper, "apply", {"changes": {KEY: 300}, "revision": revision})
    assert (answer.status, answer.json["error"]["problems"][0]["key"]) == (422, "document")
    assert keeper.changes == []


async def test_a_change_can_be_taken_back() -> None:
    """What has no value before it shows none."""
    keeper = Keeper()
    await keeper.apply({KEY: 300}, "desk")
    answer = await post(keeper, "undo", {"id": "1"})
    assert answer.json["change"]["values"] == [{"key": KEY, "before": 300, "after": None}]
    assert (await post(keeper, "undo", {"id": "7"})).status == 422
    assert (await post(keeper, "undo", {})).status == 400


async def test_what_was_taken_back_is_marked_and_not_undone_again() -> None:
    """Until what took it back is taken back itself: then it holds again."""
    keeper = Keeper()
    await keeper.apply({KEY: 300}, "desk")
    marks = {}
    for undoes in ("1", "2", "3"):
        keeper._remember(1, 2, "desk", undoes=undoes)
        history = (await get(keeper, "/history"))["history"]
        assert [each["can_undo"] for each in history] == [
            not each["is_taken_back"] for each in history
        ]
        marks[undoes] = {each["id"] for each in history if each["is_taken_back"]}
    assert marks == {"1": {"1"}, "2": {"2"}, "3": {"3", "1"}}


async def test_what_is_no_change_is_refused() -> None:
    """Nothing to change is nothing to check either."""
    keeper = Keeper()
    many = {f"key {number}": 1 for number in range(201)}
    for changes in ([1], {KEY: [300]}, {KEY: {"ms": 300}}, many):
        answer = await post(keeper, "check", {"changes": changes})
        assert (answer.status, answer.error) == (400, "bad_request")
    assert (await post(keeper, "apply", {"changes": {}})).error == "bad_request"


async def test_without_a_keeper_the_form_is_only_shown() -> None:
    """As in an engine whose configuration somebody else has made."""
    form = await get(None)
    assert (form["is_saved"], form["source"]) == (False, "")
    assert (await get(None, "/history"))["history"] == []
    answer = await post(None, "check", {"changes": {KEY: 150}})
    assert (answer.status, answer.error) == (503, "unavailable")
