"""An embedded server without a socket, for tests of what starts it."""

from __future__ import annotations

__all__ = ["StandInServer"]


class StandInServer:
    """Takes the place of the class of the embedded server, and of the one that it makes."""

    def __init__(self, error: OSError | None = None) -> None:
        self.error = error
        """Raised at the start, if any."""
        self.is_running = False
        self.url = "ws://127.0.0.1:4711/v1/realtime"
        self.arguments: dict[str, object] = {}
        """What it was made with."""

    def __call__(self, **arguments: object) -> StandInServer:
        self.arguments = arguments
        return self

    async def start(self) -> None:
        if self.error is not None:
            raise self.error
        self.is_running = True

    async def stop(self) -> None:
        self.is_running = False
