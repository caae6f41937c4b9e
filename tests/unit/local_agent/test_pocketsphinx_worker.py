"""Tests of the process that hears, with a decoder that counts bytes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from voxgate.local_agent.pocketsphinx_worker import PocketsphinxWorker, make_worker
from voxgate.local_agent.worker_program import WorkerUnfitError
from voxgate.local_agent.worker_wire import Message, MessageKind


class Decoder:
    """Hears one ``x`` for every four bytes."""

    def __init__(self) -> None:
        self.means = "fresh"
        self.heard = 0
        self.utterances = 0
        self.is_busy = False

    def get_cmn(self, *, update: bool) -> str:
        return self.means

    def set_cmn(self, means: str) -> None:
        self.means = means

    def start_utt(self) -> None:
        assert not self.is_busy
        assert self.means == "fresh"
        self.is_busy, self.heard = True, 0
        self.utterances += 1

    def process_raw(self, pcm: bytes) -> None:
        assert len(pcm) % 2 == 0
        self.heard += len(pcm)
        self.means = "used"

    def end_utt(self) -> None:
        assert self.is_busy
        self.is_busy = False

    def hyp(self) -> SimpleNamespace | None:
        return SimpleNamespace(hypstr="x" * (self.heard // 4)) if self.heard >= 4 else None


def say(worker: PocketsphinxWorker, kind: MessageKind, job: int, payload: bytes = b"") -> list[str]:
    return [
        f"{said.kind.name} {said.job} {said.text}"
        for said in worker.receive(Message(kind, job, payload))
    ]


def test_words_are_told_as_they_grow_and_once_more_at_the_end() -> None:
    """What has not changed is not said again."""
    worker = PocketsphinxWorker(Decoder())
    said = [say(worker, MessageKind.AUDIO, 1, bytes(size)) for size in (2, 2, 2, 2)]
    assert said == [[], ["TEXT 1 x"], [], ["TEXT 1 xx"]]
    assert say(worker, MessageKind.END, 1) == ["DONE 1 xx"]


def test_every_turn_starts_from_the_same_means() -> None:
    """What one caller said does not show in another's words; the decoder asserts it."""
    decoder = Decoder()
    worker = PocketsphinxWorker(decoder)
    for job in (1, 2):
        say(worker, MessageKind.AUDIO, job, bytes(8))
        assert say(worker, MessageKind.END, job) == [f"DONE {job} xx"]
    assert decoder.utterances == 2


def test_a_cancelled_turn_is_ended_without_a_word() -> None:
    """The decoder is free for the next."""
    decoder = Decoder()
    worker = PocketsphinxWorker(decoder)
    say(worker, MessageKind.AUDIO, 1, bytes(8))
    assert say(worker, MessageKind.CANCEL, 1) == []
    assert not decoder.is_busy
    assert say(worker, MessageKind.CANCEL, 1) == []
    assert say(worker, MessageKind.AUDIO, 2, bytes(4)) == ["TEXT 2 x"]


def test_a_turn_that_was_never_ended_gives_way_to_the_next() -> None:
    """A job that failed leaves the decoder in the middle of it."""
    worker = PocketsphinxWorker(Decoder())
    say(worker, MessageKind.AUDIO, 1, bytes(8))
    assert say(worker, MessageKind.AUDIO, 2, bytes(4)) == ["TEXT 2 x"]


def test_odd_bytes_wait_for_the_other_half_of_their_sample() -> None:
    """Chunks may be cut anywhere; the decoder asserts that it gets whole samples."""
    worker = PocketsphinxWorker(Decoder())
    said = [say(worker, MessageKind.AUDIO, 1, bytes(size)) for size in (3, 1)]
    assert said == [[], ["TEXT 1 x"]]


def test_a_turn_without_sound_has_no_words() -> None:
    """An end that comes first begins and ends the turn."""
    assert say(PocketsphinxWorker(Decoder()), MessageKind.END, 1) == ["DONE 1 "]


def test_a_missing_package_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason reaches the operator through the process that asked."""
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
    with pytest.raises(WorkerUnfitError, match="can't be loaded"):
        make_worker({})
