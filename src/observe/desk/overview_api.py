"""The desk's overview: what the engine is made of and how it does, on one page.

Invariant: names of environment variables, tokens and keys never stand here, nor what is asked of
nobody but the log.
"""

from __future__ import annotations

__all__ = ["OverviewApi", "health_checks"]

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...engine import AIEngine, EnginePhase
from .call_roster import CallRoster
from .config_api import Keeper
from .feed_messages import utc_text
from .lateness import Lateness
from .phone_relay import PATH

_STATES: Mapping[EnginePhase, str] = {
    EnginePhase.STARTING: "starting",
    EnginePhase.RUNNING: "ready",
    EnginePhase.DRAINING: "draining",
    EnginePhase.STOPPED: "draining",
}


class OverviewApi:
    """Serves the overview.

    Args:
        engine: What it is of.
        roster: The engine's calls.
        keeper: Of the configuration; None where nobody keeps it.
        lateness: How late the event loop is.
        has_phone: Whether the page can call.
    """

    def __init__(
        self,
        engine: AIEngine,
        roster: CallRoster,
        *,
        keeper: Keeper | None,
        lateness: Lateness,
        has_phone: bool,
    ) -> None:
        self._engine = engine
        self._roster = roster
        self._keeper = keeper
        self._lateness = lateness
        self._has_phone = has_phone
        self._started_at = datetime.now(UTC)

    def routes(self) -> list[Route]:
        """Return what is served."""
        return [Route("/api/overview", self._overview)]

    async def _overview(self, request: Request) -> Response:
        del request
        engine, now = self._engine, datetime.now(UTC)
        return JSONResponse(
            {
                "version": version("voxgate"),
                "state": _STATES[engine.phase],
                "started_at": utc_text(self._started_at),
                "uptime_s": round((now - self._started_at).total_seconds(), 1),
                "now": utc_text(now),
                "calls": {
                    "running": engine.running_calls,
                    "max": engine.config.engine.max_calls,
                    "accepted": engine.counters.calls_accepted,
                    "refused": engine.counters.calls_refused,
                    "ended": self._roster.reasons,
                },
                "lines": list(_lines(engine)),
                "providers": list(_providers(engine)),
                "config": {
                    "source": "" if self._keeper is None else self._keeper.source,
                    "is_saved": self._keeper is not None and self._keeper.is_saved,
                },
                "recording": _recording(engine),
                "phone": self._phone(),
                "features": {
                    "preview": engine.config.recording.is_on and self._keeper is not None,
                    "report": engine.config.recording.is_on,
                    "config": self._keeper is not None,
                    "hang_up": True,
                },
                "health": health_checks(engine, self._lateness),
            }
        )

    def _phone(self) -> dict[str, Any]:
        missing = None if self._has_phone else "The phone is off: see desk.phone."
        return {"available": self._has_phone, "path": PATH, "missing": missing}


def health_checks(engine: AIEngine, lateness: Lateness) -> list[dict[str, Any]]:
    """Return what can be said of how the engine does, each in a sentence."""
    max_calls = engine.config.engine.max_calls
    refused = engine.counters.calls_refused
    failures = engine.observer_failures
    return [
        _check("engine", engine.phase is EnginePhase.RUNNING, f"It is {_STATES[engine.phase]}."),
        _check(
            "calls",
            engine.running_calls < max_calls,
            f"{engine.running_calls} of {max_calls} at a time; {refused} refused so far.",
        ),
        _check("event_loop", lateness.is_fine, lateness.text),
        _check(
            "observers",
            failures == 0,
            "All that watch calls do so."
            if failures == 0
            else f"{failures} that watched calls failed and were let go: see observer.failed.",
        ),
    ]


def _check(name: str, is_ok: bool, text: str) -> dict[str, Any]:  # noqa: FBT001 - by position
    return {"name": name, "ok": is_ok, "text": text}


def _lines(engine: AIEngine) -> Iterator[dict[str, Any]]:
    addresses = engine.addresses
    for line in fields(engine.config.lines):
        host, port = addresses.get(line.name, ("", 0))
        shown_host = f"[{host}]" if ":" in host else host
        yield {
            "name": line.name,
            "enabled": getattr(engine.config.lines, line.name).enabled,
            "address": f"{shown_host}:{port}" if port else None,
        }


def _providers(engine: AIEngine) -> Iterator[dict[str, Any]]:
    for name in engine.config.answering_providers:
        policy = engine.manager.config.policy_for(name)
        is_gated = policy is not None and policy.gating_enabled
        yield {
            "name": name,
            "kind": engine.config.providers[name].kind,
            "gated": is_gated,
            "mode": str(policy.mode) if policy is not None and is_gated else None,
            "is_default": name == engine.config.engine.default_provider,
        }


def _recording(engine: AIEngine) -> dict[str, Any]:
    recording = engine.config.recording
    return {
        "calls": recording.calls.value,
        "audio": recording.audio,
        "folder": recording.folder if recording.is_on else None,
        "is_encrypted": bool(recording.encrypt_to),
    }
