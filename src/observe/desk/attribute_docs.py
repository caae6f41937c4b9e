"""The docstrings of fields and enum members, which Python itself does not keep.

Invariant: what is shown to an operator is what stands in the source, in one place; where the source
is not there (a frozen program), nothing is shown rather than something else.
"""

from __future__ import annotations

__all__ = ["attribute_docs", "first_line"]

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping
from functools import cache

_LITERAL = re.compile(r"``(.+?)``")
_ROLE = re.compile(r":[a-z]+:`~?(?:[\w.]*\.)?(\w+)`")


@cache
def attribute_docs(owner: type) -> Mapping[str, str]:
    """Return the docstring below each attribute of a class, as one line of plain text, by name."""
    try:
        source = inspect.getsource(owner)
    except (OSError, TypeError):
        return {}
    body = ast.parse(textwrap.dedent(source)).body[0]
    assert isinstance(body, ast.ClassDef), "the source of a class is one"  # noqa: S101
    docs = {}
    for statement, follower in zip(body.body, body.body[1:], strict=False):
        name = _name_of(statement)
        text = _text_of(follower)
        if name is not None and text is not None:
            docs[name] = _plain(text)
    return docs


def first_line(owner: type) -> str:
    """Return the first paragraph of a class's own docstring, as one line of plain text."""
    return _plain((owner.__doc__ or "").partition("\n\n")[0])


def _name_of(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.AnnAssign):
        target: ast.expr = statement.target
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


def _text_of(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        value = statement.value.value
        return value if isinstance(value, str) else None
    return None


def _plain(docstring: str) -> str:
    """Return a docstring as one line, without the marks of its markup."""
    text = _ROLE.sub(r"\1", " ".join(docstring.split()))
    return _LITERAL.sub(r"\1", text)
