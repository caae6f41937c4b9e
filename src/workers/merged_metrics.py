"""The metrics of several processes as one page: each worker's, told apart by the label ``worker``.

They are not added up: a sum falls when one of its processes is started anew, which Prometheus would
take for a start of all of them. Invariant: every family stands once, its samples together, as the
text formats ask.
"""

from __future__ import annotations

__all__ = ["labelled", "merged_pages"]

from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client.core import Metric
from prometheus_client.samples import Sample

_END = "# EOF"


def labelled(families: Iterable[Metric], worker: int) -> tuple[Metric, ...]:
    """Return metrics with the number of their worker as a label of each sample."""
    return tuple(_labelled(family, str(worker)) for family in families)


def _labelled(family: Metric, worker: str) -> Metric:
    copy = Metric(family.name, family.documentation, family.type, family.unit)
    copy.samples = [_sample(sample, worker) for sample in family.samples]
    return copy


def _sample(sample: Sample, worker: str) -> Sample:
    return sample._replace(labels={**sample.labels, "worker": worker})


def merged_pages(pages: Iterable[str]) -> str:
    """Return pages of one text format as one.

    A family has the head of the first page that has it, and the samples of all, page by page.
    """
    families: dict[str, _Family] = {}
    has_end = False
    for page in pages:
        family = _Family()
        for line in page.splitlines():
            if line == _END:
                has_end = True
            elif line.startswith("# "):
                _, word, name = line.split(" ", 3)[:3]
                family = families.setdefault(name, _Family())
                family.head.setdefault(word, line)
            elif line:
                family.samples.append(line)
    lines = [line for each in families.values() for line in (*each.head.values(), *each.samples)]
    return "\n".join([*lines, *([_END] if has_end else [])]) + "\n"


@dataclass(slots=True)
class _Family:
    head: dict[str, str] = field(default_factory=dict)
    """Its lines that are no samples, by their word: HELP, TYPE, UNIT."""
    samples: list[str] = field(default_factory=list)
