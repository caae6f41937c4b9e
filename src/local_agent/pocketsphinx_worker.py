"""The process that hears with CMU Pocketsphinx: sound of one turn after the other in, words out.

Invariant: what was heard in one turn does not show in what is recognised of the next, which may be
another caller's.
"""

from __future__ import annotations

__all__ = ["PocketsphinxWorker", "make_worker"]

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from .worker_program import WorkerUnfitError, run_worker
from .worker_wire import Message, MessageKind

_UPPER_HZ = 3800.0
"""Telephone audio has nothing above; the model's own filters reach to 6800 Hz."""


class PocketsphinxWorker:
    """Recognises turns, one at a time.

    Args:
        decoder: A ``pocketsphinx.Decoder``.
    """

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._fresh_means = decoder.get_cmn(update=False)
        self._job: int | None = None
        self._heard = ""
        self._odd_byte = b""

    def describe(self) -> Mapping[str, Any]:
        """Return nothing: there is one model."""
        return {}

    def receive(self, message: Message) -> Iterator[Message]:
        """Take sound of a turn, its end, or that nobody waits for it."""
        if message.kind is MessageKind.CANCEL:
            if self._job == message.job:
                self._end()
            return
        if self._job != message.job:
            self._begin(message.job)
        if message.kind is MessageKind.AUDIO:
            yield from self._listen(message)
        elif message.kind is MessageKind.END:
            yield Message(MessageKind.DONE, message.job, self._end().encode())

    def _begin(self, job: int) -> None:
        if self._job is not None:
            self._end()
        # The decoder goes on from the mean spectrum of what it heard last.
        self._decoder.set_cmn(self._fresh_means)
        self._decoder.start_utt()
        self._job, self._heard, self._odd_byte = job, "", b""

    def _listen(self, message: Message) -> Iterator[Message]:
        pcm = self._odd_byte + message.payload
        whole = len(pcm) - len(pcm) % 2
        self._odd_byte = pcm[whole:]
        self._decoder.process_raw(pcm[:whole])
        heard = self._words()
        if heard != self._heard:
            self._heard = heard
            yield Message(MessageKind.TEXT, message.job, heard.encode())

    def _end(self) -> str:
        self._job = None
        self._decoder.end_utt()
        return self._words()

    def _words(self) -> str:
        heard = self._decoder.hyp()
        return "" if heard is None else str(heard.hypstr)


def make_worker(_options: Mapping[str, Any]) -> PocketsphinxWorker:
    """Return a worker with the model that the package brings along.

    Raises:
        WorkerUnfitError: the package is not installed, or can't load its model.
    """
    try:
        sphinx = import_module("pocketsphinx")
        return PocketsphinxWorker(sphinx.Decoder(upperf=_UPPER_HZ, loglevel="FATAL"))
    except (ImportError, RuntimeError, ValueError) as exc:
        raise WorkerUnfitError(f"can't be loaded ({exc})") from exc


if __name__ == "__main__":
    run_worker(make_worker)
