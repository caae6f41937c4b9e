"""What a PromQL expression asks for, and by which labels its results are told apart.

The library ``promql-parser`` reads it, as Prometheus does, types included; here the tree is walked.
"""

from __future__ import annotations

__all__ = ["Asked", "asked_by"]

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import promql_parser as promql

_OF_GRAFANA = re.compile(r"\$__(rate_interval|range)\b")
_SETS = {"and", "or", "unless"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one expression asks for."""

    expression: promql.Expr = field(compare=False)
    metrics: dict[str, set[str]] = field(default_factory=dict)
    """Labels that each metric is selected by."""
    picked: set[tuple[str, str]] = field(default_factory=set)
    """Labels with the values, or patterns of values, that they are selected by."""
    functions: set[str] = field(default_factory=set)
    looked_at: set[tuple[str, str]] = field(default_factory=set)
    """Metrics, each with the function that it is given to first; empty for none."""

    def labels(self, known: Mapping[str, set[str]]) -> set[str]:
        """Return the labels of the results.

        Args:
            known: Labels of every metric.

        Raises:
            AssertionError: it goes by a label that is not there, or joins what does not match.
        """
        return _labels(self.expression, known)


def asked_by(expression: str) -> Asked:
    """Return what an expression asks for; variables of Grafana stand for any duration.

    Raises:
        ValueError: it is no PromQL.
    """
    tree = promql.parse(_OF_GRAFANA.sub("5m", expression))
    asked = Asked(tree)
    _walk(tree, "", asked)
    return asked


def _walk(tree: promql.Expr, function: str, asked: Asked) -> None:
    if isinstance(tree, promql.VectorSelector):
        assert tree.name, "a metric is asked for by its name"
        matchers = tree.matchers.matchers
        asked.metrics.setdefault(tree.name, set()).update(each.name for each in matchers)
        asked.picked.update((each.name, each.value) for each in matchers)
        asked.looked_at.add((tree.name, function))
    elif isinstance(tree, promql.Call):
        function = tree.func.name
        asked.functions.add(function)
    elif isinstance(tree, promql.AggregateExpr):
        function = str(tree.op)
        asked.functions.add(function)
    elif isinstance(tree, promql.BinaryExpr):
        function = ""
    for part in _parts(tree):
        _walk(part, function, asked)


def _parts(tree: promql.Expr) -> Iterator[promql.Expr]:
    if isinstance(tree, promql.BinaryExpr):
        yield from (tree.lhs, tree.rhs)
    elif isinstance(tree, promql.Call):
        yield from tree.args
    elif isinstance(tree, promql.MatrixSelector):
        yield tree.vector_selector
    elif isinstance(tree, promql.AggregateExpr | promql.ParenExpr):
        yield tree.expr
    else:
        known = promql.VectorSelector | promql.NumberLiteral
        assert isinstance(tree, known), f"what its labels are is not known here: {tree}"


def _labels(tree: promql.Expr, known: Mapping[str, set[str]]) -> set[str]:
    if isinstance(tree, promql.BinaryExpr):
        return _joined(tree, known)
    if isinstance(tree, promql.VectorSelector):
        assert tree.name in known, tree.name
        selected = {each.name for each in tree.matchers.matchers}
        assert selected <= known[tree.name], (tree.name, selected)
        return set(known[tree.name])
    inner = set[str]().union(*(_labels(part, known) for part in _parts(tree)))
    if isinstance(tree, promql.AggregateExpr):
        groups = set[str]() if tree.modifier is None else set(tree.modifier.labels)
        assert groups <= inner, (groups, inner)
        return groups
    if isinstance(tree, promql.Call) and tree.func.name == "histogram_quantile":
        assert "le" in inner, "buckets are told apart by le"
        return inner - {"le"}
    return inner


def _joined(tree: promql.BinaryExpr, known: Mapping[str, set[str]]) -> set[str]:
    """Return the labels of two sides: equal, or both have those that they are joined on."""
    left, right = _labels(tree.lhs, known), _labels(tree.rhs, known)
    if promql.NumberLiteral in (type(tree.lhs), type(tree.rhs)):
        return left | right
    modifier = tree.modifier
    if modifier is None or modifier.matching is None:
        assert left == right, f"{left} does not match {right}: {tree}"
        return left
    assert modifier.matching.type == promql.LabelModifierType.Include, "only on (...) is known here"
    joined = set(modifier.matching.labels)
    assert joined <= left & right, (joined, left, right)
    is_many = modifier.card == promql.VectorMatchCardinality.ManyToOne
    return left if is_many or str(tree.op) in _SETS else joined
