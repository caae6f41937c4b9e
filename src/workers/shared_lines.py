"""The sockets of the lines that several workers serve: the parent listens, and hands on.

Invariant: whoever accepts is never kept waiting, and a connection that no worker takes stays with
the system until one does.
"""

from __future__ import annotations

__all__ = ["SharedLines"]

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any

from ..config.models import AppConfig
from ..errors import TransportError

_BACKLOG = 512
"""Connections that the system keeps until they are accepted."""
_MAX_AT_ONCE = 64
"""Connections accepted in one turn of the loop."""
_PAUSE_S = 0.2
"""How long nothing is accepted after the system could not give a file descriptor."""

Hand = Callable[[socket.socket, int], bool]
"""Hands a connection of a line on; returns whether anybody took it."""


class SharedLines:
    """Listens for every line that is enabled.

    Args:
        config: Which lines there are, and where they listen.
        hand: Called for each connection, which it closes here afterwards.
        has_taker: Returns whether anybody would take one.

    Raises:
        TransportError: an address can't be bound.
    """

    def __init__(self, config: AppConfig, *, hand: Hand, has_taker: Callable[[], bool]) -> None:
        self._hand = hand
        self._has_taker = has_taker
        self._sockets: dict[str, list[socket.socket]] = {}
        self._numbers: dict[str, int] = {}
        self._is_accepting = False
        self.failures = 0
        """Times that a connection could not be accepted, as the system had no room."""
        try:
            for line in fields(config.lines):
                section = getattr(config.lines, line.name)
                if section.enabled:
                    self._numbers[line.name] = len(self._sockets)
                    self._sockets[line.name] = _bound(line.name, section.host, section.port)
        except BaseException:
            self.close()
            raise

    @property
    def addresses(self) -> Mapping[str, tuple[str, int]]:
        """Host and port of each line, by its name, in the order of the lines' numbers."""
        return {name: sockets[0].getsockname()[:2] for name, sockets in self._sockets.items()}

    def accept(self) -> None:
        """Listen and accept from now on; idempotent."""
        if self._is_accepting:
            return
        self._is_accepting = True
        loop = asyncio.get_running_loop()
        for name, sockets in self._sockets.items():
            for listener in sockets:
                listener.listen(_BACKLOG)
                loop.add_reader(listener, self._accept, name, listener)

    def pause(self) -> None:
        """Accept nothing until told to; who connects meanwhile waits. Idempotent."""
        if not self._is_accepting:
            return
        self._is_accepting = False
        loop = asyncio.get_running_loop()
        for sockets in self._sockets.values():
            for listener in sockets:
                loop.remove_reader(listener)

    def close(self, keep: Collection[str] = ()) -> None:
        """Hand on who has connected already, and listen no more, but for some lines. Idempotent.

        Args:
            keep: Names of the lines that go on.
        """
        for name in [name for name in self._sockets if name not in keep]:
            for listener in self._sockets[name]:
                if self._is_accepting:
                    self._accept(name, listener, at_most=2 * _BACKLOG)
                    asyncio.get_running_loop().remove_reader(listener)
                listener.close()
            del self._sockets[name]

    def _accept(self, name: str, listener: socket.socket, *, at_most: int = _MAX_AT_ONCE) -> None:
        for _ in range(at_most):
            if not self._has_taker():
                self.pause()
                return
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # it is gone already
            except OSError:  # no file descriptor, or no memory
                self.failures += 1
                self.pause()
                asyncio.get_running_loop().call_later(_PAUSE_S, self.accept)
                return
            with connection:
                self._hand(connection, self._numbers[name])


def _bound(name: str, host: str, port: int) -> list[socket.socket]:
    """Bind a line's address, or all of them where a host name has several, as asyncio does."""
    try:
        return _bound_at_all(host, port)
    except OSError as exc:
        code = errno.errorcode.get(exc.errno or 0, type(exc).__name__)
        raise TransportError(
            f"{name} {host}:{port}",
            f"can't listen: {exc.strerror or exc}",
            code=code,
            retryable=code in ("EADDRINUSE", "EADDRNOTAVAIL"),
        ) from exc


def _bound_at_all(host: str, port: int) -> list[socket.socket]:
    """Bind every address of a host that this machine has; OSError where one is taken."""
    found = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    missing = OSError(errno.EADDRNOTAVAIL, "the host has no address")
    bound: list[socket.socket] = []
    with contextlib.ExitStack() as stack:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            try:
                bound.append(_bound_at(family, kind, protocol, address))
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                missing = error
            else:
                stack.enter_context(bound[-1])
        if not bound:
            raise missing
        stack.pop_all()
    return bound


def _bound_at(family: int, kind: int, protocol: int, address: Any) -> socket.socket:
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setblocking(False)  # noqa: FBT003 - the library's own order
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener
