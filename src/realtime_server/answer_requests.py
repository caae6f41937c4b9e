"""What is asked of the answerer: put together when a response begins, sent when all is known.

Invariant: an answer is asked for at most once, and not before the words of every turn are there, if
anybody recognises them.
"""

from __future__ import annotations

__all__ = ["AnswerRequests"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .answerer import AnswerRequest, OfferedFunction
from .caller_turns import CallerTurns
from .client_events import FunctionCallOutput, ItemReference, NewItem, ResponseOptions
from .conversation import Conversation, ConversationItem
from .history import history_of, system_text_of
from .outbox import Outbox
from .responder import Responder
from .session_config import SessionConfig

_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class _Unasked:
    """A response that was created, and whose answer is to be asked for."""

    response_id: str
    request: AnswerRequest
    context: Iterable[ConversationItem]


class AnswerRequests:
    """Begins the responses of one session.

    Args:
        outbox: Knows the time.
        conversation: What an answer goes by, unless the response brings a context of its own.
        turns: What the caller said.
        responder: Runs the responses.
    """

    def __init__(
        self,
        outbox: Outbox,
        conversation: Conversation,
        turns: CallerTurns,
        responder: Responder,
    ) -> None:
        self._outbox = outbox
        self._conversation = conversation
        self._turns = turns
        self._responder = responder
        self._unasked: _Unasked | None = None
        self._unanswered_text: str | None = None
        self._function_output: str | None = None

    def receive_item(self, item: NewItem) -> None:
        """Take note of an item that the client wrote."""
        self._unanswered_text = _text_of(item) or self._unanswered_text
        if isinstance(item, FunctionCallOutput):
            self._function_output = item.output

    def start(
        self, options: ResponseOptions, config: SessionConfig, *, was_idle: bool = False
    ) -> None:
        """Begin a response, and ask for its answer as soon as that can be.

        Raises:
            RequestError: if one is active, or its voice is not the one spoken with.
        """
        request = self._request(options, config, was_idle=was_idle)
        context = self._conversation if options.input is None else self._items_of(options.input)
        response_id = self._responder.start(options, config, request, self._outbox.now_ms)
        self._unanswered_text = self._function_output = None
        self._unasked = _Unasked(response_id, request, context)
        self.ask_when_heard()

    def ask_when_heard(self) -> None:
        """Ask for the answer that waits, if all that the caller said is known as words."""
        if self._unasked is None or self._turns.is_awaiting_words:
            return
        unasked, self._unasked = self._unasked, None
        history, system_text = history_of(unasked.context), system_text_of(unasked.context)
        request = replace(unasked.request, history=history, system_text=system_text)
        self._responder.ask(unasked.response_id, request)

    def _request(
        self, options: ResponseOptions, config: SessionConfig, *, was_idle: bool
    ) -> AnswerRequest:
        return AnswerRequest(
            turns_heard=self._turns.count,
            was_interrupted=self._responder.was_interrupted,
            was_idle=was_idle,
            session_instructions=config.instructions,
            instructions=options.instructions,
            text=_last_text(options) or self._unanswered_text,
            caller_audio=self._turns.last_audio,
            caller_format=self._turns.audio_format,
            offered=_offered_functions(options, config),
            function_output=self._function_output,
        )

    def _items_of(self, given: Sequence[NewItem | ItemReference]) -> list[ConversationItem]:
        """Return the context that a response brings along in place of the conversation."""
        items = (
            self._conversation.find(item.id)
            if isinstance(item, ItemReference)
            else ConversationItem(id=item.id or "", body=item.model_dump(exclude_none=True))
            for item in given
        )
        return [item for item in items if item is not None]


def _offered_functions(
    options: ResponseOptions, config: SessionConfig
) -> tuple[OfferedFunction, ...]:
    """Return what an answer may call: the response's own functions, or else the session's."""
    if (options.tool_choice or config.tool_choice) == "none":
        return ()
    return tuple(
        OfferedFunction(
            name=tool.name,
            description=tool.description or "",
            parameters=tool.parameters or _NO_PARAMETERS,
        )
        for tool in (config.tools if options.tools is None else options.tools)
    )


def _text_of(item: NewItem | ItemReference) -> str | None:
    """Return the text of a message, or None."""
    content: list[Mapping[str, Any]] = item.model_dump().get("content", [])
    return " ".join(part["text"] for part in content if "text" in part) or None


def _last_text(options: ResponseOptions) -> str | None:
    """Return the newest text of the context that a response brings along, or None."""
    texts = (_text_of(item) for item in reversed(options.input or []))
    return next(filter(None, texts), None)
