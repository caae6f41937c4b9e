"""A proposal as a YAML patch: the changed keys, and beside each what it is expected to bring.

Invariant: the patch by itself is a valid configuration, so that whatever merges YAML can apply it.
"""

from __future__ import annotations

__all__ = ["PATCH_MARK", "patch_text"]

from collections.abc import Iterable, Sequence

from ..evaluate.summary import Share
from .figures import Estimate
from .tuning import Comparison, KeyChange, Tuning

PATCH_MARK = "# voxgate tune: "
"""What a patch begins with, by which one is told from a configuration."""


def patch_text(tuning: Tuning, source: str) -> str:
    """Return the patch of a proposal.

    Args:
        tuning: With a proposal.
        source: The configuration that it was searched from, as messages name it.
    """
    lines = [
        f"{PATCH_MARK}proposal for {source}",
        "# Merge these keys into it; docs/tune.md says how. The file itself was not touched.",
    ]
    if tuning.held_out is not None:
        lines += [f"# {line}" for line in _effect(tuning.held_out)]
    return "\n".join([*lines, *_tree(tuning.changes)]) + "\n"


def _effect(comparison: Comparison) -> Iterable[str]:
    """Yield what is expected, by the calls that the search never saw: it flatters the others."""
    before, after = comparison.current, comparison.proposed
    if after is None:
        return
    yield f"Expected, by {before.calls} calls that were held out:"
    false, right = (_share(before.false), _share(after.false)), (before.right, after.right)
    yield f"  false barge-ins, of agent turns: {false[0]} -> {false[1]}"
    yield f"  right barge-ins, of interruptions: {_share(right[0])} -> {_share(right[1])}"
    lost = (_percent(before.lost_percent), _percent(after.lost_percent))
    yield f"  caller speech lost: {lost[0]} -> {lost[1]}"


def _share(share: Share) -> str:
    interval = share.wilson_95_percent
    if interval is None or share.percent is None:
        return "-"
    return f"{share.percent:.1f} % ({interval[0]:.1f} to {interval[1]:.1f})"


def _percent(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    if estimate.interval is None:
        return f"{estimate.value:.1f} %"
    return f"{estimate.value:.1f} % ({estimate.interval[0]:.1f} to {estimate.interval[1]:.1f})"


def _tree(changes: Sequence[KeyChange]) -> list[str]:
    """Return the changed keys, nested as in the configuration."""
    lines: list[str] = []
    open_path: tuple[str, ...] = ()
    for change in sorted(changes, key=lambda each: each.key.path):
        *sections, name = change.key.path
        shared = _shared(open_path, tuple(sections))
        lines += [f"{'  ' * depth}{sections[depth]}:" for depth in range(shared, len(sections))]
        open_path = tuple(sections)
        indent = "  " * len(sections)
        lines.append(f"{indent}# was {change.current:g}; {change.key.meaning}")
        lines.append(f"{indent}{name}: {_yaml(change.proposed)}")
    return lines


def _shared(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """Return how many sections two paths have in common from the top."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _yaml(value: float) -> str:
    return repr(value)
