"""What was said and done on a call so far, for a session that has to take over: bounded.

It is personal, stays in memory and ends with the call. Invariant: the oldest goes first, and no
more is kept than the bounds allow.
"""

from __future__ import annotations

__all__ = ["ConversationHistory"]

from collections import deque
from collections.abc import Mapping

_MAX_MESSAGES = 400
_MAX_CHARACTERS = 60_000
"""About as much as is said in two hours of telephone conversation with its pauses; a model reads
it in one request."""


class ConversationHistory:
    """Turns and function calls in order, in the shapes of ``agent.context.messages``."""

    __slots__ = ("_messages", "_n_characters")

    def __init__(self) -> None:
        self._messages: deque[tuple[int, Mapping[str, object]]] = deque()
        self._n_characters = 0

    @property
    def unanswered(self) -> str:
        """What the caller said last and nobody has answered, or empty text."""
        texts: list[str] = []
        for _, message in reversed(self._messages):
            if message.get("role") != "user":
                break
            texts.append(str(message["content"]))
        return " ".join(reversed(texts))

    @property
    def answered(self) -> tuple[Mapping[str, object], ...]:
        """Everything that is remembered before what is unanswered, oldest first."""
        messages = [message for _, message in self._messages]
        while messages and messages[-1].get("role") == "user":
            messages.pop()
        return tuple(messages)

    def add_text(self, content: str, *, is_caller: bool) -> None:
        """Remember what one side said."""
        role = "user" if is_caller else "assistant"
        self._add(len(content), {"type": "History", "role": role, "content": content})

    def add_call(self, *, call_id: str, name: str, arguments: str, response: str) -> None:
        """Remember a function call and its result."""
        call = {
            "id": call_id,
            "name": name,
            "client_side": True,
            "arguments": arguments,
            "response": response,
        }
        self._add(len(arguments) + len(response), {"type": "History", "function_calls": [call]})

    def _add(self, n_characters: int, message: Mapping[str, object]) -> None:
        self._messages.append((n_characters, message))
        self._n_characters += n_characters
        while self._messages and (
            len(self._messages) > _MAX_MESSAGES or self._n_characters > _MAX_CHARACTERS
        ):
            self._n_characters -= self._messages.popleft()[0]
