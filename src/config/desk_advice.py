"""What is allowed in the section ``desk`` but probably not meant.

Invariant: a warning never says what a token is, nor how long.
"""

from __future__ import annotations

__all__ = ["desk_warnings"]

from collections.abc import Iterator, Mapping

from .desk_model import DeskConfig

_SHORT = 16
"""Characters below which a token may be guessed: 64 bits, if it is random and hexadecimal."""


def desk_warnings(config: DeskConfig, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield keys, each with what is odd about it; ``environ`` is where the token is looked up."""
    if not config.enabled or config.token_env is None:
        return
    token = environ.get(config.token_env, "").strip()
    variable = f"the environment variable {config.token_env}"
    if not token:
        yield "desk.token_env", f"{variable} is not set: serve will not start without it"
    elif len(token) < _SHORT:
        message = (
            f"the token in {variable} has less than {_SHORT} characters and may be guessed: make "
            "one with `openssl rand -hex 16`"
        )
        yield "desk.token_env", message
