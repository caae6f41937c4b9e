"""User and password of ``websocket_client.conf``: HTTP Basic (RFC 7617), at the upgrade.

Invariant: a wrong password takes as long to refuse as one that is nearly right, and a line that is
to ask for a password and has none does not start.
"""

from __future__ import annotations

__all__ = ["CHALLENGE", "BasicCredentials", "make_credentials"]

import binascii
import hmac
from collections.abc import Mapping

from ...config.asterisk_websocket_model import AsteriskWebSocketConfig
from ...errors import ConfigError, ConfigProblem

CHALLENGE = 'Basic realm="voxgate", charset="UTF-8"'
"""Says, in ``WWW-Authenticate``, how one proves who one is."""

_MAX_HEADER_CHARS = 4096


class BasicCredentials:
    """What a peer must show.

    Args:
        username: Without a colon.
        password: Never logged.
    """

    def __init__(self, username: str, password: str) -> None:
        self._expected = f"{username}:{password}".encode()

    def admit(self, authorization: str | None) -> bool:
        """Say whether an ``Authorization`` header shows them; None: there is none."""
        scheme, _, token = (authorization or "")[:_MAX_HEADER_CHARS].partition(" ")
        try:
            shown = binascii.a2b_base64(token.strip(), strict_mode=True)
        except ValueError:
            shown = b""
        is_right = hmac.compare_digest(shown, self._expected)
        return scheme.lower() == "basic" and is_right


def make_credentials(
    config: AsteriskWebSocketConfig, environ: Mapping[str, str]
) -> BasicCredentials | None:
    """Return what peers of a line must show, or None if it is to ask for nothing.

    Raises:
        ConfigError: if a variable that the section names is not set.
    """
    if config.username_env is None or config.password_env is None:
        return None
    username, password = (
        _secret(environ, variable) for variable in (config.username_env, config.password_env)
    )
    if ":" in username:
        raise _problem(config.username_env, "has a colon, which no user name of HTTP Basic has")
    return BasicCredentials(username, password)


def _secret(environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable, "").strip()
    if not value:
        raise _problem(
            variable, "is not set; lines.asterisk_websocket asks Asterisk for what is in it"
        )
    return value


def _problem(variable: str, rule: str) -> ConfigError:
    return ConfigError([ConfigProblem(key=variable, value="", rule=rule, source="environment")])
