"""Whether a request is Twilio's: ``X-Twilio-Signature``, over the address that Twilio asked for.

The check itself is Twilio's own, from its package, an extra. Invariant: a line that is to check
signatures and can't does not start.
"""

from __future__ import annotations

__all__ = ["SIGNATURE_HEADER", "SignatureCheck", "make_signature_check"]

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from ...config.line_models import TwilioConfig
from ...errors import ConfigError, ConfigProblem

SIGNATURE_HEADER = "X-Twilio-Signature"
"""Carries the signature: HMAC-SHA1 of the address and the form's fields, with the auth token."""


class _Validator(Protocol):
    def validate(self, uri: str, params: Any, signature: str) -> bool: ...


class SignatureCheck:
    """Checks the requests of one line.

    Args:
        validator: Twilio's own.
        stream_url: Public address of the WebSocket, to the letter.
        twiml_url: Public address of the TwiML, without a query.
        after_url: Public address of the question what comes after a stream, without a query; None:
            that of the TwiML.
    """

    def __init__(
        self,
        validator: _Validator,
        *,
        stream_url: str,
        twiml_url: str,
        after_url: str | None = None,
    ) -> None:
        self._validator = validator
        self._stream_url = stream_url
        self._twiml_url = twiml_url
        self._after_url = after_url or twiml_url

    def is_stream_signed(self, signature: str | None) -> bool:
        """Say whether an upgrade to the WebSocket is Twilio's: the address, without any field."""
        return bool(signature) and self._validator.validate(self._stream_url, {}, signature or "")

    def is_twiml_signed(
        self, signature: str | None, *, query: str, form: Mapping[str, Any], is_after: bool = False
    ) -> bool:
        """Say whether a request for TwiML is Twilio's.

        Args:
            signature: The header; None if there is none.
            query: The query as it was sent, without ``?``; a GET has the call's fields in it.
            form: The fields of a POST.
            is_after: Whether it asks what comes after a stream.
        """
        address = self._after_url if is_after else self._twiml_url
        url = f"{address}?{query}" if query else address
        return bool(signature) and self._validator.validate(url, form, signature or "")


def make_signature_check(config: TwilioConfig, environ: Mapping[str, str]) -> SignatureCheck | None:
    """Return the check of a line, or None if it is not to check.

    Raises:
        ConfigError: if the package or the auth token is missing.
    """
    if not config.validate_signature:
        return None
    token = environ.get(config.auth_token_env, "").strip()
    if not token:
        raise _problem(
            config.auth_token_env,
            "is not set; lines.twilio checks Twilio's signatures with the auth token in it",
            "environment",
        )
    try:
        package = import_module("twilio.request_validator")
    except ImportError:
        raise _problem(
            "lines.twilio.validate_signature",
            "needs the package twilio: pip install 'voxgate[twilio]'",
            "configuration",
        ) from None
    validator: _Validator = package.RequestValidator(token)
    return SignatureCheck(
        validator,
        stream_url=config.public_url or "",
        twiml_url=config.public_twiml_url,
        after_url=config.public_after_url,
    )


def _problem(key: str, rule: str, source: str) -> ConfigError:
    return ConfigError([ConfigProblem(key=key, value="", rule=rule, source=source)])
