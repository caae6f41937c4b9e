"""The desk's answers about recorded calls: the list, a report, a preview of other thresholds.

Invariant: a recorded call is named by its folder's name and looked up in the list of them; no path
of a peer is ever opened. What takes long happens in the worker's process.
"""

from __future__ import annotations

__all__ = ["RecordingApi"]

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ...errors import ConfigError
from ...recordings import CallSummary, list_calls
from ...recordings.call_folders import folder_name
from .call_roster import RosterEntry
from .config_api import ConfigApi, changes_of
from .feed_messages import utc_text
from .preview_jobs import PreviewJobs
from .recording_jobs import preview_job, report_job
from .refusal import Refusal
from .request_body import read_object
from .worker import Worker, WorkFailed

_MAX_LISTED = 200
_SAME_START = timedelta(seconds=10)
"""How far the recorder's word of a call's start may be from the desk's."""
_MAX_MINUTES = 60.0
"""Recorded time that a preview goes through at most."""
_USUAL_MINUTES = 10.0
_IDENTITY = "VOXGATE_RECORDING_IDENTITY"
"""Environment variable with the key that opens encrypted recordings."""

_REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "media-src data: blob:; font-src data:; frame-ancestors 'self'; sandbox allow-scripts "
    "allow-downloads"
)
"""A report is one page that needs nothing else; its scripts reach nothing of the desk."""
_REPORT_HEADERS = {
    "content-security-policy": _REPORT_POLICY,
    "x-frame-options": "SAMEORIGIN",
    # By HTML's rules a page with a sandbox can't be opened with an opener policy. It has no opener
    # in any case, as the desk's own policy is another.
    "cross-origin-opener-policy": "unsafe-none",
}


class RecordingApi:
    """Serves recorded calls.

    Args:
        folder: Where they are; None where nothing is recorded.
        config: Of the thresholds.
        worker: Does what takes long.
        environ: Where the key of encrypted recordings is.
    """

    def __init__(
        self, folder: Path | None, config: ConfigApi, worker: Worker, environ: Mapping[str, str]
    ) -> None:
        self._folder = folder
        self._config = config
        self._worker = worker
        self._previews = PreviewJobs()
        self._listing = asyncio.Lock()
        self._identity = environ.get(_IDENTITY) or None

    def routes(self) -> list[Route]:
        """Return what is served."""
        return [
            Route("/api/recordings", self._list),
            Route("/recordings/{id}/report", self._report),
            Route("/api/preview", self._begin_preview, methods=["POST"]),
            Route("/api/preview/{id}", self._preview, methods=["GET"]),
            Route("/api/preview/{id}", self._cancel_preview, methods=["DELETE"]),
        ]

    async def recording_of(self, call: RosterEntry) -> str | None:
        """Return the id of a call's recording; None where there is none, or it still runs."""
        if self._folder is None or call.ended is None:
            return None
        named = _named(folder_name(call.started_at, call.call_id))
        for each in await self._calls():
            is_then = abs(each.started_at - call.started_at) < _SAME_START
            if is_then and _named(each.folder.name) == named:
                return each.folder.name
        return None

    def stop(self) -> None:
        """Take back what is at work. Idempotent."""
        self._previews.cancel_running()

    async def _list(self, request: Request) -> Response:
        del request
        if self._folder is None:
            message = "Calls are not recorded: see the section recording of the configuration."
            return JSONResponse({"state": "off", "message": message, "recordings": []})
        calls = await self._calls()
        return JSONResponse(
            {
                "state": "ready",
                "message": "",
                "recordings": [_recording_fields(call) for call in calls[:_MAX_LISTED]],
            }
        )

    async def _report(self, request: Request) -> Response:
        call = await self._find(request.path_params["id"])
        if self._worker.is_busy:
            raise Refusal(
                503,
                "busy",
                "Another report or preview is being made: try again in a moment.",
                headers={"Retry-After": "3"},
            )
        try:
            page = await self._worker.run(report_job, call.folder, self._identity)
        except WorkFailed as failure:
            raise Refusal(503, "unavailable", f"There is no report. {failure}") from failure
        return HTMLResponse(page, headers=_REPORT_HEADERS)

    async def _begin_preview(self, request: Request) -> Response:
        asked = await read_object(request)
        changes, minutes = changes_of(asked), asked.get("minutes", _USUAL_MINUTES)
        if not _is_number(minutes):
            raise Refusal(400, "bad_request", "minutes: is not a number.")
        folder = self._folder
        if folder is None:
            raise Refusal(
                503,
                "unavailable",
                "Nothing is recorded to try it on: see the section recording of the configuration.",
            )
        try:
            changed = (await self._config.judged(changes)).gating_config
        except ConfigError as error:
            problems = error.problems
            raise Refusal(422, "refused", "There is no such setting.", problems=problems) from error
        against = self._config.config.gating_config
        minutes = float(min(max(minutes, 1.0), _MAX_MINUTES))

        async def work() -> Mapping[str, Any]:
            return await self._worker.run(
                preview_job, folder, changed, against, minutes, self._identity
            )

        preview_id = self._previews.begin(work)
        return JSONResponse({"id": preview_id, "state": "running"}, 202)

    async def _preview(self, request: Request) -> Response:
        fields = self._previews.fields_of(request.path_params["id"])
        if fields is None:
            raise Refusal(404, "not_found", "There is no such preview any more.")
        return JSONResponse(fields)

    async def _cancel_preview(self, request: Request) -> Response:
        self._previews.cancel(request.path_params["id"])
        return Response(status_code=204)

    async def _calls(self) -> tuple[CallSummary, ...]:
        """Return the recorded calls; by one thread, as calls of the engine need the others."""
        if self._folder is None:
            return ()
        async with self._listing:
            return await asyncio.to_thread(list_calls, self._folder)

    async def _find(self, recording_id: str) -> CallSummary:
        for call in await self._calls():
            if call.folder.name == recording_id:
                return call
        raise Refusal(404, "not_found", "There is no such recorded call.")


def _named(folder: str) -> str:
    """Return what the name of a recording's folder has of the call's id."""
    return folder.partition("Z-")[2]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _recording_fields(call: CallSummary) -> dict[str, Any]:
    return {
        "id": call.folder.name,
        "call_id": call.call_id,
        "started_at": utc_text(call.started_at),
        "size_bytes": call.size_bytes,
        "has_audio": call.has_audio,
        "is_encrypted": call.is_encrypted,
    }
