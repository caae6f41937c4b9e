"""Tests of the worker's side: messages in order, and jobs that nobody waits for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from voxgate.local_agent.worker_program import Inbox, answer
from voxgate.local_agent.worker_wire import Message, MessageKind, serialize_message

AUDIO, CANCEL, TEXT = MessageKind.AUDIO, MessageKind.CANCEL, MessageKind.TEXT


class Pipe:
    """Reads that are scripted; ``later`` comes once somebody waits for it."""

    def __init__(self, *now: list[Message], later: tuple[list[Message], ...] = ()) -> None:
        self._now = deque(now)
        self._later = deque(later)

    def inbox(self) -> Inbox:
        return Inbox(self.read, lambda: bool(self._now))

    def read(self) -> bytes:
        source = self._now or self._later
        return b"".join(map(serialize_message, source.popleft())) if source else b""


class Echo:
    """Answers every message twice."""

    def describe(self) -> Mapping[str, Any]:
        return {}

    def receive(self, message: Message) -> Iterator[Message]:
        for number in (1, 2):
            yield Message(TEXT, message.job, message.payload + str(number).encode())


class Broken(Echo):
    """Can't do anything."""

    def receive(self, message: Message) -> Iterator[Message]:
        raise RuntimeError(f"secret of {message.job}")


def answers(inbox: Inbox, worker: Echo | None = None) -> list[Message]:
    worker = worker or Echo()
    return [said for message in inbox for said in answer(worker, inbox, message)]


def test_messages_come_in_order_until_the_other_side_is_gone() -> None:
    """What is there at once and what comes later are one stream."""
    first, second, third = (Message(AUDIO, 1, bytes([n])) for n in range(3))
    assert list(Pipe([first, second], later=([third],)).inbox()) == [first, second, third]


def test_a_job_cancelled_before_its_turn_is_left_out() -> None:
    """Its sound need not be worked through; the worker is told that it is over, and says so."""
    worker_says = answers(
        Pipe([Message(AUDIO, 1, b"a"), Message(AUDIO, 1, b"b")], [Message(CANCEL, 1)]).inbox()
    )
    assert [said.payload for said in worker_says] == [b"1", b"2", b""]  # of the cancellation itself
    assert worker_says[-1] == Message(MessageKind.LEFT, 1)


def test_a_job_that_cannot_be_left_in_order_is_left() -> None:
    """Else a worker would never get another."""
    said = answers(Pipe([Message(CANCEL, 1)]).inbox(), Broken())
    assert [message.kind for message in said] == [MessageKind.FAILED, MessageKind.LEFT]


def test_a_job_cancelled_while_it_is_done_ends_after_its_next_answer() -> None:
    """A worker looks up between two answers."""
    pipe = Pipe([Message(AUDIO, 1, b"a")])
    inbox = pipe.inbox()
    message = next(iter(inbox))
    said = answer(Echo(), inbox, message)
    assert next(said).payload == b"a1"
    pipe._now.append([Message(CANCEL, 1)])
    assert list(said) == []


def test_a_cancelled_number_is_forgotten_with_its_cancellation() -> None:
    """Nothing grows with the number of jobs."""
    inbox = Pipe([Message(AUDIO, 1), Message(CANCEL, 1), Message(AUDIO, 2, b"b")]).inbox()
    assert [said.payload for said in answers(inbox)][-2:] == [b"b1", b"b2"]
    assert not inbox._cancelled


def test_what_fails_ends_its_job_and_says_nothing_of_it() -> None:
    """The reason is the kind of error: its text may quote what was said."""
    pipe = Pipe([Message(AUDIO, 1), Message(AUDIO, 2)], later=([],))
    inbox = Inbox(pipe.read, lambda: False)
    said = answers(inbox, Broken())
    assert [(message.kind, message.job) for message in said] == [
        (MessageKind.FAILED, 1),
        (MessageKind.FAILED, 2),
    ]
    assert {message.text for message in said} == {"RuntimeError"}


def test_nothing_is_answered_once_nobody_is_there() -> None:
    """A worker whose parent is gone does not go on."""
    inbox = Pipe([Message(AUDIO, 1)], []).inbox()
    assert answers(inbox) == []
