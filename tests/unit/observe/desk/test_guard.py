"""What stands before every request."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from structlog.testing import capture_logs

from support.asgi_client import HOST, application, ask, ask_websocket
from voxgate.observe.desk.guard import Guard, session_cookie_name
from voxgate.observe.desk.login import Login

TOKEN = "the token"  # noqa: S105 - of a test
OWN = {"origin": f"http://{HOST}"}
FOREIGN = {"origin": "http://evil.example"}
COOKIE = session_cookie_name(8094)


class Behind:
    """An application that counts how often it was reached."""

    def __init__(self, token: str | None = None) -> None:
        self.reached = 0
        self.login = Login(token, session_ms=1000.0, clock=lambda: 0.0)
        paths = ("/", "/api/calls", "/api/login", "/healthz", "/metrics", "/assets/main.js")
        app = application(
            [
                *(Route(path, self._serve, methods=["GET", "POST"]) for path in paths),
                Route("/api/broken", self._fail),
                WebSocketRoute("/live", self._watch),
            ]
        )
        self.guard = Guard(
            app, login=self.login, allowed_hosts=("desk.example.com",), cookie_name=COOKIE
        )

    async def _serve(self, request: Request) -> Response:
        del request
        self.reached += 1
        return PlainTextResponse("served")

    async def _fail(self, request: Request) -> Response:
        raise RuntimeError(f"secret of {request.url}")

    async def _watch(self, websocket: WebSocket) -> None:
        self.reached += 1
        await websocket.accept()
        await websocket.close()


async def test_no_answer_goes_without_its_headers() -> None:
    """Refusals too: nobody may frame the desk, guess its types or keep what it says."""
    behind = Behind()
    for path, headers in (("/", {}), ("/nothing", {}), ("/", {"host": "evil.example"})):
        answer = await ask(behind.guard, path, headers=headers)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8094", ""])
async def test_a_name_that_is_not_known_is_not_answered(host: str) -> None:
    """Not even for the page itself: DNS rebinding."""
    behind = Behind()
    answer = await ask(behind.guard, "/", headers={"host": host})
    assert (answer.status, answer.error, behind.reached) == (400, "host_refused", 0)
    allowed = await ask(behind.guard, "/", headers={"host": "desk.example.com"})
    assert (allowed.status, behind.reached) == (200, 1)


async def test_a_page_of_another_origin_changes_nothing_and_starts_nothing() -> None:
    """Whatever it knows; an image of its own may be the address of a report."""
    behind = Behind()
    cross_site = {"sec-fetch-site": "cross-site"}
    for method, headers in (("POST", FOREIGN), ("GET", FOREIGN), ("GET", cross_site)):
        refused = await ask(behind.guard, "/api/calls", method=method, headers=headers)
        assert (refused.status, refused.error, behind.reached) == (403, "origin_refused", 0)
    delete = await ask(behind.guard, "/api/calls", method="DELETE", headers=FOREIGN)
    assert delete.error == "origin_refused"
    login = await ask(behind.guard, "/api/login", method="POST", body={}, headers=FOREIGN)
    assert (login.error, behind.reached) == ("origin_refused", 0)
    own = await ask(behind.guard, "/api/calls", method="POST", body={}, headers=OWN)
    assert own.status == 200


async def test_a_link_to_the_desk_works() -> None:
    """From wherever: what it shows is the page, and nothing of a call."""
    behind = Behind("token")
    answer = await ask(behind.guard, "/", headers={"sec-fetch-site": "cross-site"})
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_a_websocket_of_another_origin_is_refused_before_its_handshake() -> None:
    """A page would watch the calls of whoever has its window open."""
    behind = Behind()
    sent = await ask_websocket(behind.guard, "/live", FOREIGN)
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert behind.reached == 0
    await ask_websocket(behind.guard, "/live", OWN)
    assert behind.reached == 1


@pytest.mark.parametrize("path", ["/", "/api/login", "/healthz", "/assets/main.js"])
async def test_the_page_and_the_probes_are_open(path: str) -> None:
    """Who is to log in needs the form; a monitor needs no token."""
    assert (await ask(Behind(TOKEN).guard, path)).status == 200


@pytest.mark.parametrize("path", ["/api/calls", "/metrics", "/nothing"])
async def test_all_else_wants_a_login(path: str) -> None:
    """Also what is not there: a stranger learns nothing of it."""
    behind = Behind(TOKEN)
    answer = await ask(behind.guard, path)
    assert (answer.status, answer.error, behind.reached) == (401, "login_needed", 0)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_session_or_a_token_opens() -> None:
    """A browser has the one, a script the other."""
    behind = Behind(TOKEN)
    cookie = {"cookie": f"other=1; {COOKIE}={behind.login.open_session()}"}
    assert (await ask(behind.guard, "/api/calls", headers=cookie)).status == 200
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert (await ask(behind.guard, "/metrics", headers=bearer)).status == 200
    wrong = {"cookie": f"{COOKIE}=guessed"}
    assert (await ask(behind.guard, "/metrics", headers=wrong)).status == 401


async def test_guesses_are_bounded_and_logged_without_the_guess() -> None:
    """After five the right one is not heard either."""
    behind = Behind(TOKEN)
    with capture_logs() as logged:
        for _ in range(5):
            wrong = await ask(behind.guard, "/metrics", headers={"authorization": "Bearer guess"})
            assert (wrong.status, wrong.error) == (401, "wrong_token")
    assert [line["event"] for line in logged] == ["desk.login_refused"] * 5
    assert "guess" not in str(logged)
    bearer = {"authorization": f"Bearer {TOKEN}"}
    late = await ask(behind.guard, "/metrics", headers=bearer)
    assert (late.status, late.error) == (429, "too_many_attempts")
    assert late.headers["retry-after"] == "60"


async def test_guesses_count_for_whom_the_own_proxy_speaks_for() -> None:
    """Who guesses behind it shuts nobody else out."""
    behind = Behind(TOKEN)
    guess = {"authorization": "Bearer guess", "x-forwarded-for": "192.0.2.1"}
    for _ in range(6):
        answer = await ask(behind.guard, "/metrics", headers=guess)
    assert answer.error == "too_many_attempts"
    other = {"authorization": f"Bearer {TOKEN}", "x-forwarded-for": "192.0.2.1, 192.0.2.2"}
    assert (await ask(behind.guard, "/metrics", headers=other)).status == 200


async def test_a_websocket_without_a_login_is_told_so() -> None:
    """By its close: pages can't read the status of a refused handshake."""
    behind = Behind(TOKEN)
    sent = await ask_websocket(behind.guard, "/live", OWN)
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert (sent[1]["code"], behind.reached) == (4401, 0)


@pytest.mark.parametrize("is_heard", [True, False])
async def test_a_websocket_ends_with_its_session(is_heard: bool) -> None:
    """Whichever side says something next: who logs out watches nothing more, and calls nobody."""
    login = Login(TOKEN, session_ms=1000.0, clock=lambda: 0.0)
    session = login.open_session()
    ends: list[Message] = []

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "before"})
        assert (await receive())["text"] == "before"
        login.close_session(session)
        if is_heard:
            ends.append(await receive())
        for _ in range(2):
            with pytest.raises(OSError, match="session has ended"):
                await send({"type": "websocket.send", "text": "after"})

    guard = Guard(watch, login=login, allowed_hosts=(), cookie_name=COOKIE)
    texts: list[Message] = [{"type": "websocket.receive", "text": text} for text in ("before", "x")]
    cookie = {**OWN, "cookie": f"{COOKIE}={session}"}
    sent = await ask_websocket(guard, "/live", cookie, texts)
    assert [message.get("text") for message in sent] == [None, "before", None]
    assert (sent[2]["type"], sent[2]["code"]) == ("websocket.close", 4401)
    assert ends == ([{"type": "websocket.disconnect", "code": 4401}] if is_heard else [])


async def test_an_error_of_ours_is_nobody_else_s_to_read() -> None:
    """It is logged with its route, and the peer is told that the log knows."""
    with capture_logs() as logged:
        answer = await ask(Behind().guard, "/api/broken")
    assert (answer.status, answer.error) == (500, "failed")
    assert b"secret" not in answer.body
    assert [(line["event"], line["path"]) for line in logged] == [
        ("desk.request_failed", "/api/broken")
    ]


async def test_what_is_no_request_passes() -> None:
    """The server's own start and end."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    login = Login(None, session_ms=1.0, clock=lambda: 0.0)
    guard = Guard(app, login=login, allowed_hosts=(), cookie_name=COOKIE)
    await guard({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]
