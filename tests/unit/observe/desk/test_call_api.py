"""The desk's answers about calls."""

from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from support.asgi_client import Answer, application, ask
from support.desk_calls import ended, gate_event, roster_with
from voxgate.config.models import AppConfig
from voxgate.engine import AIEngine
from voxgate.observe.desk.call_api import CallApi
from voxgate.observe.desk.call_roster import CallRoster, RosterEntry


class Engine(AIEngine):
    """An engine that says which call it was to end."""

    def __init__(self) -> None:
        super().__init__(AppConfig())
        self.hung_up: list[str] = []

    async def hang_up(self, call_id: str) -> bool:
        self.hung_up.append(call_id)
        return call_id == "one"


async def recording_of(call: RosterEntry) -> str | None:
    return None if call.ended is None else f"recording of {call.call_id}"


async def asked(roster: CallRoster, path: str, engine: Engine | None = None) -> Answer:
    app = application(CallApi(engine or Engine(), roster, recording_of).routes())
    method = "POST" if path.endswith("hangup") else "GET"
    return await ask(app, path, method=method, body={} if method == "POST" else None)


async def test_the_list_has_those_that_run_and_those_that_are_over() -> None:
    """Each as in the feed."""
    roster = roster_with("one", "two")
    roster.on_call_ended(ended("two"))
    answer = (await asked(roster, "/api/calls")).json
    assert [call["call_id"] for call in answer["calls"]] == ["one"]
    assert [(call["call_id"], call["end"]["reason"]) for call in answer["ended"]] == [
        ("two", "caller_hangup")
    ]
    assert answer["calls"][0]["mode"] == "echo_aware"


async def test_one_call_shows_what_happened_at_its_gate() -> None:
    """With the time of the day, and since it began; counters as long as it runs."""
    roster, engine = roster_with("one"), Engine()
    roster.on_gate_event("one", gate_event(3500.0))
    engine.manager.start_call("one", provider="openai_realtime", now_ms=1000.0)
    call: dict[str, Any] = (await asked(roster, "/api/calls/one", engine)).json
    (event,) = call["events"]
    assert event == {
        "at": "2026-11-22T12:00:02.500Z",
        "t_s": 2.5,
        "type": "gate_closed",
        "reason": "agent_audible",
        "count": 3,
        "detail": "",
    }
    assert call["counters"]["captured_frames"] == 0
    assert call["recorded"] is None
    roster.on_call_ended(ended("one"))
    call = (await asked(roster, "/api/calls/one", engine)).json
    assert (call["counters"], call["duration_s"]) == (None, 2.5)
    assert call["recorded"] == "recording of one"


async def test_a_call_is_hung_up_once() -> None:
    """It is logged, as somebody did it; a call that is over is not there."""
    engine = Engine()
    with capture_logs() as logged:
        assert (await asked(roster_with(), "/api/calls/one/hangup", engine)).status == 204
        gone = await asked(roster_with(), "/api/calls/two/hangup", engine)
    assert (gone.status, gone.error) == (404, "not_found")
    assert engine.hung_up == ["one", "two"]
    assert logged == [{"event": "desk.call_hung_up", "call_id": "one", "log_level": "info"}]
    assert (await asked(roster_with(), "/api/calls/two")).status == 404


async def test_an_id_may_have_slashes() -> None:
    """As Asterisk's channels do; the page escapes them, and servers decode that before the path is
    matched."""
    name, engine = "PJSIP/100-0000001/hangup", Engine()
    roster = roster_with(name)
    path = f"/api/calls/{name}"
    app = application(CallApi(engine, roster, recording_of).routes())
    assert (await ask(app, path, method="GET")).json["call_id"] == name
    await ask(app, f"{path}/hangup", method="POST", body={})
    assert engine.hung_up == [name]
