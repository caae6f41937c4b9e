"""As much of Asterisk's dialplan as the documents use: it is parsed, and a call walks through it.

What it does not know is an error, so that a document can't use it untested.
"""

from __future__ import annotations

__all__ = ["Channel", "Dialplan", "Step"]

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

_CONTEXT = re.compile(r"\[([a-z0-9-]+)\]")
_INCLUDE = re.compile(r"include => ([a-z0-9-]+)")
_EXTEN = re.compile(r"exten => ([_\w]+),1,(\w+)\((.*)\)")
_SAME = re.compile(r"same => n,(\w+)\((.*)\)")
_SUBSTRING = re.compile(r"(.*?):(-?\d+)(?::(-?\d+))?")
_CALL = re.compile(r"(\w+)\((.*)\)")


@dataclass(frozen=True, slots=True)
class Step:
    """One application and its arguments."""

    application: str
    arguments: str


@dataclass
class Channel:
    """A caller's channel: its variables, and what it posted by HTTP."""

    variables: dict[str, str]
    uuid: str = "c0ffee00-1234-4abc-8def-00112233aabb"
    posted: list[tuple[str, str]] = field(default_factory=list)
    """Address and form of each ``CURL``."""

    def value(self, text: str) -> str:
        """Return a text with its variables and functions evaluated, the innermost first."""
        while (start := text.rfind("${")) >= 0:
            end = text.index("}", start)
            text = text[:start] + self._evaluated(text[start + 2 : end]) + text[end + 1 :]
        return text

    def _evaluated(self, expression: str) -> str:
        cut = _SUBSTRING.fullmatch(expression)
        if cut is None or "(" in expression:
            return self._named(expression)
        text, offset = self._named(cut[1]), int(cut[2])
        length = len(text) if cut[3] is None else int(cut[3])
        return text[offset:][:length]

    def _named(self, name: str) -> str:
        if call := _CALL.fullmatch(name):
            return self._called(call[1], call[2])
        return self.variables[name]

    def _called(self, function: str, arguments: str) -> str:
        match function:
            case "UUID":
                assert not arguments
                return self.uuid
            case "CALLERID":
                return self.variables[f"CALLERID({arguments})"]
            case "URIENCODE":
                return quote(arguments, safe="")
            case "FILTER":
                allowed, _, text = arguments.partition(",")
                assert allowed == "0-9"
                return "".join(filter(str.isdigit, text))
            case "CURL":
                url, _, form = arguments.partition(",")
                assert "," not in form
                self.posted.append((url, form))
                return ""
        raise AssertionError(f"the function {function} is not known here")


class Dialplan:
    """The contexts of a text in the form of ``extensions.conf``."""

    def __init__(self, text: str) -> None:
        self.extensions: dict[tuple[str, str], list[Step]] = {}
        """Steps by context and pattern."""
        self.includes: list[tuple[str, str]] = []
        context = pattern = ""
        for line in filter(None, map(str.strip, text.splitlines())):
            if found := _CONTEXT.fullmatch(line):
                context, pattern = found[1], ""
            elif found := _INCLUDE.fullmatch(line):
                self.includes.append((context, found[1]))
            elif found := _EXTEN.fullmatch(line):
                pattern = found[1]
                self.extensions[context, pattern] = [Step(found[2], found[3])]
            elif (found := _SAME.fullmatch(line)) and pattern:
                self.extensions[context, pattern].append(Step(found[1], found[2]))
            else:
                raise AssertionError(f"{line!r} is no line of a dialplan")
        assert all(context for context, _ in self.extensions), "an extension without a context"

    def walked(
        self, context: str, pattern: str, variables: Mapping[str, str]
    ) -> tuple[list[Step], Channel]:
        """Return the steps that a call takes, their arguments evaluated, and its channel."""
        channel = Channel(dict(variables))
        steps: list[Step] = []
        for step in self.extensions[context, pattern]:
            arguments = channel.value(step.arguments)
            assert not set("${}") & set(arguments)
            if step.application == "Set":
                name, _, value = arguments.partition("=")
                channel.variables[name] = value
            steps.append(Step(step.application, arguments))
        return steps, channel
