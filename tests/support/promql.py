"""What a PromQL expression asks for: metrics with the labels that they are selected by, and groups.

No evaluation: as much of the grammar as it takes to tell a metric from a function, a label from a
value, and a duration from a number. What it can't read is an error, never skipped.
"""

from __future__ import annotations

__all__ = ["Asked", "asked_by"]

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<range>\[[^\]]*\])
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},@])""",
    re.VERBOSE,
)
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan", "Inf", "NaN"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one expression asks for."""

    metrics: dict[str, set[str]] = field(default_factory=dict)
    """Labels that each metric is selected by."""
    groups: set[str] = field(default_factory=set)
    """Labels that results are grouped or joined by."""
    functions: set[str] = field(default_factory=set)


def _tokens(expression: str) -> Iterator[str]:
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        assert match, f"no PromQL: {expression[position:]!r} of {expression!r}"
        position = match.end()
        if match.lastgroup == "range":
            assert re.fullmatch(r"\[(\d+[smhdw]|\$__rate_interval)\]", match[0]), match[0]
        elif match.lastgroup != "space":
            yield match[0]


def asked_by(expression: str) -> Asked:
    """Return what an expression asks for.

    Raises:
        AssertionError: it is no PromQL that is known here.
    """
    tokens = [*_tokens(expression), ""]
    assert tokens.count("(") == tokens.count(")"), expression
    asked = Asked()
    index = 0
    while tokens[index]:
        token, following = tokens[index], tokens[index + 1]
        index += 1
        if not re.match(r"[a-zA-Z_:]", token) or token in _WORDS:
            continue
        if token in _GROUPING:
            if following == "(":
                index = _read_group(tokens, index + 1, asked)
        elif following == "(" or (following in _GROUPING and token not in asked.metrics):
            asked.functions.add(token)
        else:
            labels = asked.metrics.setdefault(token, set())
            if following == "{":
                index = _read_selector(tokens, index + 1, labels)
    return asked


def _read_group(tokens: list[str], index: int, asked: Asked) -> int:
    """Take the labels of a list up to its bracket; return the index behind it."""
    while tokens[index] != ")":
        if tokens[index] != ",":
            assert re.fullmatch(r"[a-zA-Z_]\w*", tokens[index]), tokens[index]
            asked.groups.add(tokens[index])
        index += 1
    return index + 1


def _read_selector(tokens: list[str], index: int, labels: set[str]) -> int:
    """Take the labels of a selector up to its bracket; return the index behind it."""
    while tokens[index] != "}":
        if tokens[index] == ",":
            index += 1
            continue
        name, operator, value = tokens[index : index + 3]
        assert re.fullmatch(r"[a-zA-Z_]\w*", name), name
        assert operator in {"=", "!=", "=~", "!~"}, operator
        assert value[:1] in {'"', "'"}, value
        labels.add(name)
        index += 3
    return index + 1
