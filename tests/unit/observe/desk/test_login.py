"""Who has logged in."""

from __future__ import annotations

from itertools import count

from voxgate.observe.desk.login import Login, LoginOutcome

TOKEN = "right"  # noqa: S105 - of a test


class Time:
    """Says what it is told to."""

    def __init__(self) -> None:
        self.now_ms = 0.0

    def __call__(self) -> float:
        return self.now_ms


def door(time: Time, token: str | None = TOKEN) -> Login:
    names = count()
    return Login(token, session_ms=1000.0, clock=time, new_session=lambda: f"session {next(names)}")


def test_the_token_opens_and_no_other_does() -> None:
    """Not even one that begins so, nor one that is no text that could be sent."""
    login = door(Time())
    assert login.is_needed
    assert login.try_token("right", "peer") is LoginOutcome.DONE
    for wrong in ("", "righ", "right ", "\ud800"):
        assert login.try_token(wrong, f"peer of {wrong!a}") is LoginOutcome.WRONG


def test_a_door_without_a_token_stands_open() -> None:
    """On loopback nobody is asked."""
    login = door(Time(), None)
    assert not login.is_needed
    assert login.try_token("", "peer") is LoginOutcome.DONE


def test_who_guesses_too_often_must_wait() -> None:
    """Then not even the right token is heard, until a minute has passed; others are."""
    time = Time()
    login = door(time)
    outcomes = [login.try_token("wrong", "peer") for _ in range(6)]
    assert outcomes == [LoginOutcome.WRONG] * 5 + [LoginOutcome.TOO_MANY]
    assert login.try_token(TOKEN, "peer") is LoginOutcome.TOO_MANY
    assert login.try_token(TOKEN, "other") is LoginOutcome.DONE
    assert login.wait_s("peer") == 60
    assert login.wait_s("other") == 0
    time.now_ms = 60_000.0
    assert login.try_token(TOKEN, "peer") is LoginOutcome.DONE
    assert login.wait_s("peer") == 0


def test_who_has_many_names_must_wait_too() -> None:
    """A hundred guesses a minute, whoever they come from; who is in stays in."""
    time = Time()
    login = door(time)
    session = login.open_session()
    for number in range(100):
        assert login.try_token("wrong", f"peer {number}") is LoginOutcome.WRONG
    assert login.try_token(TOKEN, "another") is LoginOutcome.TOO_MANY
    assert login.wait_s("another") == 60
    assert login.has_session(session)
    time.now_ms = 60_000.0
    assert login.wait_s("another") == 0
    assert login.try_token(TOKEN, "another") is LoginOutcome.DONE


def test_a_right_token_forgives_the_wrong_ones() -> None:
    """Who mistypes now and then is never shut out."""
    login = door(Time())
    for _ in range(10):
        assert login.try_token("wrong", "peer") is LoginOutcome.WRONG
        assert login.try_token(TOKEN, "peer") is LoginOutcome.DONE


def test_peers_that_are_remembered_are_bounded() -> None:
    """A thousand strangers cost no memory for ever."""
    time = Time()
    login = door(time)
    for number in range(1100):
        time.now_ms += 1000.0  # slowly, so that they are heard
        assert login.try_token("wrong", f"peer {number}") is LoginOutcome.WRONG
    assert len(login._wrong) == 1000


def test_a_session_lasts_its_time_and_can_be_ended() -> None:
    """By its name only."""
    time = Time()
    login = door(time)
    first, second = login.open_session(), login.open_session()
    assert login.has_session(first)
    assert not login.has_session("session 7")
    assert not login.has_session(None)
    assert not login.has_session("")
    login.close_session(first)
    login.close_session(None)
    assert not login.has_session(first)
    assert login.has_session(second)
    time.now_ms = 1000.0
    assert not login.has_session(second)


def test_sessions_are_bounded_and_kept_as_digests() -> None:
    """The oldest goes; nobody who reads memory learns a session's name."""
    login = door(Time())
    names = [login.open_session() for _ in range(501)]
    assert not login.has_session(names[0])
    assert login.has_session(names[1])
    assert names[1] not in str(login._ends_ms)
