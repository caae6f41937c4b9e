"""Logging in and out."""

from __future__ import annotations

from support.asgi_client import application, ask
from voxgate.observe.desk.login import Login
from voxgate.observe.desk.session_api import SessionApi

COOKIE = "voxgate_desk_8094"


def api(token: str | None) -> tuple[object, Login]:
    login = Login(token, session_ms=1000.0, clock=lambda: 0.0, new_session=lambda: "session")
    return application(SessionApi(login, cookie_name=COOKIE, session_s=60.0).routes()), login


async def test_the_page_is_told_whether_to_ask() -> None:
    """Not on an open desk, nor where a session is open."""
    open_app, _ = api(None)
    assert (await ask(open_app, "/api/session")).json["login"] == "none"
    app, login = api("right")
    assert (await ask(app, "/api/session")).json["login"] == "needed"
    login.open_session()
    answer = await ask(app, "/api/session", headers={"cookie": f"{COOKIE}=session"})
    assert answer.json["login"] == "done"
    assert answer.json["version"]


async def test_the_right_token_sets_a_cookie_that_no_script_reads() -> None:
    """It is sent to the desk only; over https, over nothing else."""
    app, login = api("right")
    answer = await ask(app, "/api/login", method="POST", body={"token": "right"})
    assert answer.status == 204
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}=session;")
    for word in ("httponly", "samesite=strict", "max-age=60", "path=/"):
        assert word in cookie
    assert "secure" not in cookie
    assert login.has_session("session")
    secure = await ask(
        app,
        "/api/login",
        method="POST",
        body={"token": "right"},
        headers={"origin": "https://desk.example.com"},
    )
    assert "secure" in secure.headers["set-cookie"].lower()


async def test_a_wrong_token_sets_none() -> None:
    """Nor does one that is no text, or a form of another page."""
    app, login = api("right")
    for body, status in (({"token": "wrong"}, 401), ({"token": 7}, 400), ({}, 400)):
        answer = await ask(app, "/api/login", method="POST", body=body)
        assert answer.status == status
        assert "set-cookie" not in answer.headers
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = await ask(app, "/api/login", method="POST", headers=form, chunks=[b"token=right"])
    assert answer.status == 415
    assert not login.has_session("session")


async def test_logging_out_ends_the_session() -> None:
    """Whoever has kept the cookie has nothing."""
    app, login = api("right")
    login.open_session()
    answer = await ask(app, "/api/logout", method="POST", headers={"cookie": f"{COOKIE}=session"})
    assert answer.status == 204
    assert not login.has_session("session")
