"""The desk's answers about thresholds: the form, a check, a change, what was changed, an undo.

Invariant: what is applied was judged by the keeper of the configuration as a whole, against what is
in force; a form that is older than that changes nothing.
"""

from __future__ import annotations

__all__ = ["ConfigApi", "Keeper", "changes_of"]

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...config.advice import config_warnings
from ...config.edited_document import ABSENT, Absent
from ...config.models import AppConfig
from ...config.reload_rules import rule_for
from ...config.yaml_document import Tree
from ...errors import ConfigError, ConfigProblem
from ..config_history import ConfigChange
from .feed_messages import utc_text
from .refusal import Refusal, problem_fields
from .request_body import read_object
from .threshold_form import form_keys, form_rules, revision_of, threshold_form

_log = structlog.get_logger(__name__)

_WHO = "desk"
_MAX_HISTORY = 200
"""Changes that are shown, the newest."""
_MAX_CHANGES = 200
"""Keys that are changed at a time: several times those of the form."""


class Keeper(Protocol):
    """What the desk asks of the keeper of the configuration."""

    @property
    def config(self) -> AppConfig:
        """What is in force."""

    @property
    def source(self) -> str:
        """The file, as messages name it."""

    @property
    def is_saved(self) -> bool:
        """Whether changes are written to a file."""

    @property
    def overrides(self) -> Mapping[str, str]:
        """Environment variable by the key that it sets."""

    async def judged(self, changes: Mapping[str, Tree | Absent]) -> AppConfig:
        """Return what would be in force with a change.

        Raises:
            ConfigError: with everything that stands against it.
        """

    async def apply(self, changes: Mapping[str, Tree | Absent], who: str) -> ConfigChange:
        """Change keys, all or none.

        Raises:
            ConfigError: with everything that stands against it.
        """

    def history(self) -> tuple[ConfigChange, ...]:
        """Return the changes that are remembered, newest first."""

    async def undo(self, change_id: str, who: str) -> ConfigChange:
        """Take a change back.

        Raises:
            ConfigError: with everything that stands against it.
        """


class ConfigApi:
    """Serves the thresholds.

    Args:
        keeper: Of the configuration; None where nobody keeps it, and it can only be looked at.
        config: What is in force then.
    """

    def __init__(self, keeper: Keeper | None, config: AppConfig) -> None:
        self._keeper = keeper
        self._config = config

    @property
    def config(self) -> AppConfig:
        """What is in force."""
        return self._config if self._keeper is None else self._keeper.config

    def routes(self) -> list[Route]:
        """Return what is served."""
        return [
            Route("/api/thresholds", self._form),
            Route("/api/thresholds/check", self._check, methods=["POST"]),
            Route("/api/thresholds/apply", self._apply, methods=["POST"]),
            Route("/api/thresholds/history", self._history),
            Route("/api/thresholds/undo", self._undo, methods=["POST"]),
        ]

    async def judged(self, changes: Mapping[str, Any]) -> AppConfig:
        """Return what would be in force with changes of thresholds.

        Raises:
            ConfigError: with everything that stands against them.
        """
        self._require_thresholds(changes)
        return await self._known_keeper().judged(changes) if changes else self.config

    def _require_thresholds(self, changes: Mapping[str, Any]) -> None:
        """Refuse to touch what is not in the form.

        Raises:
            ConfigError: with every such key.
        """
        keys = form_keys(self.config)
        if unknown := [_not_a_threshold(key) for key in changes if key not in keys]:
            raise ConfigError(unknown)

    async def _form(self, request: Request) -> Response:
        del request
        keeper = self._keeper
        overrides = {} if keeper is None else keeper.overrides
        changed = {
            each.key
            for change in (() if keeper is None else keeper.history())
            if change.who == _WHO
            for each in change.keys
        }
        return JSONResponse(
            {
                "sections": threshold_form(self.config, overrides, changed),
                "rules": form_rules(),
                "revision": revision_of(self.config),
                "is_saved": keeper is not None and keeper.is_saved,
                "source": "" if keeper is None else keeper.source,
            }
        )

    async def _check(self, request: Request) -> Response:
        changes = changes_of(await read_object(request))
        problems: tuple[ConfigProblem, ...] = ()
        warnings: list[dict[str, str]] = []
        try:
            judged = await self.judged(changes)
        except ConfigError as error:
            problems = error.problems
        else:
            warnings = await asyncio.to_thread(_new_warnings, self.config, judged, changes)
        keys = form_keys(self.config)
        return JSONResponse(
            {
                "problems": [problem_fields(problem) for problem in problems],
                "warnings": warnings,
                "effects": {
                    key: rule_for(key).takes_effect.value for key in changes if key in keys
                },
            }
        )

    async def _apply(self, request: Request) -> Response:
        asked = await read_object(request)
        changes = changes_of(asked)
        if not changes:
            raise Refusal(400, "bad_request", "There is nothing to change.")
        if asked.get("revision") != revision_of(self.config):
            raise Refusal(409, "busy", "Somebody has changed a threshold since: look again.")
        try:
            self._require_thresholds(changes)
            change = await self._known_keeper().apply(changes, _WHO)
        except ConfigError as error:
            raise _refused(error.problems) from error
        _log.info("desk.thresholds_changed", keys=[each.key for each in change.keys], id=change.id)
        return JSONResponse({"change": _change_fields(change)})

    async def _history(self, request: Request) -> Response:
        del request
        history = () if self._keeper is None else self._keeper.history()
        taken_back = _taken_back(history)
        return JSONResponse(
            {
                "history": [
                    _change_fields(each, is_taken_back=each.id in taken_back)
                    for each in history[:_MAX_HISTORY]
                ]
            }
        )

    async def _undo(self, request: Request) -> Response:
        change_id = (await read_object(request)).get("id")
        if not isinstance(change_id, str):
            raise Refusal(400, "bad_request", "id: is missing.")
        try:
            change = await self._known_keeper().undo(change_id, _WHO)
        except ConfigError as error:
            raise _refused(error.problems) from error
        _log.info("desk.thresholds_changed", keys=[each.key for each in change.keys], id=change.id)
        return JSONResponse({"change": _change_fields(change)})

    def _known_keeper(self) -> Keeper:
        if self._keeper is None:
            raise Refusal(503, "unavailable", "The configuration of this engine is fixed.")
        return self._keeper


def changes_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes that a page asks for: values by key.

    Raises:
        Refusal: there are none, too many, or some that no threshold has.
    """
    changes = asked.get("changes")
    if not isinstance(changes, dict) or len(changes) > _MAX_CHANGES:
        raise Refusal(400, "bad_request", "changes: is not an object of values by key.")
    if any(isinstance(value, dict | list) for value in changes.values()):
        raise Refusal(400, "bad_request", "changes: a value is a number, a word, true or false.")
    return changes


def _new_warnings(
    before: AppConfig, after: AppConfig, changes: Collection[str]
) -> list[dict[str, str]]:
    """Return what is odd about a change: about its keys, or about others that were not before."""
    known = set(config_warnings(before))
    return [
        {"key": warning.key, "message": warning.message}
        for warning in config_warnings(after)
        if warning.key in changes or warning not in known
    ]


def _not_a_threshold(key: str) -> ConfigProblem:
    return ConfigProblem(
        key=key[:100], value="", rule="is not a threshold that the desk can change", source="desk"
    )


def _refused(problems: tuple[ConfigProblem, ...]) -> Refusal:
    return Refusal(422, "refused", "Nothing was changed.", problems=problems)


def _taken_back(newest_first: Iterable[ConfigChange]) -> frozenset[str]:
    """Return the ids of the changes that others have taken back, which hold still themselves."""
    taken_back: set[str] = set()
    for change in newest_first:
        if change.undoes is not None and change.id not in taken_back:
            taken_back.add(change.undoes)
    return frozenset(taken_back)


def _change_fields(change: ConfigChange, *, is_taken_back: bool = False) -> dict[str, Any]:
    return {
        "id": change.id,
        "at": utc_text(change.at),
        "who": change.who,
        "values": [
            {"key": each.key, "before": _shown(each.old), "after": _shown(each.new)}
            for each in change.keys
        ],
        "is_saved": change.is_saved,
        "undoes": change.undoes,
        "is_taken_back": is_taken_back,
        "can_undo": not is_taken_back,
    }


def _shown(value: Tree | Absent) -> Tree:
    return None if value is ABSENT else value
