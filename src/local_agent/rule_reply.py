"""Replies by rules: the words of a turn choose the sentence.

The operator's rules come first, in the order of the file; then what any agent should know without
being told: goodbye, the time, the date, and that it did not understand. Invariant: the same words
at the same time get the same answer, whatever their case and punctuation.
"""

from __future__ import annotations

__all__ = ["NOT_UNDERSTOOD", "RuleReply", "make_reply"]

import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime

from ..config.local_models import RuleReplyConfig
from .reply import FunctionAnswered, FunctionAsked, FunctionSpec, ReplyRequest, Role, Said

NOT_UNDERSTOOD = "I did not get that, please say it again."
"""What is said to a turn without a word."""

_GOODBYE = "Goodbye."
_HANGUP = "hangup"
"""The call's own function, where the operator allows it."""

_FAREWELLS = ("goodbye", "good bye", "bye")
_BUILT_IN: tuple[tuple[str, str], ...] = (
    *((words, _GOODBYE) for words in _FAREWELLS),
    ("what time", "It is {time}."),
    ("what date", "Today is {date}."),
    ("what day", "Today is {date}."),
)
_PLACEHOLDER = re.compile(r"\{(text|time|date)\}")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


class RuleReply:
    """Answers by words, for all calls.

    Args:
        config: The operator's rules.
        now: Returns the time of day for ``{time}`` and ``{date}``.
    """

    def __init__(
        self,
        config: RuleReplyConfig,
        *,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        own = tuple((frozenset(_words(key)), answer) for key, answer in config.rules.items())
        built_in = tuple((frozenset(_words(key)), answer) for key, answer in _BUILT_IN)
        self._rules = (*((words, answer) for words, answer in own if words), *built_in)
        self._otherwise = config.otherwise
        self._now = now

    async def start(self) -> None:
        """Be ready at once: there is nothing to load."""

    async def reply(self, request: ReplyRequest) -> AsyncIterator[str | FunctionAsked]:
        """Yield the answer in one piece; to a goodbye also ``hangup``, where it may be called."""
        text = _text_to_answer(request)
        if text is None:
            return
        words = frozenset(_words(text))
        yield self._sentence(text, words)
        if _is_farewell(words) and _has_function(request.functions, _HANGUP):
            yield FunctionAsked(function_call_id=f"rule-{len(request.history)}", name=_HANGUP)

    async def stop(self) -> None:
        """Let go of nothing."""

    def _sentence(self, text: str, words: frozenset[str]) -> str:
        if not words:
            return NOT_UNDERSTOOD
        template = next((answer for key, answer in self._rules if key <= words), self._otherwise)
        return self._filled(template, text)

    def _filled(self, template: str, text: str) -> str:
        """Put in what was heard and what time it is; what was heard is never a template itself."""
        now = self._now()
        values: Mapping[str, str] = {
            "text": text.strip().rstrip(".!?"),
            "time": f"{now.hour % 12 or 12}:{now.minute:02d} {'AM' if now.hour < 12 else 'PM'}",
            "date": f"{_DAYS[now.weekday()]}, {_MONTHS[now.month - 1]} {now.day}",
        }
        return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def make_reply(config: RuleReplyConfig, api_key: str | None = None) -> RuleReply:
    """Return a reply by these rules; no key is wanted."""
    del api_key
    return RuleReply(config)


def _text_to_answer(request: ReplyRequest) -> str | None:
    """Return what was said last, or None if a function's result is all that is new."""
    if request.history and isinstance(request.history[-1], FunctionAnswered | FunctionAsked):
        return None
    said = []
    for item in reversed(request.history):
        if not isinstance(item, Said) or item.role is not Role.CALLER:
            break
        said.append(item.text)
    return " ".join(reversed(said))


def _words(text: str) -> list[str]:
    """Return the words of a text as rules compare them."""
    plain = (
        unicodedata.normalize("NFKC", text)
        .casefold()
        .replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    )
    return _WORD.findall(plain)


def _is_farewell(words: frozenset[str]) -> bool:
    return any(words >= frozenset(farewell.split()) for farewell in _FAREWELLS)


def _has_function(functions: tuple[FunctionSpec, ...], name: str) -> bool:
    return any(function.name == name for function in functions)


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
"""English, as the words of the built-in rules are; the machine's locale is not asked."""
