"""What an exception is in the log: its way through the code, without what it quotes."""

from __future__ import annotations

from voxgate.errors import ProviderError
from voxgate.observe.exception_text import exception_text

_SECRET = "said-by-the-caller"  # noqa: S105 - a phrase to look for


def raised(exc: BaseException) -> BaseException:
    """Return an exception that has been raised, by a function whose locals hold a secret."""
    try:
        fail(exc, _SECRET)
    except BaseException as caught:  # noqa: BLE001 - it is what the test is about
        return caught
    raise AssertionError("nothing was raised")


def fail(exc: BaseException, heard: str) -> None:
    assert heard
    raise exc


def test_type_and_lines_are_there_and_the_message_is_not() -> None:
    """Neither the message nor a local variable of any frame gets into the text."""
    text = exception_text(raised(ValueError(f"can't use {_SECRET!r}")))
    assert text.splitlines()[-1] == "ValueError"
    assert "in fail" in text
    assert "raise exc" in text
    assert _SECRET not in text


def test_an_error_of_our_own_is_there_with_its_message() -> None:
    """Its message is built of safe fields."""
    error = ProviderError("openai_realtime", "no session", code="connect_timeout", retryable=True)
    text = exception_text(raised(error))
    assert text.endswith(
        "voxgate.errors.ProviderError: openai_realtime: no session [connect_timeout]"
    )


def test_a_cause_comes_before_what_it_caused() -> None:
    """The chain is told from its beginning, context included unless it was left out on purpose."""
    error = RuntimeError(_SECRET)
    error.__cause__ = KeyError(_SECRET)
    assert exception_text(error) == "KeyError\nwhich led to:\nRuntimeError"
    error.__cause__ = None
    error.__context__ = OSError(_SECRET)
    error.__suppress_context__ = False
    assert exception_text(error) == "OSError\nwhich led to:\nRuntimeError"
    error.__suppress_context__ = True
    assert exception_text(error) == "RuntimeError"


def test_a_group_is_told_with_its_members() -> None:
    """A call's tasks raise in groups; each member is what matters."""
    group = ExceptionGroup(_SECRET, [ValueError(_SECRET), ExceptionGroup("", [KeyError(_SECRET)])])
    assert exception_text(group).splitlines() == [
        "ExceptionGroup",
        "1. of the group:",
        "ValueError",
        "2. of the group:",
        "ExceptionGroup",
        "1. of the group:",
        "KeyError",
    ]


def test_a_circle_of_causes_ends() -> None:
    """A chain that leads back to itself is followed for a while only."""
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert exception_text(first, max_depth=3).splitlines() == [
        "...",
        "which led to:",
        "ValueError",
        "which led to:",
        "KeyError",
        "which led to:",
        "ValueError",
    ]
