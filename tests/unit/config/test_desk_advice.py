"""What is odd about the section ``desk``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from voxgate.config.desk_advice import desk_warnings
from voxgate.config.desk_model import DeskConfig

LONG = "0123456789abcdef"
DESK = DeskConfig(token_env="T")  # noqa: S106 - a name


@pytest.mark.parametrize("environ", [{}, {"T": ""}, {"T": " \n"}])
def test_a_token_that_is_not_set_is_told(environ: dict[str, str]) -> None:
    """serve refuses it; a desk that is off asks for none."""
    ((key, message),) = desk_warnings(DESK, environ)
    assert key == "desk.token_env"
    assert "T is not set: serve will not start" in message
    assert not list(desk_warnings(replace(DESK, enabled=False), environ))


def test_a_token_that_may_be_guessed_is_told() -> None:
    """Without it; one that is long enough is not, nor a desk that asks for none."""
    ((_, message),) = desk_warnings(DESK, {"T": LONG[:-1]})
    assert "may be guessed" in message
    assert LONG[:-1] not in message
    assert not list(desk_warnings(DESK, {"T": LONG}))
    assert not list(desk_warnings(DeskConfig(), {}))
