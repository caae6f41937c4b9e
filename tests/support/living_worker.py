"""A worker that does nothing, and holds a pipe open for as long as its process lives."""

from __future__ import annotations

__all__ = ["main"]

import os
from collections.abc import Iterator, Mapping
from typing import Any

from voxgate.local_agent.worker_program import run_worker
from voxgate.local_agent.worker_wire import Message, MessageKind


class _LivingWorker:
    def __init__(self, options: Mapping[str, Any]) -> None:
        self._life = os.open(options["life"], os.O_WRONLY)

    def describe(self) -> Mapping[str, Any]:
        return {"life": self._life}

    def receive(self, message: Message) -> Iterator[Message]:
        yield Message(MessageKind.DONE, message.job, message.payload)


def main() -> None:
    """Serve until nobody asks."""
    run_worker(_LivingWorker)


if __name__ == "__main__":
    main()
