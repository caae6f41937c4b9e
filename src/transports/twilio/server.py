"""The server that Twilio asks for TwiML and connects to.

Who may connect, and what it is told, is here; how WebSockets become calls, and whom they can't
disturb, is :mod:`~voxgate.transports.websocket_server`'s to say. Invariant: what is not signed by
Twilio gets neither TwiML nor a call, where signatures are checked; and as long as Twilio may still
ask what comes after a stream, it is answered.
"""

from __future__ import annotations

__all__ = ["TwilioServerStats", "TwilioTransport"]

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass

import structlog
from aiohttp import hdrs, web

from ...config.line_models import TWIML_PATH, TwilioConfig
from ...errors import RemoteProtocolError
from ..base import CallHandler
from ..limited_log import LimitedLog
from ..websocket_connection import WebSocketConnection
from ..websocket_line import WebSocketLine
from ..websocket_server import WebSocketLineKind, WebSocketServerStats
from ..websocket_transport import WebSocketTransport
from .awaited_questions import AwaitedQuestions
from .call import TwilioCall
from .line import make_twilio_line
from .protocol import MAX_MESSAGE_CHARS
from .signature import SIGNATURE_HEADER, SignatureCheck, make_signature_check
from .transfers import PendingTransfers
from .twiml import connect_twiml
from .webhook import CallFields, parse_call_fields, parse_form

_AFTER_STREAM = ("after", "stream")
"""The query by which Twilio asks what comes after a stream. A query of the same path, so that a
proxy that forwards the TwiML forwards this too."""

_QUESTION_TIMEOUT_S = 5.0
"""Time in s that Twilio gets to ask what comes after a stream that we have closed; it takes well
under one, unless the caller hangs up in the same moment."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioServerStats(WebSocketServerStats):
    """What happened on a server so far, and what is open now."""

    unsigned_requests: int
    """Requests that are not Twilio's, by their signature; where none is checked, of web pages."""
    served_twiml: int
    """Requests that were answered with TwiML that connects a call."""
    transferred_calls: int
    """Calls that Twilio was told to connect with somebody else."""


class TwilioTransport(WebSocketTransport[TwilioCall]):
    """Serves TwiML and the WebSocket that it leads to.

    Args:
        config: The section ``lines.twilio``.
        environ: Where the auth token is, by the name that the section gives.
    """

    def __init__(self, config: TwilioConfig, environ: Mapping[str, str] = os.environ) -> None:
        self._config = config
        self._environ = environ
        self._check: SignatureCheck | None = None
        self._unsigned_requests = 0
        self._log = LimitedLog(log)
        self._served_twiml = 0
        self._transferred_calls = 0
        self._transfers = PendingTransfers()
        self._questions = AwaitedQuestions()
        super().__init__(
            config,
            WebSocketLineKind(
                name="twilio",
                routes=self._routes,
                make_call=TwilioCall,
                make_line=self._line,
                refusal=self._unsigned,
                max_message_bytes=MAX_MESSAGE_CHARS,
                listens_to_the_end=True,
            ),
        )

    @property
    def stats(self) -> TwilioServerStats:
        """What happened so far."""
        return TwilioServerStats(
            **asdict(self._server.stats),
            unsigned_requests=self._unsigned_requests,
            served_twiml=self._served_twiml,
            transferred_calls=self._transferred_calls,
        )

    async def start(self, handler: CallHandler) -> None:
        """Listen; each call is handed to ``handler`` in a task of its own.

        The call is hung up when the handler is done. What the handler raises is logged.

        Raises:
            ConfigError: if signatures are to be checked and can't be.
            TransportError: if the address can't be bound.
            LocalProtocolError: if the server is running or was stopped.
        """
        self._server.check_startable()
        self._check = make_signature_check(self._config, self._environ)

        async def serve(line: WebSocketLine[TwilioCall]) -> None:
            started = line.call.started
            call_sid = "" if started is None else started.call_sid
            log.info("twilio.stream_started", call_id=line.call_id, call_sid=call_sid)
            with self._questions.awaiting(call_sid) as asked:
                await handler(line)
                await _wait_asked(line, asked)

        await self._server.start(serve)
        self._log_start()

    def _routes(
        self, serve: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Iterable[web.AbstractRouteDef]:
        return (
            web.get(self._config.path, serve),
            web.get(TWIML_PATH, self._serve_twiml, allow_head=False),
            web.post(TWIML_PATH, self._serve_twiml),
        )

    def _log_start(self) -> None:
        log.info(
            "twilio.started",
            stream_url=self._config.public_url,
            twiml_url=self._config.public_twiml_url,
        )
        if self._check is None:
            log.warning(
                "twilio.signatures_unchecked",
                hint="whoever reaches the server can talk to the agent, at your cost",
            )

    async def _serve_twiml(self, request: web.Request) -> web.Response:
        try:
            form = await _read_form(request, self._config.start_timeout_s)
        except RemoteProtocolError as error:
            self._log.warning("twilio.form_refused", peer=request.remote, reason=str(error))
            return web.Response(status=400, text=f"{error}\n")
        signature = request.headers.get(SIGNATURE_HEADER)
        query = request.rel_url.raw_query_string
        name, value = _AFTER_STREAM
        is_after = request.query.get(name) == value
        if self._check is not None and not self._check.is_twiml_signed(
            signature, query=query, form=form, is_after=is_after
        ):
            return self._refuse_unsigned(request)
        call = parse_call_fields(form if request.method == "POST" else request.query)
        if is_after:
            text = self._after_stream(call)
        elif self._server.is_stopping:
            return web.Response(status=503, text="No more calls at the moment.\n")
        else:
            text = self._connecting(call)
        return web.Response(text=text, content_type="text/xml")

    def _connecting(self, call: CallFields) -> str:
        """Return what connects a call; what the configuration says of every call goes first."""
        self._served_twiml += 1
        return connect_twiml(
            self._config.public_url or "",
            {**call.numbers, **self._config.parameters},
            after_url="{}?{}={}".format(self._config.public_after_url, *_AFTER_STREAM),
        )

    def _after_stream(self, call: CallFields) -> str:
        self._questions.note(call.call_sid)
        text, is_transfer = self._transfers.take_twiml(call.call_sid)
        if is_transfer:
            self._transferred_calls += 1
            log.info("twilio.call_transferred", call_sid=call.call_sid)
        return text

    def _line(self, connection: WebSocketConnection[TwilioCall]) -> WebSocketLine[TwilioCall]:
        return make_twilio_line(connection, self._transfers)

    def _unsigned(self, request: web.Request) -> web.Response | None:
        """Return what a WebSocket that is not Twilio's is answered with; None for Twilio's."""
        if self._check is None:
            return self._refuse_page(request) if hdrs.ORIGIN in request.headers else None
        signature = request.headers.get(SIGNATURE_HEADER)
        return None if self._check.is_stream_signed(signature) else self._refuse_unsigned(request)

    def _refuse_page(self, request: web.Request) -> web.Response:
        """Refuse a browser: any page may ask it for a WebSocket to this machine."""
        self._unsigned_requests += 1
        self._log.warning(
            "twilio.page_refused",
            peer=request.remote,
            hint="a web page asked for the WebSocket; Twilio sends no Origin",
        )
        return web.Response(status=403, text="Web pages may not connect.\n")

    def _refuse_unsigned(self, request: web.Request) -> web.Response:
        self._unsigned_requests += 1
        self._log.warning(
            "twilio.signature_refused",
            peer=request.remote,
            path=request.path,
            has_signature=SIGNATURE_HEADER in request.headers,
            hint="the auth token and the public addresses must be those that Twilio has",
        )
        return web.Response(status=403, text="The signature is missing or wrong.\n")


async def _wait_asked(line: WebSocketLine[TwilioCall], asked: asyncio.Event) -> None:
    """End a call, and wait until Twilio has asked what comes after its stream, if it will.

    Nobody asks where the TwiML was somebody else's, and hardly anybody where the caller has gone.
    """
    await line.hangup()
    ended = line.connection.events.hangup
    if line.transfer is None or ended is None or ended.reason != "local_hangup":
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(_QUESTION_TIMEOUT_S):
            await asked.wait()


async def _read_form(request: web.Request, timeout_s: float) -> Mapping[str, str]:
    """Return the fields that a request has posted; none where it is a GET.

    Raises:
        RemoteProtocolError: if they do not come in time, or can't be read.
    """
    if request.method != "POST":
        return {}
    try:
        async with asyncio.timeout(timeout_s):
            body = await request.read()
    except TimeoutError:
        raise RemoteProtocolError(f"no whole form in {timeout_s:g} s") from None
    except web.RequestPayloadError:
        raise RemoteProtocolError("the body is not as its headers say") from None
    return parse_form(request.content_type, body)
